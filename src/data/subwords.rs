//! Subwords: words split into parts, by one of two models that are learnt from the words of the training splits:
//! byte-pair encoding (`byte_pairs`) and a unigram language model (`unigram`). The library `tokenizers` splits words by
//! either.
//!
//! Words are split one by one. The first subword of a word begins with [`SPACE`], so that a text is its subwords joined,
//! with spaces in the place of that character. A subword that training has not used is unknown.

mod byte_pairs;
mod unigram;

use std::collections::BTreeMap;

use tokenizers::{
    Model as _,
    models::{bpe::BPE, unigram::Unigram},
};

use super::{Fitted, Lexicon, SPACE, Vocabulary};

/// The key of the vocabulary of subwords, with their counts in training.
pub const SUBWORDS: &str = "subwords";

/// The token of unknown characters.
const UNKNOWN: &str = "\n";

/// How words are split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubwordModel {
    /// Byte-pair encoding (Sennrich, Haddow and Birch 2016).
    BytePairs,
    /// A unigram language model (Kudo 2018).
    Unigram,
}

impl SubwordModel {
    /// Its names in recipes.
    pub const NAMES: &[&str] = &[BPE_NAME, UNIGRAM_NAME];

    /// The model with one of these names.
    pub fn find(name: &str) -> Option<Self> {
        [(BPE_NAME, Self::BytePairs), (UNIGRAM_NAME, Self::Unigram)]
            .into_iter()
            .find_map(|(other, model)| (other == name).then_some(model))
    }
}

const BPE_NAME: &str = "bpe";
const UNIGRAM_NAME: &str = "unigram";

/// Splits words into subwords.
pub struct Subwords(Splitter);

enum Splitter {
    BytePairs(Box<BPE>),
    Unigram(Box<Unigram>),
}

impl Subwords {
    /// Learns so many subwords, or all characters if these are more, from words with their counts.
    pub fn fit(model: SubwordModel, size: usize, words: &Vocabulary) -> Fitted {
        let learnt = match model {
            SubwordModel::BytePairs => byte_pairs::fit(size, words),
            SubwordModel::Unigram => unigram::fit(size, words),
        };
        let splitter = Self::of(&learnt).expect("a fitted model has all its parts");
        let mut counts = BTreeMap::<String, u64>::new();
        for (word, count) in words.iter() {
            for subword in splitter.split(word) {
                *counts.entry(subword).or_default() += count;
            }
        }
        let counts = counts.iter().map(|(subword, count)| (subword.as_str(), *count)).collect();
        learnt.with_vocabulary(SUBWORDS, Vocabulary::from_counts(counts, 1, None))
    }

    /// Those that were learnt; the error says what is missing.
    pub fn of(fitted: &Fitted) -> Result<Self, String> {
        if unigram::is_in(fitted) {
            return Ok(Self(Splitter::Unigram(Box::new(unigram::of(fitted)?))));
        }
        Ok(Self(Splitter::BytePairs(Box::new(byte_pairs::of(fitted)?))))
    }

    /// The subwords of a word; characters that training lacks are a subword that no vocabulary has.
    pub fn split(&self, word: &str) -> Vec<String> {
        let word = marked(word);
        let tokens = match &self.0 {
            Splitter::BytePairs(model) => model.tokenize(&word),
            Splitter::Unigram(model) => model.tokenize(&word),
        };
        match tokens {
            Ok(tokens) => tokens.into_iter().map(|token| token.value).collect(),
            Err(_) => vec![UNKNOWN.to_owned()],
        }
    }

    /// The ids of the subwords of each string of a lexicon, by symbol: n_special + its place in the vocabulary, and 0 for one
    /// that the vocabulary lacks.
    pub fn ids(
        &self,
        vocabulary: &Vocabulary,
        lexicon: &Lexicon,
        n_special: u32,
    ) -> Vec<Box<[u32]>> {
        let id = |subword: &String| vocabulary.id(subword).map_or(0, |id| n_special + id);
        lexicon.iter().map(|word| self.split(word).iter().map(id).collect()).collect()
    }

    /// The text of some subwords.
    pub fn text(subwords: &[&str]) -> String {
        let text = subwords.concat().replace(SPACE, " ");
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

fn marked(word: &str) -> String {
    format!("{SPACE}{word}")
}

#[cfg(test)]
mod tests;
