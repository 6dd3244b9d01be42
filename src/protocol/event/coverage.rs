//! What encoders start with: coverage of corpora by pretrained word vectors, and parameters of other runs.

use serde::{Deserialize, Serialize};

use super::{super::Step, values::Split};
use crate::printable::printable;

/// The coverage of a corpus by the word vectors that an encoder reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VectorCoverage {
    /// The encoder.
    pub encoder: String,
    /// The corpus.
    pub corpus: String,
    /// The field of the corpus whose words are looked up.
    pub field: String,
    /// The number of words that have a vector, whether the corpus has them or not.
    pub vectors: u64,
    /// The number of lines of the file whose word has a vector from an earlier line; they are not
    /// used.
    #[serde(default)]
    pub repeated: u64,
    /// Each split of the corpus.
    pub splits: Vec<SplitCoverage>,
}

/// The start of an encoder from the checkpoint of another run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WarmStarted {
    /// The encoder.
    pub encoder: String,
    /// The folder of that run, as the recipe names it.
    pub run: String,
    /// The step of the checkpoint.
    pub step: Step,
    /// A digest of the file of its parameters.
    pub digest: String,
}

/// The coverage of a split.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitCoverage {
    /// The split.
    pub split: Split,
    /// Distinct words.
    pub words: u64,
    /// Those of them that have a vector.
    pub words_with_vector: u64,
    /// Tokens.
    pub tokens: u64,
    /// Those of them whose word has a vector.
    pub tokens_with_vector: u64,
    /// The most frequent words without a vector, ten at most.
    pub most_frequent_without: Vec<WordCount>,
}

/// A word and its number of occurrences.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WordCount {
    /// The word.
    pub word: String,
    /// The number of tokens that are this word.
    pub count: u64,
}

impl SplitCoverage {
    /// The percentage of distinct words that have a vector.
    pub fn percent_of_words(&self) -> f64 {
        percent(self.words_with_vector, self.words)
    }

    /// The percentage of tokens whose word has a vector.
    pub fn percent_of_tokens(&self) -> f64 {
        percent(self.tokens_with_vector, self.tokens)
    }

    /// Whether so few tokens have a vector that the file is probably not meant for this corpus.
    pub fn is_low(&self) -> bool {
        self.tokens > 0 && self.percent_of_tokens() < LOW
    }
}

impl VectorCoverage {
    /// One sentence for each split: its coverage, and its most frequent words without a vector.
    pub fn describe(&self) -> Vec<String> {
        self.splits.iter().map(|split| self.describe_split(split)).collect()
    }

    fn describe_split(&self, split: &SplitCoverage) -> String {
        let Self { encoder, corpus, .. } = self;
        let (tokens, words) = (split.percent_of_tokens(), split.percent_of_words());
        let name = split.split.name();
        let mut text = format!(
            "vectors of {encoder} for {corpus} {name}: {tokens:.2} % of tokens, {words:.2} % of {} distinct words",
            split.words
        );
        if !split.most_frequent_without.is_empty() {
            let without = split.most_frequent_without.iter();
            let without: Vec<String> =
                without.map(|WordCount { word, count }| format!("{word} ({count})")).collect();
            text.push_str("; without a vector: ");
            text.push_str(&without.join(", "));
        }
        printable(&text).into_owned()
    }

    /// A warning if splits have few tokens with a vector.
    pub fn warning(&self) -> Option<String> {
        let low = self.splits.iter().filter(|split| split.is_low());
        let low: Vec<String> = low
            .map(|split| format!("{:.2} % of {}", split.percent_of_tokens(), split.split.name()))
            .collect();
        let (last, others) = low.split_last()?;
        let Self { encoder, corpus, .. } = self;
        let splits = match others {
            [] => last.clone(),
            _ => format!("{} and {last}", others.join(", ")),
        };
        let warning = format!(
            "few tokens of {corpus} have a vector of encoder {encoder}: {splits}; check the language, the case \
             (`lowercase`, `backoff`) and the tokens of the vectors file"
        );
        Some(printable(&warning).into_owned())
    }
}

/// The percentage of tokens below which a coverage is low.
const LOW: f64 = 20.0;

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coverage(splits: &[(Split, u64)]) -> VectorCoverage {
        let split = |&(split, tokens_with_vector)| SplitCoverage {
            split,
            words: 50,
            words_with_vector: 25,
            tokens: 100,
            tokens_with_vector,
            most_frequent_without: vec![WordCount { word: "a\nwarning: b".into(), count: 2 }],
        };
        VectorCoverage {
            encoder: "words".into(),
            corpus: "news".into(),
            field: "form".into(),
            vectors: 9,
            repeated: 0,
            splits: splits.iter().map(split).collect(),
        }
    }

    #[test]
    fn a_warning_names_every_split_with_a_low_coverage() {
        let warning = |splits| coverage(splits).warning();
        assert_eq!(warning(&[(Split::Train, 20), (Split::Dev, 99)]), None);
        let said = warning(&[(Split::Train, 90), (Split::Test, 2)]).unwrap();
        let head = "few tokens of news have a vector of encoder words: ";
        assert!(said.starts_with(&format!("{head}2.00 % of test; check")), "{said}");
        let said = warning(&[(Split::Train, 15), (Split::Dev, 7), (Split::Test, 2)]).unwrap();
        let splits = "15.00 % of train, 7.00 % of dev and 2.00 % of test; check";
        assert!(said.starts_with(&format!("{head}{splits}")), "{said}");
    }

    #[test]
    fn a_word_adds_no_line_to_the_coverage() {
        let said = coverage(&[(Split::Train, 90)]).describe();
        assert!(said[0].ends_with("without a vector: a\\nwarning: b (2)"), "{said:?}");
    }
}
