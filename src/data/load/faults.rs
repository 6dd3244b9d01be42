//! Faults of a corpus: their treatment, their messages and how many of them are shown.

use std::sync::Arc;

use thiserror::Error;

use crate::{data::read::ReadError, protocol::event::Split};

/// The number of faults shown; further ones are counted.
const SHOWN: usize = 20;

/// The treatment of faulty examples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultPolicy {
    /// The corpus is refused.
    Refuse,
    /// They are skipped, counted and listed.
    Skip,
}

/// The treatment of faulty examples in each split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultPolicies {
    /// In the training file, and in examples held out of it.
    pub train: FaultPolicy,
    /// In the dev split.
    pub dev: FaultPolicy,
    /// In the test split.
    pub test: FaultPolicy,
}

impl FaultPolicies {
    /// That of a split.
    pub fn of(self, split: Split) -> FaultPolicy {
        match split {
            Split::Train => self.train,
            Split::Dev => self.dev,
            Split::Test => self.test,
        }
    }
}

/// Why a corpus was not loaded.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LoadError {
    /// A line has a fault.
    #[error(transparent)]
    Line(#[from] ReadError),
    /// A file could not be read.
    #[error("{file}: {why}")]
    Unreadable {
        /// The file.
        file: Arc<str>,
        /// The operating system's error.
        why: String,
    },
    /// A split would be empty.
    #[error("{file}: {what}")]
    Empty {
        /// The file.
        file: Arc<str>,
        /// `no examples`, or which part has none.
        what: &'static str,
    },
}

/// The first faults, one per line, and the number of further ones.
pub fn show<E: ToString>(faults: &[E]) -> String {
    let mut lines: Vec<String> = faults.iter().take(SHOWN).map(E::to_string).collect();
    if faults.len() > SHOWN {
        lines.push(format!("and {} more", faults.len() - SHOWN));
    }
    lines.join("\n")
}
