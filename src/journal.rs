//! Journals: the events of a run on disk, one JSON object per line, the header first.
//!
//! A journal can be read while it grows and after it was truncated anywhere: all complete lines are
//! valid. Module `state` interprets the events.

mod error;
mod left_out;
mod line;
mod reader;
mod step;
mod writer;

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

pub use error::JournalError;
pub use left_out::{LeftOut, Torn};
pub use reader::{Mark, Reader};
pub use writer::Writer;

use crate::{
    protocol::{Event, Header},
    regular_file,
};

/// The journal's name in a run folder.
pub const FILE: &str = "journal.jsonl";

/// The newest version of the format that this program reads, and the one it writes.
pub const VERSION: u32 = 2;

/// The size of a read in bytes.
const BUFFER: usize = 1 << 16;

/// The journal of a run folder, or the path itself if it is a file.
pub fn locate(run: &Path) -> PathBuf {
    if run.is_dir() { run.join(FILE) } else { run.to_owned() }
}

/// Opens a journal to read its events one by one; the header is read at once.
pub fn open(path: &Path) -> Result<Reader<BufReader<File>>, JournalError> {
    let file = regular_file::open(path)
        .map_err(|why| JournalError::Unreadable { place: path.display().to_string(), why })?;
    Reader::new(path, BufReader::with_capacity(BUFFER, file))
}

/// Whether a journal has a complete first line; one that has not was killed while it began.
pub fn has_first_line(path: &Path) -> io::Result<bool> {
    let mut start = BufReader::new(regular_file::open(path)?).take(1 << 20);
    let mut line = Vec::new();
    start.read_until(b'\n', &mut line)?;
    // A longer line is none that this program began, and is left to the reader.
    Ok(line.ends_with(b"\n") || line.len() == 1 << 20)
}

/// A whole journal in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Journal {
    /// Its header.
    pub header: Header,
    /// All events of known kinds.
    pub events: Vec<Event>,
    /// Lines that were not read.
    pub left_out: LeftOut,
}

impl Journal {
    /// Reads a journal to its end.
    pub fn read(path: &Path) -> Result<Self, JournalError> {
        let mut reader = open(path)?;
        let events = reader.by_ref().collect::<Result<_, _>>()?;
        let (header, left_out) = reader.into_parts();
        Ok(Self { header, events, left_out })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::arbitrary;

    fn written(events: &[Event]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let mut writer = Writer::create(&path, &arbitrary::header()).unwrap();
        for event in events {
            writer.push(event);
        }
        writer.sync().unwrap();
        (folder, path)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn journals_round_trip(events in arbitrary::events()) {
            let (folder, path) = written(&events);
            let journal = Journal::read(&path).unwrap();
            prop_assert_eq!(journal.header, arbitrary::header());
            prop_assert_eq!(journal.events, events);
            prop_assert_eq!(journal.left_out, LeftOut::default());
            drop(folder);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]

        #[test]
        fn a_truncated_journal_reads_to_a_prefix(events in arbitrary::events()) {
            let (_folder, path) = written(&events);
            let bytes = std::fs::read(&path).unwrap();
            let header_ends = bytes.iter().position(|byte| *byte == b'\n').unwrap();
            for end in header_ends..=bytes.len() {
                let mut reader = Reader::new(&path, &bytes[..end]).unwrap();
                let read: Vec<Event> = reader.by_ref().map(Result::unwrap).collect();
                prop_assert_eq!(&read[..], &events[..read.len()]);
                // A complete line may lack its newline only.
                let n_whole = bytes[..end].split(|byte| *byte == b'\n').count() - 1;
                prop_assert!(read.len() + 1 >= n_whole && read.len() <= n_whole);
                let loses_text = reader.left_out().torn.is_some();
                prop_assert!(!loses_text || bytes[end - 1] != b'\n');
            }
            for end in 0..header_ends {
                prop_assert!(Reader::new(&path, &bytes[..end]).is_err());
            }
        }
    }

    #[test]
    fn a_run_folder_locates_its_journal() {
        let (folder, path) = written(&[]);
        assert_eq!(locate(folder.path()), path);
        assert_eq!(locate(&path), path);
    }

    #[test]
    fn a_missing_journal_is_named() {
        let error = Journal::read(Path::new("no/such.jsonl")).unwrap_err().to_string();
        assert!(error.starts_with("no/such.jsonl: "), "{error}");
    }
}
