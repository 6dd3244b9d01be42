//! The metric of bags of words.

use super::{Scorer, Scores};
use crate::{
    data::Prediction,
    metric::{Gold, RecallAtK},
};

/// `recall_at_k`: the share of the distinct words that are among those predicted, the mean over rows.
#[derive(Clone, Copy, Debug, Default)]
pub struct RecallScorer {
    recall: RecallAtK,
}

impl Scorer for RecallScorer {
    fn push(&mut self, gold: &Gold, prediction: &Prediction) {
        if let (Gold::LabelSet(gold), Prediction::LabelSet(first)) = (gold, prediction) {
            self.recall.add(gold, first);
        }
    }

    fn finish(self: Box<Self>, scores: &mut Scores) {
        scores.metrics.extend(self.recall.score().map(|recall| ("recall_at_k", recall)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_scored_and_rows_without_one_are_not() {
        let mut scorer = Box::new(RecallScorer::default());
        scorer.push(&Gold::LabelSet(vec![1, 2]), &Prediction::LabelSet(vec![2, 0]));
        scorer.push(&Gold::None, &Prediction::LabelSet(vec![3]));
        let mut scores = Scores::default();
        scorer.finish(&mut scores);
        assert_eq!(scores.metrics, [("recall_at_k", 50.0)]);
        let mut nothing = Scores::default();
        Box::new(RecallScorer::default()).finish(&mut nothing);
        assert_eq!(nothing.metrics, []);
    }
}
