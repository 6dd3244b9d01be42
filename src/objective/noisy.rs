//! Noisy: labels from another source that are often wrong, through a learned confusion matrix (Fang
//! and Cohn 2016, "Learning when to trust distant supervision"; 2017, with labels projected by
//! dictionaries).
//!
//! It shares the head and the label set of another objective, whose labels are clean, and has one
//! matrix of its own. With P(i | x) that head's probability of label i, and
//! C_ij = e^A_ij / Σ_k e^A_ik the probability that a token of clean label i has noisy label j:
//! loss = −Σ ln Σ_i P(i | x)·C_ij over the rows with noisy label j, divided by their number. It is
//! computed in log space, so that no probability underflows. Initially C_ii is `initial_accuracy`,
//! and the rest of each row is uniform.
//!
//! Labels unseen in the other objective's training have no loss: a dictionary may have a label for
//! unknown words. The prediction is the clean label; the score compares, over known labels, the
//! noisy label with the most probable one under C.
//!
//! ln softmax and ln Σ e^x are compositions of candle's operations here. candle-nn's, which only `kernel::plain`
//! uses, round in another order: with them the losses of a recipe such as `multilingual` would not stay bit for bit.

use std::collections::BTreeMap;

use candle_core::{Result, Tensor};

use super::{
    ConfigFault, Declared, Evaluation, HeadSource, Metric, Objective, ObjectiveConfig,
    ObjectiveKind, ObjectiveSetup, Output, RawLoss, TapKey, gold_of, predictions_of,
};
use crate::{
    data::{Batch, Corpus, Lexicon, Packing, Vocabulary, normalize::Normalize, vocabulary::Lookup},
    kernel::{self, ParamRef},
    keys::{Key, Refers, ValueType},
    metric::{
        Gold, Scorer,
        scorer::{ClassFigure, ClassScorer},
    },
    model::{
        Rows,
        head::{Classes, Head, HeadLoss, labelled_loss},
        tap::RowKind,
    },
    protocol::event::Direction,
};

pub(super) struct Noisy;

const LABEL: &str = "label";
const LABELS: &str = "labels";
const INITIAL_ACCURACY: &str = "initial_accuracy";

const KEYS: &[Key] = &[
    Key::required(
        "share",
        ValueType::Name(Refers::Objective),
        "objective with clean labels, whose head it shares",
    ),
    Key::required(LABEL, ValueType::Name(Refers::Row), "field of the noisy labels"),
    Key::with_default(
        INITIAL_ACCURACY,
        ValueType::Number(0.001, 0.999),
        "0.9",
        "initial diagonal of the confusion matrix: assumed accuracy of the noisy labels",
    ),
];

impl ObjectiveKind for Noisy {
    fn name(&self) -> &'static str {
        "noisy"
    }

    fn about(&self) -> &'static str {
        "noisy labels, through a learned confusion matrix over another objective's classes"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn taps(&self) -> &'static [TapKey] {
        &[TapKey { name: "tap", on: None, selects: false }]
    }

    fn head(&self) -> HeadSource {
        HeadSource::Donor { head_donors: &["tag", "classify"], heads: &["softmax"] }
    }

    fn configure(
        &self,
        declared: &Declared<'_>,
    ) -> std::result::Result<Box<dyn ObjectiveConfig>, ConfigFault> {
        let values = declared.values;
        Ok(Box::new(Config {
            label: values.text(LABEL).to_owned(),
            initial_accuracy: values.number(INITIAL_ACCURACY),
        }))
    }
}

/// The options of the objective.
struct Config {
    label: String,
    initial_accuracy: f64,
}

impl ObjectiveConfig for Config {
    fn metrics(&self) -> Vec<Metric> {
        vec![Metric { name: "accuracy", direction: Direction::Higher }]
    }

    fn output(&self) -> Output<'_> {
        Output::Field { name: &self.label, as_read: false, names_read: false }
    }

    fn build(&self, mut setup: ObjectiveSetup<'_>) -> Result<Box<dyn Objective>> {
        let vocabulary = setup.vocabulary(LABELS)?;
        let label = self.label.clone();
        let n = vocabulary.len();
        let first = first_values(n, self.initial_accuracy);
        let confusion = setup.own_scope().from_values("confusion", &[n, n], first)?;
        let on = setup.taps[0].on;
        let head = setup.head(Classes::of(n))?;
        Ok(Box::new(Built { label, vocabulary, on, head, confusion, attached: BTreeMap::new() }))
    }
}

