//! Reviews of four sorts of things, each positive or negative, and the words that mean the same in all.
//!
//! A line is label, tab, text; unlabelled lines have no label before the tab. The grammar in
//! `lexicon/reviews.txt` gives a text its mood; here are the sizes, the slips in the labels of train, and
//! the lists of words, which are read off the grammar.

mod aspects;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::corpus::File;
use crate::dice::Dice;
use crate::rules::{Rules, Setting};

const DOMAINS: [&str; 4] = ["books", "kitchen", "music", "sports"];
/// Splits with the number of their texts.
const SPLITS: [(&str, usize); 4] =
    [("train", 260), ("dev", 100), ("test", 200), ("unlabelled", 400)];
/// The lists of the grammar whose words mean the same in all domains.
const SHARED: [&str; 4] = ["great", "love", "happy", "gem"];
/// How many of a hundred labels of train are wrong.
const SLIPS: usize = 4;

/// Every file of the reviews.
pub(crate) fn files(seed: u64) -> Vec<File> {
    let rules = rules();
    let mut files = Vec::new();
    for (place, domain) in DOMAINS.into_iter().enumerate() {
        let mut dice = Dice::new(seed + place as u64);
        let mut seen = BTreeSet::new();
        for (split, n_texts) in SPLITS {
            files.push(file(&rules, &mut dice, &mut seen, (domain, split, n_texts)));
        }
    }
    // Draws of their own, so that the reviews stay what they are.
    let mut dice = Dice::new(seed + 50);
    for (split, _) in SPLITS.iter().filter(|(split, _)| *split != "unlabelled") {
        let path = format!("reviews/{}/{split}.tsv", aspects::DOMAIN);
        let reviews = files.iter().find(|file| file.path == path).map(|file| file.text.clone());
        files.push(aspects::file(&rules, &mut dice, split, &reviews.unwrap_or_default()));
    }
    let (positive, negative) = (shared(&rules, '+'), shared(&rules, '-'));
    let both = positive.union(&negative).cloned().collect();
    for (name, words) in [("positive", positive), ("negative", negative), ("pivots", both)] {
        files.push(list(name, &words));
    }
    files
}

fn rules() -> Rules {
    Rules::read(include_str!("../lexicon/reviews.txt"))
}

fn file(
    rules: &Rules,
    dice: &mut Dice,
    seen: &mut BTreeSet<String>,
    (domain, split, n_texts): (&str, &str, usize),
) -> File {
    let (mut out, mut n_tokens, mut n_slips) = (String::new(), 0, 0);
    let mut mood = 1;
    for place in 0..n_texts {
        // Of two texts that follow each other one is praise, so guessing by class gains nothing.
        mood = if place % 2 == 1 || dice.chance(50) { -mood } else { mood };
        let text = loop {
            let text = rules.text(dice, "review", Setting { scopes: &[domain], mood });
            if (5..=35).contains(&text.split(' ').count()) && seen.insert(text.clone()) {
                break text;
            }
        };
        n_tokens += text.split(' ').count();
        let slip = split == "train" && dice.chance(SLIPS);
        n_slips += usize::from(slip);
        let label = match (split, (mood > 0) != slip) {
            ("unlabelled", _) => "",
            (_, true) => "positive",
            (_, false) => "negative",
        };
        // Writing into a string can't fail.
        let _ = writeln!(out, "{label}\t{text}");
    }
    let about = format!("{n_texts} texts, {n_tokens} tokens, {n_slips} with a slip");
    File { path: format!("reviews/{domain}/{split}.tsv"), text: out, about }
}

/// The words of that sign that mean the same in every domain.
fn shared(rules: &Rules, sign: char) -> BTreeSet<String> {
    let lists = SHARED.iter().map(|list| rules.words(&format!("{list}{sign}")));
    lists.flatten().cloned().collect()
}

fn list(name: &str, words: &BTreeSet<String>) -> File {
    let mut text = String::new();
    for word in words {
        text += word;
        text.push('\n');
    }
    let about = format!("{} words", words.len());
    File { path: format!("reviews/{name}.txt"), text, about }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_of_the_shared_lists_is_on_both_or_in_a_list_of_a_domain() {
        let rules = rules();
        let (positive, negative) = (shared(&rules, '+'), shared(&rules, '-'));
        assert!(positive.is_disjoint(&negative));
        for domain in DOMAINS {
            for list in ["adj+", "adj-", "does+", "does-", "item", "part", "parts"] {
                for entry in rules.words(&format!("{list}@{domain}")) {
                    for word in entry.split('_') {
                        let shared = positive.contains(word) || negative.contains(word);
                        assert!(!shared, "{entry} in {list}@{domain}");
                    }
                }
            }
        }
    }

    #[test]
    fn some_words_are_praise_in_one_domain_and_blame_in_another() {
        let rules = rules();
        let words = |sign: &str| -> BTreeSet<String> {
            let lists = DOMAINS.map(|domain| rules.words(&format!("adj{sign}@{domain}")).to_vec());
            lists.into_iter().flatten().collect()
        };
        let both: Vec<String> = words("+").intersection(&words("-")).cloned().collect();
        assert!(both.len() >= 15, "{both:?}");
    }

    #[test]
    fn a_text_is_lower_case_but_for_names_and_no_text_is_there_twice() {
        let files = files(1);
        for domain in DOMAINS {
            let prefix = format!("reviews/{domain}/");
            let texts: Vec<&str> = files
                .iter()
                .filter(|file| file.path.starts_with(&prefix) && file.path.ends_with(".tsv"))
                .flat_map(|file| file.text.lines().map(|line| line.split_once('\t').unwrap().1))
                .collect();
            assert_eq!(texts.len(), texts.iter().collect::<BTreeSet<_>>().len());
            let named = texts.iter().filter(|text| text.contains(char::is_uppercase)).count();
            let share = 100 * named / texts.len();
            assert!((15..50).contains(&share), "{domain}: {share} % hold a name");
        }
    }
}
