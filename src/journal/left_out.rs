//! Lines that a reader of a journal skips, and notes about them.

use std::collections::BTreeMap;

use crate::printable::printable;

/// The lines that a reader of a journal skipped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// The number of lines of unknown kinds, by kind.
    pub unknown: BTreeMap<String, u64>,
    /// A truncated last line.
    pub torn: Option<Torn>,
}

/// A truncated last line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Torn {
    /// Its line number, counted from 1.
    pub line: u64,
    /// Its length in bytes.
    pub bytes: usize,
}

impl LeftOut {
    /// The total number of lines of unknown kinds.
    pub fn n_unknown(&self) -> u64 {
        self.unknown.values().sum()
    }

    /// One sentence for each thing skipped.
    pub fn notes(&self) -> Vec<String> {
        let kinds =
            self.unknown.iter().map(|(kind, count)| format!("{count} of kind {}", printable(kind)));
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
