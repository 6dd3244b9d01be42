//! The probability of a text by itself: bigram counts of a field in train as fitted values, and their model over the classes
//! of a decoder. An objective may have one for each of its sides.

use candle_core::{Error, Result, bail};

use crate::{
    data::{Bigrams, Corpus, Fitted, Vocabulary, bigrams::PairCounts},
    model::decoder::{EDGE, FIRST, UNKNOWN},
};

fn words_key(side: &str) -> String {
    format!("{side}_words")
}

fn bigrams_key(side: &str) -> String {
    format!("{side}_bigrams")
}

/// Adds the words of a field in train, and triples of two neighbours and their count. Neighbours are 0 for the edge of a
/// text, or 1 + the id of a word.
pub(super) fn add_counts(fitted: Fitted, side: &str, field: &str, corpora: &[&Corpus]) -> Fitted {
    let read: Vec<(&Corpus, usize)> =
        corpora.iter().filter_map(|&corpus| Some((corpus, corpus.field(field)?))).collect();
    let words = Vocabulary::of_train(read.iter().copied(), str::to_owned, None);
    let mut counts = PairCounts::new();
    for (corpus, field) in read {
        let ids: Vec<u32> = (corpus.lexicons[field].iter())
            .map(|word| words.id(word).map_or(0, |id| id + 1))
            .collect();
        for text in corpus.train.examples.iter().filter_map(|example| example.symbols(field)) {
            let mut before = 0;
            for next in text.iter().map(|&symbol| ids[symbol as usize]).chain([0]) {
                *counts.entry((before, next)).or_default() += 1;
                before = next;
            }
        }
    }
    let triples = counts
        .into_iter()
        .flat_map(|((before, next), count)| [f64::from(before), f64::from(next), count as f64]);
    fitted
        .with_vocabulary(&words_key(side), words)
        .with_numbers(&bigrams_key(side), triples.collect())
}

/// The model of these counts over the classes of a decoder, where words outside its vocabulary are one class.
pub(super) fn model(fitted: &Fitted, side: &str, vocabulary: &Vocabulary) -> Result<Bigrams> {
    let words = fitted.vocabulary(&words_key(side)).map_err(Error::msg)?;
    let triples = fitted.numbers(&bigrams_key(side)).map_err(Error::msg)?;
    let known = words.iter().map(|(word, _)| vocabulary.id(word).map_or(UNKNOWN, |id| id + FIRST));
    let classes: Vec<u32> = std::iter::once(EDGE).chain(known).collect();
    let mut counts = PairCounts::new();
    for triple in triples.chunks(3) {
        let [before, next, count] = triple else { bail!("expected triples of bigrams") };
        let class = |neighbour: f64| classes.get(neighbour as usize).copied();
        let (Some(before), Some(next)) = (class(*before), class(*next)) else {
            bail!("expected bigrams of the {} words of {side}, found others", words.len())
        };
        *counts.entry((before, next)).or_default() += *count as u64;
    }
    Ok(Bigrams::new(counts, vocabulary.len() + FIRST as usize))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::data::{Example, Field, FieldValues, Schema, SplitData};

    /// `a b` and `a c`, of which a decoder knows only a.
    #[test]
    fn bigrams_of_train_have_edges_and_one_class_for_other_words() {
        let mut corpus = Corpus::of_schema(Schema::of_tokens(vec![Field::of_tokens("text")]));
        let example = |text: [&str; 2], corpus: &mut Corpus| {
            let symbols = text.map(|word| corpus.lexicons[0].intern(word)).to_vec();
            Example::of_tokens(vec![1; 2], vec![Some(FieldValues::Symbols(symbols))])
        };
        let examples = [["a", "b"], ["a", "c"]].map(|text| example(text, &mut corpus)).into();
        corpus.train = SplitData { examples, ..SplitData::default() };
        let fitted = add_counts(Fitted::default(), "left", "text", &[&corpus]);
        let triples = &fitted.numbers["left_bigrams"];
        let found: Vec<&[f64]> = triples.chunks(3).collect();
        // a, b and c are 1 to 3.
        let wanted =
            [[0.0, 1.0, 2.0], [1.0, 2.0, 1.0], [1.0, 3.0, 1.0], [2.0, 0.0, 1.0], [3.0, 0.0, 1.0]];
        assert_eq!(found, wanted);
        let known = Vocabulary::from_counts(BTreeMap::from([("a", 2)]), 1, None);
        let found = model(&fitted, "left", &known).unwrap();
        let a = FIRST;
        let counts = BTreeMap::from([((EDGE, a), 2), ((a, UNKNOWN), 2), ((UNKNOWN, EDGE), 2)]);
        let wanted = Bigrams::new(counts, 3);
        for (before, class) in (0..3).flat_map(|before| (0..3).map(move |class| (before, class))) {
            let both = [&found, &wanted].map(|model| model.log_probability(before, class));
            assert_eq!(both[0].to_bits(), both[1].to_bits(), "{before} {class}");
        }
        assert!(model(&Fitted::default(), "left", &known).is_err());
    }
}
