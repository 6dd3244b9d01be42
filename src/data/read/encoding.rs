//! Character encodings: UTF-8, or another one that a recipe declares. Nothing is guessed, except in the advice
//! that a fault gives.
//!
//! `latin-1` is ISO 8859-1: byte 0x85 is U+0085, which ends no line. `cp1252` (windows-1252, as the WHATWG Encoding
//! Standard defines it) differs in 0x80 to 0x9f, where it has quotes, dashes and the euro sign.

use std::{borrow::Cow, cell::Cell, sync::Arc};

use encoding_rs::WINDOWS_1252;

use super::{
    ReadError,
    lines::{Line, lines},
};
use crate::keys::{Key, ValueType, Values};

/// The key of the encoding.
pub(super) const KEY: Key = Key::with_default(
    "encoding",
    ValueType::Choice(&["utf-8", "latin-1", "cp1252"]),
    "\"utf-8\"",
    "character encoding; cp1252 is windows-1252; UTF-16 is recognized by its byte order mark",
);

/// The key of the treatment of bytes that are not UTF-8.
pub(super) const INVALID: Key = Key::with_default(
    "invalid_bytes",
    ValueType::Choice(&["refuse", "replace"]),
    "\"refuse\"",
    "what to do with bytes that are not UTF-8; replace: read U+FFFD in their place, and count the lines",
);

/// A character encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// One to four bytes per character; some byte sequences are invalid.
    Utf8,
    /// One byte per character, U+0000 to U+00FF. Every byte sequence is valid.
    Latin1,
    /// One byte per character. Every byte sequence is valid.
    Cp1252,
}

impl Encoding {
    /// The value of [`KEY`]; UTF-8 for a format without that key.
    pub(super) fn of(values: &Values) -> Self {
        match values.text_if_set(KEY.name) {
            Some("latin-1") => Self::Latin1,
            Some("cp1252") => Self::Cp1252,
            _ => Self::Utf8,
        }
    }

    /// Encodes text. A character that the encoding lacks becomes `?`: only a label of another file can
    /// contain one, and the output must stay readable with the same key.
    pub(super) fn encode(self, text: &str) -> Vec<u8> {
        match self {
            Self::Utf8 => text.as_bytes().to_vec(),
            Self::Latin1 => {
                text.chars().map(|char| u8::try_from(u32::from(char)).unwrap_or(b'?')).collect()
            }
            Self::Cp1252 => {
                let mut bytes = Vec::with_capacity(text.len());
                let mut buffer = [0; 4];
                for char in text.chars() {
                    match WINDOWS_1252.encode(char.encode_utf8(&mut buffer)) {
                        (byte, _, false) => bytes.extend_from_slice(&byte),
                        _ => bytes.push(b'?'),
                    }
                }
                bytes
            }
        }
    }
}

/// Decodes the lines of one file.
pub(super) struct Decoder {
    pub(super) encoding: Encoding,
    replaces: bool,
    /// The lines that are not UTF-8, if that is the encoding and there are any.
    invalid: Option<InvalidLines>,
    /// Whether a fault has given the advice.
    advised: Cell<bool>,
}

impl Decoder {
    /// For a file with that text.
    pub(super) fn new(values: &Values, text: &[u8]) -> Self {
        let encoding = Encoding::of(values);
        let replaces = values.text_if_set(INVALID.name) == Some("replace");
        let invalid = match encoding {
            Encoding::Utf8 => InvalidLines::of(text, values.text_if_set(KEY.name).is_some()),
            Encoding::Latin1 | Encoding::Cp1252 => None,
        };
        Self { encoding, replaces, invalid, advised: Cell::new(false) }
    }

