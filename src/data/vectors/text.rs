//! Reads text files of word vectors: GloVe's (`WORD NUMBER …`) and word2vec's, which begin with a
//! line `COUNT DIMENSION`.
//!
//! The file is read in blocks of lines, and the lines of a block are parsed in parallel, so that
//! the file is never in memory as a whole.

use std::{io::Read, sync::Arc};

use rayon::prelude::*;

use super::WordVectors;
use crate::data::{digest::Digest, read::ReadError};

/// Bytes read at a time.
const BLOCK: usize = 8 << 20;
/// Lines parsed by one task.
const LINES: usize = 256;
/// About the bytes of memory that a word takes besides its vector.
const PER_WORD: usize = 80;
/// The number of faults after which reading stops.
const MAX_FAULTS: usize = 1000;

/// A vectors file, opened.
pub struct VectorFile<'a, R> {
    /// Its name in messages.
    pub name: &'a Arc<str>,
    /// Its contents.
    pub contents: R,
    /// Its length in bytes, if it is known.
    pub len: Option<u64>,
    /// The bytes of memory that its vectors may take, if there is a limit.
    pub memory: Option<u64>,
}

/// Reads at most `max` vectors of dimension `width`. Of several vectors of one word, the first is
/// used. A word may contain spaces: the last `width` columns are its vector, everything before them
/// is the word.
///
/// # Errors
/// All faults of the lines that were read, in their order, up to a thousand. Reading stops at the
/// first one that concerns the whole file: another dimension, a byte 0, a line that never ends, more
/// vectors than fit into memory.
pub fn read(
    mut file: VectorFile<'_, impl Read>,
    width: usize,
    max: usize,
) -> Result<WordVectors, Vec<ReadError>> {
    let mut reading = Reading {
        file: file.name.clone(),
        vectors: WordVectors::new(width),
        digest: Digest::default(),
        n_lines: 0,
        n_vectors: 0,
        promised: None,
        max,
        faults: Vec::new(),
    };
    let mut block = Vec::new();
    loop {
        let before = block.len();
        let read = file.contents.by_ref().take(BLOCK as u64).read_to_end(&mut block);
        if let Err(error) = read {
            reading.fault(reading.n_lines + 1, format!("cannot be read: {error}"));
            return Err(reading.faults);
        }
        let is_last = block.len() - before < BLOCK;
        let end = match block.iter().rposition(|&byte| byte == b'\n') {
            _ if is_last => block.len(),
            Some(at) => at + 1,
            None => {
                let what = format!("{TEXT}, found a line of over {} MiB", BLOCK >> 20);
                reading.fault(reading.n_lines + 1, what);
                return Err(reading.faults);
            }
        };
        if reading.n_lines == 0
            && let Err(what) = reading.reserve(&block[..end], file.len, file.memory)
        {
            reading.fault(1, what);
            return Err(reading.faults);
        }
        let is_done = !reading.block(&block[..end]);
        block.drain(..end);
        if is_last || is_done {
            return reading.finish(is_done);
        }
    }
}

const TEXT: &str = "expected text with a word and its vector on each line (convert word2vec's \
                    binary files to text)";

struct Reading {
    file: Arc<str>,
    vectors: WordVectors,
    digest: Digest,
    n_lines: usize,
    /// Lines with a vector.
    n_vectors: usize,
    /// The number of vectors that the first line promises.
    promised: Option<usize>,
    max: usize,
    faults: Vec<ReadError>,
}

impl Reading {
    fn fault(&mut self, line: usize, what: String) {
        self.faults.push(ReadError { file: self.file.clone(), line: line as u32, what });
    }

