//! Coverage of corpora by pretrained word vectors.

use serde::{Deserialize, Serialize};

use super::values::Split;

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
        text
    }

    /// A warning if a split has few tokens with a vector.
    pub fn warning(&self) -> Option<String> {
        let low = self.splits.iter().find(|split| split.is_low())?;
        Some(format!(
            "only {:.2} % of the tokens of {} {} have a vector of encoder {}; check the language, the case \
             (`lowercase`, `backoff`) and the tokens of the vectors file",
            low.percent_of_tokens(),
            self.corpus,
            low.split.name(),
            self.encoder
        ))
    }
}

/// The percentage of tokens below which a coverage is low.
const LOW: f64 = 20.0;

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 }
}
