//! A phrase book: sentences of an invented language with translations into two others, `north` and `south`, with parts of
//! speech, and with the vector of the picture that each describes; and sentences without translations.
//!
//! A sentence is a meaning (`meaning`) that each language says by its own rules (`source`, `target`): word order,
//! agreement, cases. Concepts are Zipf-distributed, and have several names in the source, so that many words of dev and test
//! are rare in the small train or absent; in the large one they are known. Some names are both those of nouns and of verbs,
//! and some concepts have two translations, by what they go with.

mod meaning;
mod pictures;
mod source;
mod target;
mod words;

use std::collections::BTreeSet;

use crate::corpus::File;
use crate::dice::Dice;
use crate::lexicon::is_rude;
use meaning::Clause;
use pictures::Pictures;
use words::Words;

/// How a language says a sentence.
type Voice = fn(&Clause) -> Vec<String>;

/// The splits of a language, each with its number of sentences.
type Splits = &'static [(&'static str, usize)];

/// The pairs of each language.
const PAIRS: [(&str, Voice, Splits); 2] = [
    ("north", target::north, &[("train", 800), ("dev", 200), ("test", 300)]),
    ("south", target::south, &[("train", 3000), ("dev", 100)]),
];

/// Sentences with parts of speech.
const TAGGED: [(&str, usize); 2] = [("train", 1000), ("dev", 100)];

/// Sentences with pictures.
const PICTURED: [(&str, usize); 2] = [("train", 800), ("dev", 100)];

/// Sentences of the source, and as many others of the north, without translations.
const UNPAIRED: [(&str, usize); 2] = [("train", 1000), ("dev", 100)];

/// Every file of the phrase book. No two of its sentences are equal in the source, and none of a split of a language is
/// translated as one of an earlier split is.
pub(crate) fn files(seed: u64) -> Vec<File> {
    let words = Words::draw(&mut Dice::new(seed));
    let (mut dice, mut seen) = (Dice::new(seed + 1), BTreeSet::new());
    // Draws of their own for sentences in place of others, which leave those after them as they are.
    let mut spare = Dice::new(seed + 50);
    let mut files = Vec::new();
    for (name, voice, splits) in PAIRS {
        let mut translated = BTreeSet::new();
        for &(split, n) in splits {
            let mut clauses = clauses(&words, n, &mut dice, &mut seen);
            for clause in &mut clauses {
                while translated.contains(&voice(clause)) {
                    *clause = unsaid(&words, &mut spare, &mut seen);
                }
            }
            translated.extend(clauses.iter().map(voice));
            let texts = |voice: &dyn Fn(&Clause) -> Vec<String>| {
                clauses.iter().map(|clause| voice(clause).join(" ") + "\n").collect::<String>()
            };
            let source = texts(&|clause| source::say(clause).into_iter().map(first).collect());
            let target = texts(&voice);
            let n_words = |text: &str| text.split_whitespace().count();
            let about = |text: &str| format!("{n} sentences, {} words", n_words(text));
            for (kind, text) in [("source", source), ("target", target)] {
                let about = about(&text);
                files.push(File { path: format!("phrases/{name}/{split}.{kind}"), text, about });
            }
            if name == "north" {
                let text = texts(&target::north_with_actions);
                let n_actions = n_words(&text) - texts(&voice).split_whitespace().count();
                let about = format!("{} with {n_actions} actions", about(&text));
                files.push(File { path: format!("phrases/{name}/{split}.actions"), text, about });
            }
        }
    }
    for (split, n) in TAGGED {
        let mut text = String::new();
        for clause in clauses(&words, n, &mut dice, &mut seen) {
            for (form, tag) in source::say(&clause) {
                text += &format!("{form}\t{tag}\n");
            }
            text.push('\n');
        }
        let about = format!("{n} sentences");
        files.push(File { path: format!("phrases/tags/{split}.tsv"), text, about });
    }
    // Draws of their own: the other files stay as they are.
    let mut of_pictures = Dice::new(seed + 2);
    let pictures = Pictures::draw(&words, &mut of_pictures);
    for (split, n) in PICTURED {
        let mut text = String::new();
        for clause in clauses(&words, n, &mut dice, &mut seen) {
            let said: Vec<String> = source::say(&clause).into_iter().map(first).collect();
            text += &pictures::line(&said.join(" "), &pictures.of(&clause, &mut of_pictures));
        }
        let about = format!("{n} sentences, vectors of dimension {}", pictures::DIMENSION);
        files.push(File { path: format!("phrases/pictures/{split}.jsonl"), text, about });
    }
    for (split, n) in UNPAIRED {
        let (sources, targets) =
            (clauses(&words, n, &mut dice, &mut seen), clauses(&words, n, &mut dice, &mut seen));
        let mut text = String::new();
        for (source, target) in sources.iter().zip(&targets) {
            let source: Vec<String> = source::say(source).into_iter().map(first).collect();
            let (source, target) = (source.join(" "), target::north(target).join(" "));
            text += &format!("{{\"source\": \"{source}\", \"target\": null}}\n");
            text += &format!("{{\"source\": null, \"target\": \"{target}\"}}\n");
        }
        let about = format!("{n} sentences of the source, {n} of the north");
        files.push(File { path: format!("phrases/unpaired/{split}.jsonl"), text, about });
    }
    files
}

