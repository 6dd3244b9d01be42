//! The ancestor's words: roots by what they may become, and the small words that are always the same.

use std::collections::BTreeSet;

use crate::dice::Dice;
use crate::lexicon::is_rude;

/// Roots, the frequent ones first.
pub(super) struct Roots {
    pub(super) nouns: Vec<String>,
    pub(super) verbs: Vec<String>,
    pub(super) adjectives: Vec<String>,
    pub(super) names: Vec<String>,
    pub(super) determiners: Vec<String>,
    pub(super) prepositions: Vec<String>,
    pub(super) pronouns: Vec<String>,
    pub(super) auxiliaries: Vec<String>,
    pub(super) conjunctions: Vec<String>,
    pub(super) subordinators: Vec<String>,
    pub(super) adverbs: Vec<String>,
    pub(super) numbers: Vec<String>,
    pub(super) negation: String,
}

impl Roots {
    pub(super) fn draw(dice: &mut Dice) -> Self {
        let mut seen = BTreeSet::new();
        let mut roots = |n: usize, shapes: &[&str]| -> Vec<String> {
            let mut list = Vec::new();
            while list.len() < n {
                let shape = dice.pick(shapes);
                let root = shaped(dice, shape);
                if !is_rude(&root) && seen.insert(root.clone()) {
                    list.push(root);
                }
            }
            list
        };
        Self {
            determiners: roots(4, &["CV", "CVn"]),
            prepositions: roots(6, &["VC", "CVn", "CV"]),
            pronouns: roots(6, &["CV", "CVs", "VC"]),
            auxiliaries: roots(3, &["CVn", "CVs"]),
            conjunctions: roots(2, &["CV", "VC"]),
            subordinators: roots(3, &["CVC", "VCV"]),
            numbers: roots(7, &["CVC", "CVCV"]),
            negation: roots(1, &["CV"]).remove(0),
            adverbs: roots(10, &["CVCV", "VCVC"]),
            nouns: roots(420, &["CVC", "CVCVC", "CVNC", "CVCVC", "VCVC"]),
            verbs: roots(220, &["CVC", "CVNC", "CVCVC", "CVLC"]),
            adjectives: roots(140, &["CVC", "CVLC", "CVCVC"]),
            names: roots(160, &["CVCV", "CVCVC", "CVNCV", "CVLC"]),
        }
    }
}

/// Letters by a shape: C a consonant, V a vowel, N a nasal, L a liquid; others stand for themselves.
fn shaped(dice: &mut Dice, shape: &str) -> String {
    let one_of = |letters: &[u8], dice: &mut Dice| char::from(letters[dice.below(letters.len())]);
    let letter = |kind: char| match kind {
        'C' => one_of(b"pptttkkkbdgmnssslrwjh", dice),
        'V' => one_of(b"aaaeeiioou", dice),
        'N' => one_of(b"mn", dice),
        'L' => one_of(b"lr", dice),
        other => other,
    };
    shape.chars().map(letter).collect()
}
