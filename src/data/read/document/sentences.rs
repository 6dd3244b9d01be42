//! The sentences of a document, and those that its summary has.
//!
//! Lines are joined to paragraphs, which empty lines separate, and `sentence_ends` has the rules of sentences. A summary
//! has a sentence if it contains its text, without regard to white space: extracted sentences may be joined without
//! any.

use super::super::{
    encoding::Decoder,
    lines::{Line, lines},
    sentence_ends::split,
};

/// A sentence with the line that it starts on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sentence {
    pub(super) text: String,
    pub(super) line: u32,
}

/// The sentences of a file, none of them empty; a line that cannot be decoded is a fault.
pub(super) fn sentences(
    bytes: &[u8],
    decoder: &Decoder,
    abbreviations: &[&str],
    mut fault: impl FnMut(u32, String),
) -> Vec<Sentence> {
    let mut sentences = Vec::new();
    let mut paragraph = Paragraph::default();
    for line in lines(bytes) {
        if line.is_blank() {
            paragraph.end(abbreviations, &mut sentences);
            continue;
        }
        match decoder.decode(&line) {
            Ok(text) => paragraph.add(&line, text.trim()),
            Err(what) => fault(line.number, what),
        }
    }
    paragraph.end(abbreviations, &mut sentences);
    sentences
}

/// Lines that are joined by spaces.
#[derive(Default)]
struct Paragraph {
    text: String,
    /// The offset in the text of each line, and its number.
    lines: Vec<(usize, u32)>,
}

impl Paragraph {
    fn add(&mut self, line: &Line<'_>, text: &str) {
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        self.lines.push((self.text.len(), line.number));
        self.text.push_str(text);
    }

    fn end(&mut self, abbreviations: &[&str], sentences: &mut Vec<Sentence>) {
        for (start, end) in split(&self.text, abbreviations) {
            let text = self.text[start..end].trim();
            if !text.is_empty() {
                let start = end - self.text[start..end].trim_start().len();
                let after = self.lines.partition_point(|(offset, _)| *offset <= start);
                let line = self.lines[after.saturating_sub(1)].1;
                sentences.push(Sentence { text: text.to_owned(), line });
            }
        }
        *self = Self::default();
    }
}

/// Whether the summary has each sentence.
pub(super) fn extracted<'a>(sentences: impl Iterator<Item = &'a str>, summary: &str) -> Vec<bool> {
    let summary = without_space(summary);
    sentences.map(|sentence| summary.contains(&without_space(sentence))).collect()
}

fn without_space(text: &str) -> String {
    text.split_whitespace().collect()
}