/// The initial A, (n, n), with softmax `initial_accuracy` on the diagonal:
/// e^a / (e^a + n − 1) = initial_accuracy.
fn first_values(n: usize, initial_accuracy: f64) -> Vec<f32> {
    let others = n.saturating_sub(1).max(1) as f64;
    let diagonal = (initial_accuracy * others / (1.0 - initial_accuracy)).ln() as f32;
    (0..n * n).map(|at| if at / n == at % n { diagonal } else { 0.0 }).collect()
}

/// The objective's mapping of one corpus.
struct Attached {
    /// The index of the label field; a corpus to predict on may have none.
    label: Option<usize>,
    ids: Lookup,
}

struct Built {
    label: String,
    /// The labels of the objective it shares with.
    vocabulary: Vocabulary,
    on: RowKind,
    head: Box<dyn Head>,
    /// A: (clean, noisy).
    confusion: ParamRef,
    attached: BTreeMap<usize, Attached>,
}

impl Built {
    /// The noisy label of each row; `None` for rows without one, or with an unknown one.
    fn targets(&self, packing: &Packing, batch: &Batch) -> Vec<Option<u32>> {
        let attached = self.attached.get(&batch.corpus).expect("the corpus has been attached");
        let Some(label) = attached.label else { return vec![None; packing.n_rows()] };
        let of_examples = self.on == RowKind::Example;
        let symbols = if of_examples { batch.labels(label) } else { batch.row_labels(label) };
        symbols.iter().map(|symbol| attached.ids.id((*symbol)?)).collect()
    }

    /// ln C: (clean, noisy).
    fn log_confusion(&self) -> Result<Tensor> {
        log_softmax(self.confusion.var().as_tensor())
    }
}

/// x − ln Σ e^x along rows of (rows, n).
fn log_softmax(x: &Tensor) -> Result<Tensor> {
    x.broadcast_sub(&log_sum_exp(x)?)
}

/// ln Σ e^x along rows of (rows, n): (rows, 1). The maximum is subtracted as a constant: its
/// gradient is 0.
fn log_sum_exp(x: &Tensor) -> Result<Tensor> {
    let most = x.detach().max_keepdim(1)?;
    x.broadcast_sub(&most)?.exp()?.sum_keepdim(1)?.log()? + most
}

impl Objective for Built {
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        let label = corpus.field(&self.label);
        let lexicon = label.map(|label| corpus.lexicons[label].clone()).unwrap_or_default();
        let ids = Lookup::new(&self.vocabulary, &lexicon, Normalize::default());
        self.attached.insert(corpus_idx, Attached { label, ids });
    }

    fn loss(&self, taps: &[Rows], batch: &Batch) -> Result<Option<RawLoss>> {
        let Rows { tensor: x, packing } = &taps[0];
        let confusion = self.log_confusion()?;
        RawLoss::of(labelled_loss(x, &self.targets(packing, batch), packing, |x, noisy| {
            per_row(&log_softmax(&self.head.scores(x)?)?, noisy, &confusion)
        })?)
    }

    /// The clean label of each row; for the scorer, the most probable noisy one under the matrix.
    fn evaluate(&self, taps: &[Rows], batch: &Batch) -> Result<Evaluation> {
        let Rows { tensor: x, packing } = &taps[0];
        let targets = self.targets(packing, batch);
        let scores = self.head.scores(x)?;
        let (right, confusion) = (log_softmax(&scores)?, self.log_confusion()?);
        let loss: Option<HeadLoss> = labelled_loss(&right, &targets, packing, |right, noisy| {
            per_row(right, noisy, &confusion)
        })?;
        let noisy = kernel::argmax(&right.exp()?.matmul(&confusion.exp()?)?)?; // (rows)
        let gold = gold_of(packing, &targets);
        Ok(Evaluation {
            loss: RawLoss::of(loss)?,
            gold: vec![Gold::None; batch.n_examples()],
            predictions: predictions_of(packing, &self.head.predict(&scores, packing)?),
            scored_only: gold.into_iter().zip(predictions_of(packing, &noisy)).collect(),
        })
    }

    fn scorer(&self) -> Box<dyn Scorer> {
        Box::new(ClassScorer::new(self.class_names(), vec![ClassFigure::Accuracy]))
    }

    fn class_names(&self) -> Lexicon {
        self.vocabulary.iter().map(|(label, _)| label).collect()
    }
}

/// −ln Σ_i P(i | x)·C_ij of each row with noisy label j, from ln P (rows, clean) and ln C (clean,
/// noisy): (rows).
fn per_row(right: &Tensor, noisy: Vec<u32>, confusion: &Tensor) -> Result<Tensor> {
    let noisy = Tensor::from_vec(noisy, right.dim(0)?, right.device())?;
    let confused = confusion.t()?.contiguous()?.index_select(&noisy, 0)?;
    log_sum_exp(&(right + confused)?)?.neg()?.squeeze(1)
}

#[cfg(test)]
mod tests;
