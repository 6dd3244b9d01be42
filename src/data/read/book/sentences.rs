//! Plain text to chapters of sentences.
//!
//! Lines are joined to paragraphs, which empty lines separate. A paragraph without a letter or digit, one that starts
//! with `Chapter`, `Book`, `Part` or `Volume` and a number, one of a single line in capitals, and a first line in square
//! brackets (`[Title by Author 1900]`) are no text: a new chapter begins there.
//!
//! A sentence ends at `.`, `!` or `?` with the closing quotes and brackets after it, where white space and a capital
//! letter or a digit follow, which may stand behind opening quotes; not after an abbreviation or an initial. So a
//! reported question (`"Why?" said she`) is part of its sentence.

use super::super::{
    encoding::Decoder,
    lines::{Line, lines},
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

/// The byte offsets of the sentences of a paragraph.
fn split(text: &str, abbreviations: &[&str]) -> Vec<(usize, usize)> {
    let mut sentences = Vec::new();
    let mut start = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        if !matches!(char, '.' | '!' | '?') {
            continue;
        }
        let mut end = at + char.len_utf8();
        while let Some(&(next, mark)) = chars.peek().filter(|(_, char)| is_closing(*char)) {
            end = next + mark.len_utf8();
            chars.next();
        }
        let rest = &text[end..];
        let next = rest.trim_start();
        let follows = next.chars().find(|char| !is_opening(*char));
        let is_end = rest.len() > next.len()
            && follows.is_some_and(|char| char.is_uppercase() || char.is_numeric());
        if is_end && !(char == '.' && is_abbreviated(&text[start..at], abbreviations)) {
            sentences.push((start, end));
            start = end;
        }
    }
    sentences.push((start, text.len()));
    sentences
}

/// Whether a character may stand between the end of a sentence and the space after it.
fn is_closing(char: char) -> bool {
    matches!(char, '.' | '!' | '?' | '"' | '\'' | ')' | ']' | '*' | '_' | '\u{2019}' | '\u{201d}')
}

/// Whether a character may stand before the first letter of a sentence.
fn is_opening(char: char) -> bool {
    matches!(char, '"' | '\'' | '(' | '[' | '*' | '_' | '-' | '\u{2014}' | '\u{2018}' | '\u{201c}')
}

/// Whether a text ends with an abbreviation or an initial.
fn is_abbreviated(text: &str, abbreviations: &[&str]) -> bool {
    let word = text.rsplit(|char: char| char.is_whitespace() || is_opening(char)).next();
    let word = word.unwrap_or_default();
    let mut letters = word.chars();
    let is_initial = letters.next().is_some_and(char::is_uppercase) && letters.next().is_none();
    // The pronoun is more often the end of a sentence than an initial.
    is_initial && word != "I" || abbreviations.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentences(text: &str) -> Vec<&str> {
        let found = split(text, &["Mr", "etc"]);
        found.into_iter().map(|(start, end)| text[start..end].trim()).collect()
    }

    #[test]
    fn a_sentence_ends_before_a_capital_letter() {
        for (text, wanted) in [
            ("It rains. We go! Why? 3 of us", "It rains.|We go!|Why?|3 of us"),
            ("\"Why?\" said she. \"Go.\" He went.", "\"Why?\" said she.|\"Go.\"|He went."),
            (
                "Mr. Low met G. K. Ash. It was I. He sat, etc. And so",
                "Mr. Low met G. K. Ash.|It was I.|He sat, etc. And so",
            ),
            ("Wait... Now. (Then?) 'Oh!' he said", "Wait...|Now.|(Then?)|'Oh!' he said"),
            ("3.50 is it.Yes", "3.50 is it.Yes"),
            ("", ""),
        ] {
            assert_eq!(sentences(text).join("|"), wanted, "{text}");
        }
    }
}
