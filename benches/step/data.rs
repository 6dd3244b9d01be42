//! The data of the systems that are measured. Those of the reference step are the peer's, from the same generator
//! (splitmix64 over a seed and a counter): words of a Zipf distribution with exponent 1, spelled with 2 to 10 of 99
//! characters, and labels that depend on them. The peers of the other systems read the same files.

use std::{collections::HashSet, fmt::Write};

/// The vocabulary size of the generator.
pub(crate) const WORDS: usize = 20_000;

/// The vocabulary size of the language model: 7,500 classes including the unknown word and the
/// edge.
pub(crate) const LM_WORDS: usize = 7_498;

/// Pairs of texts to translate in train.
pub(crate) const N_PAIRS: usize = 6_400;

/// Words of a text to translate, and of its translation.
pub(crate) const PAIR_LENGTH: usize = 13;

/// Dependency trees in train.
pub(crate) const N_TREES: usize = 3_200;

/// Pairs or trees in dev.
pub(crate) const N_DEV: usize = 320;

const BATCHES: usize = 20;
const BATCH: usize = 32;
const LENGTH: usize = 25;

struct Draws {
    seed: u64,
    counter: u64,
}

impl Draws {
    fn new(seed: u64) -> Self {
        Self { seed: seed << 32, counter: 0 }
    }

    fn next(&mut self) -> u64 {
        let at = self.seed.wrapping_add(self.counter);
        self.counter += 1;
        let x = at.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ (x >> 31)
    }

    /// Uniform between 0 and 1.
    fn even(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// A word of a Zipf distribution with exponent 1.
fn zipf(draws: &mut Draws, n_words: usize) -> usize {
    let log = draws.even() * ((n_words + 1) as f64).ln();
    (log.exp() as usize).saturating_sub(1).min(n_words - 1)
}

/// The words of so many texts of one length, of which the first ones go through the vocabulary, so that it is complete in
/// train.
fn texts(
    draws: &mut Draws,
    (n_texts, length): (usize, usize),
    n_train: usize,
    n_words: usize,
) -> Vec<Vec<usize>> {
    let in_turn = n_words.div_ceil(n_train);
    let mut text = |text: usize| {
        let first = (0..in_turn).map(|at| (text * in_turn + at) % n_words);
        let mut words: Vec<usize> = first.collect();
        words.extend((in_turn..length).map(|_| zipf(draws, n_words)));
        words
    };
    (0..n_texts).map(&mut text).collect()
}

/// Texts and their translations, one per line; a vocabulary of 6,000 words and one of 8,000.
pub(crate) fn pairs(n_pairs: usize) -> [String; 2] {
    let mut draws = Draws::new(n_pairs as u64);
    [("s", 6_000), ("t", 8_000)].map(|(letter, n_words)| {
        let mut lines = String::new();
        for words in texts(&mut draws, (n_pairs, PAIR_LENGTH), N_PAIRS, n_words) {
            let words: Vec<String> = words.iter().map(|word| format!("{letter}{word}")).collect();
            writeln!(lines, "{}", words.join(" ")).unwrap();
        }
        lines
    })
}

/// Dependency trees in CoNLL-U: a vocabulary of 10,000 words, 40 labels; the head of a word is one of those before it.
pub(crate) fn trees(n_trees: usize) -> String {
    let spelt = words();
    let mut draws = Draws::new(n_trees as u64);
    let mut lines = String::new();
    for words in texts(&mut draws, (n_trees, LENGTH), N_TREES, 10_000) {
        for (at, &word) in words.iter().enumerate() {
            let (head, label) = (draws.next() % at.max(1) as u64, draws.next() % 39);
            let (head, label) =
                if at == 0 { (0, "root".into()) } else { (head + 1, format!("l{label}")) };
            writeln!(lines, "{}\t{}\t_\t_\t_\t_\t{head}\t{label}\t_\t_", at + 1, spelt[word])
                .unwrap();
        }
        lines.push('\n');
    }
    lines
}

fn spelling(word: usize) -> Vec<u64> {
    let mut draws = Draws::new(1_000_003 + word as u64);
    let n = 2 + draws.next() % 9;
    (0..n).map(|_| 1 + draws.next() % 99).collect()
}

/// Every word's string, by its index. Where two words would have the same spelling, the last
/// characters of the later one are changed: as strings they would be one word.
pub(crate) fn words() -> Vec<String> {
    let mut known = HashSet::new();
    let unique = |word| {
        let mut spelt = spelling(word);
        let mut at = spelt.len() - 1;
        while !known.insert(spelt.clone()) {
            spelt[at] = 1 + spelt[at] % 99;
            at = (at + spelt.len() - 1) % spelt.len();
        }
        // A script without capitals.
        spelt.iter().map(|&id| char::from_u32(0x4E00 + id as u32).unwrap()).collect()
    };
    (0..WORDS).map(unique).collect()
}

/// The sentences of all batches, one word per line with its two labels.
pub(crate) fn corpus(real_lengths: bool) -> String {
    let words = words();
    let mut draws = Draws::new(7);
    let mut text = String::new();
    for _ in 0..BATCHES * BATCH {
        let n =
            if real_lengths { 5 + (56.0 * draws.even() * draws.even()) as usize } else { LENGTH };
        for _ in 0..n {
            let word = zipf(&mut draws, WORDS);
            let pos = (word as u64 * 7 + draws.next() % 2) % 17;
            let chunk = (word as u64 * 13 + draws.next() % 3) % 23;
            writeln!(text, "{}\tP{pos}\tC{chunk}", words[word]).unwrap();
        }
        text.push('\n');
    }
    text
}
