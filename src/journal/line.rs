//! Parses one line of a journal: a header, an event, or an error.

use std::borrow::Cow;

use serde::{Deserialize, de::IgnoredAny};

use super::{
    JournalError, VERSION,
    step::{Names, read_over},
};
use crate::{
    printable::printable,
    protocol::{Event, Header},
};

/// The maximum number of characters of a bad line that an error quotes.
const QUOTED: usize = 40;

/// Parses the header. Format and version are checked before other fields, as a later version may
/// have other fields.
pub(super) fn header(place: String, line: &[u8]) -> Result<Header, JournalError> {
    #[derive(Deserialize)]
    struct Format<'a> {
        #[serde(borrow)]
        kind: Cow<'a, str>,
        version: u64,
    }

    let found = match serde_json::from_slice::<Format>(line) {
        Ok(format) if format.kind == "journal" && format.version > u64::from(VERSION) => {
            return Err(JournalError::TooNew { place, found: format.version });
        }
        Ok(format) if format.kind == "journal" => match serde_json::from_slice(line) {
            Ok(header) => return Ok(header),
            Err(why) => format!("a header that cannot be read ({})", without_line(&why)),
        },
        Ok(_) | Err(_) => quoted(line),
    };
    Err(JournalError::NotAJournal { place, found })
}

/// The type of a complete line.
pub(super) enum Line {
    /// An event.
    Event,
    /// A journal's first line.
    Header,
    /// An event of an unknown kind.
    Unknown(String),
}

/// Parses one line, with or without its newline. An event is written to `event`, reusing the
/// previous one's memory where possible; after any other line `event` is empty.
pub(super) fn read(
    line: &[u8],
    event: &mut Option<Event>,
    names: &mut Names,
) -> Result<Line, String> {
    let line = str::from_utf8(line).map_err(|why| format!("not UTF-8 ({why})"))?;
    if let Some(Event::StepDone(step)) = event
        && read_over(step, line, names).is_some()
    {
        return Ok(Line::Event);
    }
    *event = None;
    let kind = kind(line).map_err(|why| without_line(&why))?;
    if kind == "journal" {
        return Ok(Line::Header);
    }
    let read = match Event::read(&kind, line) {
        Some(read) => read.map(|read| {
            *event = Some(read);
            Line::Event
        }),
        // A line of an unknown kind must be complete, or a truncated one would count as skipped.
        None => serde_json::from_str::<IgnoredAny>(line).map(|_| Line::Unknown(kind.into_owned())),
    };
    read.map_err(|why| without_line(&why))
}

/// The kind of a line: taken from its beginning as this program writes it, or parsed if it is
/// formatted differently.
fn kind(line: &str) -> serde_json::Result<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Kind<'a> {
        #[serde(borrow)]
        kind: Cow<'a, str>,
    }

    let written_here = line.strip_prefix("{\"kind\":\"").and_then(|rest| rest.split_once('"'));
    match written_here {
        Some((kind, _)) if !kind.contains('\\') => Ok(Cow::Borrowed(kind)),
        _ => serde_json::from_str::<Kind>(line).map(|line| line.kind),
    }
}

/// Removes the line number from serde's message: it parses each line by itself, as line 1.
fn without_line(why: &serde_json::Error) -> String {
    // It may quote the line.
    let text = printable(&why.to_string()).into_owned();
    let position = format!(" at line {} column {}", why.line(), why.column());
    match text.strip_suffix(&position) {
        Some(text) => format!("{text} at column {}", why.column()),
        None => text,
    }
}

/// The beginning of a line as printable text.
pub(super) fn quoted(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_end();
    if text.is_empty() {
        return "an empty line".into();
    }
    let start: String = text.chars().take(QUOTED).collect();
    let start = printable(&start);
    let ellipsis = if text.chars().count() > QUOTED { "..." } else { "" };
    format!("`{start}{ellipsis}`")
}
