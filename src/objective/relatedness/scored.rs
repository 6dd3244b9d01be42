//! The objective with its parameters: the divergence of scored pairs, and predicted scores.

use std::collections::BTreeMap;

use candle_core::{Result, Tensor};

use super::bins::Bins;
use crate::{
    data::{Batch, Corpus, FieldValues, Prediction},
    kernel,
    metric::{Gold, Scorer, scorer::NumberScorer},
    model::{
        Rows,
        head::{Classes, Head},
    },
    objective::{Evaluation, Objective, ObjectiveSetup, RawLoss, pair_features::PairFeatures},
};

/// Pairs with a score.
pub(super) struct ScoredPairs {
    field: String,
    features: PairFeatures,
    bins: Bins,
    head: Box<dyn Head>,
    /// The index of the field in each corpus that has it.
    attached: BTreeMap<usize, usize>,
}

impl ScoredPairs {
    pub(super) fn new(
        field: String,
        features: PairFeatures,
        bins: Bins,
        setup: ObjectiveSetup<'_>,
    ) -> Result<Self> {
        let (width, classes) = (features.width(setup.taps), Classes::of(bins.len()));
        let head = setup.head_of_width(width, classes)?;
        Ok(Self { field, features, bins, head, attached: BTreeMap::new() })
    }

    /// ln p of each bin: (examples, bins).
    fn log_p(&self, taps: &[Rows]) -> Result<Tensor> {
        kernel::log_softmax(&self.head.scores(&self.features.of_rows(taps)?)?)
    }

    /// The score of each example.
    fn gold(&self, batch: &Batch) -> Vec<Option<f32>> {
        let Some(&field) = self.attached.get(&batch.corpus) else {
            return vec![None; batch.n_examples()];
        };
        let score = |values: &Option<FieldValues>| match values {
            Some(FieldValues::Numbers(numbers)) if numbers.len() == 1 => numbers.first().copied(),
            _ => None,
        };
        batch.values(field).iter().map(score).collect()
    }

    /// The divergence of the pairs with a score; `None` if there are none.
    fn loss_of(&self, log_p: &Tensor, gold: &[Option<f32>]) -> Result<Option<RawLoss>> {
        let (n, n_bins) = (gold.len(), self.bins.len());
        let mut weights = Vec::with_capacity(n * n_bins);
        // Σ q ln q of each pair: the part of the divergence that has no gradient.
        let mut constants = Vec::with_capacity(n);
        for score in gold {
            let q = match score {
                Some(score) => self.bins.distribution(f64::from(*score)),
                None => vec![0.0; n_bins],
            };
            let terms = q.iter().filter(|q| **q > 0.0).map(|q| q * q.ln());
            constants.push(terms.sum::<f32>());
            weights.extend(q);
        }
        let count = gold.iter().flatten().count();
        if count == 0 {
            return Ok(None);
        }
        let q = Tensor::from_vec(weights, (n, n_bins), log_p.device())?;
        let cross_entropy = (log_p * q)?.sum(1)?.neg()?;
        let constants = Tensor::from_vec(constants, n, log_p.device())?;
        RawLoss::new((cross_entropy + constants)?, count).map(Some)
    }
}

impl Objective for ScoredPairs {
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        self.attached.extend(corpus.field(&self.field).map(|field| (corpus_idx, field)));
    }

    fn loss(&self, taps: &[Rows], batch: &Batch) -> Result<Option<RawLoss>> {
        let gold = self.gold(batch);
        if gold.iter().all(Option::is_none) {
            return Ok(None);
        }
        self.loss_of(&self.log_p(taps)?, &gold)
    }

    fn evaluate(&self, taps: &[Rows], batch: &Batch) -> Result<Evaluation> {
        let (log_p, gold) = (self.log_p(taps)?, self.gold(batch));
        let loss = self.loss_of(&log_p, &gold)?;
        let log_p = kernel::to_vec(&log_p)?;
        let predicted = log_p.chunks_exact(self.bins.len());
        let predicted = predicted.map(|log_p| self.bins.expectation(log_p));
        let gold = gold.into_iter();
        let gold = gold.map(|it| it.map_or(Gold::None, |it| Gold::Numbers(vec![Some(it)])));
        Ok(Evaluation {
            loss,
            gold: gold.collect(),
            predictions: predicted.map(|score| Prediction::Numbers(vec![score])).collect(),
            scored_only: Vec::new(),
        })
    }

    fn scorer(&self) -> Box<dyn Scorer> {
        Box::new(NumberScorer::of(&["pearson", "spearman", "mse"]))
    }
}
