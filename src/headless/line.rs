//! One progress line: a time, then parts, wrapped at the page width.

use crate::state::hms;

/// The page width in columns; a longer part is not divided.
const PAGE: usize = 100;

/// Columns of the time and the gap after it, blank on continuation lines.
const INDENT: usize = 9;

/// A line under construction.
#[derive(Debug)]
pub(super) struct Line {
    text: String,
    /// Columns used on the last line of the page.
    column: usize,
}

impl Line {
    /// A line that begins with the time of its event.
    pub(super) fn at(at_ms: u64) -> Self {
        let text = hms(at_ms);
        Self { column: text.len(), text }
    }

    /// Adds a part, unless it is empty. Names and notes in it come from the user, and a journal may
    /// come from anywhere, so control characters are escaped.
    pub(super) fn add(mut self, part: impl AsRef<str>) -> Self {
        let part = plain(part.as_ref());
        if part.is_empty() {
            return self;
        }
        if self.column + 2 + part.len() > PAGE && self.column > INDENT {
            self.text.push('\n');
            self.text.push_str(&" ".repeat(INDENT));
            self.column = INDENT;
        } else {
            self.text.push_str("  ");
            self.column += 2;
        }
        self.text.push_str(&part);
        self.column += part.len();
        self
    }

    /// The text with its newline.
    pub(super) fn finish(mut self) -> String {
        self.text.push('\n');
        self.text
    }
}

/// Text in printable ASCII, which can neither break a line nor control a terminal.
fn plain(text: &str) -> String {
    let is_plain = |c: char| c == ' ' || c.is_ascii_graphic();
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if is_plain(c) { plain.push(c) } else { plain.extend(c.escape_default()) }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_continues_below_its_text() {
        let line = (0..30).fold(Line::at(0), |line, part| line.add(format!("part {part}")));
        let text = line.finish();
        assert!(text.lines().count() > 2);
        assert!(text.lines().all(|line| line.len() <= PAGE), "{text}");
        assert!(text.lines().skip(1).all(|line| line.starts_with("         part ")), "{text}");
    }

    #[test]
    fn a_part_longer_than_the_page_is_not_divided() {
        let long = "x".repeat(200);
        assert!(Line::at(0).add(&long).finish().ends_with(&format!("{long}\n")));
    }
}
