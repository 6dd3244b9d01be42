//! Metrics of a set of classes per example.

use std::collections::BTreeSet;

use super::{Scorer, Scores};
use crate::{
    data::{Lexicon, Prediction},
    metric::{Accuracy, Gold, SetScore, Word},
};

/// Counts classes of sets, and sets that are correct as a whole.
pub struct LabelSetScorer {
    names: Lexicon,
    classes: SetScore,
    exact: Accuracy,
}

impl LabelSetScorer {
    /// For classes with these names. The first `n_trained` can be predicted, so means include them
    /// even where they never occur.
    pub fn new(names: Lexicon, n_trained: usize) -> Self {
        let classes = SetScore::over(names.iter().take(n_trained));
        Self { names, classes, exact: Accuracy::default() }
    }
}

impl Scorer for LabelSetScorer {
    fn push(&mut self, gold: &Gold, prediction: &Prediction) {
        let (Gold::LabelSet(gold), Prediction::LabelSet(predicted)) = (gold, prediction) else {
            return;
        };
        let named =
            |ids: &[u32]| -> Vec<&str> { ids.iter().map(|id| self.names.get(*id)).collect() };
        self.classes.add(&named(gold), &named(predicted));
        let [gold, predicted]: [BTreeSet<u32>; 2] =
            [gold, predicted].map(|ids| ids.iter().copied().collect());
        self.exact.add(&gold, &predicted, Word::Known);
    }

    fn finish(self: Box<Self>, scores: &mut Scores) {
        let Some(exact) = self.exact.accuracy() else { return };
        let (f1, macro_f1) = (self.classes.micro_f1(), self.classes.macro_f1());
        scores.metrics.extend([("f1", f1), ("macro_f1", macro_f1), ("exact_match", exact)]);
        scores.classes = self.classes.by_class();
    }
}
