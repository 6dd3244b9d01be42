//! An objective with its parameters: its loss and what it makes of a batch that is evaluated.

use candle_core::{Result, Tensor};

use crate::{
    data::{Batch, Corpus, Lexicon, Packing, Prediction},
    metric::{Gold, Scorer},
    model::{Rows, head::HeadLoss},
};

/// A raw loss: what is divided by what, before any weight. Only the mixer multiplies.
pub struct RawLoss {
    /// The sum of the losses, a scalar.
    pub sum: Tensor,
    /// What it is a sum over: labelled tokens, examples, units predicted; 1 for regularisers.
    pub count: usize,
    /// Each example's part of the sum: (examples).
    pub per_example: Tensor,
}

impl RawLoss {
    /// The sum of each example's losses, with what they are counted over.
    pub(super) fn new(per_example: Tensor, count: usize) -> Result<Self> {
        Ok(Self { sum: per_example.sum_all()?, count, per_example })
    }

    /// That of a head's loss.
    pub(super) fn of(loss: Option<HeadLoss>) -> Result<Option<Self>> {
        loss.map(|loss| Self::new(loss.per_example, loss.count)).transpose()
    }

    /// The raw loss, sum / count, a scalar.
    pub fn mean(&self) -> Result<Tensor> {
        self.sum.affine(1.0 / self.count as f64, 0.0)
    }
}

/// What an objective makes of a batch that is evaluated. Lists are in the batch's order.
pub struct Evaluation {
    /// The raw loss, to the bit what [`Objective::loss`] gives on the CPU; `None` if nothing has a label.
    pub loss: Option<RawLoss>,
    /// What is right of each example.
    pub gold: Vec<Gold>,
    /// What it predicts of each example.
    pub predictions: Vec<Prediction>,
    /// Further pairs for its scorer, which say nothing of an example by themselves: vectors that a probe is
    /// asked about, a noisy label beside the right one.
    pub scored_only: Vec<(Gold, Prediction)>,
}

impl Evaluation {
    /// An evaluation without a prediction.
    pub fn of_loss(loss: Option<RawLoss>, n_examples: usize) -> Self {
        Self {
            loss,
            gold: vec![Gold::None; n_examples],
            predictions: vec![Prediction::None; n_examples],
            scored_only: Vec::new(),
        }
    }

    /// Hands every pair of gold and prediction to a scorer.
    pub fn score(&self, scorer: &mut dyn Scorer) {
        for (gold, prediction) in self.gold.iter().zip(&self.predictions) {
            scorer.push(gold, prediction);
        }
        for (gold, prediction) in &self.scored_only {
            scorer.push(gold, prediction);
        }
    }
}

/// An objective with its parameters.
///
/// `taps` are the rows of its taps, each with what they stand on, in the order of
/// [`ObjectiveKind::taps`](super::ObjectiveKind::taps).
pub trait Objective: Send {
    /// Learns the strings of a corpus; called once for each corpus, before its first batch.
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus);
    /// The raw loss of a batch; `None` if nothing in it has a label.
    fn loss(&self, taps: &[Rows], batch: &Batch) -> Result<Option<RawLoss>>;
    /// Loss and predictions of a batch, of scores that are computed once.
    fn evaluate(&self, taps: &[Rows], batch: &Batch) -> Result<Evaluation>;
    /// What scores the evaluations of a split.
    fn scorer(&self) -> Box<dyn Scorer>;
    /// The name of each class that it predicts, by id; none where it predicts no class.
    fn class_names(&self) -> Lexicon;
}

/// The classes of rows, example by example in the batch's order.
pub(super) fn predictions_of(packing: &Packing, classes: &[u32]) -> Vec<Prediction> {
    let of = |example| {
        let rows = packing.rows_of_example(example).into_iter();
        Prediction::Classes(rows.map(|row| classes[row]).collect())
    };
    (0..packing.n_examples()).map(of).collect()
}

/// The right classes of rows, example by example in the batch's order; `None` where nobody has said.
pub(super) fn gold_of(packing: &Packing, classes: &[Option<u32>]) -> Vec<Gold> {
    let of = |example| {
        let rows = packing.rows_of_example(example).into_iter();
        let classes: Vec<Option<u32>> = rows.map(|row| classes[row]).collect();
        if classes.iter().all(Option::is_none) {
            Gold::None
        } else {
            Gold::Classes { classes, oov: Vec::new() }
        }
    };
    (0..packing.n_examples()).map(of).collect()
}
