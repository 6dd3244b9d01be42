//! The rows of teacher forcing: what precedes each symbol of a target, and what is to be predicted.

use std::sync::Arc;

use super::{EDGE, FIRST, UNKNOWN};
use crate::data::{Batch, Packing, Symbol, vocabulary::Lookup};

/// The rows of a batch's targets: for each example that has one, its symbols and its end.
pub struct TargetRows<'a> {
    packing: &'a Packing,
    batch: &'a Batch,
    field: usize,
    ids: &'a Lookup,
    /// For each sequence of the packing, that of the field.
    sequences: Vec<usize>,
}

impl<'a> TargetRows<'a> {
    /// The packing of the rows of a field of a batch: one for each symbol of an example's target and one for its end. An
    /// example in which a symbol is missing has no target.
    pub fn packing(batch: &Batch, field: usize) -> Arc<Packing> {
        let (symbols, source) = (batch.symbols(field), batch.packing(field));
        let has_symbol = |row: usize| symbols.get(row).copied().flatten().is_some();
        let is_whole = |&sequence: &u32| source.rows(sequence as usize).all(has_symbol);
        let length = |sequence: &Option<u32>| {
            let sequence = sequence.filter(is_whole);
            sequence.map_or(0, |sequence| source.lengths()[sequence as usize] + 1)
        };
        let lengths: Vec<usize> = source.sequences_of_parent().iter().map(length).collect();
        let above = source.parent().expect("a sequence belongs to an example");
        Arc::new(Packing::sorted_below(above, &lengths))
    }

    /// The rows of a field whose strings have these ids, with the packing that [`TargetRows::packing`] returns.
    pub fn new(packing: &'a Packing, batch: &'a Batch, field: usize, ids: &'a Lookup) -> Self {
        let source = batch.packing(field);
        let sequences = packing.parent_rows().iter();
        let sequences = sequences.filter_map(|&row| source.sequences_of_parent()[row as usize]);
        let sequences = sequences.map(|sequence| sequence as usize).collect();
        Self { packing, batch, field, ids, sequences }
    }

    /// The class before each row: [`EDGE`] at the beginning.
    pub fn previous(&self) -> Vec<u32> {
        let previous = |(b, t): (usize, usize)| t.checked_sub(1).map_or(EDGE, |t| self.class(b, t));
        self.packing.positions().map(previous).collect()
    }

    /// The class to predict in each row: [`EDGE`] at the end.
    pub fn targets(&self) -> Vec<u32> {
        self.targets_by(|symbol| self.class_of(symbol))
    }

    /// The same with other classes of the symbols.
    pub fn targets_by(&self, class: impl Fn(Symbol) -> u32) -> Vec<u32> {
        let lengths = self.packing.lengths();
        let class = |b: usize, t: usize| self.symbol(b, t).map_or(UNKNOWN, &class);
        let target = |(b, t)| if t + 1 == lengths[b] { EDGE } else { class(b, t) };
        self.packing.positions().map(target).collect()
    }

    fn class(&self, b: usize, t: usize) -> u32 {
        self.symbol(b, t).map_or(UNKNOWN, |symbol| self.class_of(symbol))
    }

    fn class_of(&self, symbol: Symbol) -> u32 {
        self.ids.id(symbol).map_or(UNKNOWN, |id| id + FIRST)
    }

    fn symbol(&self, b: usize, t: usize) -> Option<Symbol> {
        let row = self.batch.packing(self.field).row(self.sequences[b], t);
        self.batch.symbols(self.field).get(row).copied().flatten()
    }
}
