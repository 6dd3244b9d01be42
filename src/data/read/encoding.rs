//! Character encodings: UTF-8, or Latin-1 where a recipe says so. Nothing is guessed.

use std::borrow::Cow;

use crate::keys::{Key, ValueType, Values};

/// The key that formats of text share.
pub(super) const KEY: Key = Key::with_default(
    "encoding",
    ValueType::Choice(&["utf-8", "latin-1"]),
    "\"utf-8\"",
    "character encoding",
);

/// A character encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// One to four bytes per character; some byte sequences are invalid.
    Utf8,
    /// One byte per character, U+0000 to U+00FF. Every byte sequence is valid.
    Latin1,
}

impl Encoding {
    /// The value of [`KEY`].
    pub(super) fn of(values: &Values) -> Self {
        if values.text(KEY.name) == "latin-1" { Self::Latin1 } else { Self::Utf8 }
    }

    /// Decodes bytes, or returns the offset of the first invalid byte.
    pub(super) fn decode(self, bytes: &[u8]) -> Result<Cow<'_, str>, usize> {
        match std::str::from_utf8(bytes) {
            Ok(text) if self == Self::Utf8 || text.is_ascii() => Ok(Cow::Borrowed(text)),
            Err(error) if self == Self::Utf8 => Err(error.valid_up_to()),
            _ => Ok(bytes.iter().copied().map(char::from).collect()),
        }
    }

    /// Encodes text. A character that Latin-1 lacks becomes `?`: only a label of another file can
    /// contain one, and the output must stay readable with the same key.
    pub(super) fn encode(self, text: &str) -> Vec<u8> {
        match self {
            Self::Utf8 => text.as_bytes().to_vec(),
            Self::Latin1 => {
                text.chars().map(|char| u8::try_from(u32::from(char)).unwrap_or(b'?')).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latin_1_has_a_character_for_every_byte() {
        let bytes: Vec<u8> = (0..=255).collect();
        let text = Encoding::Latin1.decode(&bytes).unwrap();
        assert_eq!(text.chars().count(), 256);
        assert!(text.contains('\u{85}'));
        assert_eq!(Encoding::Latin1.encode(&text), bytes);
        assert_eq!(Encoding::Latin1.decode("é".as_bytes()).unwrap(), "Ã©");
    }

    #[test]
    fn utf_8_says_where_it_ends() {
        assert_eq!(Encoding::Utf8.decode(b"ab\xf0city"), Err(2));
        assert_eq!(Encoding::Utf8.decode("é\u{feff}".as_bytes()).unwrap(), "é\u{feff}");
    }

    #[test]
    fn characters_outside_latin_1_become_question_marks() {
        assert_eq!(Encoding::Latin1.encode("é€"), b"\xe9?");
    }
}
