//! Appends complete lines to a journal.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::Path,
};

use super::{Mark, has_first_line};
use crate::protocol::{Event, Header};

/// A journal being written. Lines are buffered until [`Writer::flush`].
#[derive(Debug)]
pub struct Writer {
    file: File,
    /// Complete lines that have not been written yet.
    lines: Vec<u8>,
}

impl Writer {
    /// Creates a journal. An existing file is an error: it may be the only record of a run.
    pub fn create(path: &Path, header: &Header) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create_new(true).open(path)?;
        let header = serde_json::to_string(header).expect("a header has only string keys");
        // The header's fields follow `kind`, which belongs to the format only.
        let fields = header.strip_prefix('{').expect("a struct is a JSON object");
        let lines = format!("{{\"kind\":\"journal\",{fields}\n").into_bytes();
        let mut writer = Self { file, lines };
        writer.flush()?;
        Ok(writer)
    }

    /// Creates a journal where there is none, or replaces one whose first line is truncated.
    pub fn begin(path: &Path, header: &Header) -> io::Result<Self> {
        if has_first_line(path).is_ok_and(|has| !has) {
            fs::remove_file(path)?;
        }
        Self::create(path, header)
    }

    /// Continues a journal that was read to its end, where the mark is: a truncated line after it
    /// is removed.
    pub fn resume(path: &Path, end: &Mark) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).open(path)?;
        file.set_len(end.n_bytes())?;
        let lines = if end.lacks_newline() { vec![b'\n'] } else { Vec::new() };
        Ok(Self { file, lines })
    }

    /// Adds an event's line to the buffer.
    pub fn push(&mut self, event: &Event) {
        serde_json::to_writer(&mut self.lines, event).expect("an event has only string keys");
        self.lines.push(b'\n');
    }

    /// Writes all buffered lines at once. After an error the journal may end with a truncated line,
    /// so nothing more may be written to it.
    pub fn flush(&mut self) -> io::Result<()> {
        if self.lines.is_empty() {
            return Ok(());
        }
        self.file.write_all(&self.lines)?;
        self.lines.clear();
        Ok(())
    }

    /// Flushes, and waits until the lines are on disk, in a file that has a name.
    pub fn sync(&mut self) -> io::Result<()> {
        self.flush()?;
        self.file.sync_data()?;
        if is_deleted(&self.file)? {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                "the file was deleted while the run was training",
            ));
        }
        Ok(())
    }

    /// A writer whose every write fails, since the file is open for reading only.
    #[cfg(test)]
    pub(crate) fn broken(path: &Path) -> Self {
        File::create(path).expect("a file in a folder of the test's own");
        let file = File::open(path).expect("the file just made");
        Self { file, lines: Vec::new() }
    }
}

/// Whether no name is left of an open file.
#[cfg(unix)]
fn is_deleted(file: &File) -> io::Result<bool> {
    Ok(std::os::unix::fs::MetadataExt::nlink(&file.metadata()?) == 0)
}

/// Open files keep their names on other systems.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the same signature as on Unix")]
fn is_deleted(_file: &File) -> io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        arbitrary,
        protocol::{Step, event::Rewound},
    };

    #[test]
    fn lines_follow_the_format() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let mut writer = Writer::create(&path, &arbitrary::header()).unwrap();
        writer.push(&Rewound { at_ms: 5, to: Step(3) }.into());
        let header = "{\"kind\":\"journal\",\"version\":2,\"auxdesk\":\"0.1.0\",\
            \"name\":\"chunking\",\"seed\":1,\"threads\":2,\"device\":\"cpu\",\
            \"kernel\":\"avx512\",\"started\":\"2026-01-02T03:04:05Z\",\"parent\":null}\n";
        assert_eq!(std::fs::read_to_string(&path).unwrap(), header);
        writer.flush().unwrap();
        let line = "{\"kind\":\"rewound\",\"at_ms\":5,\"to\":3}\n";
        assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{header}{line}"));
    }

    #[test]
    fn a_resumed_journal_loses_only_its_truncated_line() {
        let rewound = |to| Event::from(Rewound { at_ms: 5, to: Step(to) });
        for (tail, n_whole) in [("", 2), ("{\"kind\":\"rewo", 2), ("NEWLINE", 2)] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("journal.jsonl");
            let mut writer = Writer::create(&path, &arbitrary::header()).unwrap();
            (1..=2).for_each(|to| writer.push(&rewound(to)));
            writer.flush().unwrap();
            let whole = std::fs::read_to_string(&path).unwrap();
            let left = match tail {
                "NEWLINE" => whole.trim_end().to_owned(),
                tail => format!("{whole}{tail}"),
            };
            std::fs::write(&path, left).unwrap();
            let mut reader = crate::journal::open(&path).unwrap();
            assert_eq!(reader.by_ref().map(Result::unwrap).count(), n_whole);
            let mut writer = Writer::resume(&path, &reader.mark()).unwrap();
            writer.push(&rewound(3));
            writer.flush().unwrap();
            let line = "{\"kind\":\"rewound\",\"at_ms\":5,\"to\":3}\n";
            assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{whole}{line}"));
        }
    }

    #[test]
    fn a_journal_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        Writer::create(&path, &arbitrary::header()).unwrap();
        let error = Writer::create(&path, &arbitrary::header()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    }

    #[cfg(unix)]
    #[test]
    fn a_deleted_journal_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let mut writer = Writer::create(&path, &arbitrary::header()).unwrap();
        writer.sync().unwrap();
        fs::remove_file(&path).unwrap();
        writer.push(&Rewound { at_ms: 5, to: Step(3) }.into());
        let error = writer.sync().unwrap_err();
        assert_eq!(error.to_string(), "the file was deleted while the run was training");
    }
}
