//! Which bin a row falls into, a token or a whole example: what `frequency` and `statistic` share, whose files
//! have the losses.

use candle_core::Result;

use super::{Evaluation, Metric, Objective, ObjectiveSetup, RawLoss, gold_of, predictions_of};
use crate::{
    data::{Batch, Corpus, Lexicon},
    metric::{
        Scorer,
        scorer::{ClassFigure, ClassScorer},
    },
    model::{
        Rows,
        head::{Classes, Head},
    },
    protocol::event::Direction,
};

/// What is reported of the bins.
pub(super) fn metrics() -> Vec<Metric> {
    vec![Metric { name: "accuracy", direction: Direction::Higher }]
}

/// Where bins come from.
pub(super) trait Bins: Send {
    /// How many there are.
    fn len(&self) -> usize;
    /// Learns the strings of a corpus.
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus);
    /// The bin of each row; `None` for one that has none.
    fn targets(&self, batch: &Batch) -> Vec<Option<u32>>;
}

/// Bins with the head that tells them apart.
pub(super) struct BinClassifier<B> {
    bins: B,
    head: Box<dyn Head>,
}

impl<B: Bins> BinClassifier<B> {
    pub(super) fn new(bins: B, setup: ObjectiveSetup<'_>) -> Result<Self> {
        let head = setup.head(Classes::of(bins.len()))?;
        Ok(Self { bins, head })
    }
}

impl<B: Bins> Objective for BinClassifier<B> {
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        self.bins.attach(corpus_idx, corpus);
    }

    fn loss(&self, taps: &[Rows], batch: &Batch) -> Result<Option<RawLoss>> {
        let Rows { tensor: x, packing } = &taps[0];
        RawLoss::of(self.head.loss(x, &self.bins.targets(batch), packing)?)
    }

    fn evaluate(&self, taps: &[Rows], batch: &Batch) -> Result<Evaluation> {
        let Rows { tensor: x, packing } = &taps[0];
        let targets = self.bins.targets(batch);
        let evaluated = self.head.evaluate(x, &targets, packing)?;
        Ok(Evaluation {
            loss: RawLoss::of(evaluated.loss)?,
            gold: gold_of(packing, &targets),
            predictions: predictions_of(packing, &evaluated.classes),
            scored_only: Vec::new(),
        })
    }

    fn scorer(&self) -> Box<dyn Scorer> {
        Box::new(ClassScorer::new(self.class_names(), vec![ClassFigure::Accuracy]))
    }

    /// The bins by their numbers.
    fn class_names(&self) -> Lexicon {
        let mut names = Lexicon::default();
        for bin in 0..self.bins.len() {
            names.intern(&bin.to_string());
        }
        names
    }
}
