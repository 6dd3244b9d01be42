//! Arcs, spans and relations: structures over the positions of a sequence, as corpora store and
//! models predict them.
//!
//! A label is a symbol of the field's lexicon in a corpus, and a class in a prediction and in
//! scoring.

use std::ops::Range;

use super::Symbol;

/// An arc from a head to a dependent, as in a dependency tree or a semantic graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GraphArc {
    /// The head's position, counted from 0; `None` is the root.
    pub head: Option<u32>,
    /// The dependent's position, counted from 0.
    pub dependent: u32,
    /// The label, if it has one.
    pub label: Option<Symbol>,
}

/// A span of positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenSpan {
    /// The first position, counted from 0.
    pub start: u32,
    /// The position after the last one.
    pub end: u32,
    /// The label, if it has one.
    pub label: Option<Symbol>,
}

impl TokenSpan {
    /// Whether it has positions, and all of them are in a range.
    pub fn is_within(self, range: &Range<usize>) -> bool {
        let [start, end] = [self.start, self.end].map(|at| at as usize);
        range.start <= start && start < end && end <= range.end
    }
}

/// A directed relation between two spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SpanRelation {
    /// The span that it starts from.
    pub from: TokenSpan,
    /// The span that it points to.
    pub to: TokenSpan,
    /// Its type.
    pub label: Symbol,
}
