//! Agreement of two predictions.

use super::{Scorer, Scores};
use crate::{
    data::Prediction,
    metric::{Gold, percent},
};

/// `agreement`, the share of items for which two predictions have the same class.
#[derive(Default)]
pub struct AgreementScorer {
    n_items: u64,
    n_equal: u64,
}

impl Scorer for AgreementScorer {
    fn push(&mut self, gold: &Gold, prediction: &Prediction) {
        let (Gold::Classes { classes, .. }, Prediction::Classes(others)) = (gold, prediction)
        else {
            return;
        };
        for (class, other) in classes.iter().zip(others) {
            self.n_items += 1;
            self.n_equal += u64::from(*class == Some(*other));
        }
    }

    fn finish(self: Box<Self>, scores: &mut Scores) {
        if self.n_items > 0 {
            scores.metrics.push(("agreement", percent(self.n_equal, self.n_items)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_agree_where_both_classes_are_the_same() {
        let mut scorer = AgreementScorer::default();
        let classes = [0, 1, 2, 1].map(Some).into();
        let gold = Gold::Classes { classes, oov: Vec::new() };
        scorer.push(&gold, &Prediction::Classes(vec![0, 1, 1, 1]));
        let mut scores = Scores::default();
        Box::new(scorer).finish(&mut scores);
        assert_eq!(scores.metrics, [("agreement", 75.0)]);
        let mut none = Scores::default();
        Box::new(AgreementScorer::default()).finish(&mut none);
        assert_eq!(none.metrics, []);
    }
}
