//! Short posts labelled with the strength of their sentiment, in five classes or, in a second
//! corpus, in three.
//!
//! A line is label, tab, text. The grammar is in `lexicon/posts.txt`; the two corpora differ in
//! their topics and their most frequent words.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::corpus::File;
use crate::dice::Dice;
use crate::rules::{Rules, Setting};

struct Posts {
    name: &'static str,
    topics: &'static [&'static str],
    /// Percentage of texts with each sentiment, from -2 to 2.
    moods: [usize; 5],
    labels: [&'static str; 5],
    splits: [(&'static str, usize); 3],
}

const FINE: Posts = Posts {
    name: "fine",
    topics: &["bus", "phone", "weather", "film", "lunch"],
    moods: [5, 20, 40, 27, 8],
    labels: ["-2", "-1", "0", "1", "2"],
    splits: [("train", 500), ("dev", 200), ("test", 300)],
};

const COARSE: Posts = Posts {
    name: "coarse",
    topics: &["match", "shop", "gig", "train", "school", "film"],
    moods: [10, 20, 34, 22, 14],
    labels: ["negative", "negative", "neutral", "positive", "positive"],
    splits: [("train", 1500), ("dev", 200), ("test", 300)],
};

/// Percentage of labels in train that are off by one class.
const SLIPS: usize = 5;

/// Every file of the posts.
pub(crate) fn files(seed: u64) -> Vec<File> {
    let rules = Rules::read(include_str!("../lexicon/posts.txt"));
    let mut files = Vec::new();
    for (place, posts) in [FINE, COARSE].iter().enumerate() {
        let mut dice = Dice::new(seed + place as u64);
        let mut seen = BTreeSet::new();
        for split in posts.splits {
            files.push(file(&rules, &mut dice, &mut seen, (posts, split)));
        }
    }
    files
}

fn file(
    rules: &Rules,
    dice: &mut Dice,
    seen: &mut BTreeSet<String>,
    (posts, (split, n_texts)): (&Posts, (&str, usize)),
) -> File {
    let (mut out, mut n_tokens, mut n_slips) = (String::new(), 0, 0);
    // Each split has exactly these percentages, so that rare classes are not smaller by chance.
    let mut left = posts.moods.map(|percent| percent * n_texts / 100);
    for _ in 0..n_texts {
        let drawn = dice.weighted(&left);
        left[drawn] -= 1;
        let text = loop {
            let scopes = [dice.pick(posts.topics), posts.name];
            let setting = Setting { scopes: &scopes, mood: drawn as i8 - 2 };
            let text = rules.text(dice, "post", setting);
            if (3..=20).contains(&text.split(' ').count()) && seen.insert(text.clone()) {
                break text;
            }
        };
        n_tokens += text.split(' ').count();
        let place = match (split == "train" && dice.chance(SLIPS), dice.chance(50)) {
            (true, true) if drawn < 4 => drawn + 1,
            (true, _) if drawn > 0 => drawn - 1,
            (true, _) => drawn + 1,
            (false, _) => drawn,
        };
        n_slips += usize::from(posts.labels[place] != posts.labels[drawn]);
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{}\t{text}", posts.labels[place]);
    }
    let about = format!("{n_texts} texts, {n_tokens} tokens, {n_slips} with a slip");
    File { path: format!("sentiment/{}.{split}.tsv", posts.name), text: out, about }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dev_and_test_have_every_class_in_its_share() {
        for file in files(1).iter().filter(|file| !file.path.contains("train")) {
            let n = |label: &str| {
                let prefix = format!("{label}\t");
                file.text.lines().filter(|line| line.starts_with(&prefix)).count()
            };
            let n_texts = file.text.lines().count();
            let (label, percent) = match file.path.contains("fine") {
                true => ("-2", 5),
                false => ("neutral", 34),
            };
            assert_eq!(100 * n(label), percent * n_texts, "{}", file.path);
        }
    }
}
