//! Arcs, spans and relations: structures over the positions of a sequence.

use super::Symbol;

/// An arc from a head to a dependent, as in a dependency tree or a semantic graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GraphArc {
    /// The head's position; `None` is the root.
    pub head: Option<u32>,
    /// The dependent's position.
    pub dependent: u32,
    /// The label, if it has one, by its symbol.
    pub label: Option<Symbol>,
}

/// A span of positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenSpan {
    /// The first position.
    pub start: u32,
    /// The position after the last.
    pub end: u32,
    /// The label, if it has one, by its symbol.
    pub label: Option<Symbol>,
}

/// A relation between two spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SpanRelation {
    /// The span that it is from.
    pub from: TokenSpan,
    /// The span that it is to.
    pub to: TokenSpan,
    /// Its type, by its symbol.
    pub label: Symbol,
}