    /// Decodes a line; the error names the invalid byte.
    pub(super) fn decode<'a>(&self, line: &Line<'a>) -> Result<Cow<'a, str>, String> {
        match std::str::from_utf8(line.bytes) {
            Err(error) if self.encoding == Encoding::Utf8 && !self.replaces => {
                let offset = line.start + error.valid_up_to();
                // The advice is about the whole file, so it is given once.
                let advice = match &self.invalid {
                    Some(invalid) if !self.advised.replace(true) => {
                        format!("; {}", invalid.advice())
                    }
                    _ => String::new(),
                };
                Err(format!("byte {offset} of the file is not UTF-8{advice}"))
            }
            _ => Ok(self.decode_lossily(line)),
        }
    }

    /// Decodes a line to find out how the file is laid out: U+FFFD stands for invalid bytes.
    pub(super) fn decode_lossily<'a>(&self, line: &Line<'a>) -> Cow<'a, str> {
        match self.encoding {
            Encoding::Latin1 => encoding_rs::mem::decode_latin1(line.bytes),
            Encoding::Cp1252 => WINDOWS_1252.decode_without_bom_handling(line.bytes).0,
            Encoding::Utf8 => String::from_utf8_lossy(line.bytes),
        }
    }

    /// The lines of the file, by this name, in which bytes are replaced.
    pub(super) fn replaced(&self, file: &Arc<str>) -> Vec<ReadError> {
        let invalid = self.invalid.as_ref().filter(|_| self.replaces);
        let lines = invalid.map(|invalid| invalid.lines.as_slice()).unwrap_or_default();
        let replaced = |&line: &u32| ReadError {
            file: file.clone(),
            line,
            what: "bytes that are not UTF-8, read as U+FFFD".to_owned(),
        };
        lines.iter().map(replaced).collect()
    }
}

/// The lines of a file that are not UTF-8.
struct InvalidLines {
    /// Their numbers.
    lines: Vec<u32>,
    /// The number of lines, these or others, with characters beyond ASCII that are UTF-8.
    n_encoded: usize,
    /// Whether an invalid byte is from 0x80 to 0x9f: a quote or a dash of CP1252, and unused in Latin-1.
    has_c1: bool,
    /// Whether the format has a key for the encoding.
    has_key: bool,
}

impl InvalidLines {
    fn of(text: &[u8], has_key: bool) -> Option<Self> {
        std::str::from_utf8(text).err()?;
        let mut invalid = Self { lines: Vec::new(), n_encoded: 0, has_c1: false, has_key };
        for line in lines(text).filter(|line| !line.bytes.is_ascii()) {
            let (mut is_encoded, mut is_invalid) = (false, false);
            for chunk in line.bytes.utf8_chunks() {
                is_encoded |= !chunk.valid().is_ascii();
                is_invalid |= !chunk.invalid().is_empty();
                invalid.has_c1 |= chunk.invalid().iter().any(|byte| (0x80..0xa0).contains(byte));
            }
            invalid.n_encoded += usize::from(is_encoded);
            if is_invalid {
                invalid.lines.push(line.number);
            }
        }
        (!invalid.lines.is_empty()).then_some(invalid)
    }

