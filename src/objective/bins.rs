//! Numbered bins as classes: the metrics of `frequency` and `statistic`.

use super::Metric;
use crate::{data::Lexicon, metric::scorer::ClassFigure, protocol::event::Direction};

/// The metrics of binned labels.
pub(super) fn metrics() -> Vec<Metric> {
    vec![Metric { name: "accuracy", direction: Direction::Higher }]
}

/// The same metrics, as computed from class counts.
pub(super) fn figures() -> Vec<ClassFigure> {
    vec![ClassFigure::Accuracy]
}

/// The names of `n` bins.
pub(super) fn names(n: usize) -> Lexicon {
    let mut names = Lexicon::default();
    for bin in 0..n {
        names.intern(&bin.to_string());
    }
    names
}
