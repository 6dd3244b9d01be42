//! Subwords: words split into frequent parts by byte-pair encoding, which merges the most frequent pair of adjacent
//! subwords of the training splits again and again (Sennrich, Haddow and Birch 2016), with the library `tokenizers`.
//!
//! Words are split one by one. The first subword of a word begins with [`SPACE`], so that a text is its subwords joined,
//! with spaces in the place of that character. A subword that training has not used is unknown.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tokenizers::{
    Model as _, Trainer as _,
    models::bpe::{BPE, BpeTrainer},
};

use super::{Fitted, Lexicon, SPACE, Vocabulary};

/// The key of the vocabulary of subwords, with their counts in training.
pub const SUBWORDS: &str = "subwords";

/// The key of the merges, from the first on: the two subwords with a [`BREAK`] between.
const MERGES: &str = "merges";

/// No word has a line break.
const BREAK: char = '\n';

/// What no merge produces.
const UNKNOWN: &str = "\n";

/// Splits words into subwords.
pub struct Subwords(Box<BPE>);

impl Subwords {
    /// Learns so many subwords, or all characters if these are more, from words with their counts.
    pub fn fit(size: usize, words: &Vocabulary) -> Fitted {
        let merges = merges(size.max(characters(words).len()), words);
        let splitter = Self::new(&merges, characters(words)).expect("merges have two parts each");
        let mut counts = BTreeMap::<String, u64>::new();
        for (word, count) in words.iter() {
            for subword in splitter.split(word) {
                *counts.entry(subword).or_default() += count;
            }
        }
        let counts = counts.iter().map(|(subword, count)| (subword.as_str(), *count)).collect();
        Fitted::default()
            .with_vocabulary(SUBWORDS, Vocabulary::from_counts(counts, 1, None))
            .with_vocabulary(MERGES, merges)
    }

    /// Those that were learnt; the error says what is missing.
    pub fn of(fitted: &Fitted) -> Result<Self, String> {
        let subwords = fitted.vocabulary(SUBWORDS)?;
        let is_character = |item: &&str| item.chars().count() == 1;
        let characters = subwords.iter().map(|(item, _)| item).filter(is_character);
        Self::new(&fitted.vocabulary(MERGES)?, characters.map(str::to_owned).collect())
    }

    /// From merges and at least the characters that these lack.
    fn new(merges: &Vocabulary, characters: BTreeSet<String>) -> Result<Self, String> {
        let mut items = characters;
        items.insert(UNKNOWN.to_owned());
        let mut pairs = Vec::with_capacity(merges.len());
        for (merge, _) in merges.iter() {
            let Some((left, right)) = merge.split_once(BREAK) else {
                return Err(format!("expected a merge of two subwords, found {merge:?}"));
            };
            items.extend([left.to_owned(), right.to_owned(), format!("{left}{right}")]);
            pairs.push([left, right]);
        }
        let vocab: serde_json::Map<String, Value> =
            items.into_iter().zip(0u32..).map(|(item, id)| (item, id.into())).collect();
        // In this form, as its constructors take hash maps of another library.
        let model = json!({
            "type": "BPE", "vocab": vocab, "merges": pairs, "unk_token": UNKNOWN, "fuse_unk": true
        });
        serde_json::from_str(&model.to_string()).map(Self).map_err(|error| error.to_string())
    }

    /// The subwords of a word; characters that training lacks are a subword that no vocabulary has.
    pub fn split(&self, word: &str) -> Vec<String> {
        match self.0.tokenize(&marked(word)) {
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

fn characters(words: &Vocabulary) -> BTreeSet<String> {
    let words = words.iter().map(|(word, _)| marked(word));
    words.flat_map(|word| word.chars().map(String::from).collect::<Vec<_>>()).collect()
}

/// The merges, in their order.
fn merges(size: usize, words: &Vocabulary) -> Vocabulary {
    let mut trainer = BpeTrainer::builder().vocab_size(size).show_progress(false).build();
    let occurrences =
        words.iter().flat_map(|(word, n)| std::iter::repeat_n(marked(word), n as usize));
    let mut model = BPE::default();
    let fed = trainer.feed(occurrences, |word| Ok(vec![word.to_owned()]));
    // Its errors are those of the closure above, which has none.
    fed.and_then(|()| trainer.train(&mut model)).expect("words are not split before");
    let saved = serde_json::to_value(&model).expect("its form in JSON has strings as keys");
    let merges = saved["merges"].as_array().into_iter().flatten();
    let merge = |pair: &Value| Some(format!("{}{BREAK}{}", pair[0].as_str()?, pair[1].as_str()?));
    let merges: Vec<String> = merges.filter_map(merge).collect();
    let counts = merges.iter().zip((1..=merges.len() as u64).rev());
    Vocabulary::from_counts(counts.map(|(item, n)| (item.as_str(), n)).collect(), 1, None)
}

#[cfg(test)]
mod tests;
