//! The ranker: scores of candidates, their loss, and the ranking.

use std::collections::{BTreeMap, BTreeSet};

use candle_core::{Result, Tensor};

use super::{Config, METRICS, Relevance};
use crate::{
    data::{Batch, Corpus, Prediction, Purpose, Symbol, draw, draw::choose},
    kernel::{self, PairGroup},
    metric::{Gold, Scorer, scorer::RankingScorer},
    model::{
        HeadConfig, Rows,
        head::{CosineConfig, PairScorer},
    },
    objective::{Evaluation, Objective, ObjectiveSetup, RawLoss, owner},
};

/// The objective with its parameters.
pub(super) struct Ranker {
    label: String,
    relevance: Relevance,
    negatives: usize,
    /// The seed and the name of its draws.
    seed: u64,
    name: String,
    head: PairHead,
    attached: BTreeMap<usize, Attached>,
}

/// What scores a query with a candidate.
enum PairHead {
    Cosine(CosineConfig),
    Pair(PairScorer),
}

impl PairHead {
    fn score(&self, left: &Tensor, right: &Tensor, groups: &[PairGroup]) -> Result<Tensor> {
        match self {
            Self::Cosine(cosine) => cosine.all(left, right, groups),
            Self::Pair(pair) => pair.all(&pair.rows(left, &[right])?, groups),
        }
    }
}

/// The field of a corpus, and the relevance that each of its strings stands for.
struct Attached {
    field: usize,
    relevance: Vec<Option<f32>>,
}

/// The candidates of an example of a batch.
struct Candidates {
    n: usize,
    /// The relevance of each, if the example has labels.
    gold: Option<Vec<f32>>,
}

impl Candidates {
    /// T(d) of each, if one is relevant.
    fn target(&self) -> Option<Vec<f64>> {
        let gold = self.gold.as_ref()?;
        let sum: f64 = gold.iter().map(|&relevance| f64::from(relevance)).sum();
        (sum > 0.0).then(|| gold.iter().map(|&relevance| f64::from(relevance) / sum).collect())
    }
}

/// The scores of a batch.
struct Scored {
    /// By example.
    candidates: Vec<Candidates>,
    /// The candidates of each example, then its negatives.
    groups: Vec<PairGroup>,
    /// The score of each: (pairs).
    scores: Tensor,
}

impl Ranker {
    pub(super) fn new(config: &Config, mut setup: ObjectiveSetup<'_>) -> Result<Self> {
        let widths = [setup.taps[0].width, setup.taps[1].width];
        let head = match setup.head {
            Some(HeadConfig::Cosine(cosine)) => PairHead::Cosine(*cosine),
            _ => PairHead::Pair(setup.pair_head().build(&mut setup.scope, widths, 1)?),
        };
        Ok(Self {
            label: config.label.clone(),
            relevance: config.relevance.clone(),
            negatives: config.negatives,
            seed: setup.scope.seed(),
            name: owner(setup.name),
            head,
            attached: BTreeMap::new(),
        })
    }

    fn score(&self, taps: &[Rows], batch: &Batch) -> Result<Scored> {
        let (queries, items) = (&taps[0], &taps[1]);
        let attached = self.attached.get(&batch.corpus);
        let shared = attached.and_then(|attached| batch.candidates(attached.field));
        let mut shared = shared.map(Vec::into_iter);
        let (mut candidates, mut groups) = (Vec::new(), Vec::new());
        for example in 0..batch.n_examples() {
            let of_collection = shared.as_mut().and_then(Iterator::next).zip(attached);
            let (right, gold) = if let Some((shared, attached)) = of_collection {
                let gold = shared.labels.map(|labels| attached.relevance_of(&labels));
                (shared.rows, gold.filter(|gold| !gold.is_empty()))
            } else {
                let rows = items.packing.rows_of_example(example);
                let gold = attached.and_then(|attached| attached.gold(batch, &rows));
                (rows.into_iter().map(|row| row as u32).collect::<Vec<_>>(), gold)
            };
            candidates.push(Candidates { n: right.len(), gold });
            groups.push(PairGroup { left: vec![example as u32], right });
        }
        self.add_negatives(&candidates, &mut groups, batch);
        let scores = self.head.score(&queries.tensor, &items.tensor, &groups)?;
        Ok(Scored { candidates, groups, scores })
    }