    /// What to do, which depends on the characters beyond ASCII: an encoding of one byte per character is advised
    /// only if no line has any in UTF-8, or so few lines that they may be so by chance.
    fn advice(&self) -> String {
        let n = self.lines.len();
        let (lines, are) = if n == 1 { ("line", "is") } else { ("lines", "are") };
        let replace = "set invalid_bytes = \"replace\" to read U+FFFD in place of such bytes";
        let encoding = if self.has_c1 { "cp1252" } else { "latin-1" };
        if !self.has_key {
            return format!("JSON is UTF-8; {n} {lines} {are} not: {replace}, or convert the file");
        }
        if 10 * self.n_encoded <= n {
            return format!(
                "{n} {lines} {are} not, and few or none of the others have characters beyond ASCII: set \
                 encoding = \"{encoding}\", which fits them"
            );
        }
        let n_encoded = self.n_encoded;
        let (s, have) = if n_encoded == 1 { ("", "has") } else { ("s", "have") };
        format!(
            "{n} {lines} {are} not, but {n_encoded} line{s} {have} characters of several bytes in UTF-8, which \
             another encoding would spoil: correct the {lines}, or {replace}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{Located, Value};

    fn decoder(encoding: &str, text: &[u8]) -> Decoder {
        let values = [(KEY.name, encoding)];
        let entry = |(key, text): (&str, &str)| {
            (key.to_owned(), Located::by_default(Value::Text(text.to_owned())))
        };
        Decoder::new(&Values::new(values.into_iter().map(entry).collect()), text)
    }

    fn decoded(encoding: &str, text: &[u8]) -> Result<String, String> {
        let decoder = decoder(encoding, text);
        lines(text).map(|line| decoder.decode(&line).map(Cow::into_owned)).collect()
    }

    #[test]
    fn latin_1_has_a_character_for_every_byte() {
        let bytes: Vec<u8> = (0..=255).filter(|byte| !b"\r\n".contains(byte)).collect();
        let text = decoded("latin-1", &bytes).unwrap();
        assert_eq!(text.chars().count(), 254);
        assert!(text.contains('\u{85}'));
        assert_eq!(Encoding::Latin1.encode(&text), bytes);
        assert_eq!(decoded("latin-1", "é".as_bytes()).unwrap(), "Ã©");
    }

    #[test]
    fn cp1252_has_quotes_dashes_and_the_euro_sign_and_a_character_for_every_byte() {
        let bytes: Vec<u8> = (0..=255).filter(|byte| !b"\r\n".contains(byte)).collect();
        let text = decoded("cp1252", &bytes).unwrap();
        assert_eq!(text.chars().count(), 254);
        assert_eq!(Encoding::Cp1252.encode(&text), bytes);
        assert_eq!(decoded("cp1252", b"\x93a\x94 \x96 \x80\x85").unwrap(), "“a” – €…");
        assert_eq!(Encoding::Cp1252.encode("é€→"), b"\xe9\x80?");
    }

    #[test]
    fn characters_outside_latin_1_become_question_marks() {
        assert_eq!(Encoding::Latin1.encode("é€"), b"\xe9?");
    }

    #[test]
    fn the_advice_about_a_bad_byte_depends_on_the_other_lines() {
        let spoil = |encoded: &str| {
            format!(
                "1 line is not, but {encoded} characters of several bytes in UTF-8, which another encoding would \
                 spoil: correct the line, or set invalid_bytes = \"replace\" to read U+FFFD in place of such bytes"
            )
        };
        let fits = |lines: &str, encoding: &str| {
            format!(
                "{lines} not, and few or none of the others have characters beyond ASCII: set encoding = \
                 \"{encoding}\", which fits them"
            )
        };
        for (text, wanted) in [
            (&b"ab\xf0city\nascii\n"[..], fits("1 line is", "latin-1")),
            (b"it\x92s \x85\ncaf\xe9\n", fits("2 lines are", "cp1252")),
            (b"\xc3\xa9\n\xc3\xa9\n\xe2\x80\x9ca\xe2\x80\x9d\n\xe9b\n", spoil("3 lines have")),
            // Quotes in UTF-8 and one stray byte.
            (b"ascii\n\xe2\x80\x9ccaf\xe9\xe2\x80\x9d\n", spoil("1 line has")),
        ] {
            let found = decoded("utf-8", text).unwrap_err();
            assert_eq!(found.split_once(" is not UTF-8; ").unwrap().1, wanted);
        }
        // The advice is in the message of the first such line only.
        let text = b"a\xe9\nb\xe9\n";
        let decoder = decoder("utf-8", text);
        let faults: Vec<_> = lines(text).map(|line| decoder.decode(&line).unwrap_err()).collect();
        assert!(faults[0].starts_with("byte 1 of the file is not UTF-8; 2 lines are not, "));
        assert_eq!(faults[1], "byte 4 of the file is not UTF-8");
    }
}
