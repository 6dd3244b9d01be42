//! Sentences of scientific abstracts with their keyphrases, and others with their chunks only.
//!
//! A keyphrase is a technical noun phrase without its determiner and without general adjectives: a material, a process
//! or a task. Its head names its type, but for heads that two types share: there it depends on the verb. Most modifiers
//! and many verbs are rare, so that a word is often unknown and its position in the chunk decides.

use std::fmt::Write as _;

use crate::corpus::File;
use crate::dice::Dice;

/// The words of a sentence with their chunk and keyphrase tags.
#[derive(Default)]
struct Sentence {
    words: Vec<(String, String, String)>,
}

impl Sentence {
    fn add(&mut self, text: &str, chunk: &str) {
        for (at, word) in text.split(' ').enumerate() {
            let tag = match (chunk, at) {
                ("O", _) => "O".to_owned(),
                (chunk, 0) => format!("B-{chunk}"),
                (chunk, _) => format!("I-{chunk}"),
            };
            self.words.push((word.to_owned(), tag, "O".to_owned()));
        }
    }

    /// Adds a chunk whose last words, after the first `n_before`, are a keyphrase.
    fn phrase(&mut self, text: &str, n_before: usize, kind: &str) {
        let start = self.words.len() + n_before;
        self.add(text, "NP");
        for at in start..self.words.len() {
            let letter = if at == start { "B" } else { "I" };
            self.words[at].2 = format!("{letter}-{kind}");
        }
    }
}

/// A type of keyphrases.
struct Kind {
    name: &'static str,
    heads: &'static [&'static str],
    /// Words before a keyphrase of this type, as object.
    verbs: &'static [&'static str],
}

const KINDS: [Kind; 3] = [
    Kind {
        name: "Material",
        heads: &[
            "alloy",
            "polymer",
            "film",
            "powder",
            "oxide",
            "glass",
            "steel",
            "graphene",
            "membrane",
            "crystal",
            "coating",
            "composite",
        ],
        verbs: &["contains", "was made of", "is covered with", "consists of"],
    },
    Kind {
        name: "Process",
        heads: &[
            "annealing",
            "simulation",
            "algorithm",
            "sampling",
            "regression",
            "etching",
            "model",
            "solver",
            "sintering",
            "coating",
            "casting",
            "spectroscopy",
        ],
        verbs: &["was carried out by", "relies on", "uses", "was followed by"],
    },
    Kind {
        name: "Task",
        heads: &[
            "prediction",
            "detection",
            "classification",
            "design",
            "control",
            "recognition",
            "estimation",
            "localization",
            "model",
            "casting",
            "repair",
            "planning",
        ],
        verbs: &["addresses", "is a benchmark for", "deals with", "aims at"],
    },
];

const GENERAL_NOUNS: [&str; 12] = [
    "paper",
    "section",
    "authors",
    "results",
    "experiment",
    "approach",
    "second part",
    "comparison",
    "review",
    "table",
    "appendix",
    "group",
];
const GENERAL_ADJECTIVES: [&str; 8] =
    ["novel", "proposed", "recent", "simple", "present", "whole", "large", "second"];
const DETERMINERS: [&str; 4] = ["the", "a", "this", "our"];
const VERBS: [&str; 8] = [
    "describes",
    "shows",
    "improves",
    "is based on",
    "compares",
    "depends on",
    "was tested on",
    "extends",
];
const ADVERBS: [&str; 6] =
    ["in detail", "at last", "in general", "for comparison", "in practice", "on average"];

/// Syllables of invented modifiers, and endings of some of them.
const SYLLABLES: [&str; 18] = [
    "bor", "cal", "dex", "fen", "gan", "hyd", "ir", "kel", "lum", "mag", "nar", "or", "pla",
    "quin", "rho", "sil", "tor", "vex",
];
const ENDINGS: [&str; 6] = ["ic", "al", "ide", "ium", "on", "ed"];

const VERB_ENDINGS: [&str; 4] = ["izes", "ates", "ed", "ides"];

/// An invented word with one of these endings.
fn invented(endings: &[&str], dice: &mut Dice) -> String {
    let n = 1 + dice.below(2);
    let mut word: String = (0..n).map(|_| dice.pick(&SYLLABLES)).collect();
    word += dice.pick(endings);
    word
}

/// A noun phrase with a keyphrase of this type.
fn keyphrase(sentence: &mut Sentence, kind: &Kind, dice: &mut Dice) {
    let mut before = Vec::new();
    if dice.chance(70) {
        before.push(dice.pick(&DETERMINERS).to_owned());
    }
    if dice.chance(40) {
        before.push(dice.pick(&GENERAL_ADJECTIVES).to_owned());
    }
    let n_before = before.len();
    for _ in 0..dice.below(3) {
        before.push(invented(&ENDINGS, dice));
    }
    before.push((*dice.zipf(kind.heads)).to_owned());
    sentence.phrase(&before.join(" "), n_before, kind.name);
}

/// A noun phrase without one.
fn plain(sentence: &mut Sentence, dice: &mut Dice) {
    let mut words = vec![dice.pick(&DETERMINERS)];
    if dice.chance(40) {
        words.push(dice.pick(&GENERAL_ADJECTIVES));
    }
    words.push(*dice.zipf(&GENERAL_NOUNS));
    sentence.add(&words.join(" "), "NP");
}

fn draw(dice: &mut Dice) -> Sentence {
    let mut sentence = Sentence::default();
    if dice.chance(20) {
        sentence.add(dice.pick(&ADVERBS), "PP");
        sentence.add(",", "O");
    }
    let subject = dice.below(KINDS.len());
    if dice.chance(45) {
        keyphrase(&mut sentence, &KINDS[subject], dice);
    } else {
        plain(&mut sentence, dice);
    }
    for clause in 0..1 + usize::from(dice.chance(35)) {
        if clause > 0 {
            sentence.add("and", "O");
        }
        if dice.chance(75) {
            let kind = &KINDS[dice.below(KINDS.len())];
            if dice.chance(50) {
                sentence.add(&invented(&VERB_ENDINGS, dice), "VP");
            } else {
                sentence.add(dice.pick(kind.verbs), "VP");
            }
            keyphrase(&mut sentence, kind, dice);
        } else {
            sentence.add(dice.pick(&VERBS), "VP");
            plain(&mut sentence, dice);
        }
    }
    sentence.add(".", "O");
    sentence
}

/// Every file of the abstracts.
pub(crate) fn files(seed: u64) -> Vec<File> {
    let mut dice = Dice::new(seed);
    let splits = [
        ("keyphrases.train", 80, true),
        ("keyphrases.dev", 200, true),
        ("keyphrases.test", 400, true),
        ("chunks.train", 600, false),
        ("chunks.dev", 100, false),
        ("chunks.test", 200, false),
    ];
    let file = |(name, n, with_keyphrases): (&str, usize, bool)| {
        let (mut text, mut n_tokens, mut n_spans) = (String::new(), 0, 0);
        for _ in 0..n {
            let sentence = draw(&mut dice);
            n_tokens += sentence.words.len();
            for (word, chunk, keyphrase) in &sentence.words {
                let tag = if with_keyphrases { keyphrase } else { chunk };
                n_spans += usize::from(tag.starts_with('B'));
                let _ = writeln!(text, "{word}\t{tag}");
            }
            text.push('\n');
        }
        let about = format!("{n} sentences, {n_tokens} tokens, {n_spans} spans");
        File { path: format!("abstracts/{name}.tsv"), text, about }
    };
    splits.into_iter().map(file).collect()
}
