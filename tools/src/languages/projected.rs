//! Tags that a small dictionary projects: sentences of `isle` with what the words of `north` that they have
//! come from one with are most often there.
//!
//! A word of `isle` and its relation in `north` are the same word of the ancestor, which is what the dictionary
//! is looked up by. It has the words that `north` has more than once, and some entries are wrong, always in the
//! same way; a word that it lacks is tagged `X`.

use std::collections::BTreeMap;

use super::clause::Word;
use crate::dice::Dice;

/// The tag of a word that the dictionary lacks.
const UNKNOWN: &str = "X";
/// How many of a hundred entries are wrong.
const WRONG: usize = 25;

/// Tags by words of the ancestor.
pub(super) struct Dictionary(BTreeMap<String, &'static str>);

impl Dictionary {
    /// Of the ancestor's words of all sentences of the larger language.
    pub(super) fn new(sentences: &[Vec<Word>], dice: &mut Dice) -> Self {
        let mut counts = BTreeMap::<&str, BTreeMap<&'static str, usize>>::new();
        for (word, tag) in sentences.iter().flatten() {
            *counts.entry(word).or_default().entry(tag).or_default() += 1;
        }
        let mut entries = BTreeMap::new();
        for (word, tags) in counts {
            let n: usize = tags.values().sum();
            let most = tags.iter().max_by_key(|(_, n)| **n).map(|(tag, _)| *tag);
            let Some(tag) = most.filter(|_| n > 1) else { continue };
            let wrong = mistaken(tag).filter(|_| dice.chance(WRONG));
            entries.insert(word.to_owned(), wrong.unwrap_or(tag));
        }
        Self(entries)
    }

    /// What it says of a word of the ancestor.
    pub(super) fn tag(&self, word: &str) -> &'static str {
        self.0.get(word).copied().unwrap_or(UNKNOWN)
    }
}

/// What a careless dictionary calls a word of this tag.
fn mistaken(tag: &str) -> Option<&'static str> {
    Some(match tag {
        "VERB" | "ADJ" | "PROPN" => "NOUN",
        "NOUN" => "ADJ",
        "AUX" => "VERB",
        "ADV" => "ADJ",
        "DET" => "PRON",
        "SCONJ" | "PART" => "ADP",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_has_its_most_frequent_tag_or_always_the_same_mistake() {
        let sentence = |words: &[(&str, &'static str)]| -> Vec<Word> {
            words.iter().map(|(word, tag)| ((*word).to_owned(), *tag)).collect()
        };
        let said = [
            sentence(&[("plan", "NOUN"), ("on", "ADP"), ("once", "ADV")]),
            sentence(&[("plan", "VERB"), ("plan", "NOUN"), ("on", "ADP")]),
        ];
        for seed in 0..20 {
            let dictionary = Dictionary::new(&said, &mut Dice::new(seed));
            assert!(["NOUN", "ADJ"].contains(&dictionary.tag("plan")));
            assert_eq!(dictionary.tag("on"), "ADP");
            assert_eq!((dictionary.tag("once"), dictionary.tag("never")), (UNKNOWN, UNKNOWN));
        }
    }
}
