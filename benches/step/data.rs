//! The peer's data, from the same generator (splitmix64 over a seed and a counter): words of a Zipf
//! distribution with exponent 1, spelled with 2 to 10 of 99 characters, and labels that depend on
//! them.

use std::{collections::HashSet, fmt::Write};

/// The vocabulary size of the generator.
pub(crate) const WORDS: usize = 20_000;

/// The vocabulary size of the language model: 7,500 classes including the unknown word and the
/// edge.
pub(crate) const LM_WORDS: usize = 7_498;

const BATCHES: usize = 20;
const BATCH: usize = 32;
const LENGTH: u64 = 25;

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
        let n = if real_lengths { 5 + (56.0 * draws.even() * draws.even()) as u64 } else { LENGTH };
        for _ in 0..n {
            let log = draws.even() * ((WORDS + 1) as f64).ln();
            let word = (log.exp() as usize).saturating_sub(1).min(WORDS - 1);
            let pos = (word as u64 * 7 + draws.next() % 2) % 17;
            let chunk = (word as u64 * 13 + draws.next() % 3) % 23;
            writeln!(text, "{}\tP{pos}\tC{chunk}", words[word]).unwrap();
        }
        text.push('\n');
    }
    text
}