    /// Reserves memory for as many vectors as the first block suggests, if there is enough.
    fn reserve(
        &mut self,
        block: &[u8],
        len: Option<u64>,
        memory: Option<u64>,
    ) -> Result<(), String> {
        let n_lines = block.split(|&byte| byte == b'\n').count();
        let all = len.unwrap_or(0) as f64 / block.len().max(1) as f64 * n_lines as f64 * 1.05;
        let n_vectors = (all as usize).min(self.max);
        let per_vector = (self.vectors.width * size_of::<f32>() + PER_WORD) as u64;
        let needed = per_vector.saturating_mul(n_vectors as u64);
        if let Some(memory) = memory.filter(|&memory| needed > memory) {
            return Err(format!(
                "about {n_vectors} vectors take {} MiB of memory, and {} MiB are available; set \
                 `max_vectors` to at most {}",
                needed >> 20,
                memory >> 20,
                memory / per_vector
            ));
        }
        self.vectors.rows.reserve_exact(n_vectors.saturating_mul(self.vectors.width));
        Ok(())
    }

    /// Reads whole lines; `false` if no further ones are needed.
    fn block(&mut self, block: &[u8]) -> bool {
        if let Some(at) = block.iter().position(|&byte| byte == 0) {
            let line = block[..at].split(|&byte| byte == b'\n').count();
            self.fault(self.n_lines + line, format!("{TEXT}, found a byte 0"));
            return false;
        }
        let lines: Vec<&[u8]> = block.split_inclusive(|&byte| byte == b'\n').collect();
        let mut from = 0;
        if self.n_lines == 0
            && let Some(first) = lines.first()
        {
            match self.header(first) {
                Header::Found => from = 1,
                Header::Absent => {}
                Header::Wrong(what) => {
                    self.fault(1, what);
                    return false;
                }
            }
        }
        let width = self.vectors.width;
        let parsed: Vec<Parsed<'_>> =
            lines[from..].par_chunks(LINES).map(|lines| Parsed::of(lines, width)).collect();
        let base = self.n_lines + from;
        self.n_lines += lines.len();
        for (at, Parsed { words, rows, faults }) in parsed.into_iter().enumerate() {
            let n_wanted = self.max - self.n_vectors;
            // The line of the last vector, if the maximum is reached here.
            let end = words.get(n_wanted - 1).map(|(line, _)| *line);
            let is_read = |line: usize| end.is_none_or(|end| line <= end);
            for (line, what) in faults.into_iter().filter(|(line, _)| is_read(*line)) {
                if self.faults.len() == MAX_FAULTS {
                    return false;
                }
                self.fault(base + at * LINES + line + 1, what);
            }
            self.n_vectors += words.len().min(n_wanted);
            let vectors = words.into_iter().zip(rows.chunks_exact(width.max(1)));
            for ((_, word), vector) in vectors.take(n_wanted) {
                self.vectors.add(word, vector);
            }
            if let Some(end) = end {
                // What follows is not used.
                let used = &lines[..=from + at * LINES + end];
                self.digest.update(&block[..used.iter().map(|line| line.len()).sum()]);
                return false;
            }
        }
        self.digest.update(block);
        true
    }

    fn header(&mut self, line: &[u8]) -> Header {
        let width = self.vectors.width;
        let Ok(text) = std::str::from_utf8(line) else { return Header::Absent };
        let text = trimmed(text);
        if let Some((count, found)) = header(text).filter(|_| width != 1) {
            if found != width {
                return Header::Wrong(other_width(found, width));
            }
            self.promised = Some(count);
            return Header::Found;
        }
        // One message, not one for each line, if every vector has another dimension.
        let mut cells = text.split(is_separator).skip(1);
        let found = cells.clone().count();
        if found > 0 && found != width && cells.all(|cell| cell.parse::<f32>().is_ok()) {
            return Header::Wrong(other_width(found, width));
        }
        Header::Absent
    }

