//! Coverage of a corpus by a vectors file: which of its words and tokens have a vector.

use std::cmp::Reverse;

use super::WordVectors;
use crate::{
    data::{Corpus, normalize::Forms, vocabulary::count},
    protocol::event::{Split, SplitCoverage, WordCount},
};

/// The number of words without a vector that are listed.
const MOST_FREQUENT: usize = 10;

/// The coverage of each split of a corpus, for one of its fields.
pub fn coverage(
    corpus: &Corpus,
    field: usize,
    vectors: &WordVectors,
    forms: Forms,
) -> Vec<SplitCoverage> {
    let lexicon = &corpus.lexicons[field];
    let has_vector: Vec<bool> =
        lexicon.iter().map(|word| vectors.form(word, forms).is_some()).collect();
    let of_split = |split: Split| {
        let counts = count(lexicon, corpus.split(split)?, field);
        let words = || {
            let words = lexicon.iter().zip(&counts).zip(&has_vector);
            words.filter(|((_, count), _)| **count > 0)
        };
        let known = || words().filter(|(_, has_vector)| **has_vector);
        let mut without: Vec<WordCount> = words()
            .filter(|(_, has_vector)| !**has_vector)
            .map(|((word, &count), _)| WordCount { word: word.to_owned(), count })
            .collect();
        without.sort_by(|a, b| (Reverse(a.count), &a.word).cmp(&(Reverse(b.count), &b.word)));
        without.truncate(MOST_FREQUENT);
        Some(SplitCoverage {
            split,
            words: words().count() as u64,
            words_with_vector: known().count() as u64,
            tokens: words().map(|((_, count), _)| count).sum(),
            tokens_with_vector: known().map(|((_, count), _)| count).sum(),
            most_frequent_without: without,
        })
    };
    [Split::Train, Split::Dev, Split::Test].into_iter().filter_map(of_split).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{
        Example, Field, FieldValues, Schema, SplitData,
        normalize::{Backoff, Normalize},
    };

    #[test]
    fn words_and_tokens_with_a_vector_are_counted_by_split() {
        let schema = Schema::of_tokens(vec![Field::of_tokens("form")]);
        let mut corpus = Corpus::of_schema(schema);
        let mut split = |text: &str| {
            let words = text.split(' ').map(|word| corpus.lexicons[0].intern(word));
            let symbols: Vec<_> = words.collect();
            let lines = vec![1; symbols.len()];
            let example = Example::of_tokens(lines, vec![Some(FieldValues::Symbols(symbols))]);
            SplitData { examples: vec![example], file: "news".into(), ..SplitData::default() }
        };
        let (train, test) = (split("The the x y x"), split("the z"));
        (corpus.train, corpus.test) = (train, Some(test));
        let vectors = WordVectors::of_rows(["the", "z"].into_iter(), 1, vec![1.0, 2.0]).unwrap();
        let forms = Forms { first: Normalize::default(), backoff: Backoff::default() };
        let [train, test] = &coverage(&corpus, 0, &vectors, forms)[..] else {
            panic!("train and test")
        };
        let counts = |split: &SplitCoverage| {
            let SplitCoverage { words, words_with_vector, tokens, tokens_with_vector, .. } = split;
            [*words, *words_with_vector, *tokens, *tokens_with_vector]
        };
        assert_eq!((train.split, counts(train)), (Split::Train, [4, 1, 5, 1]));
        let word = |word: &str, count| WordCount { word: word.to_owned(), count };
        assert_eq!(train.most_frequent_without, [word("x", 2), word("The", 1), word("y", 1)]);
        assert_eq!((test.split, counts(test)), (Split::Test, [2, 2, 2, 2]));
        let forms = Forms { backoff: Backoff { lowercase: true, zero_digits: false }, ..forms };
        assert_eq!(counts(&coverage(&corpus, 0, &vectors, forms)[0]), [4, 2, 5, 2]);
    }
}
