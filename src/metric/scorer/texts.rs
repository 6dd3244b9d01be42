//! Metrics of whole texts.

use super::{Scorer, Scores};
use crate::{
    data::Prediction,
    metric::{Gold, percent},
};

/// `exact_match`: the share of examples whose best text equals one of the references, ignoring
/// leading and trailing white space.
#[derive(Clone, Copy, Debug, Default)]
pub struct TextScorer {
    n_examples: u64,
    n_exact: u64,
}

impl Scorer for TextScorer {
    fn push(&mut self, gold: &Gold, prediction: &Prediction) {
        let (Gold::Texts(gold), Prediction::Texts(texts)) = (gold, prediction) else { return };
        let best = texts.first().map(|best| best.text.trim());
        self.n_examples += 1;
        self.n_exact += u64::from(gold.iter().any(|gold| Some(gold.trim()) == best));
    }

    fn finish(self: Box<Self>, scores: &mut Scores) {
        if self.n_examples > 0 {
            scores.metrics.push(("exact_match", percent(self.n_exact, self.n_examples)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::prediction::ScoredText;

    #[test]
    fn only_the_best_text_counts_and_any_reference_matches() {
        let texts = |texts: &[&str]| {
            let scored = texts.iter().zip([-1.0, -2.0]);
            let text = |(text, score): (&&str, f32)| ScoredText { text: (*text).to_owned(), score };
            Prediction::Texts(scored.map(text).collect())
        };
        let gold = Gold::Texts(vec!["a cat".to_owned(), "the cat".to_owned()]);
        let mut scorer = Box::new(TextScorer::default());
        scorer.push(&gold, &texts(&["the cat ", "a dog"]));
        scorer.push(&gold, &texts(&["a dog", "a cat"]));
        scorer.push(&gold, &texts(&[]));
        scorer.push(&Gold::None, &texts(&["a dog"]));
        let mut scores = Scores::default();
        scorer.finish(&mut scores);
        assert_eq!(scores.metrics, [("exact_match", 100.0 / 3.0)]);
    }
}
