//! Plain text to chapters of sentences.
//!
//! Lines are joined to paragraphs, which empty lines separate. A paragraph without a letter or digit, one that starts
//! with `Chapter`, `Book`, `Part` or `Volume` and a number, one of a single line in capitals, and a first line in square
//! brackets (`[Title by Author 1900]`) are no text: a new chapter begins there.
//!
//! `sentence_split` has the rules of sentences.

use super::super::{
    encoding::Decoder,
    lines::lines,
    sentence_split::{Paragraph, split},
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
    let (mut paragraph, mut is_faulty) = (Paragraph::default(), false);
    let mut end = |paragraph: &mut Paragraph, is_faulty: &mut bool| {
        let (paragraph, is_faulty) = (std::mem::take(paragraph), std::mem::take(is_faulty));
        if paragraph.text.is_empty() {
            return;
        }
        if is_faulty || is_heading(&paragraph) {
            chapters.push(Chapter::new());
            return;
        }
        let sentences = split(&paragraph.text, abbreviations).into_iter();
        let sentences = sentences.map(|(start, end)| tokens(&paragraph, start, end, cut));
        if let Some(chapter) = chapters.last_mut() {
            chapter.extend(sentences.filter(|sentence| !sentence.is_empty()));
        }
    };
    for line in lines(bytes) {
        if line.is_blank() {
            end(&mut paragraph, &mut is_faulty);
            continue;
        }
        match decoder.decode(&line) {
            Ok(text) => paragraph.add(&line, text.trim()),
            Err(what) => {
                paragraph.add(&line, "?");
                is_faulty = true;
                fault(line.number, what);
            }
        }
    }
    end(&mut paragraph, &mut is_faulty);
    chapters.retain(|chapter| !chapter.is_empty());
    chapters
}

/// Whether a paragraph is no text, but begins a chapter.
fn is_heading(Paragraph { text, lines }: &Paragraph) -> bool {
    let has = |is: fn(char) -> bool| text.chars().any(is);
    if !has(char::is_alphanumeric) {
        return true;
    }
    let is_title = text.starts_with('[') && text.ends_with(']') && lines[0].1 == 1;
    let mut words = text.split_whitespace();
    let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let is_part =
        ["chapter", "book", "part", "volume"].iter().any(|part| first.eq_ignore_ascii_case(part));
    let number = second.trim_end_matches(['.', ':', ',']);
    let is_number = !number.is_empty()
        && (number.chars().all(|char| char.is_ascii_digit())
            || number.chars().all(|char| "IVXLC".contains(char)));
    let is_capitals = lines.len() == 1 && !has(char::is_lowercase) && has(char::is_uppercase);
    is_title || is_part && is_number || is_capitals
}

/// The tokens of a sentence of a paragraph.
fn tokens(paragraph: &Paragraph, start: usize, end: usize, cut: Tokens) -> Sentence {
    let base = paragraph.text.as_ptr() as usize;
    let tokens = cut.split(&paragraph.text[start..end]).into_iter();
    let line = |token: &str| paragraph.line(token.as_ptr() as usize - base);
    tokens.map(|token| (token.to_owned(), line(token))).collect()
}
