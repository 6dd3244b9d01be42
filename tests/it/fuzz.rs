//! Mutated inputs through everything that reads them: corpora of each format and predictions written into
//! them, files of any kind, vectors, word lists, journals, checkpoints, recipes and the user's key file.
//! Whatever they contain, it is read or refused; nothing panics.
//!
//! `AUXDESK_FUZZ=N` multiplies the number of executions by N.

mod checkpoints;
mod contents;
mod corpora;
mod journals;
mod recipes;

use std::panic::{self, AssertUnwindSafe};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Texts that parsers have stumbled over.
const TOKENS: &[&str] = &[
    "-1",
    "0",
    "1e999",
    "-0.0",
    "99999999999999999999",
    "18446744073709551615",
    "4294967296",
    "null",
    "true",
    "\"\"",
    "{}",
    "[]",
    "NaN",
    "inf",
    "\u{1b}[2J",
    "\\u0000",
    "\u{feff}",
    "é",
    "\t",
    "\n",
    "\n\n",
    "\r\n",
    "\"",
    "'",
    "[[",
    "]]",
    "=",
    ".",
    ",",
    "-",
    "#",
    "B-",
    "I-",
    "O",
    "1-2",
    "_",
];

/// A copy with one to four random changes.
fn mutated(bytes: &[u8], draw: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..draw.random_range(1..=4) {
        let n = bytes.len();
        let at = draw.random_range(0..=n);
        let end = (at + draw.random_range(0..24)).min(n);
        match draw.random_range(0..8) {
            0 if at < n => bytes[at] ^= 1 << draw.random_range(0..8),
            1 => drop(bytes.drain(at..end)),
            2 => bytes.truncate(at),
            3 => {
                let copied = bytes[at..end].to_vec();
                let to = draw.random_range(0..=n);
                drop(bytes.splice(to..to, copied));
            }
            4 => bytes.insert(at, draw.random()),
            5 => replace_a_number(&mut bytes, at, draw),
            6 => swap_lines(&mut bytes, draw),
            _ => {
                let token = TOKENS[draw.random_range(0..TOKENS.len())];
                drop(bytes.splice(at..end, token.bytes()));
            }
        }
    }
    bytes
}

/// Replaces the next run of digits by another number.
fn replace_a_number(bytes: &mut Vec<u8>, from: usize, draw: &mut ChaCha8Rng) {
    let is_digit = |byte: &u8| byte.is_ascii_digit();
    let Some(start) = bytes[from..].iter().position(is_digit).map(|at| from + at) else { return };
    let end =
        bytes[start..].iter().position(|byte| !is_digit(byte)).map_or(bytes.len(), |n| start + n);
    let number: u64 = draw.random::<u64>() >> draw.random_range(0..64);
    drop(bytes.splice(start..end, number.to_string().into_bytes()));
}

fn swap_lines(bytes: &mut Vec<u8>, draw: &mut ChaCha8Rng) {
    let mut lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    if lines.is_empty() {
        return;
    }
    let [one, other] = [(); 2].map(|()| draw.random_range(0..lines.len()));
    lines.swap(one, other);
    *bytes = lines.concat();
}

/// Runs a reader on this many mutations of each of these files; reports what panicked.
fn fuzz(name: &str, n: usize, files: &[Vec<u8>], mut read: impl FnMut(usize, &[u8])) {
    let times: usize = std::env::var("AUXDESK_FUZZ").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    let n = n * times;
    let mut draw = ChaCha8Rng::seed_from_u64(14);
    let mut panicked = Vec::new();
    for execution in 0..n {
        let file = execution % files.len();
        let bytes = mutated(&files[file], &mut draw);
        let result = panic::catch_unwind(AssertUnwindSafe(|| read(file, &bytes)));
        if let Err(panic) = result {
            let why = panic.downcast_ref::<String>().cloned();
            let why = why.or_else(|| panic.downcast_ref::<&str>().map(|&why| why.to_owned()));
            panicked.push((why, String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    assert!(
        panicked.is_empty(),
        "{name}: {} of {n} executions panicked; first: {:?}",
        panicked.len(),
        panicked[0]
    );
}
