//! Paragraphs of raw text, and their sentences.
//!
//! A sentence ends at `.`, `!` or `?` with the closing quotes and brackets after it, where white space and a capital
//! letter or a digit follow, which may stand behind opening quotes; not after an abbreviation or an initial. So a
//! reported question (`"Why?" said she`) is part of its sentence.

use super::lines::Line;
use crate::keys::{Key, ValueType};

/// The key of the abbreviations.
pub(super) const ABBREVIATIONS: Key = Key::with_default(
    "abbreviations",
    ValueType::List(&ValueType::Text),
    "[\"Mr\", \"Mrs\", \"Ms\", \"Messrs\", \"Dr\", \"St\", \"Prof\", \"Rev\", \"Hon\", \"Esq\", \"Capt\", \"Col\", \
     \"Gen\", \"Lt\", \"Sgt\", \"Jr\", \"Sr\", \"No\", \"vs\", \"etc\"]",
    "words before a period that ends no sentence",
);

/// Lines that are joined by spaces.
#[derive(Default)]
pub(super) struct Paragraph {
    pub(super) text: String,
    /// The offset in the text of each line, and its number.
    pub(super) lines: Vec<(usize, u32)>,
}

impl Paragraph {
    pub(super) fn add(&mut self, line: &Line<'_>, text: &str) {
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        self.lines.push((self.text.len(), line.number));
        self.text.push_str(text);
    }

    /// The number of the line that has the byte at an offset.
    pub(super) fn line(&self, offset: usize) -> u32 {
        let after = self.lines.partition_point(|(start, _)| *start <= offset);
        self.lines[after.saturating_sub(1)].1
    }
}

/// The byte offsets of the sentences of a paragraph.
pub(super) fn split(text: &str, abbreviations: &[&str]) -> Vec<(usize, usize)> {
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
pub(super) fn is_closing(char: char) -> bool {
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
