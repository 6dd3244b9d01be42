//! What can be wrong with a journal.

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
    #[error("{place}: found an empty file, wanted a journal that `auxdesk train` wrote")]
    Empty {
        /// Where.
        place: String,
    },
    /// The first line is not a header.
    #[error(
        "{place}: found {found}, wanted a journal's first line, \
         {{\"kind\":\"journal\",\"version\":{VERSION},...}}"
    )]
    NotAJournal {
        /// Where.
        place: String,
        /// What is there instead.
        found: String,
    },
    /// A later auxdesk wrote it.
    #[error(
        "{place}: found a journal of version {found}, wanted version {VERSION}; \
         the auxdesk that wrote it can read it"
    )]
    TooNew {
        /// Where.
        place: String,
        /// Its version.
        found: u64,
    },
    /// A whole line is not an event.
    #[error("{place}: found {found}, wanted an event: {why}")]
    BadLine {
        /// Where.
        place: String,
        /// How the line begins.
        found: String,
        /// What is wrong with it.
        why: String,
    },
    /// Two journals were joined into one file.
    #[error("{place}: found a second journal's first line; replay each journal on its own")]
    SecondHeader {
        /// Where.
        place: String,
    },
}
