//! Three invented languages with one ancestor: `north`, `south`, and `isle`, of which there is little.
//!
//! A line is form, tab, part of speech; an empty line ends a sentence. Roots and endings are those of
//! the ancestor (`roots`), changed by the sound laws of each language (`sounds`), so a word of one
//! language is seldom one of another, but is spelt after it. `clause` puts words in order.

mod clause;
mod roots;
mod sounds;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::corpus::File;
use crate::dice::Dice;
use crate::lexicon::is_rude;
use clause::{Order, Speaker};
use roots::Roots;
use sounds::Law;

struct Language {
    name: &'static str,
    order: Order,
    /// Sound changes, in the order in which they happened.
    laws: &'static [&'static str],
    splits: &'static [(&'static str, usize)],
}

const LANGUAGES: [Language; 3] = [
    Language {
        name: "north",
        order: Order::VerbSecond,
        laws: &["p>f", "t>th/V_V", "k>h/V_V", "u>o", "s>sh/_i", "w>v", "a>e/C_#", "d>t/_#"],
        splits: &[("train", 800), ("dev", 100)],
    },
    Language {
        name: "south",
        order: Order::VerbLast,
        laws: &["t>d/V_V", "p>b/V_V", "k>g/V_V", "h>", "l>r/C_", "o>u", "e>i/_#", "m>n/_#", "w>gu"],
        splits: &[("train", 800), ("dev", 100)],
    },
    Language {
        name: "isle",
        order: Order::VerbSecond,
        laws: &[
            "p>f/#_", "t>ts/_i", "s>z/V_V", "k>h/V_V", "ai>e", "o>uo/_C#", "w>v", "j>y", "t>d/V_a",
        ],
        splits: &[("train", 60), ("dev", 150), ("test", 250)],
    },
];

/// Every file of the languages.
pub(crate) fn files(seed: u64) -> Vec<File> {
    let roots = Roots::draw(&mut Dice::new(seed));
    let mut files = Vec::new();
    for (place, language) in LANGUAGES.iter().enumerate() {
        let laws: Vec<Law> = language.laws.iter().map(|law| Law::read(law)).collect();
        let mut dice = Dice::new(seed + 1 + place as u64);
        let mut seen = BTreeSet::new();
        for (split, n_sentences) in language.splits {
            let (mut text, mut n_tokens) = (String::new(), 0);
            for _ in 0..*n_sentences {
                let words = loop {
                    let words = Speaker::new(&roots, &laws, language.order, &mut dice).sentence();
                    let rude = words.iter().any(|(form, _)| is_rude(&form.to_lowercase()));
                    if !rude && (3..=12).contains(&words.len()) && seen.insert(words.clone()) {
                        break words;
                    }
                };
                n_tokens += words.len();
                for (form, pos) in words {
                    // Writing into a string can't fail.
                    let _ = writeln!(text, "{form}\t{pos}");
                }
                text.push('\n');
            }
            let about = format!("{n_sentences} sentences, {n_tokens} tokens");
            files.push(File {
                path: format!("languages/{}/{split}.tsv", language.name),
                text,
                about,
            });
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_share_few_words_and_all_parts_of_speech() {
        let files = files(1);
        let of = |language: &str, field: usize| -> BTreeSet<String> {
            let files = files.iter().filter(|file| file.path.contains(language));
            let rows = files.flat_map(|file| file.text.lines().filter(|line| !line.is_empty()));
            rows.map(|row| row.split('\t').nth(field).unwrap().to_owned()).collect()
        };
        for other in ["north", "south"] {
            assert_eq!(of(other, 1), of("isle", 1));
            let shared = of(other, 0).intersection(&of("isle", 0)).count();
            assert!(100 * shared < 25 * of("isle", 0).len(), "{shared} words are those of {other}");
        }
    }
}
