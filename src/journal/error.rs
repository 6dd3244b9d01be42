//! Errors of reading a journal.

use std::io;

use thiserror::Error;

use super::VERSION;

/// Why a journal could not be read. A `place` is a path, with a line where there is one.
#[derive(Debug, Error)]
pub enum JournalError {
    /// The file could not be opened or read on.
    #[error("{place}: cannot be read: {why}")]
    Unreadable {
        /// Where.
        place: String,
        /// What the system said.
        why: io::Error,
    },
    /// There is nothing in it.
    #[error("{place}: expected a journal written by `auxdesk train`, found an empty file")]
    Empty {
        /// Where.
        place: String,
    },
    /// The first line is not a header.
    #[error(
        "{place}: expected a journal's first line, \
         {{\"kind\":\"journal\",\"version\":{VERSION},...}}, found {found}"
    )]
    NotAJournal {
        /// Where.
        place: String,
        /// What is there instead.
        found: String,
    },
    /// A later auxdesk wrote it.
    #[error(
        "{place}: expected a journal of version {VERSION}, found version {found}; \
         use a newer auxdesk"
    )]
    TooNew {
        /// Where.
        place: String,
        /// Its version.
        found: u64,
    },
    /// A whole line is not an event.
    #[error("{place}: expected an event, found {found}: {why}")]
    BadLine {
        /// Where.
        place: String,
        /// How the line begins.
        found: String,
        /// What is wrong with it.
        why: String,
    },
    /// Two journals were joined into one file.
    #[error("{place}: found the first line of a second journal; replay each journal by itself")]
    SecondHeader {
        /// Where.
        place: String,
    },
}
