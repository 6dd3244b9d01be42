//! The rows of teacher forcing: what precedes each symbol of a target, and what is to be predicted.

use std::sync::Arc;

use super::{EDGE, FIRST, UNKNOWN};
use crate::data::{Batch, Packing, Symbol, vocabulary::Lookup};

/// The rows of a batch's targets: for each example that has one, its symbols and its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetRows {
    /// Their packing.
    pub packing: Arc<Packing>,
    /// The class before each row: [`EDGE`] at the beginning.
    pub previous: Vec<u32>,
    /// The class to predict in each row: [`EDGE`] at the end.
    pub targets: Vec<u32>,
}

impl TargetRows {
    /// Those of a field of a batch, whose strings have these ids. An example in which a symbol is missing has no
    /// target.
    pub fn new(batch: &Batch, field: usize, ids: &Lookup) -> Self {
        Self::of(batch, field, |symbol| ids.id(symbol).map_or(UNKNOWN, |id| id + FIRST))
    }

    /// The same for strings with these classes.
    pub fn of(batch: &Batch, field: usize, class: impl Fn(Symbol) -> u32) -> Self {
        let (symbols, source) = (batch.symbols(field), batch.packing(field));
        let symbol = |row: usize| symbols.get(row).copied().flatten();
        let class = |row: usize| symbol(row).map_or(UNKNOWN, &class);
        let is_whole =
            |&sequence: &u32| source.rows(sequence as usize).all(|row| symbol(row).is_some());
        let length = |sequence: &Option<u32>| {
            let sequence = sequence.filter(is_whole);
            sequence.map_or(0, |sequence| source.lengths()[sequence as usize] + 1)
        };
        let lengths: Vec<usize> = source.sequences_of_parent().iter().map(length).collect();
        let above = source.parent().expect("a sequence belongs to an example");
        let packing = Packing::sorted_below(above, &lengths);
        // The sequence in the batch of each sequence here.
        let sequences: Vec<usize> = (packing.parent_rows().iter())
            .filter_map(|&row| source.sequences_of_parent()[row as usize])
            .map(|sequence| sequence as usize)
            .collect();
        let at = |(b, t): (usize, usize)| class(source.row(sequences[b], t));
        let previous = packing.positions();
        let previous = previous.map(|(b, t)| t.checked_sub(1).map_or(EDGE, |t| at((b, t))));
        let previous = previous.collect();
        let is_end = |b: usize, t: usize| t + 1 == packing.lengths()[b];
        let targets = packing.positions();
        let targets = targets.map(|(b, t)| if is_end(b, t) { EDGE } else { at((b, t)) }).collect();
        Self { packing: Arc::new(packing), previous, targets }
    }
}
