//! Metrics of numbers: error and correlation.

use super::{Scorer, Scores};
use crate::{data::Prediction, metric::Gold};

/// `mse`, the mean squared error, and `pearson`, the correlation of gold and prediction, between −1
/// and 1 (Pearson 1895).
#[derive(Clone, Debug, Default)]
pub struct NumberScorer {
    pairs: Vec<(f64, f64)>,
}

impl Scorer for NumberScorer {
    fn push(&mut self, gold: &Gold, prediction: &Prediction) {
        if let (Gold::Numbers(gold), Prediction::Numbers(predicted)) = (gold, prediction) {
            let pairs = gold.iter().zip(predicted);
            self.pairs
                .extend(pairs.map(|(gold, predicted)| (f64::from(*gold), f64::from(*predicted))));
        }
    }

    fn finish(self: Box<Self>, scores: &mut Scores) {
        let n = self.pairs.len() as f64;
        if self.pairs.is_empty() {
            return;
        }
        let mean = |of: &dyn Fn(&(f64, f64)) -> f64| self.pairs.iter().map(of).sum::<f64>() / n;
        scores.metrics.push(("mse", mean(&|(gold, predicted)| (gold - predicted).powi(2))));
        let (gold, predicted) = (mean(&|pair| pair.0), mean(&|pair| pair.1));
        let together = mean(&|pair| (pair.0 - gold) * (pair.1 - predicted));
        let [gold, predicted] =
            [mean(&|pair| (pair.0 - gold).powi(2)), mean(&|pair| (pair.1 - predicted).powi(2))];
        // Undefined if either is constant.
        let pearson = together / (gold * predicted).sqrt();
        scores.metrics.extend(pearson.is_finite().then_some(("pearson", pearson)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::fixture::{numbers, read};

    fn scores(gold: Vec<f32>, predicted: Vec<f32>) -> Vec<(&'static str, f64)> {
        let mut scorer = Box::new(NumberScorer::default());
        scorer.push(&Gold::Numbers(gold), &Prediction::Numbers(predicted));
        let mut scores = Scores::default();
        scorer.finish(&mut scores);
        scores.metrics
    }

    #[test]
    fn worked_examples_with_and_without_correlation() {
        assert_eq!(scores(vec![1.0, 2.0, 3.0], vec![3.0, 2.0, 1.0])[1], ("pearson", -1.0));
        assert_eq!(scores(vec![1.0, 2.0], vec![3.0, 3.0]), [("mse", 2.5)]);
        assert_eq!(scores(vec![], vec![]), []);
    }

    #[test]
    fn metrics_equal_scikit_learns_and_scipys() {
        let fixture = read("numbers.json");
        let cases = fixture["cases"].as_array().unwrap();
        assert!(cases.len() > 3);
        for case in cases {
            for (name, ours) in scores(numbers(&case["gold"]), numbers(&case["predicted"])) {
                let theirs = case[name].as_f64().unwrap();
                assert!((ours - theirs).abs() < 1e-9, "{name}: ours {ours}, theirs {theirs}");
            }
        }
    }
}
