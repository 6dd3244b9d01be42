//! Three invented languages with one ancestor: `north`, `south`, and `isle`, of which there is little.
//!
//! A line is form, tab, part of speech; an empty line ends a sentence. Roots and endings are those of
//! the ancestor (`roots`), changed by the sound laws of each language (`sounds`), so a word of one
//! language is seldom one of another, but is spelt after it. `clause` puts words in order.
//! `projected` tags sentences of `isle` by a dictionary.

mod clause;
mod projected;
mod roots;
mod sounds;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::corpus::File;
use crate::dice::Dice;
use crate::lexicon::is_rude;
use clause::{Order, Speaker, Word};
use projected::Dictionary;
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

/// The language whose words are in the dictionary, and how many sentences of the small one it tags.
const KIN: &str = "north";
const N_PROJECTED: usize = 300;

/// Every file of the languages.
pub(crate) fn files(seed: u64) -> Vec<File> {
    let roots = Roots::draw(&mut Dice::new(seed));
    let mut files = Vec::new();
    let mut of_kin = Vec::new();
    for (place, language) in LANGUAGES.iter().enumerate() {
        let laws: Vec<Law> = language.laws.iter().map(|law| Law::read(law)).collect();
        let mut dice = Dice::new(seed + 1 + place as u64);
        let mut seen = BTreeSet::new();
        for (split, n_sentences) in language.splits {
            let mut sentences = Vec::new();
            for _ in 0..*n_sentences {
                let said = sentence(&roots, &laws, language.order, (&mut dice, &mut seen));
                if language.name == KIN && *split == "train" {
                    of_kin.push(said.of_ancestor);
                }
                sentences.push(said.words);
            }
            files.push(file(language.name, split, &sentences));
        }
        if language.name == "isle" {
            let dictionary = Dictionary::new(&of_kin, &mut Dice::new(seed + 10));
            let mut dice = Dice::new(seed + 11);
            let mut n_right = 0;
            let projected = (0..N_PROJECTED).map(|_| {
                let said = sentence(&roots, &laws, language.order, (&mut dice, &mut seen));
                let tags = said.of_ancestor.iter().map(|(word, _)| dictionary.tag(word));
                let words = said.words.into_iter().zip(tags).map(|((form, right), tag)| {
                    n_right += usize::from(tag == right);
                    (form, tag)
                });
                words.collect()
            });
            let mut file = file(language.name, "projected", &projected.collect::<Vec<_>>());
            file.about += &format!(", {n_right} tags are right");
            files.push(file);
        }
    }
    files
}

/// A sentence, and what its words were in the ancestor.
struct Said {
    words: Vec<Word>,
    of_ancestor: Vec<Word>,
}

/// A sentence that was not said before.
fn sentence(
    roots: &Roots,
    laws: &[Law],
    order: Order,
    (dice, seen): (&mut Dice, &mut BTreeSet<Vec<Word>>),
) -> Said {
    loop {
        // The same draws without sound laws.
        let mut again = dice.clone();
        let words = Speaker::new(roots, laws, order, dice).sentence();
        let rude = words.iter().any(|(form, _)| is_rude(&form.to_lowercase()));
        if !rude && (3..=12).contains(&words.len()) && seen.insert(words.clone()) {
            let of_ancestor = Speaker::new(roots, &[], order, &mut again).sentence();
            return Said { words, of_ancestor };
        }
    }
}

fn file(language: &str, split: &str, sentences: &[Vec<Word>]) -> File {
    let (mut text, mut n_tokens) = (String::new(), 0);
    for words in sentences {
        n_tokens += words.len();
        for (form, tag) in words {
            // Writing into a string can't fail.
            let _ = writeln!(text, "{form}\t{tag}");
        }
        text.push('\n');
    }
    let about = format!("{} sentences, {n_tokens} tokens", sentences.len());
    File { path: format!("languages/{language}/{split}.tsv"), text, about }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_share_few_words_and_all_parts_of_speech() {
        let files = files(1);
        let of = |language: &str, field: usize| -> BTreeSet<String> {
            let of_language = |file: &&File| {
                file.path.contains(language) && !file.path.ends_with("projected.tsv")
            };
            let files = files.iter().filter(of_language);
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
