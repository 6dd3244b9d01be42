//! Metrics of rankings of candidates.

use super::{Scorer, Scores};
use crate::{
    data::{Prediction, prediction::ranked},
    metric::Gold,
};

/// The number of candidates that `recall_at_10` and `ndcg_at_10` consider.
const FIRST: usize = 10;

/// Over examples that have a relevant candidate: `mrr`, the mean of 1 / rank of the first relevant
/// one (Voorhees 1999); `recall_at_10`, the mean share of relevant ones among the first ten;
/// `ndcg`, the sum of relevance / log2(1 + rank), divided by that of the ideal ranking (Järvelin
/// and Kekäläinen 2002), and `ndcg_at_10`, the same of the first ten; `map`, the mean of the average precision: of each
/// relevant candidate, the share of relevant ones from the first to it; `accuracy`, the share of examples whose first
/// candidate is relevant. All in percent, as trec_eval and scikit-learn define them.
#[derive(Clone, Copy, Debug)]
pub struct RankingScorer {
    /// The metrics that are reported.
    names: &'static [&'static str],
    n_examples: u64,
    /// The sum of each of [`METRICS`].
    sums: [f64; METRICS.len()],
}

/// All metrics of a ranking.
const METRICS: [&str; 6] = ["mrr", "recall_at_10", "ndcg", "map", "ndcg_at_10", "accuracy"];

impl RankingScorer {
    /// A scorer that reports these metrics.
    pub fn of(names: &'static [&'static str]) -> Self {
        Self { names, n_examples: 0, sums: [0.0; METRICS.len()] }
    }
}

impl Scorer for RankingScorer {
    fn push(&mut self, gold: &Gold, prediction: &Prediction) {
        let (Gold::Relevance(relevance), Prediction::Ranking(scores)) = (gold, prediction) else {
            return;
        };
        let relevance_of = |order: Vec<usize>| -> Vec<f64> {
            order.into_iter().map(|at| f64::from(relevance[at])).collect()
        };
        let ranking = relevance_of(ranked(scores));
        let Some(first) = ranking.iter().position(|relevance| *relevance > 0.0) else { return };
        let n_relevant = |ranking: &[f64]| ranking.iter().filter(|of| **of > 0.0).count() as f64;
        let gain = |ranking: &[f64]| -> f64 {
            let ranks = (2..).map(|rank: u32| f64::from(rank).log2());
            ranking.iter().zip(ranks).map(|(relevance, discount)| relevance / discount).sum()
        };
        let ranks = (1..).zip(&ranking).filter(|(_, relevance)| **relevance > 0.0);
        let precisions =
            ranks.zip(1..).map(|((rank, _), found)| f64::from(found) / f64::from(rank));
        let ideal = relevance_of(ranked(relevance));
        let ten = ..FIRST.min(ranking.len());
        let values = [
            1.0 / (first + 1) as f64,
            n_relevant(&ranking[ten]) / n_relevant(&ranking),
            gain(&ranking) / gain(&ideal),
            precisions.sum::<f64>() / n_relevant(&ranking),
            gain(&ranking[ten]) / gain(&ideal[ten]),
            f64::from(u8::from(first == 0)),
        ];
        self.n_examples += 1;
        for (sum, value) in self.sums.iter_mut().zip(values) {
            *sum += value;
        }
    }

    fn finish(self: Box<Self>, scores: &mut Scores) {
        if self.n_examples == 0 {
            return;
        }
        for (name, sum) in METRICS.into_iter().zip(self.sums) {
            if self.names.contains(&name) {
                scores.metrics.push((name, 100.0 * sum / self.n_examples as f64));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::fixture::{numbers, read, same};

    fn scores(examples: &[(Vec<f32>, Vec<f32>)]) -> Vec<(&'static str, f64)> {
        let mut scorer = Box::new(RankingScorer::of(&METRICS));
        for (relevance, scores) in examples {
            scorer.push(&Gold::Relevance(relevance.clone()), &Prediction::Ranking(scores.clone()));
        }
        let mut scores = Scores::default();
        scorer.finish(&mut scores);
        scores.metrics
    }

    #[test]
    fn a_worked_example() {
        let second = (vec![0.0, 1.0, 0.0], vec![0.9, 0.8, 0.1]);
        let first = (vec![0.0, 0.0, 1.0], vec![0.1, 0.2, 0.3]);
        let without = (vec![0.0, 0.0], vec![1.0, 2.0]);
        let found = scores(&[second, first, without]);
        assert_eq!(found[..2], [("mrr", 75.0), ("recall_at_10", 100.0)]);
        assert!((found[2].1 - 50.0 * (1.0 + 1.0 / 3f64.log2())).abs() < 1e-9);
        assert_eq!(found[5], ("accuracy", 50.0));
        let mut late = vec![0.0; 12];
        (late[0], late[11]) = (1.0, 1.0);
        let falling = (0..12).map(|at| -(at as f32)).collect();
        let found = scores(&[(late, falling)]);
        assert_eq!(found[1], ("recall_at_10", 50.0));
        // Relevant ones at ranks 1 and 12.
        assert!((found[3].1 - 50.0 * (1.0 + 2.0 / 12.0)).abs() < 1e-9, "{found:?}");
        assert_eq!(scores(&[]), []);
        let mut some = Box::new(RankingScorer::of(&["accuracy"]));
        some.push(&Gold::Relevance(vec![1.0]), &Prediction::Ranking(vec![0.5]));
        let mut scores = Scores::default();
        some.finish(&mut scores);
        assert_eq!(scores.metrics, [("accuracy", 100.0)]);
    }

    #[test]
    fn gains_reciprocal_ranks_and_precisions_equal_scikit_learns() {
        let fixture = read("rankings.json");
        let cases = fixture["cases"].as_array().unwrap();
        assert!(cases.len() > 3);
        for case in cases {
            let of = |key: &str| case[key].as_array().unwrap().iter().map(numbers);
            let examples: Vec<_> = of("relevance").zip(of("scores")).collect();
            let found = scores(&examples);
            let name = case["name"].as_str().unwrap();
            same(found[2].1, &case["ndcg"], name);
            same(found[3].1, &case["map"], name);
            same(found[4].1, &case["ndcg_at_10"], name);
            if !case["mrr"].is_null() {
                same(found[0].1, &case["mrr"], name);
            }
        }
    }
}
