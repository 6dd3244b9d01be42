//! Lines that a reader of a journal skips, and notes about them.

use std::collections::BTreeMap;

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
