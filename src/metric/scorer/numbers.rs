//! Metrics of numbers: error, correlation, and the gap between two estimates.

use super::{Scorer, Scores};
use crate::{data::Prediction, metric::Gold};

/// `pearson`, the correlation of gold and prediction (Pearson 1895), `spearman`, that of their ranks (Spearman 1904),
/// both between −1 and 1; `mse`, the mean squared error, and `mae`, the mean absolute error in the unit of the numbers.
#[derive(Clone, Debug)]
pub struct NumberScorer {
    /// The metrics that are reported.
    names: &'static [&'static str],
    pairs: Vec<(f64, f64)>,
}

impl NumberScorer {
    /// A scorer that reports these metrics.
    pub fn of(names: &'static [&'static str]) -> Self {
        Self { names, pairs: Vec::new() }
    }

    /// A metric; `None` if it is undefined.
    fn metric(&self, name: &str) -> Option<f64> {
        let mean_of = |error: fn(f64) -> f64| {
            let errors = self.pairs.iter().map(|(gold, predicted)| error(gold - predicted));
            errors.sum::<f64>() / self.pairs.len() as f64
        };
        match name {
            "pearson" => pearson(&self.pairs),
            "spearman" => {
                let [gold, predicted] = [|pair: &(f64, f64)| pair.0, |pair: &(f64, f64)| pair.1]
                    .map(|side| ranks(&self.pairs.iter().map(side).collect::<Vec<_>>()));
                pearson(&gold.into_iter().zip(predicted).collect::<Vec<_>>())
            }
            "mse" => Some(mean_of(|error| error.powi(2))),
            "mae" => Some(mean_of(f64::abs)),
            _ => None,
        }
    }
}

impl Scorer for NumberScorer {
    fn push(&mut self, gold: &Gold, prediction: &Prediction) {
        if let (Gold::Numbers(gold), Prediction::Numbers(predicted)) = (gold, prediction) {
            let pairs = gold.iter().zip(predicted);
            let pairs = pairs.filter_map(|(gold, predicted)| Some(((*gold)?, *predicted)));
            self.pairs
                .extend(pairs.map(|(gold, predicted)| (f64::from(gold), f64::from(predicted))));
        }
    }

    fn finish(self: Box<Self>, scores: &mut Scores) {
        if self.pairs.is_empty() {
            return;
        }
        let defined = self.names.iter().filter_map(|name| Some((*name, self.metric(name)?)));
        scores.metrics.extend(defined);
    }
}

/// `dual_gap`, the mean absolute difference of two log-probabilities of each pair of texts, in nats.
#[derive(Clone, Debug, Default)]
pub struct GapScorer {
    sum: f64,
    n_pairs: u64,
}

impl Scorer for GapScorer {
    fn push(&mut self, gold: &Gold, prediction: &Prediction) {
        if let (Gold::Numbers(one), Prediction::Numbers(other)) = (gold, prediction) {
            for (one, other) in one.iter().zip(other) {
                let Some(one) = one else { continue };
                self.sum += f64::from(one - other).abs();
                self.n_pairs += 1;
            }
        }
    }

    fn finish(self: Box<Self>, scores: &mut Scores) {
        if self.n_pairs > 0 {
            scores.metrics.push(("dual_gap", self.sum / self.n_pairs as f64));
        }
    }
}

/// The correlation of pairs; `None` if either side is constant.
fn pearson(pairs: &[(f64, f64)]) -> Option<f64> {
    let mean =
        |of: &dyn Fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / pairs.len() as f64;
    let (gold, predicted) = (mean(&|pair| pair.0), mean(&|pair| pair.1));
    let together = mean(&|pair| (pair.0 - gold) * (pair.1 - predicted));
    let [gold, predicted] =
        [mean(&|pair| (pair.0 - gold).powi(2)), mean(&|pair| (pair.1 - predicted).powi(2))];
    let correlation = together / (gold * predicted).sqrt();
    correlation.is_finite().then_some(correlation)
}

/// The rank of each value, from 1; equal ones have the mean of their ranks.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for equal in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let rank = before as f64 + (equal.len() + 1) as f64 / 2.0;
        for &at in equal {
            ranks[at] = rank;
        }
        before += equal.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::fixture::{numbers, read};

    fn gold(numbers: &[f32]) -> Gold {
        Gold::Numbers(numbers.iter().copied().map(Some).collect())
    }

    fn scores(numbers: &[f32], predicted: Vec<f32>) -> Vec<(&'static str, f64)> {
        let mut scorer = Box::new(NumberScorer::of(&["pearson", "spearman", "mse", "mae"]));
        scorer.push(&gold(numbers), &Prediction::Numbers(predicted));
        let mut scores = Scores::default();
        scorer.finish(&mut scores);
        scores.metrics
    }

    #[test]
    fn worked_examples_with_and_without_correlation() {
        let found = scores(&[1.0, 2.0, 3.0], vec![3.0, 2.0, -1.0]);
        assert_eq!(found[1], ("spearman", -1.0));
        assert_eq!(found[2], ("mse", 20.0 / 3.0));
        assert_eq!(found[3], ("mae", 2.0));
        assert_eq!(scores(&[1.0, 2.0], vec![3.0, 3.0]), [("mse", 2.5), ("mae", 1.5)]);
        assert_eq!(scores(&[], vec![]), []);
    }

    #[test]
    fn tokens_without_a_value_are_not_scored_and_only_named_metrics_are_reported() {
        let mut scorer = Box::new(NumberScorer::of(&["mae"]));
        let gold = Gold::Numbers(vec![Some(1.0), None, Some(-2.0)]);
        scorer.push(&gold, &Prediction::Numbers(vec![1.5, 9.0, 0.0]));
        let mut scores = Scores::default();
        scorer.finish(&mut scores);
        assert_eq!(scores.metrics, [("mae", 1.25)]);
    }

    #[test]
    fn equal_values_have_the_mean_of_their_ranks() {
        assert_eq!(ranks(&[5.0, 1.0, 5.0, 2.0, 5.0]), [4.0, 1.0, 4.0, 2.0, 4.0]);
    }

    #[test]
    fn metrics_equal_scikit_learns_and_scipys() {
        let fixture = read("numbers.json");
        let cases = fixture["cases"].as_array().unwrap();
        assert!(cases.len() > 3);
        for case in cases {
            for (name, ours) in scores(&numbers(&case["gold"]), numbers(&case["predicted"])) {
                let theirs = case[name].as_f64().unwrap();
                assert!((ours - theirs).abs() < 1e-9, "{name}: ours {ours}, theirs {theirs}");
            }
        }
    }

    #[test]
    fn a_gap_has_no_sign() {
        let mut scorer = Box::new(GapScorer::default());
        scorer.push(&gold(&[-2.0, -3.0]), &Prediction::Numbers(vec![-2.5, -1.5]));
        scorer.push(&gold(&[-1.0]), &Prediction::Numbers(vec![-1.0]));
        let mut scores = Scores::default();
        scorer.finish(&mut scores);
        let [("dual_gap", gap)] = scores.metrics[..] else { panic!("{scores:?}") };
        assert!((gap - 2.0 / 3.0).abs() < 1e-9);
    }
}
