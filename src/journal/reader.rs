//! Reading of a journal, line by line.
//!
//! Unknown kinds are skipped and counted. A last line without a newline was truncated while it was
//! written: it is dropped with a note unless it is complete. Anything else that is not an event is
//! an error with its line.

use std::{
    io::{self, BufRead, Read, Seek, SeekFrom},
    path::Path,
};

use super::{
    JournalError, LeftOut, Torn,
    line::{self, Line},
    step::Names,
};
use crate::protocol::{Event, Header};

/// Iterates over the events of a journal; the first error is the last item.
#[derive(Debug)]
pub struct Reader<R> {
    path: String,
    lines: R,
    /// The current line.
    line: Vec<u8>,
    /// The number of lines read, including the header.
    n_lines: u64,
    /// Their length in bytes.
    n_bytes: u64,
    /// The last line was complete but for its newline, which may still be written.
    lacks_newline: bool,
    is_done: bool,
    header: Header,
    /// The last event read.
    event: Option<Event>,
    names: Names,
    left_out: LeftOut,
}

/// A position between two lines of a journal, to return to.
#[derive(Clone, Debug)]
pub struct Mark {
    n_bytes: u64,
    n_lines: u64,
    lacks_newline: bool,
    left_out: LeftOut,
}

impl Mark {
    /// The length of the journal before it, in bytes.
    pub fn n_bytes(&self) -> u64 {
        self.n_bytes
    }

    /// Whether the line before it is complete but for its newline.
    pub(super) fn lacks_newline(&self) -> bool {
        self.lacks_newline
    }
}

impl<R: BufRead> Reader<R> {
    /// Reads the header; `path` is for messages only.
    pub fn new(path: &Path, mut lines: R) -> Result<Self, JournalError> {
        let path = path.display().to_string();
        let place = format!("{path}:1");
        let mut line = Vec::new();
        let n_bytes = match read_line(&mut lines, &mut line) {
            Err(why) => return Err(JournalError::Unreadable { place, why }),
            Ok(0) => return Err(JournalError::Empty { place: path }),
            Ok(n_bytes) => n_bytes as u64,
        };
        Ok(Self {
            path,
            lines,
            n_lines: 1,
            n_bytes,
            lacks_newline: !line.ends_with(b"\n"),
            is_done: false,
            header: line::header(place, &line)?,
            line,
            event: None,
            names: Names::default(),
            left_out: LeftOut::default(),
        })
    }

    /// The journal's first line.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The lines skipped so far.
    pub fn left_out(&self) -> &LeftOut {
        &self.left_out
    }

    /// The header and the skipped lines, once the reader is at the end.
    pub fn into_parts(self) -> (Header, LeftOut) {
        (self.header, self.left_out)
    }

    /// The next event, borrowed until the one after it is read; `None` at the end.
    ///
    /// Faster than iterating, which returns owned events: a step is read into the memory of the
    /// previous one.
    pub fn read_event(&mut self) -> Result<Option<&Event>, JournalError> {
        if self.is_done {
            return Ok(None);
        }
        let found = self.find_event();
        self.is_done = !matches!(found, Ok(true));
        Ok(if found? { self.event.as_ref() } else { None })
    }

    /// The last event read; `None` before the first, at the end and after an error.
    pub fn event(&self) -> Option<&Event> {
        self.event.as_ref().filter(|_| !self.is_done)
    }

    /// The length in bytes of the lines read so far.
    pub fn n_bytes(&self) -> u64 {
        self.n_bytes
    }

    /// The position after the lines read so far.
    pub fn mark(&self) -> Mark {
        let (n_bytes, n_lines, lacks_newline) = (self.n_bytes, self.n_lines, self.lacks_newline);
        // A truncated line was not read: it may be complete later.
        let left_out = LeftOut { torn: None, ..self.left_out.clone() };
        Mark { n_bytes, n_lines, lacks_newline, left_out }
    }

