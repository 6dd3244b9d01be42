//! Bins by their numbers: what `frequency` and `statistic` report of them.

use super::Metric;
use crate::{data::Lexicon, metric::scorer::ClassFigure, protocol::event::Direction};

/// What is reported of the bins.
pub(super) fn metrics() -> Vec<Metric> {
    vec![Metric { name: "accuracy", direction: Direction::Higher }]
}

/// The same as figures of classes.
pub(super) fn figures() -> Vec<ClassFigure> {
    vec![ClassFigure::Accuracy]
}

/// The names of so many bins.
pub(super) fn names(n: usize) -> Lexicon {
    let mut names = Lexicon::default();
    for bin in 0..n {
        names.intern(&bin.to_string());
    }
    names
}