    /// Adds candidates of other examples to the groups of examples with a relevant candidate.
    fn add_negatives(&self, candidates: &[Candidates], groups: &mut [PairGroup], batch: &Batch) {
        if self.negatives == 0 {
            return;
        }
        let of_examples: Vec<Vec<u32>> = groups.iter().map(|group| group.right.clone()).collect();
        // Which examples a batch has depends on the seed and the epoch.
        let examples = batch.examples.iter().map(|&example| example as u64);
        let counter = draw::counter(batch.corpus as u64, examples);
        let mut rng = draw(self.seed, Purpose::Negatives, &self.name, counter);
        for (example, group) in groups.iter_mut().enumerate() {
            if candidates[example].target().is_none() {
                continue;
            }
            let others = of_examples.iter().enumerate().filter(|(other, _)| *other != example);
            // A document of a collection is a candidate once.
            let mut seen: BTreeSet<u32> = group.right.iter().copied().collect();
            let others = others.flat_map(|(_, rows)| rows).copied();
            let mut others: Vec<u32> = others.filter(|row| seen.insert(*row)).collect();
            group.right.extend(choose(&mut others, self.negatives, &mut rng));
        }
    }

    /// Σ T · (ln T − ln P) of each example; `None` if none has a relevant candidate.
    fn loss_of(scored: &Scored) -> Result<Option<RawLoss>> {
        let n_examples = scored.candidates.len();
        let (mut pairs, mut groups, mut weights) = (Vec::new(), Vec::new(), Vec::new());
        // Σ T ln T of each example: the part of the divergence that has no gradient.
        let mut constants = vec![0.0; n_examples];
        let (mut first_pair, mut count) = (0, 0);
        for (example, candidates) in scored.candidates.iter().enumerate() {
            let target = candidates.target();
            count += usize::from(target.is_some());
            for (at, &t) in target.iter().flatten().enumerate().filter(|(_, t)| **t > 0.0) {
                pairs.push((first_pair + at) as u32);
                groups.push(example as u32);
                weights.push(-t as f32);
                constants[example] += t * t.ln();
            }
            first_pair += scored.groups[example].right.len();
        }
        if count == 0 {
            return Ok(None);
        }
        let device = scored.scores.device();
        let sizes: Vec<usize> = scored.groups.iter().map(PairGroup::n_pairs).collect();
        let log_p = kernel::log_softmax_by_group(&scored.scores, &sizes)?;
        let log_p = kernel::gather(&log_p.unsqueeze(1)?, pairs)?.flatten_all()?;
        let weights = Tensor::from_vec(weights, log_p.dims1()?, device)?;
        let per_example = kernel::sum_by_group(&(log_p * weights)?, groups, n_examples)?;
        let constants: Vec<f32> = constants.into_iter().map(|constant| constant as f32).collect();
        let per_example = (per_example + Tensor::from_vec(constants, n_examples, device)?)?;
        RawLoss::new(per_example, count).map(Some)
    }
}

impl Attached {
    /// The relevance of documents with these labels; 0 without one.
    fn relevance_of(&self, labels: &[Option<Symbol>]) -> Vec<f32> {
        let of = |label: &Option<Symbol>| self.relevance[(*label)? as usize];
        labels.iter().map(|label| of(label).unwrap_or(0.0)).collect()
    }

    /// The relevance of the candidates in these rows, unless a label is missing or none.
    fn gold(&self, batch: &Batch, rows: &[usize]) -> Option<Vec<f32>> {
        let symbols = batch.symbols(self.field);
        let of = |&row: &usize| self.relevance[(*symbols.get(row)?)? as usize];
        rows.iter().map(of).collect::<Option<Vec<f32>>>().filter(|gold| !gold.is_empty())
    }
}

impl Objective for Ranker {
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        let Some(field) = corpus.field(&self.label) else { return };
        let relevance = corpus.lexicons[field].iter().map(|label| self.relevance.of(label));
        let relevance = relevance.collect();
        self.attached.insert(corpus_idx, Attached { field, relevance });
    }

    fn loss(&self, taps: &[Rows], batch: &Batch) -> Result<Option<RawLoss>> {
        Self::loss_of(&self.score(taps, batch)?)
    }

    fn evaluate(&self, taps: &[Rows], batch: &Batch) -> Result<Evaluation> {
        let scored = self.score(taps, batch)?;
        let loss = Self::loss_of(&scored)?;
        let scores = kernel::to_vec(&scored.scores)?;
        let (mut gold, mut predictions) = (Vec::new(), Vec::new());
        let mut first_pair = 0;
        for (Candidates { n, gold: relevance }, group) in
            scored.candidates.into_iter().zip(&scored.groups)
        {
            gold.push(relevance.map_or(Gold::None, Gold::Relevance));
            predictions.push(match n {
                0 => Prediction::None,
                n => Prediction::Ranking(scores[first_pair..][..n].to_vec()),
            });
            first_pair += group.right.len();
        }
        Ok(Evaluation { loss, gold, predictions, scored_only: Vec::new() })
    }

    fn scorer(&self) -> Box<dyn Scorer> {
        Box::new(RankingScorer::of(METRICS))
    }
}

#[cfg(test)]
mod tests;
