//! What spelling alone carries from one language to another: a word that is not known has the most
//! frequent tag of its longest ending that is.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use super::{Split, percent, read, sentences};

/// The longest ending that is looked at, in letters.
const LONGEST: usize = 4;

/// How often each tag goes with each word, and with each ending.
#[derive(Default)]
struct Endings {
    words: BTreeMap<String, BTreeMap<String, usize>>,
    endings: BTreeMap<String, BTreeMap<String, usize>>,
}

/// The accuracy on the test of `isle`, of its own train and of that of others too.
pub(super) fn report(out: &mut String, folder: &Path) -> std::io::Result<()> {
    let of = |language: &str, split: &str| -> std::io::Result<Split> {
        let path = folder.join(language).join(format!("{split}.tsv"));
        Ok(sentences(&read(&path)?, (0, 1)))
    };
    let test = of("isle", "test")?;
    for languages in
        [&["isle"][..], &["isle", "north"], &["isle", "south"], &["isle", "north", "south"]]
    {
        let mut endings = Endings::default();
        for language in languages {
            endings.learn(&of(language, "train")?, *language == "isle");
        }
        let score = endings.accuracy(&test);
        // Writing into a string can't fail.
        let _ = writeln!(out, "isle test: by endings of {}: {score:.1}", languages.join(", "));
    }
    Ok(())
}

impl Endings {
    /// Counts a split; its words only where they are of the language that is asked for.
    fn learn(&mut self, split: &Split, own: bool) {
        for (word, tag) in split.iter().flatten() {
            if own {
                *self.words.entry(word.clone()).or_default().entry(tag.clone()).or_default() += 1;
            }
            for ending in endings(word) {
                *self.endings.entry(ending).or_default().entry(tag.clone()).or_default() += 1;
            }
        }
    }

    fn guess(&self, word: &str) -> &str {
        let known = endings(word).into_iter().find_map(|ending| self.endings.get(&ending));
        let counts = self.words.get(word).or(known);
        let most = counts.and_then(|counts| counts.iter().max_by_key(|(_, count)| **count));
        most.map_or("NOUN", |(tag, _)| tag)
    }

    fn accuracy(&self, split: &Split) -> f64 {
        let right = split.iter().flatten().filter(|(word, tag)| self.guess(word) == tag).count();
        percent(right, split.iter().flatten().count())
    }
}

/// The endings of a word, the longest first, each with the case of the first letter.
fn endings(word: &str) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    let case = if letters.first().is_some_and(|letter| letter.is_uppercase()) { "A" } else { "a" };
    let longest = LONGEST.min(letters.len());
    (1..=longest)
        .rev()
        .map(|n| format!("{case}{}", letters[letters.len() - n..].iter().collect::<String>()))
        .collect()
}
