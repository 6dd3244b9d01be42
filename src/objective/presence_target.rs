//! Yes or no about a whole example, by what words it holds: what `presence` and `contains` share.
//!
//! loss = Σ of the cross-entropy of each answer, over the rows that are asked, divided by their number. A
//! row is an example, or each of its tokens where the tap has one for each.

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

/// What is reported of the answers.
pub(super) fn metrics() -> Vec<Metric> {
    ["accuracy", "f1"].map(|name| Metric { name, direction: Direction::Higher }).into()
}

/// Which tokens make the answer yes.
pub(super) trait Marks: Send {
    /// Whether this string does.
    fn is_marked(&self, string: &str) -> bool;
    /// The first token that is looked at.
    fn from(&self) -> usize;
}

/// Whether something is in an example.
pub(super) struct BinaryPresence {
    field: String,
    marks: Box<dyn Marks>,
    /// For each corpus, the place of the field, and whether each of its strings is marked.
    attached: BTreeMap<usize, (usize, Vec<bool>)>,
}

impl BinaryPresence {
    /// Whether the words of that field have a mark, with the head that tells.
    pub(super) fn classifier(
        setup: ObjectiveSetup<'_>,
        field: String,
        marks: Box<dyn Marks>,
    ) -> Result<DerivedClassifier<Self>> {
        let labels = Self { field, marks, attached: BTreeMap::new() };
        DerivedClassifier::new(labels, Classes::of(1), setup)
    }

    /// Whether it is in each example; `None` if it lacks the field.
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

    /// The label of each row of the tap, which is that of its example.
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
