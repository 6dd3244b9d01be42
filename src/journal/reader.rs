//! Reading a journal line by line.
//!
//! Kinds that are not known here are skipped and counted. A last line without its newline was
//! torn off while it was written: it is dropped with a note unless it happens to be whole.
//! Anything else that is not an event is an error with its place.

use std::{borrow::Cow, collections::BTreeMap, io::BufRead, path::Path};

use serde::{Deserialize, de::IgnoredAny};

use super::{JournalError, VERSION};
use crate::protocol::{Event, Header};

/// Characters of a bad line that an error quotes.
const QUOTED: usize = 40;

/// What a reader of a journal did not hand on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Lines of kinds not known here, by kind.
    pub unknown: BTreeMap<String, u64>,
    /// A last line that was cut off.
    pub torn: Option<Torn>,
}

/// A last line that was cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Torn {
    /// Its number, counted from 1.
    pub line: u64,
    /// How much of it there is.
    pub bytes: usize,
}

impl LeftOut {
    /// Lines of unknown kinds in all.
    pub fn n_unknown(&self) -> u64 {
        self.unknown.values().sum()
    }

    /// One sentence for each thing left out, for people.
    pub fn notes(&self) -> Vec<String> {
        let kinds = self.unknown.iter().map(|(kind, count)| format!("{count} of kind {kind}"));
        let kinds: Vec<String> = kinds.collect();
        let unknown = (!kinds.is_empty()).then(|| {
            let n_unknown = self.n_unknown();
            format!(
                "skipped lines that this auxdesk does not know: {n_unknown} ({})",
                kinds.join(", ")
            )
        });
        let torn = self.torn.map(|Torn { line, bytes }| {
            format!("dropped a torn last line: line {line}, cut off after {bytes} bytes")
        });
        unknown.into_iter().chain(torn).collect()
    }
}

/// Events of a journal, one by one; the first error is the last item.
#[derive(Debug)]
pub struct Reader<R> {
    path: String,
    lines: R,
    line: Vec<u8>,
    line_number: u64,
    is_done: bool,
    header: Header,
    left_out: LeftOut,
}

impl<R: BufRead> Reader<R> {
    /// Reads the header; `path` is for messages only.
    pub fn new(path: &Path, mut lines: R) -> Result<Self, JournalError> {
        let path = path.display().to_string();
        let place = format!("{path}:1");
        let mut line = Vec::new();
        match lines.read_until(b'\n', &mut line) {
            Err(why) => return Err(JournalError::Unreadable { place, why }),
            Ok(0) => return Err(JournalError::Empty { place: path }),
            Ok(_) => {}
        }
        let header = header(place, &line)?;
        let left_out = LeftOut::default();
        Ok(Self { path, lines, line, line_number: 1, is_done: false, header, left_out })
    }

    /// The journal's first line.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What was left out so far.
    pub fn left_out(&self) -> &LeftOut {
        &self.left_out
    }

    /// What is left of a reader that came to its end.
    pub fn into_parts(self) -> (Header, LeftOut) {
        (self.header, self.left_out)
    }

    /// The next event; `None` at the end.
    fn read_event(&mut self) -> Result<Option<Event>, JournalError> {
        loop {
            self.line.clear();
            self.line_number += 1;
            let place = |line: u64| format!("{}:{line}", self.path);
            match self.lines.read_until(b'\n', &mut self.line) {
                Err(why) => {
                    return Err(JournalError::Unreadable { place: place(self.line_number), why });
                }
                Ok(0) => return Ok(None),
                Ok(_) => {}
            }
            match read_line(&self.line) {
                Ok(Line::Event(event)) => return Ok(Some(event)),
                Ok(Line::Header) => {
                    return Err(JournalError::SecondHeader { place: place(self.line_number) });
                }
                Ok(Line::Unknown(kind)) => *self.left_out.unknown.entry(kind).or_default() += 1,
                Err(_) if !self.line.ends_with(b"\n") => {
                    let (line, bytes) = (self.line_number, self.line.len());
                    self.left_out.torn = Some(Torn { line, bytes });
                    return Ok(None);
                }
                Err(why) => {
                    let found = quoted(&self.line);
                    let place = place(self.line_number);
                    return Err(JournalError::BadLine { place, found, why });
                }
            }
        }
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Event, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let event = self.read_event();
        self.is_done = !matches!(event, Ok(Some(_)));
        event.transpose()
    }
}

