//! Binary labels of examples, derived from the words they contain: shared by `presence` and
//! `contains`.
//!
//! loss = Σ of the cross-entropy of each row, divided by the number of rows. The rows are the
//! examples, or, if the tap has one row per token, their tokens.

use std::collections::BTreeMap;

use candle_core::Result;

use super::{
    Metric, ObjectiveSetup,
    derived::{DerivedClassifier, DerivedLabels},
};
use crate::{
    data::{Batch, Corpus, Lexicon, Packing},
    metric::scorer::ClassFigure,
    model::head::Classes,
    protocol::event::Direction,
};

/// The metrics of the label.
pub(super) fn metrics() -> Vec<Metric> {
    ["accuracy", "f1"].map(|name| Metric { name, direction: Direction::Higher }).into()
}

/// Decides which tokens make an example positive.
pub(super) trait Marks: Send {
    /// Whether this string does.
    fn is_marked(&self, string: &str) -> bool;
    /// The index of the first token to consider.
    fn from(&self) -> usize;
}

/// Whether an example contains a marked token.
pub(super) struct BinaryPresence {
    field: String,
    marks: Box<dyn Marks>,
    /// For each corpus, the field's index, and whether each of its strings is marked.
    attached: BTreeMap<usize, (usize, Vec<bool>)>,
}

impl BinaryPresence {
    /// A classifier of whether that field contains a marked string.
    pub(super) fn classifier(
        setup: ObjectiveSetup<'_>,
        field: String,
        marks: Box<dyn Marks>,
    ) -> Result<DerivedClassifier<Self>> {
        let labels = Self { field, marks, attached: BTreeMap::new() };
        DerivedClassifier::new(labels, Classes::of(1), setup)
    }

    /// Whether each example is positive; `None` if it lacks the field.
    fn labels(&self, batch: &Batch) -> Vec<Option<bool>> {
        let attached = self.attached.get(&batch.corpus);
        let Some((field, marked)) = attached else {
            return vec![None; batch.n_examples()];
        };
        let symbols = batch.symbols(*field);
        let label = |b: usize| {
            let rows = batch.rows_of(*field, b).into_iter();
            let symbols: Option<Vec<u32>> = rows.map(|row| symbols[row]).collect();
            Some(symbols?.iter().skip(self.marks.from()).any(|&symbol| marked[symbol as usize]))
        };
        (0..batch.n_examples()).map(label).collect()
    }
}

/// The class whose F1 is scored.
const YES: &str = "yes";

impl DerivedLabels for BinaryPresence {
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        let Some(field) = corpus.field(&self.field) else { return };
        let marked = corpus.lexicons[field].iter().map(|string| self.marks.is_marked(string));
        self.attached.insert(corpus_idx, (field, marked.collect()));
    }

    /// The label of each row of the tap is that of its example.
    fn targets(&self, packing: &Packing, batch: &Batch) -> Vec<Option<u32>> {
        let labels = self.labels(batch);
        let of = |example: u32| labels[example as usize].map(u32::from);
        packing.examples_of_rows().into_iter().map(of).collect()
    }

    fn names(&self) -> Lexicon {
        ["no", YES].into_iter().collect()
    }

    fn figures(&self) -> Vec<ClassFigure> {
        vec![ClassFigure::Accuracy, ClassFigure::F1(YES.to_owned())]
    }
}
