//! Whether the input to `predict` has labels: decided by the whole of it, never line by line.

use std::collections::{BTreeMap, BTreeSet};

use super::Labels;

/// The labels that a run knows, by field.
#[derive(Clone, Debug, Default)]
pub struct KnownLabels(BTreeMap<String, BTreeSet<String>>);

impl KnownLabels {
    /// Adds labels of a field.
    pub fn add<'a>(&mut self, field: &str, labels: impl IntoIterator<Item = &'a str>) {
        let known = self.0.entry(field.to_owned()).or_default();
        known.extend(labels.into_iter().map(str::to_owned));
    }

    /// Whether that is a label of the field; `None` if no labels of the field are known.
    pub(super) fn has(&self, field: &str, label: &str) -> Option<bool> {
        Some(self.0.get(field)?.contains(label))
    }
}

/// The decision on an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundLabels {
    /// What it is read as.
    pub labels: Labels,
    /// What the user should know of the decision, if the input could be something else.
    pub note: Option<String>,
}

impl FoundLabels {
    /// A decision on evidence that leaves no doubt.
    pub(super) fn sure(labels: Labels) -> Self {
        Self { labels, note: None }
    }

    /// The same decision with a further note.
    pub(super) fn and(self, note: &str) -> Self {
        let note = self.note.map_or(note.to_owned(), |first| format!("{first}\n{note}"));
        Self { note: Some(note), ..self }
    }

    /// A decision to be told to the user.
    pub(super) fn noted(labels: Labels, note: String) -> Self {
        Self { labels, note: Some(note) }
    }
}

/// Whether nearly all lines, nine of ten at least, are of one of two kinds. Where faulty examples are
/// skipped, the others are taken for faulty.
pub(super) fn nearly_all(n_one: usize, n_other: usize) -> bool {
    n_one.min(n_other).saturating_mul(10) <= n_one.saturating_add(n_other)
}

/// What decides an input that can be read either way.
pub(super) const FLAGS: &str = "pass --labelled or --unlabelled";
