//! Metrics that are functions of the loss.

use super::{Scorer, Scores};
use crate::{
    data::Prediction,
    metric::{Gold, Perplexity},
};

/// `perplexity`, for a loss that is the negative log-likelihood of words.
pub struct PerplexityScorer;

impl Scorer for PerplexityScorer {
    fn push(&mut self, _gold: &Gold, _prediction: &Prediction) {}

    fn finish(self: Box<Self>, scores: &mut Scores) {
        let mut perplexity = Perplexity::default();
        perplexity.add(scores.sum, scores.count as u64);
        scores.metrics.extend(perplexity.perplexity().map(|value| ("perplexity", value)));
    }
}

/// `distance`, for a loss that is its square.
pub struct DistanceScorer;

impl Scorer for DistanceScorer {
    fn push(&mut self, _gold: &Gold, _prediction: &Prediction) {}

    fn finish(self: Box<Self>, scores: &mut Scores) {
        scores.metrics.extend(scores.loss().map(|loss| ("distance", loss.sqrt())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn perplexity_and_distance_are_functions_of_the_mean_loss() {
        let loss = || Scores { sum: 8.0, count: 2, ..Scores::default() };
        let mut scores = loss();
        Box::new(PerplexityScorer).finish(&mut scores);
        assert_eq!(scores.metrics, [("perplexity", 4f64.exp())]);
        let mut scores = loss();
        Box::new(DistanceScorer).finish(&mut scores);
        assert_eq!(scores.metrics, [("distance", 2.0)]);
        let mut nothing = Scores::default();
        Box::new(DistanceScorer).finish(&mut nothing);
        assert_eq!(nothing.metrics, []);
    }
}
