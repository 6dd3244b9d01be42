//! The texts of a SMART file: numbered, with sections.

use std::{
    borrow::Cow,
    collections::{HashMap, hash_map::Entry},
};

use super::super::{
    ReadError, Source,
    encoding::Decoder,
    lines::{Line, lines},
};

/// A document or a query.
#[derive(Debug)]
pub(super) struct Text {
    /// Its number, as it stands in the file; empty if that is a fault.
    pub(super) id: String,
    /// The line where it begins.
    pub(super) line: u32,
    /// The text of the sections that are read.
    pub(super) content: String,
    /// Whether a fault of it is reported.
    pub(super) is_faulty: bool,
}

/// The texts of a file, also those with faults; none if the file is not of this layout, which is a fault too.
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
            let id = decoder.decode(&id).map(Cow::into_owned).and_then(|id| {
                if id.is_empty() || id.contains(char::is_whitespace) {
                    return Err(format!("expected a number after .I, found {id:?}"));
                }
                match lines_of.entry(id.clone()) {
                    Entry::Occupied(first) => Err(format!(
                        "expected a number of its own after .I, found {id:?}, that of line {}",
                        first.get()
                    )),
                    Entry::Vacant(place) => {
                        place.insert(line.number);
                        Ok(id)
                    }
                }
            });
            let is_faulty = id.is_err();
            let id = id.unwrap_or_else(|what| {
                fault(line.number, what);
                String::new()
            });
            texts.push(Text { id, line: line.number, content: String::new(), is_faulty });
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
                    text.content.push_str(&decoded);
                    text.content.push('\n');
                }
                Err(what) => {
                    text.is_faulty = true;
                    fault(line.number, what);
                }
            }
        }
    }
    if texts.is_empty() {
        fault(1, "expected .I and a number, found none in the file".to_owned());
    }
    texts
}

/// What stands after `.I`, if a line begins a text.
fn begin<'a>(line: &Line<'a>) -> Option<Line<'a>> {
    let rest = line.bytes.strip_prefix(b".I")?;
    let is_one = rest.first().is_none_or(u8::is_ascii_whitespace);
    let start = line.end() - rest.trim_ascii_start().len();
    is_one.then(|| Line { start, bytes: rest.trim_ascii(), ..*line })
}

/// The name of the section that a line begins.
fn section<'a>(line: &Line<'a>) -> Option<&'a [u8]> {
    match line.bytes.trim_ascii_end() {
        [b'.', name] if name.is_ascii_uppercase() => Some(&line.bytes[1..2]),
        _ => None,
    }
}
