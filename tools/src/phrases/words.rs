//! The stems of the three languages.

use std::collections::BTreeSet;

use crate::dice::Dice;
use crate::lexicon::is_rude;

/// A concept: its names in the source, with their translations.
#[derive(Clone, Debug)]
pub(crate) struct Stem {
    /// The name in use.
    pub(crate) source: String,
    /// Synonyms, the most frequent first.
    names: [String; 3],
    /// North and south. With two senses, those of the second follow.
    senses: Vec<[String; 2]>,
}

impl Stem {
    /// The same by one of its names.
    pub(crate) fn named(&self, dice: &mut Dice) -> Self {
        let source = self.names[dice.weighted(&[5, 3, 2])].clone();
        Self { source, ..self.clone() }
    }

    /// The translation into a language, in the second sense if it has one.
    pub(crate) fn target(&self, language: usize, second: bool) -> &str {
        let sense = if second { self.senses.len() - 1 } else { 0 };
        &self.senses[sense][language]
    }
}

/// A noun: its stem, whether it is animate, and its gender in the north.
#[derive(Clone, Debug)]
pub(crate) struct Noun {
    pub(crate) stem: Stem,
    pub(crate) animate: bool,
    pub(crate) gender: usize,
}

/// All stems, the most frequent first.
pub(crate) struct Words {
    pub(crate) nouns: Vec<Noun>,
    pub(crate) verbs: Vec<Stem>,
    pub(crate) adjectives: Vec<Stem>,
    pub(crate) adverbs: Vec<Stem>,
    pub(crate) prepositions: Vec<Stem>,
}

/// Onsets, vowels and codas of the source, the north and the south.
const SOUNDS: [([&str; 14], [&str; 5], [&str; 6]); 3] = [
    (
        ["b", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "v"],
        ["a", "e", "i", "o", "u"],
        ["", "", "n", "r", "l", "s"],
    ),
    (
        ["br", "d", "fl", "g", "hj", "k", "kv", "m", "sn", "st", "tr", "s", "th", "v"],
        ["a", "ei", "i", "o", "y"],
        ["", "nd", "rk", "l", "st", "m"],
    ),
    (
        ["b", "ch", "d", "gu", "j", "l", "m", "n", "p", "qu", "r", "s", "t", "z"],
        ["a", "e", "ia", "o", "ui"],
        ["", "", "", "n", "s", "r"],
    ),
];

/// Draws stems that no language has twice.
struct Coiner<'a> {
    dice: &'a mut Dice,
    seen: [BTreeSet<String>; 3],
}

impl Coiner<'_> {
    fn word(&mut self, language: usize, n_syllables: usize) -> String {
        let (onsets, vowels, codas) = &SOUNDS[language];
        loop {
            let mut word = String::new();
            for _ in 0..n_syllables {
                word += self.dice.pick(onsets);
                word += self.dice.pick(vowels);
            }
            word += self.dice.pick(codas);
            if !is_rude(&word) && self.seen[language].insert(word.clone()) {
                return word;
            }
        }
    }

    fn targets(&mut self, n_syllables: usize) -> [String; 2] {
        [1, 2].map(|language| self.word(language, n_syllables))
    }

    /// A stem with two senses in one of six cases, if it may.
    fn stem(&mut self, n_syllables: usize, may_have_two: bool) -> Stem {
        let names = [(); 3].map(|()| self.word(0, n_syllables));
        let n = if may_have_two && self.dice.below(6) == 0 { 2 } else { 1 };
        Stem {
            source: names[0].clone(),
            names,
            senses: (0..n).map(|_| self.targets(n_syllables)).collect(),
        }
    }

    fn stems(&mut self, n: usize, n_syllables: usize, may_have_two: bool) -> Vec<Stem> {
        (0..n).map(|_| self.stem(n_syllables, may_have_two)).collect()
    }
}

impl Words {
    pub(crate) fn draw(dice: &mut Dice) -> Self {
        let mut coiner = Coiner { dice, seen: Default::default() };
        let prepositions = coiner.stems(6, 1, false);
        let mut nouns: Vec<Noun> = (0..130)
            .map(|_| Noun {
                stem: coiner.stem(2, false),
                animate: coiner.dice.chance(40),
                gender: coiner.dice.below(2),
            })
            .collect();
        let verbs = coiner.stems(60, 2, true);
        let adjectives = coiner.stems(45, 2, true);
        let adverbs = coiner.stems(16, 2, false);
        // The most frequent name of every fifth verb is also that of a noun.
        for (place, verb) in verbs.iter().enumerate().step_by(5) {
            nouns[place * 2].stem.names[0].clone_from(&verb.names[0]);
        }
        Self { nouns, verbs, adjectives, adverbs, prepositions }
    }
}
