//! An objective with its parameters: its loss, and its evaluation of a batch.

use std::collections::BTreeMap;

use candle_core::{Result, Tensor, bail};

use crate::{
    data::{Batch, Corpus, Example, Lexicon, Packing, Prediction},
    metric::{Gold, Scorer},
    model::{Mode, Rows, head::HeadLoss},
};

/// A raw loss, as a sum and the count to divide it by, before any weighting. Only the mixer
/// multiplies losses.
pub struct RawLoss {
    /// The sum of the losses, a scalar.
    pub sum: Tensor,
    /// The number of items summed over: labelled tokens, examples, predicted units; 1 for
    /// regularizers.
    pub count: usize,
    /// Each example's share of the sum: (examples).
    pub per_example: Tensor,
}

impl RawLoss {
    /// Sums the losses of the examples.
    pub(super) fn new(per_example: Tensor, count: usize) -> Result<Self> {
        Ok(Self { sum: per_example.sum_all()?, count, per_example })
    }

    /// The raw loss of a head's loss.
    pub(super) fn of(loss: Option<HeadLoss>) -> Result<Option<Self>> {
        loss.map(|loss| Self::new(loss.per_example, loss.count)).transpose()
    }

    /// The raw loss, sum / count, a scalar.
    pub fn mean(&self) -> Result<Tensor> {
        self.sum.affine(1.0 / self.count as f64, 0.0)
    }
}

/// An objective's evaluation of a batch. Lists are in the batch's order.
pub struct Evaluation {
    /// The raw loss, on the CPU bit-identical to that of [`Objective::loss`]; `None` if no row has
    /// a label.
    pub loss: Option<RawLoss>,
    /// The gold label of each example.
    pub gold: Vec<Gold>,
    /// The prediction for each example.
    pub predictions: Vec<Prediction>,
    /// Further pairs for the scorer that are not predictions for an example: the vectors that a
    /// probe is evaluated on, a noisy label with the clean one.
    pub scored_only: Vec<(Gold, Prediction)>,
}

impl Evaluation {
    /// An evaluation without predictions.
    pub fn of_loss(loss: Option<RawLoss>, n_examples: usize) -> Self {
        Self {
            loss,
            gold: vec![Gold::None; n_examples],
            predictions: vec![Prediction::None; n_examples],
            scored_only: Vec::new(),
        }
    }

    /// Passes every pair of gold and prediction to a scorer.
    pub fn score(&self, scorer: &mut dyn Scorer) {
        for (gold, prediction) in self.gold.iter().zip(&self.predictions) {
            scorer.push(gold, prediction);
        }
        for (gold, prediction) in &self.scored_only {
            scorer.push(gold, prediction);
        }
    }
}

/// Runs the encoders and decoders of an objective's taps on examples that it makes within a step.
pub trait TapRunner {
    /// The rows of its taps for these examples of its corpus ([`Objective::made_corpus`]), and their batch. A gradient at
    /// them passes, stops or is reversed as at its taps.
    fn run(&self, corpus: &Corpus, examples: Vec<Example>) -> Result<(Vec<Rows>, Batch)>;
    /// The mode of the step.
    fn mode(&self) -> Mode;
}

/// An objective with its parameters.
///
/// `taps` are the rows of its taps, with their packing, in the order of
/// [`ObjectiveKind::taps`](super::ObjectiveKind::taps).
pub trait Objective: Send {
    /// Maps the strings of a corpus to ids; called once per corpus, before its first batch. By default it has none.
    fn attach(&mut self, _corpus_idx: usize, _corpus: &Corpus) {}
    /// The raw loss of a batch; `None` if no row has a label.
    fn loss(&self, taps: &[Rows], batch: &Batch) -> Result<Option<RawLoss>>;
    /// The loss and the predictions of a batch, from one computation of the scores.
    fn evaluate(&self, taps: &[Rows], batch: &Batch) -> Result<Evaluation>;
    /// The corpus whose examples it makes from those of the corpus with that index, in its sequences and fields, with
    /// further strings. `None`, as by default, if it makes none.
    fn made_corpus(&self, _corpus_idx: usize) -> Option<&Corpus> {
        None
    }
    /// [`Objective::loss`] for an objective that makes examples
    /// ([`ObjectiveKind::makes_examples`](super::ObjectiveKind::makes_examples)): `taps` are the rows that its first
    /// decoder reads, from which it can sample.
    fn loss_with(
        &self,
        taps: &[Rows],
        batch: &Batch,
        _runner: &dyn TapRunner,
    ) -> Result<Option<RawLoss>> {
        self.loss(taps, batch)
    }
    /// [`Objective::evaluate`], likewise.
    fn evaluate_with(
        &self,
        taps: &[Rows],
        batch: &Batch,
        _runner: &dyn TapRunner,
    ) -> Result<Evaluation> {
        self.evaluate(taps, batch)
    }
    /// A scorer for the evaluations of a split.
    fn scorer(&self) -> Box<dyn Scorer>;
    /// The names of the classes, by id; empty, as by default, if it predicts no classes.
    fn class_names(&self) -> Lexicon {
        Lexicon::default()
    }
    /// Sets how many hypotheses its search keeps open, if that is to differ from the recipe, and how
    /// many texts it predicts, for which it keeps at least as many open; false, as by default, if it
    /// does not search.
    fn set_search(&mut self, _beam: Option<usize>, _n_best: usize) -> bool {
        false
    }
    /// The versions and settings of its metrics, as their reference programs print them. None by
    /// default.
    fn signatures(&self) -> Vec<String> {
        Vec::new()
    }
    /// Called between two stages of training, before the first step of the second one: an epoch of a
    /// group follows that of another, or an epoch of the main objective's corpus the one before.
    fn begin_stage(&mut self) -> Result<()> {
        Ok(())
    }
    /// Called after each update of the parameters.
    fn after_update(&mut self) {}
    /// Called after a step without an update, whose loss or gradient is not finite: what its losses have left for
    /// the next update is forgotten.
    fn discard_update(&mut self) {}
    /// Called before and after losses that are computed for a measurement only: while the update is held, they leave
    /// nothing for the next one.
    fn hold_update(&mut self, _is_held: bool) {}
    /// Tensors beyond its parameters that must survive a stop, by name; a checkpoint has them.
    fn memory(&self) -> BTreeMap<String, Tensor> {
        BTreeMap::new()
    }
    /// Restores what [`Objective::memory`] returned.
    fn restore(&mut self, memory: BTreeMap<String, Tensor>) -> Result<()> {
        match memory.keys().next() {
            Some(name) => bail!("expected no tensor, found {name:?}"),
            None => Ok(()),
        }
    }
}

/// The predicted classes of rows, example by example in the batch's order.
pub(super) fn predictions_of(packing: &Packing, classes: &[u32]) -> Vec<Prediction> {
    let of = |example| {
        let rows = packing.rows_of_example(example).into_iter();
        Prediction::Classes(rows.map(|row| classes[row]).collect())
    };
    (0..packing.n_examples()).map(of).collect()
}

/// The gold classes of rows, example by example in the batch's order; `None` for unlabelled rows.
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