    /// Reads the next event into `self.event`; returns whether there is one.
    fn find_event(&mut self) -> Result<bool, JournalError> {
        while self.find_line()? {
            let line_number = self.n_lines + 1;
            let place = || format!("{}:{line_number}", self.path);
            let is_whole = self.line.ends_with(b"\n");
            let is_event = match line::read(&self.line, &mut self.event, &mut self.names) {
                Ok(Line::Event) => true,
                Ok(Line::Unknown(kind)) => {
                    *self.left_out.unknown.entry(kind).or_default() += 1;
                    false
                }
                Ok(Line::Header) => return Err(JournalError::SecondHeader { place: place() }),
                Err(_) if !is_whole => {
                    let (line, bytes) = (line_number, self.line.len());
                    self.left_out.torn = Some(Torn { line, bytes });
                    return Ok(false);
                }
                Err(why) => {
                    let found = line::quoted(&self.line);
                    return Err(JournalError::BadLine { place: place(), found, why });
                }
            };
            self.n_lines = line_number;
            self.n_bytes += self.line.len() as u64;
            self.lacks_newline = !is_whole;
            if is_event {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Reads the next line into `self.line`; returns whether there is one.
    fn find_line(&mut self) -> Result<bool, JournalError> {
        self.line.clear();
        if let Err(why) = read_line(&mut self.lines, &mut self.line) {
            let place = format!("{}:{}", self.path, self.n_lines + 1);
            return Err(JournalError::Unreadable { place, why });
        }
        if self.lacks_newline && self.line == b"\n" {
            self.lacks_newline = false;
            self.n_bytes += 1;
            return self.find_line();
        }
        Ok(!self.line.is_empty())
    }
}

impl<R: BufRead + Seek> Reader<R> {
    /// Goes to a position. At the end of a growing journal, going to the current position makes
    /// lines available that have been written since.
    pub fn go_to(&mut self, mark: &Mark) -> Result<(), JournalError> {
        self.lines
            .seek(SeekFrom::Start(mark.n_bytes))
            .map_err(|why| JournalError::Unreadable { place: self.path.clone(), why })?;
        self.n_bytes = mark.n_bytes;
        self.n_lines = mark.n_lines;
        self.lacks_newline = mark.lacks_newline;
        self.left_out.clone_from(&mark.left_out);
        self.is_done = false;
        Ok(())
    }
}

/// The longest line in bytes. A real one is a thousand times shorter, and a longer one would be in
/// memory as a whole.
const LONGEST: u64 = 16 << 20;

/// Reads a line with its newline, if it has one; returns its length.
fn read_line(lines: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<usize> {
    let n_bytes = lines.take(LONGEST).read_until(b'\n', line)?;
    if n_bytes as u64 == LONGEST && !line.ends_with(b"\n") {
        let what = format!("expected lines of at most {} MiB, found a longer one", LONGEST >> 20);
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    Ok(n_bytes)
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Event, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read_event().map(Option::<&Event>::cloned).transpose()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use super::*;
    use crate::protocol::{Step, event::Rewound};

    const HEADER: &str = r#"{"kind":"journal","version":2,"auxdesk":"0.1.0","name":"n","seed":1,"threads":2,"device":"cpu","kernel":"avx2","started":"2026-01-02T03:04:05Z","parent":null}"#;
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
    fn a_line_may_be_formatted_differently() {
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
    fn a_complete_last_line_without_a_newline_is_kept() {
        let (events, left_out) = read(format!("{HEADER}\n{REWOUND}")).unwrap();
        assert_eq!(events, [rewound()]);
        assert_eq!(left_out, LeftOut::default());
    }

    #[test]
    fn a_bad_line_is_an_error_with_its_line_number() {
        let error = read(format!("{HEADER}\n{REWOUND}\n{{\"kind\":\"rewound\"\n{REWOUND}\n"));
        let message = "j.jsonl:3: expected an event, found `{\"kind\":\"rewound\"`: ";
        assert!(error.clone().unwrap_err().starts_with(message), "{error:?}");

        let error = read([HEADER.as_bytes(), b"\n\xff\xfe\n"].concat()).unwrap_err();
        assert!(error.starts_with("j.jsonl:2: ") && error.contains("not UTF-8"), "{error}");

        let error = read(format!("{HEADER}\n\n{REWOUND}\n")).unwrap_err();
        assert!(error.starts_with("j.jsonl:2: expected an event, found an empty line"), "{error}");

        let no_field = r#"{"kind":"rewound","at_ms":5}"#;
        let error = read(format!("{HEADER}\n{no_field}\n")).unwrap_err();
        assert!(error.ends_with("missing field `to` at column 28"), "{error}");
    }

    #[test]
    fn files_that_are_not_journals_are_reported() {
        assert_eq!(
            read("").unwrap_err(),
            "j.jsonl: expected a journal written by `auxdesk train`, found an empty file"
        );
        let error = read("The dog\nbarks\n").unwrap_err();
        assert!(error.starts_with("j.jsonl:1: expected a journal's first line"), "{error}");
        assert!(error.ends_with("found `The dog`"), "{error}");
        let error = read(REWOUND).unwrap_err();
        assert!(error.contains("expected a journal's first line"), "{error}");
        let error = read("{\"kind\":\"journal\",\"version\":2}\n").unwrap_err();
        assert!(error.contains("missing field `auxdesk`"), "{error}");
        let error = read(format!("{HEADER}\n{HEADER}\n")).unwrap_err();
        assert!(
            error.starts_with("j.jsonl:2: found the first line of a second journal"),
            "{error}"
        );
    }

    #[test]
    fn a_later_version_is_refused_whatever_its_fields() {
        let error = read("{\"kind\":\"journal\",\"version\":3,\"who\":\"knows\"}\n").unwrap_err();
        let message = "j.jsonl:1: expected a journal of version 2, found version 3; \
                       use a newer auxdesk";
        assert_eq!(error, message);
    }

    #[test]
    fn returning_to_a_mark_restores_line_number_and_notes() {
        let unknown = r#"{"kind":"sung"}"#;
        let text = format!("{HEADER}\n{REWOUND}\n{unknown}\n{REWOUND}\n{REWOUND}\nbad\n");
        let mut reader = Reader::new(Path::new("j.jsonl"), Cursor::new(text.as_bytes())).unwrap();
        assert_eq!(reader.read_event().unwrap(), Some(&rewound()));
        assert_eq!(reader.event(), Some(&rewound()));
        let mark = reader.mark();
        assert_eq!(mark.n_bytes(), (HEADER.len() + REWOUND.len() + 2) as u64);
        for _ in 0..2 {
            assert_eq!(reader.left_out().n_unknown(), 0);
            reader.read_event().unwrap();
            assert_eq!(reader.left_out().n_unknown(), 1);
            reader.read_event().unwrap();
            let error = reader.read_event().unwrap_err().to_string();
            assert!(error.starts_with("j.jsonl:6: "), "{error}");
            assert_eq!(reader.event(), None);
            assert_eq!(reader.read_event().unwrap(), None);
            reader.go_to(&mark).unwrap();
        }
    }

    #[test]
    fn a_growing_journal_is_read_on_wherever_its_last_line_ended() {
        let whole = format!("{HEADER}\n{REWOUND}\n{REWOUND}\n");
        for end in HEADER.len()..=whole.len() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("j.jsonl");
            std::fs::write(&path, &whole[..end]).unwrap();
            let mut reader = crate::journal::open(&path).unwrap();
            let mut n_events = 0;
            while reader.read_event().unwrap().is_some() {
                n_events += 1;
            }
            let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
            file.write_all(&whole.as_bytes()[end..]).unwrap();
            reader.go_to(&reader.mark()).unwrap();
            while reader.read_event().unwrap().is_some() {
                n_events += 1;
            }
            assert_eq!((n_events, reader.n_bytes()), (2, whole.len() as u64), "cut at {end}");
            assert_eq!(reader.left_out(), &LeftOut::default());
        }
    }
}
