//! Errors of reading a journal.

use std::io;

use thiserror::Error;

use super::VERSION;

/// Why a journal could not be read. A `place` is a path, with a line number where there is one.
#[derive(Debug, Error)]
pub enum JournalError {
    /// The file could not be opened or read.
    #[error("{place}: cannot be read: {why}")]
    Unreadable {
        /// The path.
        place: String,
        /// The operating system's error.
        why: io::Error,
    },
    /// The file is empty.
    #[error("{place}: expected a journal written by `auxdesk train`, found an empty file")]
    Empty {
        /// The path.
        place: String,
    },
    /// The first line is not a header.
    #[error(
        "{place}: expected a journal's first line, \
         {{\"kind\":\"journal\",\"version\":{VERSION},...}}, found {found}"
    )]
    NotAJournal {
        /// The path and line.
        place: String,
        /// The beginning of that line.
        found: String,
    },
    /// A newer auxdesk wrote it.
    #[error(
        "{place}: expected a journal of version {VERSION}, found version {found}; \
         use a newer auxdesk"
    )]
    TooNew {
        /// The path and line.
        place: String,
        /// Its version.
        found: u64,
    },
    /// A complete line is not an event.
    #[error("{place}: expected an event, found {found}: {why}")]
    BadLine {
        /// The path and line.
        place: String,
        /// The beginning of the line.
        found: String,
        /// The parser's error.
        why: String,
    },
    /// Two journals were concatenated.
    #[error("{place}: found the first line of a second journal; replay each journal by itself")]
    SecondHeader {
        /// The path and line.
        place: String,
    },
}
