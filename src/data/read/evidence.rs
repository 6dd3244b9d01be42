//! Whether the input to `predict` has labels: decided by the whole of it, never line by line.

use std::collections::{BTreeMap, BTreeSet};

use super::{Labels, ReadError, Source};

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

/// The lines of an input that have all columns, and those that have only the columns of a file without
/// labels.
#[derive(Default)]
pub(super) struct LineCounts {
    pub(super) n_full: usize,
    n_fewer: usize,
    /// The first line, its number of columns, and whether these are all.
    first: Option<(u32, usize, bool)>,
    /// The first line of the other kind, and its number of columns.
    other: Option<(u32, usize)>,
}

impl LineCounts {
    /// Counts a line.
    pub(super) fn add(&mut self, line: u32, n_cells: usize, is_full: bool) {
        *if is_full { &mut self.n_full } else { &mut self.n_fewer } += 1;
        let (.., first_is_full) = *self.first.get_or_insert((line, n_cells, is_full));
        if is_full != first_is_full {
            self.other.get_or_insert((line, n_cells));
        }
    }

    /// Whether the input has labels: all lines do, or none does. `may_skip` says whether the few lines
    /// that differ from such an input may be skipped as faulty.
    pub(super) fn labels(
        &self,
        source: &Source,
        may_skip: impl Fn(Labels) -> bool,
    ) -> Result<Labels, ReadError> {
        let labels = if self.n_full > self.n_fewer { Labels::Required } else { Labels::Absent };
        let (Some((first, n_first, _)), Some((line, n_cells))) = (self.first, self.other) else {
            return Ok(labels);
        };
        if nearly_all(self.n_full, self.n_fewer) && may_skip(labels) {
            return Ok(labels);
        }
        let s = if n_first == 1 { "" } else { "s" };
        let what = format!(
            "expected {n_first} column{s}, as in line {first}, found {n_cells}; labels must be in every \
             line or in none: {FLAGS}"
        );
        Err(ReadError { file: source.name.clone(), line, what })
    }
}

/// Whether nearly all lines, nine of ten at least, are of one of two kinds. Where faulty examples are
/// skipped, the others are taken for faulty.
fn nearly_all(n_one: usize, n_other: usize) -> bool {
    n_one.min(n_other).saturating_mul(10) <= n_one.saturating_add(n_other)
}

/// What decides an input that can be read either way.
pub(super) const FLAGS: &str = "pass --labelled or --unlabelled";
