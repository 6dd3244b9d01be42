//! The statistics of a corpus for `auxdesk check`; the command formats them.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use super::{
    Axis, Corpus, Example, FieldForm, SplitData, Symbol,
    vocabulary::{count, count_labels},
};
use crate::protocol::event::{Irregularity, Split};

/// Statistics of a corpus.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CorpusStatistics {
    /// Its name in the recipe.
    pub name: String,
    /// Its splits: train first, then dev and test if it has them.
    pub splits: Vec<SplitStatistics>,
    /// Its fields with strings, in its order.
    pub fields: Vec<FieldStatistics>,
    /// Examples that were skipped because of a fault.
    pub skipped: u64,
    /// Lines that were not used as they stand, by split and treatment.
    pub irregularities: Vec<Irregularity>,
}

/// Statistics of a split.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SplitStatistics {
    /// The split.
    pub split: Split,
    /// The name of its file.
    pub file: String,
    /// The number of examples.
    pub examples: u64,
    /// The number of tokens.
    pub tokens: u64,
    /// The percentage of tokens whose first field does not occur in train; `None` for train itself.
    pub unknown: Option<f32>,
    /// The number of examples whose texts equal those of an example of train; `None` for train itself.
    pub overlap: Option<u64>,
}

/// Statistics of a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldStatistics {
    /// Its name.
    pub name: String,
    /// The number of distinct strings in train.
    pub distinct: u64,
}

fn has_strings(form: FieldForm) -> bool {
    matches!(form, FieldForm::Symbols | FieldForm::Label | FieldForm::Labels)
}

/// The statistics of a corpus with these overlaps.
pub fn statistics(corpus: &Corpus, overlaps: &Overlaps) -> CorpusStatistics {
    let splits = [Split::Train, Split::Dev, Split::Test];
    let fields = corpus.fields.iter().zip(&corpus.lexicons).enumerate();
    CorpusStatistics {
        name: corpus.name.clone(),
        splits: splits
            .into_iter()
            .filter_map(|split| {
                let mut statistics = split_statistics(corpus, split, corpus.split(split)?);
                statistics.overlap = overlaps.get(&split).copied();
                Some(statistics)
            })
            .collect(),
        fields: fields
            .filter(|(_, (field, _))| has_strings(field.form))
            .map(|(at, (field, lexicon))| {
                let counts = count(lexicon, &corpus.train, at);
                let distinct = counts.iter().filter(|&&count| count > 0).count() as u64;
                FieldStatistics { name: field.name.clone(), distinct }
            })
            .collect(),
        skipped: corpus.skipped(),
        irregularities: corpus.irregularities.clone(),
    }
}

/// The labels of a field in a split with their counts, in alphabetical order.
pub fn label_set<'a>(
    corpus: &'a Corpus,
    split: &SplitData,
    field: usize,
) -> BTreeMap<&'a str, u64> {
    let lexicon = &corpus.lexicons[field];
    let counts = lexicon.iter().zip(count_labels(lexicon, split, field));
    counts.filter(|&(_, count)| count > 0).collect()
}

fn split_statistics(corpus: &Corpus, split: Split, data: &SplitData) -> SplitStatistics {
    let size = data.size();
    let is_held_out = split != Split::Train && !corpus.lexicons.is_empty();
    SplitStatistics {
        split,
        file: data.file.as_ref().into(),
        examples: size.examples,
        tokens: size.tokens,
        unknown: is_held_out.then(|| unknown(corpus, data)),
        overlap: None,
    }
}

/// The percentage of tokens whose first field does not occur in train.
fn unknown(corpus: &Corpus, split: &SplitData) -> f32 {
    let in_train = count(&corpus.lexicons[0], &corpus.train, 0);
    let symbols = split.examples.iter().filter_map(|example| example.symbols(0)).flatten();
    let (mut n_unknown, mut n_tokens) = (0_u64, 0_u64);
    for &symbol in symbols {
        n_tokens += 1;
        n_unknown += u64::from(in_train[symbol as usize] == 0);
    }
    if n_tokens == 0 { 0.0 } else { (100.0 * n_unknown as f64 / n_tokens as f64) as f32 }
}

/// The fields of words: the first field of each sequence, if it is of strings.
pub fn text_fields(corpus: &Corpus) -> Vec<usize> {
    let sequences = 0..corpus.sequences.len();
    let first = |sequence| {
        let on = |axis: Axis| axis == Axis::Sequence(sequence);
        corpus.fields.iter().position(|field| on(field.axis))
    };
    let of_words = sequences.filter_map(first);
    of_words.filter(|&field| corpus.fields[field].form == FieldForm::Symbols).collect()
}

/// For each split but train, the number of examples whose texts are those of an example of train.
pub type Overlaps = BTreeMap<Split, u64>;

/// The overlaps of a corpus; none if it has no strings.
pub fn overlaps(corpus: &Corpus) -> Overlaps {
    fn texts<'a>(example: &'a Example, fields: &[usize]) -> Option<Vec<&'a [Symbol]>> {
        let all = fields.iter().map(|&field| example.symbols(field));
        all.collect::<Option<Vec<_>>>().filter(|all| !all.is_empty())
    }
    let held_out = [(Split::Dev, &corpus.dev), (Split::Test, &corpus.test)];
    let mut held_out =
        held_out.into_iter().filter_map(|(split, data)| Some((split, data.as_ref()?))).peekable();
    if corpus.lexicons.is_empty() || held_out.peek().is_none() {
        return Overlaps::new();
    }
    let fields = text_fields(corpus);
    let in_train = corpus.train.examples.iter().filter_map(|example| texts(example, &fields));
    let in_train: HashSet<_> = in_train.collect();
    let overlap = |data: &SplitData| {
        let of_split = data.examples.iter().filter_map(|example| texts(example, &fields));
        of_split.filter(|texts| in_train.contains(texts)).count() as u64
    };
    held_out.map(|(split, data)| (split, overlap(data))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Example, Field, FieldValues, Schema};

    #[test]
    fn tokens_and_examples_of_dev_are_compared_with_train() {
        let schema = Schema::of_tokens(vec![Field::of_tokens("form")]);
        let mut corpus = Corpus { name: "news".into(), ..Corpus::of_schema(schema) };
        let mut part = |texts: &[&str]| {
            let example = |text: &&str| {
                let words = text.split(' ').map(|word| corpus.lexicons[0].intern(word));
                let symbols: Vec<_> = words.collect();
                let lines = vec![1; symbols.len()];
                Example::of_tokens(lines, vec![Some(FieldValues::Symbols(symbols))])
            };
            SplitData {
                examples: texts.iter().map(example).collect(),
                file: "news".into(),
                ..SplitData::default()
            }
        };
        let train = part(&["a b a", "c"]);
        let dev = part(&["a b a", "a d e f", "b"]);
        (corpus.train, corpus.dev) = (train, Some(dev));
        let statistics = statistics(&corpus, &overlaps(&corpus));
        assert_eq!(statistics.fields[0].distinct, 3);
        let [train, dev] = &statistics.splits[..] else { panic!("train and dev, no test") };
        assert_eq!((train.examples, train.tokens, train.unknown), (2, 4, None));
        // Three of the eight tokens: d, e and f.
        assert_eq!((dev.tokens, dev.unknown, dev.overlap), (8, Some(37.5), Some(1)));
        let labels = label_set(&corpus, &corpus.train, 0);
        assert_eq!(labels, BTreeMap::from([("a", 2), ("b", 1), ("c", 1)]));
    }
}
