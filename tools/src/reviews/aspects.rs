//! Aspects of reviews of kitchen equipment: a set of aspects for each text of the labelled splits.
//!
//! A line is a JSON object of the text and its aspects, in the order below. The words of an aspect
//! are the list `aspect-NAME@kitchen` of `lexicon/reviews.txt`; a text may mention none.

use std::fmt::Write as _;

use crate::corpus::File;
use crate::dice::Dice;
use crate::rules::Rules;

pub(super) const DOMAIN: &str = "kitchen";

const ASPECTS: [&str; 7] = ["handling", "build", "cleaning", "speed", "noise", "heat", "price"];
/// Percentage of sets in train that lack an aspect or have one too many.
const SLIPS: usize = 5;

/// The texts of a split, which follow a label and a tab, with their aspects.
pub(super) fn file(rules: &Rules, dice: &mut Dice, split: &str, reviews: &str) -> File {
    let (mut out, mut n_texts, mut n_aspects, mut n_slips) = (String::new(), 0, 0, 0);
    for (_, text) in reviews.lines().filter_map(|line| line.split_once('\t')) {
        let mut is_in = ASPECTS.map(|aspect| speaks_of(rules, aspect, text));
        if split == "train" && dice.chance(SLIPS) {
            let place = dice.below(ASPECTS.len());
            is_in[place] = !is_in[place];
            n_slips += 1;
        }
        let aspects = ASPECTS.iter().zip(is_in).filter(|(_, is_in)| *is_in);
        let aspects: Vec<String> = aspects.map(|(aspect, _)| format!("\"{aspect}\"")).collect();
        n_texts += 1;
        n_aspects += aspects.len();
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{{\"text\": \"{text}\", \"aspects\": [{}]}}", aspects.join(", "));
    }
    let about = format!("{n_texts} texts, {n_aspects} aspects, {n_slips} sets with a slip");
    File { path: format!("reviews/{DOMAIN}/aspects.{split}.jsonl"), text: out, about }
}

/// Whether the text contains one of the aspect's words.
fn speaks_of(rules: &Rules, aspect: &str, text: &str) -> bool {
    let text = format!(" {text} ");
    let words = rules.words(&format!("aspect-{aspect}@{DOMAIN}"));
    words.iter().any(|word| text.contains(&format!(" {} ", word.replace('_', " "))))
}

#[cfg(test)]
mod tests {
    use super::super::{files, rules};
    use super::*;

    #[test]
    fn a_text_has_the_aspects_that_its_words_speak_of() {
        let reviews = "negative\tthe lid is leaky and loud .\npositive\ti love it .\n";
        let file = file(&rules(), &mut Dice::new(1), "dev", reviews);
        let wanted = "{\"text\": \"the lid is leaky and loud .\", \"aspects\": [\"cleaning\", \"noise\"]}\n\
                      {\"text\": \"i love it .\", \"aspects\": []}\n";
        assert_eq!(file.text, wanted);
    }

    #[test]
    fn every_aspect_and_a_set_of_none_are_in_every_split_and_no_text_needs_escapes() {
        let files = files(1);
        let files: Vec<&File> = files.iter().filter(|file| file.path.ends_with(".jsonl")).collect();
        assert_eq!(files.len(), 3);
        for file in files {
            assert!(file.text.contains("\"aspects\": []"), "{}", file.path);
            for aspect in ASPECTS {
                let n = file.text.matches(&format!("\"{aspect}\"")).count();
                assert!(n > 0, "{}: no {aspect}", file.path);
            }
            for line in file.text.lines() {
                let text = line.split('"').nth(3).unwrap();
                assert!(
                    line.starts_with(&format!("{{\"text\": \"{text}\", \"aspects\": [")),
                    "{line}"
                );
                assert!(!text.contains('\\'), "{line}");
            }
        }
    }
}
