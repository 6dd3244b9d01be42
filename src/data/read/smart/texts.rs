//! The texts of a SMART file: numbered, with sections.

use std::collections::HashMap;

use super::super::{
    ReadError, Source,
    encoding::Decoder,
    lines::{Line, lines},
};

/// A document or a query.
#[derive(Debug)]
pub(super) struct Text {
    /// Its number, as it stands in the file.
    pub(super) id: String,
    /// The line where it begins.
    pub(super) line: u32,
    /// The text of the sections that are read.
    pub(super) text: String,
}

/// The texts of a file, and their faults.
pub(super) fn texts(
    source: &Source,
    decoder: &Decoder,
    sections: &[&str],
    faults: &mut Vec<ReadError>,
) -> Vec<Text> {
    let mut fault = |line: u32, what: String| {
        faults.push(ReadError { file: source.name.clone(), line, what });
    };
    let mut texts: Vec<Text> = Vec::new();
    let mut lines_of = HashMap::<String, u32>::new();
    let mut is_read = false;
    let mut is_before = true;
    for line in lines(&source.bytes) {
        if let Some(id) = begin(&line) {
            is_read = false;
            is_before = false;
            let id = String::from_utf8_lossy(id).into_owned();
            if id.is_empty() || id.contains(char::is_whitespace) {
                fault(line.number, format!("expected a number after .I, found {id:?}"));
            } else if let Some(first) = lines_of.insert(id.clone(), line.number) {
                let what = format!(
                    "expected a number of its own after .I, found {id:?}, that of line {first}"
                );
                fault(line.number, what);
            }
            texts.push(Text { id, line: line.number, text: String::new() });
        } else if is_before {
            if !line.is_blank() {
                fault(
                    line.number,
                    "expected .I and a number, found text before the first".to_owned(),
                );
                return texts;
            }
        } else if let Some(section) = section(&line) {
            is_read = sections.iter().any(|name| name.as_bytes() == section);
        } else if let Some(text) = texts.last_mut().filter(|_| is_read) {
            match decoder.decode(&line) {
                Ok(decoded) => {
                    text.text.push_str(&decoded);
                    text.text.push('\n');
                }
                Err(what) => fault(line.number, what),
            }
        }
    }
    if texts.is_empty() {
        fault(1, "expected .I and a number, found none in the file".to_owned());
    }
    texts
}

/// What stands after `.I`, if a line begins a text.
fn begin<'a>(line: &Line<'a>) -> Option<&'a [u8]> {
    let rest = line.bytes.strip_prefix(b".I")?;
    let is_one = rest.first().is_none_or(u8::is_ascii_whitespace);
    is_one.then(|| rest.trim_ascii())
}

/// The name of the section that a line begins.
fn section<'a>(line: &Line<'a>) -> Option<&'a [u8]> {
    match line.bytes.trim_ascii_end() {
        [b'.', name] if name.is_ascii_uppercase() => Some(&line.bytes[1..2]),
        _ => None,
    }
}
