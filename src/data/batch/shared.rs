//! The documents of a collection in a batch: each once, however many of its examples refer to it.
//!
//! All of them are items of the batch's first example, so that encoders see an ordinary list.
//! [`Batch::candidates`] has those of each example.

use std::collections::{BTreeMap, BTreeSet};

use super::Batch;
use crate::data::{Axis, Collection, Example, FieldValues, Positions, Symbol};

/// The candidates of an example of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candidates {
    /// The row of each among the items of the collection's list.
    pub rows: Vec<u32>,
    /// The label of each; `None` if the example has no labels. A document that it does not refer to has none.
    pub labels: Option<Vec<Option<Symbol>>>,
}

/// Which documents of a collection are candidates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// Those that an example refers to.
    Referred,
    /// All of them.
    Whole,
}

/// The documents of a batch.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    /// The list of sequences that they are.
    pub(super) sequence: usize,
    /// Stands for the batch's first example in that list: it has all documents.
    holder: Example,
    /// Stands for the others, which have none.
    without: Example,
    /// The candidates of each example: the place in the list, and that among its references if it refers to it.
    candidates: Vec<Vec<(u32, Option<usize>)>>,
}

impl Shared {
    /// The documents for examples in the order of a batch, which is not empty.
    pub(super) fn new(collection: &Collection, examples: &[&Example], extent: Extent) -> Self {
        let references: Vec<&[u32]> =
            examples.iter().map(|example| references(example, collection.field)).collect();
        let documents: Vec<u32> = match extent {
            Extent::Whole => (0..collection.documents.len() as u32).collect(),
            Extent::Referred => {
                let referred = references.iter().flat_map(|all| all.iter().copied());
                let mut documents: BTreeSet<u32> = referred.collect();
                let has_words = |it: &u32| !collection.documents[*it as usize].words.is_empty();
                if !documents.iter().any(has_words) {
                    // A list without any token has no rows, which no encoder reads.
                    documents.extend((0..collection.documents.len() as u32).find(has_words));
                }
                documents.into_iter().collect()
            }
        };
        let places: BTreeMap<u32, u32> = documents.iter().copied().zip(0..).collect();
        let candidates = references.iter().map(|references| match extent {
            Extent::Referred => {
                references.iter().enumerate().map(|(at, it)| (places[it], Some(at))).collect()
            }
            Extent::Whole => {
                let referred: BTreeMap<u32, usize> = references.iter().copied().zip(0..).collect();
                documents.iter().map(|it| (places[it], referred.get(it).copied())).collect()
            }
        });
        let candidates = candidates.collect();
        let of = |document: &u32| collection.documents[*document as usize].words.as_slice();
        let words: Vec<Symbol> = documents.iter().flat_map(of).copied().collect();
        let lengths = documents.iter().map(|document| of(document).len() as u32).collect();
        let (n_sequences, n_fields) =
            examples.first().map_or((0, 0), |first| (first.sequences.len(), first.fields.len()));
        let without = Example {
            line: 0,
            file: None,
            sequences: vec![None; n_sequences],
            fields: vec![None; n_fields],
        };
        let mut holder = without.clone();
        let positions = Positions::on_line(0, words.len()).in_items(lengths);
        holder.sequences[collection.sequence] = Some(positions);
        holder.fields[collection.field] = Some(FieldValues::Symbols(words));
        Self { sequence: collection.sequence, holder, without, candidates }
    }

    /// What stands for the examples of the batch in that list.
    pub(super) fn instead_of(&self, n_examples: usize) -> Vec<&Example> {
        let first = std::iter::once(&self.holder);
        first.chain(std::iter::repeat_n(&self.without, n_examples - 1)).collect()
    }

    /// Whether a field is of the list's tokens.
    pub(super) fn has(&self, axis: Axis) -> bool {
        axis == Axis::Sequence(self.sequence)
    }
}

/// The documents that an example refers to.
fn references(example: &Example, field: usize) -> &[u32] {
    match example.fields.get(field) {
        Some(Some(FieldValues::References { documents, .. })) => documents,
        _ => &[],
    }
}

impl Batch {
    /// The candidates of each example, for a field with one label for each document that an example refers to; `None`
    /// for any other field.
    pub fn candidates(&self, field: usize) -> Option<Vec<Candidates>> {
        let shared = self.shared.as_ref()?;
        if self.axes[field] != Axis::Items(shared.sequence) {
            return None;
        }
        let rows = self.packing(field).rows_of_example(0);
        let of = |(candidates, values): (&Vec<(u32, Option<usize>)>, &Option<FieldValues>)| {
            let labels = match values {
                Some(FieldValues::Symbols(symbols)) => Some(symbols),
                _ => None,
            };
            let label = |&(_, at): &(u32, Option<usize>)| Some(labels?[at?]);
            Candidates {
                rows: candidates.iter().map(|(place, _)| rows[*place as usize] as u32).collect(),
                labels: labels.map(|_| candidates.iter().map(label).collect()),
            }
        };
        Some(shared.candidates.iter().zip(self.values(field)).map(of).collect())
    }
}
