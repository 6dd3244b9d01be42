//! Plain text to chapters of sentences.
//!
//! Lines are joined to paragraphs, which empty lines separate. A paragraph without a letter or digit, one that starts
//! with `Chapter`, `Book`, `Part` or `Volume` and a number, one of a single line in capitals, and a first line in square
//! brackets (`[Title by Author 1900]`) are no text: a new chapter begins there.
//!
//! `sentence_ends` has the rules of sentences.

use super::super::{
    encoding::Decoder,
    lines::{Line, lines},
    sentence_ends::split,
    tokens::Tokens,
};

/// A sentence: each token with its line.
pub(super) type Sentence = Vec<(String, u32)>;

/// The sentences of a chapter.
pub(super) type Chapter = Vec<Sentence>;

/// The chapters of a file; a line that cannot be decoded is a fault, and its paragraph is left out.
pub(super) fn chapters(
    bytes: &[u8],
    decoder: &Decoder,
    cut: Tokens,
    abbreviations: &[&str],
    mut fault: impl FnMut(u32, String),
) -> Vec<Chapter> {
    let mut chapters = vec![Chapter::new()];
    let mut paragraph = Paragraph::default();
    let mut end = |paragraph: &mut Paragraph| {
        let paragraph = std::mem::take(paragraph);
        if paragraph.text.is_empty() {
            return;
        }
        if paragraph.is_faulty || paragraph.is_heading() {
            chapters.push(Chapter::new());
            return;
        }
        let sentences = split(&paragraph.text, abbreviations).into_iter();
        let sentences = sentences.map(|(start, end)| paragraph.tokens(start, end, cut));
        if let Some(chapter) = chapters.last_mut() {
            chapter.extend(sentences.filter(|sentence| !sentence.is_empty()));
        }
    };
    for line in lines(bytes) {
        if line.is_blank() {
            end(&mut paragraph);
            continue;
        }
        match decoder.decode(&line) {
            Ok(text) => paragraph.add(&line, text.trim()),
            Err(what) => {
                paragraph.add(&line, "?");
                paragraph.is_faulty = true;
                fault(line.number, what);
            }
        }
    }
    end(&mut paragraph);
    chapters.retain(|chapter| !chapter.is_empty());
    chapters
}

/// Lines that are joined by spaces.
#[derive(Default)]
struct Paragraph {
    text: String,
    /// The offset in the text of each line, and its number.
    lines: Vec<(usize, u32)>,
    is_faulty: bool,
}

impl Paragraph {
    fn add(&mut self, line: &Line<'_>, text: &str) {
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        self.lines.push((self.text.len(), line.number));
        self.text.push_str(text);
    }

    fn is_heading(&self) -> bool {
        let text = self.text.as_str();
        let has = |is: fn(char) -> bool| text.chars().any(is);
        if !has(char::is_alphanumeric) {
            return true;
        }
        let is_title = text.starts_with('[') && text.ends_with(']') && self.lines[0].1 == 1;
        let mut words = text.split_whitespace();
        let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let is_part = ["chapter", "book", "part", "volume"]
            .iter()
            .any(|part| first.eq_ignore_ascii_case(part));
        let number = second.trim_end_matches(['.', ':', ',']);
        let is_number = !number.is_empty()
            && (number.chars().all(|char| char.is_ascii_digit())
                || number.chars().all(|char| "IVXLC".contains(char)));
        let is_capitals =
            self.lines.len() == 1 && !has(char::is_lowercase) && has(char::is_uppercase);
        is_title || is_part && is_number || is_capitals
    }

    fn tokens(&self, start: usize, end: usize, cut: Tokens) -> Sentence {
        let line = |at: usize| {
            let after = self.lines.partition_point(|(offset, _)| *offset <= at);
            self.lines[after.saturating_sub(1)].1
        };
        let base = self.text.as_ptr() as usize;
        let tokens = cut.split(&self.text[start..end]).into_iter();
        tokens.map(|token| (token.to_owned(), line(token.as_ptr() as usize - base))).collect()
    }
}
