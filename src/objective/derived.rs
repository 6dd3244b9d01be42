//! Labels derived from the words of an example, with the head that predicts them: shared by
//! `frequency`, `statistic`, `presence` and `contains`, whose files document the losses.

use candle_core::Result;

use super::{Evaluation, Objective, ObjectiveSetup, RawLoss, gold_of, predictions_of};
use crate::{
    data::{Batch, Corpus, Lexicon, Packing},
    metric::{
        Scorer,
        scorer::{ClassFigure, ClassScorer},
    },
    model::{
        Rows,
        head::{Classes, Head},
    },
};

/// A source of derived labels.
pub(super) trait DerivedLabels: Send {
    /// Maps the strings of a corpus.
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus);
    /// The label of each row of a tap; `None` for rows without one.
    fn targets(&self, packing: &Packing, batch: &Batch) -> Vec<Option<u32>>;
    /// The name of each label, by id.
    fn names(&self) -> Lexicon;
    /// The metrics of the labels.
    fn figures(&self) -> Vec<ClassFigure>;
}

/// Derived labels and the head that predicts them.
pub(super) struct DerivedClassifier<L> {
    labels: L,
    head: Box<dyn Head>,
}

impl<L: DerivedLabels> DerivedClassifier<L> {
    /// A classifier with a head for these classes.
    pub(super) fn new(labels: L, classes: Classes, setup: ObjectiveSetup<'_>) -> Result<Self> {
        Ok(Self { labels, head: setup.head(classes)? })
    }
}

impl<L: DerivedLabels> Objective for DerivedClassifier<L> {
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        self.labels.attach(corpus_idx, corpus);
    }

    fn loss(&self, taps: &[Rows], batch: &Batch) -> Result<Option<RawLoss>> {
        let Rows { tensor: x, packing } = &taps[0];
        RawLoss::of(self.head.loss(x, &self.labels.targets(packing, batch), packing)?)
    }

    fn evaluate(&self, taps: &[Rows], batch: &Batch) -> Result<Evaluation> {
        let Rows { tensor: x, packing } = &taps[0];
        let targets = self.labels.targets(packing, batch);
        let evaluated = self.head.evaluate(x, &targets, packing)?;
        Ok(Evaluation {
            loss: RawLoss::of(evaluated.loss)?,
            gold: gold_of(packing, &targets),
            predictions: predictions_of(packing, &evaluated.classes),
            scored_only: Vec::new(),
        })
    }

    fn scorer(&self) -> Box<dyn Scorer> {
        Box::new(ClassScorer::new(self.labels.names(), self.labels.figures()))
    }

    fn class_names(&self) -> Lexicon {
        self.labels.names()
    }
}