fn first((form, _): (String, &'static str)) -> String {
    form
}

/// Sentences that were not said before.
fn clauses(
    words: &Words,
    n: usize,
    dice: &mut Dice,
    seen: &mut BTreeSet<Vec<String>>,
) -> Vec<Clause> {
    (0..n).map(|_| unsaid(words, dice, seen)).collect()
}

/// A sentence that was not said before.
fn unsaid(words: &Words, dice: &mut Dice, seen: &mut BTreeSet<Vec<String>>) -> Clause {
    loop {
        let clause = Clause::draw(words, dice);
        let said: Vec<String> = source::say(&clause).into_iter().map(first).collect();
        let all = said.iter().chain(&target::north(&clause)).cloned().collect::<Vec<_>>();
        let rude = all.iter().chain(&target::south(&clause)).any(|word| is_rude(word));
        if !rude && seen.insert(said) {
            return clause;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_build_a_tree_over_the_words_of_the_target() {
        let files = files(1);
        let of = |kind: &str| {
            let path = format!("phrases/north/train.{kind}");
            files.iter().find(|file| file.path == path).unwrap().text.lines()
        };
        for (with, words) in of("actions").zip(of("target")) {
            let is_word = |token: &&str| !["LEFT", "RIGHT"].contains(token);
            let without: Vec<&str> = with.split(' ').filter(is_word).collect();
            assert_eq!(without.join(" "), words);
            let mut stack = 0;
            for token in with.split(' ') {
                stack = if is_word(&token) { stack + 1 } else { stack - 1 };
                assert!(stack > 0, "{with}");
            }
            assert_eq!(stack, 1, "{with}");
        }
    }

    #[test]
    fn translations_are_aligned_and_have_a_long_tail() {
        let files = files(1);
        let of = |path: &str| {
            let file = files.iter().find(|file| file.path == path).unwrap();
            file.text.lines().map(str::to_owned).collect::<Vec<_>>()
        };
        for (name, _, splits) in PAIRS {
            for &(split, n) in splits {
                for kind in ["source", "target"] {
                    assert_eq!(of(&format!("phrases/{name}/{split}.{kind}")).len(), n);
                }
            }
        }
        let words = |path: &str| -> BTreeSet<String> {
            of(path).iter().flat_map(|line| line.split(' ')).map(str::to_owned).collect()
        };
        let (train, test) =
            (words("phrases/north/train.source"), words("phrases/north/test.source"));
        let unknown = test.difference(&train).count();
        assert!((10..test.len() / 4).contains(&unknown), "{unknown} of {}", test.len());
        let pairs: BTreeSet<_> = of("phrases/north/train.source").into_iter().collect();
        assert!(of("phrases/south/train.source").iter().all(|line| !pairs.contains(line)));
        for path in ["north/train north/dev", "north/train north/test", "south/train south/dev"] {
            let (train, other) = path.split_once(' ').unwrap();
            let targets = |path: &str| -> BTreeSet<String> {
                of(&format!("phrases/{path}.target")).into_iter().collect()
            };
            assert!(targets(train).is_disjoint(&targets(other)), "{path}");
        }
    }
}
