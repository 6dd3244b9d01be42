//! A single-line text input.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// The maximum number of characters; longer pastes are truncated.
const MOST: usize = 500;

/// A line with a cursor in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    chars: Vec<char>,
    cursor: usize,
    /// Whether the text is a suggestion, which the first character typed or pasted replaces.
    is_suggestion: bool,
}

impl Line {
    /// A line with an initial text and the cursor at its end.
    pub fn new(text: &str) -> Self {
        let mut line = Self::default();
        line.insert(text);
        line
    }

    /// A line with the value in force. Typing or pasting replaces it; any editing key keeps it for editing.
    pub fn suggested(text: &str) -> Self {
        Self { is_suggestion: true, ..Self::new(text) }
    }

    /// Whether the text is still a suggestion.
    pub fn is_suggestion(&self) -> bool {
        self.is_suggestion
    }

    /// The text.
    pub fn text(&self) -> String {
        self.chars.iter().collect()
    }

    /// Whether the text is empty.
    pub fn is_empty(&self) -> bool {
        self.chars.is_empty()
    }

    /// The text before the cursor, under it, and after it.
    pub fn parts(&self) -> [String; 3] {
        let (before, after) = self.chars.split_at(self.cursor);
        let (under, after) = after.split_at(after.len().min(1));
        [before, under, after].map(|part| part.iter().collect())
    }

    /// Inserts a text at the cursor. Line breaks and control characters are replaced by spaces.
    pub fn insert(&mut self, text: &str) {
        if std::mem::take(&mut self.is_suggestion) {
            (self.chars, self.cursor) = (Vec::new(), 0);
        }
        for c in text.trim_end_matches(['\n', '\r']).chars() {
            if self.chars.len() == MOST {
                return;
            }
            self.chars.insert(self.cursor, if c.is_control() { ' ' } else { c });
            self.cursor += 1;
        }
    }

    /// Handles an editing key; returns whether it was one.
    pub fn edit(&mut self, key: KeyEvent) -> bool {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let was_suggestion = std::mem::take(&mut self.is_suggestion);
        match key.code {
            KeyCode::Char('u') if control => {
                self.chars.drain(..std::mem::take(&mut self.cursor));
            }
            KeyCode::Char('w') if control => {
                let is_space = |at: usize| self.chars[at - 1].is_whitespace();
                let mut start = self.cursor;
                while start > 0 && is_space(start) {
                    start -= 1;
                }
                while start > 0 && !is_space(start) {
                    start -= 1;
                }
                self.chars.drain(start..self.cursor);
                self.cursor = start;
            }
            KeyCode::Char('a') if control => self.cursor = 0,
            KeyCode::Char('e') if control => self.cursor = self.chars.len(),
            KeyCode::Char(c) if !control && !key.modifiers.contains(KeyModifiers::ALT) => {
                self.is_suggestion = was_suggestion;
                self.insert(c.encode_utf8(&mut [0; 4]));
            }
            KeyCode::Backspace if self.cursor > 0 => {
                self.cursor -= 1;
                self.chars.remove(self.cursor);
            }
            KeyCode::Delete if self.cursor < self.chars.len() => {
                self.chars.remove(self.cursor);
            }
            KeyCode::Backspace | KeyCode::Delete => {}
            KeyCode::Left => self.cursor = self.cursor.saturating_sub(1),
            KeyCode::Right => self.cursor = (self.cursor + 1).min(self.chars.len()),
            KeyCode::Home => self.cursor = 0,
            KeyCode::End => self.cursor = self.chars.len(),
            _ => {
                self.is_suggestion = was_suggestion;
                return false;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(line: &mut Line, keys: &[KeyCode]) {
        for code in keys {
            assert!(line.edit(KeyEvent::new(*code, KeyModifiers::NONE)));
        }
    }

    fn control(line: &mut Line, c: char) {
        assert!(line.edit(KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL)));
    }

    #[test]
    fn a_text_input_supports_the_editing_keys_of_a_shell() {
        let mut line = Line::new("try ner up");
        control(&mut line, 'w');
        assert_eq!(line.text(), "try ner ");
        typed(&mut line, &[KeyCode::Home, KeyCode::Delete, KeyCode::Char('T'), KeyCode::End]);
        typed(&mut line, &[KeyCode::Backspace, KeyCode::Left, KeyCode::Char('é')]);
        assert_eq!(line.parts(), ["Try neé".to_owned(), "r".into(), String::new()]);
        control(&mut line, 'u');
        assert_eq!(line.text(), "r");
        assert!(!line.edit(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE)));
    }

    #[test]
    fn typing_replaces_a_suggestion_and_an_editing_key_keeps_it() {
        let mut line = Line::suggested("equal");
        typed(&mut line, &[KeyCode::Char('m'), KeyCode::Char('g')]);
        assert_eq!(line.text(), "mg");
        let mut line = Line::suggested("equal");
        line.insert("mgda");
        assert_eq!(line.text(), "mgda");
        let mut line = Line::suggested("0.001");
        typed(&mut line, &[KeyCode::Backspace, KeyCode::Char('2')]);
        assert_eq!(line.text(), "0.002");
        let mut line = Line::suggested("dwa");
        assert!(!line.edit(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE)));
        typed(&mut line, &[KeyCode::End, KeyCode::Char('!')]);
        assert_eq!(line.text(), "dwa!");
    }

    #[test]
    fn a_paste_is_truncated_and_has_no_control_characters() {
        let mut line = Line::default();
        line.insert(&"a\u{1b}[2J\n".repeat(10_000));
        assert_eq!(line.text().chars().count(), MOST);
        assert!(!line.text().contains('\u{1b}') && !line.text().contains('\n'));
    }
}