/// The first line says what it is and its version before it says anything else: a later version
/// may have other fields.
fn header(place: String, line: &[u8]) -> Result<Header, JournalError> {
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

enum Line {
    Event(Event),
    Header,
    Unknown(String),
}

/// One line, with or without its newline; else what is wrong with it.
fn read_line(line: &[u8]) -> Result<Line, String> {
    let line = str::from_utf8(line).map_err(|why| format!("not UTF-8 ({why})"))?;
    let kind = kind(line).map_err(|why| without_line(&why))?;
    if kind == "journal" {
        return Ok(Line::Header);
    }
    let event = match Event::read(&kind, line) {
        Some(event) => event.map(Line::Event),
        // A line of an unknown kind must still be whole, or a torn one would count as skipped.
        None => serde_json::from_str::<IgnoredAny>(line).map(|_| Line::Unknown(kind.into_owned())),
    };
    event.map_err(|why| without_line(&why))
}

/// The kind of a line: read off its beginning as this program writes it, parsed if it is
/// spelt differently.
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

/// The parser counts lines too, and for it every line is the first.
fn without_line(why: &serde_json::Error) -> String {
    let text = why.to_string();
    let position = format!(" at line {} column {}", why.line(), why.column());
    match text.strip_suffix(&position) {
        Some(text) => format!("{text} at column {}", why.column()),
        None => text,
    }
}

/// The beginning of a line, on one line of printable text.
fn quoted(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_end();
    if text.is_empty() {
        return "an empty line".into();
    }
    let printable = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    let start: String = text.chars().take(QUOTED).map(printable).collect();
    let ellipsis = if text.chars().count() > QUOTED { "..." } else { "" };
    format!("`{start}{ellipsis}`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Step, event::Rewound};

    const HEADER: &str = r#"{"kind":"journal","version":1,"auxdesk":"0.1.0","name":"n","seed":1,"threads":2,"device":"cpu","kernel":"avx2","started":"2026-01-02T03:04:05Z","parent":null}"#;
    const REWOUND: &str = r#"{"kind":"rewound","at_ms":5,"to":3}"#;

    fn rewound() -> Event {
        Rewound { at_ms: 5, to: Step(3) }.into()
    }

    fn read(text: impl AsRef<[u8]>) -> Result<(Vec<Event>, LeftOut), String> {
        let mut reader =
            Reader::new(Path::new("j.jsonl"), text.as_ref()).map_err(|error| error.to_string())?;
        let events = reader.by_ref().collect::<Result<_, _>>();
        Ok((events.map_err(|error| error.to_string())?, reader.into_parts().1))
    }

    #[test]
    fn unknown_kinds_are_skipped_and_counted() {
        let new = r#"{"kind":"sung","at_ms":1,"tune":[1,2]}"#;
        let (events, left_out) = read(format!("{HEADER}\n{new}\n{REWOUND}\n{new}\n")).unwrap();
        assert_eq!(events, [rewound()]);
        assert_eq!(left_out.unknown, [("sung".to_owned(), 2)].into());
        let note = "skipped lines that this auxdesk does not know: 2 (2 of kind sung)";
        assert_eq!(left_out.notes(), [note]);
    }

    #[test]
    fn a_line_may_be_spelt_differently() {
        let spaced = r#" { "to": 3, "kind": "rewound", "at_ms": 5, "more": null }"#;
        let escaped = r#"{"kind":"rew\u006fund","at_ms":5,"to":3}"#;
        let (events, _) = read(format!("{HEADER}\r\n{spaced}\r\n{escaped}\r\n")).unwrap();
        assert_eq!(events, [rewound(), rewound()]);
    }

    #[test]
    fn a_torn_last_line_is_dropped_with_a_note() {
        for torn in
            [&b"{\"kind\":\"rewound\",\"at_ms\":5"[..], b"{\"ki", b"{\"kind\":\"s\xc3", b"\0"]
        {
            let text = [HEADER.as_bytes(), b"\n", REWOUND.as_bytes(), b"\n", torn].concat();
            let (events, left_out) = read(text).unwrap();
            assert_eq!(events, [rewound()]);
            assert_eq!(left_out.torn, Some(Torn { line: 3, bytes: torn.len() }));
            assert_eq!(left_out.notes().len(), 1);
        }
    }

    #[test]
    fn a_whole_last_line_without_its_newline_is_kept() {
        let (events, left_out) = read(format!("{HEADER}\n{REWOUND}")).unwrap();
        assert_eq!(events, [rewound()]);
        assert_eq!(left_out, LeftOut::default());
    }

    #[test]
    fn a_bad_line_is_an_error_with_its_place() {
        let error = read(format!("{HEADER}\n{REWOUND}\n{{\"kind\":\"rewound\"\n{REWOUND}\n"));
        let message = "j.jsonl:3: found `{\"kind\":\"rewound\"`, wanted an event: ";
        assert!(error.clone().unwrap_err().starts_with(message), "{error:?}");

        let error = read([HEADER.as_bytes(), b"\n\xff\xfe\n"].concat()).unwrap_err();
        assert!(error.starts_with("j.jsonl:2: ") && error.contains("not UTF-8"), "{error}");

        let error = read(format!("{HEADER}\n\n{REWOUND}\n")).unwrap_err();
        assert!(error.starts_with("j.jsonl:2: found an empty line"), "{error}");

        let no_field = r#"{"kind":"rewound","at_ms":5}"#;
        let error = read(format!("{HEADER}\n{no_field}\n")).unwrap_err();
        assert!(error.ends_with("missing field `to` at column 28"), "{error}");
    }

    #[test]
    fn what_is_not_a_journal_is_said_so() {
        assert_eq!(
            read("").unwrap_err(),
            "j.jsonl: found an empty file, wanted a journal that `auxdesk train` wrote"
        );
        let error = read("The dog\nbarks\n").unwrap_err();
        assert!(error.starts_with("j.jsonl:1: found `The dog`, wanted a journal's"), "{error}");
        let error = read(REWOUND).unwrap_err();
        assert!(error.contains("wanted a journal's first line"), "{error}");
        let error = read("{\"kind\":\"journal\",\"version\":1}\n").unwrap_err();
        assert!(error.contains("missing field `auxdesk`"), "{error}");
        let error = read(format!("{HEADER}\n{HEADER}\n")).unwrap_err();
        assert!(error.starts_with("j.jsonl:2: found a second journal's"), "{error}");
    }

    #[test]
    fn a_later_version_is_refused_whatever_its_fields() {
        let error = read("{\"kind\":\"journal\",\"version\":2,\"who\":\"knows\"}\n").unwrap_err();
        let message = "j.jsonl:1: found a journal of version 2, wanted version 1; \
                       the auxdesk that wrote it can read it";
        assert_eq!(error, message);
    }
}
