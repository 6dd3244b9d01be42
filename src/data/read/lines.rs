//! Lines and sentences of a text file, with their byte offsets.
//!
//! A line ends at `\n` and nowhere else: U+0085, U+2028 and form feeds are characters of tokens.
//! Carriage returns before the `\n` belong to the line ending. A UTF-8 byte order mark at the start
//! of the file is not part of its first line; elsewhere U+FEFF is a character.

use std::{ops::Range, str::FromStr};

use super::{Example, Read, ReadError, Source};
use crate::keys::{Key, ValueType, Values};

/// The key of formats whose files have comments.
pub(super) const COMMENT: Key =
    Key::optional("comment", ValueType::Text, "start of the lines that are skipped as comments");

/// A fault if every line would be a comment.
pub(super) fn check_comment(values: &Values) -> Option<(&'static str, String)> {
    let is_empty = values.text_if_set(COMMENT.name) == Some("");
    let what = "expected the start of comment lines, found an empty string; remove the key to read every line";
    is_empty.then(|| (COMMENT.name, what.to_owned()))
}

/// One line, without its ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// Its line number, counted from 1.
    pub(super) number: u32,
    /// The byte offset of its start.
    pub(super) start: usize,
    /// Its bytes.
    pub(super) bytes: &'a [u8],
}

impl Line<'_> {
    /// The byte offset of its ending.
    pub(super) fn end(&self) -> usize {
        self.start + self.bytes.len()
    }

    /// The byte offsets of its cells, which are separated by single tabs.
    pub(super) fn cells(&self) -> impl Iterator<Item = Range<usize>> {
        let mut start = self.start;
        self.bytes.split(|&byte| byte == b'\t').map(move |cell| {
            let cell = start..start + cell.len();
            start = cell.end + 1;
            cell
        })
    }

    /// The number of line breaks in it: 0, unless it is a record of several lines.
    pub(super) fn n_breaks(&self) -> usize {
        self.bytes.split(|&byte| byte == b'\n').count() - 1
    }

    /// Whether it ends a sentence: it is empty, or has only tabs and spaces.
    pub(super) fn is_blank(&self) -> bool {
        self.bytes.iter().all(u8::is_ascii_whitespace)
    }

    /// Whether it starts with the text of a comment.
    pub(super) fn is_comment(&self, start: Option<&str>) -> bool {
        start.is_some_and(|start| self.bytes.starts_with(start.as_bytes()))
    }
}

/// The lines of a file. A last line without an ending is a line; there is none after a final
/// ending.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = Line<'_>> {
    let mut start = 0;
    bytes.split_inclusive(|&byte| byte == b'\n').zip(1..).map(move |(piece, number)| {
        let mut line = Line { number, start, bytes: without_ending(piece) };
        start += piece.len();
        if let Some(rest) = line.bytes.strip_prefix(b"\xef\xbb\xbf")
            && number == 1
        {
            line = Line { number, start: 3, bytes: rest };
        }
        line
    })
}

fn without_ending(piece: &[u8]) -> &[u8] {
    let mut line = piece.strip_suffix(b"\n").unwrap_or(piece);
    while let Some(rest) = line.strip_suffix(b"\r") {
        line = rest;
    }
    line
}

/// Reads a file sentence by sentence, separated by the lines that are breaks. `parse` adds the
/// faults of a sentence; one without words is not an example.
pub(super) fn read_sentences<'a>(
    source: &'a Source,
    is_break: impl Fn(&Line<'_>) -> bool,
    mut parse: impl FnMut(&[Line<'a>], &mut Vec<ReadError>) -> Option<Example>,
) -> Read {
    let mut read = Read::default();
    read.split.file = source.name.clone();
    let mut end_sentence = |sentence: &mut Vec<Line<'a>>| {
        if sentence.is_empty() {
            return;
        }
        let n_faults = read.faults.len();
        let example = parse(sentence, &mut read.faults);
        sentence.clear();
        if read.faults.len() > n_faults {
            read.faults[n_faults..].sort_by_key(|fault| fault.line);
            read.n_faulty += 1;
        } else {
            read.split.examples.extend(example.filter(|example| !example.is_empty()));
        }
    };
    let mut sentence = Vec::new();
    for line in lines(&source.bytes) {
        if is_break(&line) {
            end_sentence(&mut sentence);
        } else {
            sentence.push(line);
        }
    }
    end_sentence(&mut sentence);
    read
}

/// Reads a file line by line, each of which is an example, nothing, or a fault.
pub(super) fn read_lines<'a>(
    source: &'a Source,
    parse: impl FnMut(&Line<'a>) -> Result<Option<Example>, String>,
) -> Read {
    read_each(source, lines(&source.bytes), parse)
}

/// The same for lines, or records of several lines, that are given.
pub(super) fn read_each<'a>(
    source: &'a Source,
    lines: impl Iterator<Item = Line<'a>>,
    mut parse: impl FnMut(&Line<'a>) -> Result<Option<Example>, String>,
) -> Read {
    let mut read = Read::default();
    read.split.file = source.name.clone();
    for line in lines {
        match parse(&line) {
            Ok(example) => read.split.examples.extend(example),
            Err(what) => {
                let file = source.name.clone();
                read.faults.push(ReadError { file, line: line.number, what });
            }
        }
    }
    read.n_faulty = read.faults.len() as u64;
    read
}

/// An integer of digits only: `parse` would accept a leading `+`.
pub(super) fn integer<T: FromStr>(digits: &str) -> Option<T> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(bytes: &[u8]) -> Vec<(usize, &[u8])> {
        lines(bytes).map(|line| (line.start, line.bytes)).collect()
    }

    #[test]
    fn only_a_line_feed_ends_a_line() {
        assert_eq!(split(b"a\r\nb\n\nc"), [(0, &b"a"[..]), (3, b"b"), (5, b""), (6, b"c")]);
        let one = "a\u{85}b\u{2028}c\u{c}d\re\n";
        assert_eq!(split(one.as_bytes()), [(0, &one.as_bytes()[..one.len() - 1])]);
        assert_eq!(split(b""), []);
    }

    #[test]
    fn a_byte_order_mark_is_dropped_at_the_start_and_kept_elsewhere() {
        let bytes = "\u{feff}a\n\u{feff}b\n".as_bytes();
        assert_eq!(split(bytes), [(3, &b"a"[..]), (5, "\u{feff}b".as_bytes())]);
        assert!(lines("\u{feff}\r\n".as_bytes()).all(|line| line.is_blank()));
    }

    #[test]
    fn a_no_break_space_is_not_blank() {
        let is_blank = |bytes| Line { number: 1, start: 0, bytes }.is_blank();
        assert!(is_blank(b"") && is_blank(b"\t") && is_blank(b" \t "));
        assert!(!is_blank("\u{a0}".as_bytes()));
    }
}