    fn finish(mut self, is_done: bool) -> Result<WordVectors, Vec<ReadError>> {
        if let Some(promised) = self.promised.filter(|_| !is_done && self.faults.is_empty())
            && self.n_vectors < promised
        {
            let what = format!(
                "expected {promised} vectors, as the first line says, found {}; the file may be \
                 truncated",
                self.n_vectors
            );
            self.fault(self.n_lines, what);
        }
        if self.n_vectors == 0 && self.faults.is_empty() {
            self.fault(1, format!("{TEXT}, found no vectors"));
        }
        if !self.faults.is_empty() {
            return Err(self.faults);
        }
        self.vectors.digest = self.digest.finish();
        self.vectors.rows.shrink_to_fit();
        Ok(self.vectors)
    }
}

fn other_width(found: usize, width: usize) -> String {
    format!(
        "expected vectors of dimension {width}, found {found}; set the encoder's `width` to {found}"
    )
}

enum Header {
    Found,
    Absent,
    Wrong(String),
}

/// Count and dimension, if the line has them.
fn header(text: &str) -> Option<(usize, usize)> {
    let (count, width) = text.split_once(is_separator)?;
    Some((count.parse().ok()?, width.parse().ok()?))
}

/// The line without its end; word2vec ends each line with a space.
fn trimmed(text: &str) -> &str {
    text.trim_end_matches([' ', '\t', '\r', '\n'])
}

/// The words and vectors of some lines, and their faults, each with the index of its line.
#[derive(Default)]
struct Parsed<'a> {
    words: Vec<(usize, &'a str)>,
    rows: Vec<f32>,
    faults: Vec<(usize, String)>,
}

impl<'a> Parsed<'a> {
    fn of(lines: &[&'a [u8]], width: usize) -> Self {
        let mut parsed = Self { rows: Vec::with_capacity(lines.len() * width), ..Self::default() };
        for (at, line) in lines.iter().enumerate() {
            let whole = parsed.rows.len();
            match parsed.line(line, width) {
                Ok(word) => parsed.words.extend(word.map(|word| (at, word))),
                Err(what) => {
                    parsed.rows.truncate(whole);
                    parsed.faults.push((at, what));
                }
            }
        }
        parsed
    }

    /// Appends the vector of a line and returns its word; `None` for an empty line.
    fn line(&mut self, line: &'a [u8], width: usize) -> Result<Option<&'a str>, String> {
        let text = std::str::from_utf8(line)
            .map_err(|_| "expected UTF-8, found other bytes; save the vectors as UTF-8")?;
        let text = trimmed(text);
        if text.is_empty() {
            return Ok(None);
        }
        let (word, numbers) = split(text, width)?;
        for cell in numbers.split(is_separator) {
            match cell.parse::<f32>() {
                Ok(number) if number.is_finite() => self.rows.push(number),
                _ => return Err(format!("expected a finite number, found {cell:?}")),
            }
        }
        Ok(Some(word))
    }
}

/// Separates the word from its vector.
fn split(text: &str, width: usize) -> Result<(&str, &str), String> {
    let n_values = text.bytes().filter(|&byte| is_separator(byte.into())).count();
    if n_values < width {
        let is_marker = ["<<<<<<<", "=======", ">>>>>>>"].iter().any(|mark| text.starts_with(mark));
        if is_marker {
            return Err(
                "expected a word and its vector, found a marker of a merge conflict; resolve \
                        the conflict"
                    .to_owned(),
            );
        }
        return Err(format!("expected {width} values after the word, found {n_values}"));
    }
    // Vectors of a larger dimension must not be taken for words with spaces that end in numbers.
    if n_values > width && text.split(is_separator).skip(1).all(|cell| cell.parse::<f32>().is_ok())
    {
        return Err(format!("expected {width} values after the word, found {n_values}"));
    }
    let (at, _) = text
        .rmatch_indices(is_separator)
        .nth(width - 1)
        .expect("there are at least as many separators as numbers");
    let word = text[..at].trim_matches(is_separator);
    if word.is_empty() {
        return Err(format!("expected a word before the {width} values, found none"));
    }
    Ok((word, &text[at + 1..]))
}

fn is_separator(char: char) -> bool {
    matches!(char, ' ' | '\t')
}

#[cfg(test)]
mod tests;
