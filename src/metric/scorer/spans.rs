//! Metrics of spans, which are correct if both boundaries and the class are.

use std::collections::BTreeSet;

use super::{Scorer, Scores, found::Found};
use crate::{
    data::{Lexicon, Prediction},
    metric::{Gold, percent},
};

/// `exact_match`, the share of examples whose spans are all correct, and micro-averaged `f1`,
/// `precision` and `recall` of spans. Of alternatives, the one with the largest overlap counts.
pub struct SpanScorer {
    found: Found,
    n_examples: u64,
    n_exact: u64,
}

impl SpanScorer {
    /// For classes with these names.
    pub fn new(names: Lexicon) -> Self {
        Self { found: Found::of(names), n_examples: 0, n_exact: 0 }
    }
}

impl Scorer for SpanScorer {
    fn push(&mut self, gold: &Gold, prediction: &Prediction) {
        let (Gold::Spans(alternatives), Prediction::Spans(predicted)) = (gold, prediction) else {
            return;
        };
        // The Jaccard index of the two sets, so that an exact match precedes all other
        // alternatives.
        let overlap = |spans: &[_]| {
            let n_found = spans.iter().filter(|span| predicted.contains(span)).count();
            let n_all = spans.len() + predicted.len();
            if n_all == 0 { 1.0 } else { 2.0 * n_found as f64 / n_all as f64 }
        };
        let best = alternatives.iter().max_by(|a, b| overlap(a).total_cmp(&overlap(b)));
        let Some(best) = best else { return };
        self.n_examples += 1;
        self.n_exact += u64::from(
            best.iter().collect::<BTreeSet<_>>() == predicted.iter().collect::<BTreeSet<_>>(),
        );
        self.found.add(best, predicted, |span| ((span.start, span.end), span.label));
    }

    fn finish(self: Box<Self>, scores: &mut Scores) {
        if self.n_examples > 0 {
            scores.metrics.push(("exact_match", percent(self.n_exact, self.n_examples)));
            self.found.finish(scores);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::structure::TokenSpan;

    fn span(start: u32, end: u32, label: u32) -> TokenSpan {
        TokenSpan { start, end, label: Some(label) }
    }

    fn names() -> Lexicon {
        ["person", "place"].into_iter().collect()
    }

    fn finished(scorer: Box<dyn Scorer>) -> Scores {
        let mut scores = Scores::default();
        scorer.finish(&mut scores);
        scores
    }

    #[test]
    fn a_span_is_correct_with_both_boundaries_and_its_class() {
        let mut scorer = Box::new(SpanScorer::new(names()));
        let gold = Gold::Spans(vec![vec![span(0, 2, 0), span(3, 4, 1)]]);
        scorer.push(&gold, &Prediction::Spans(vec![span(0, 2, 0), span(3, 5, 1), span(3, 4, 0)]));
        scorer.push(&gold, &Prediction::Spans(vec![span(3, 4, 1), span(0, 2, 0)]));
        let scores = finished(scorer);
        // Of 4 gold spans 3 are found, with 5 predictions.
        let wanted =
            [("exact_match", 50.0), ("f1", 600.0 / 9.0), ("precision", 60.0), ("recall", 75.0)];
        for ((name, found), (wanted_name, wanted)) in scores.metrics.iter().zip(wanted) {
            assert_eq!(*name, wanted_name);
            assert!((found - wanted).abs() < 1e-9, "{name}: {found}");
        }
        let classes = scores.classes.unwrap().classes;
        assert_eq!((classes[0].name.as_str(), classes[0].predicted), ("person", 3));
    }

    #[test]
    fn any_alternative_answer_is_correct_and_may_be_empty() {
        let mut scorer = Box::new(SpanScorer::new(names()));
        let gold = Gold::Spans(vec![vec![span(0, 5, 0)], vec![span(1, 5, 0)]]);
        scorer.push(&gold, &Prediction::Spans(vec![span(1, 5, 0)]));
        scorer.push(&Gold::Spans(vec![vec![]]), &Prediction::Spans(vec![]));
        scorer.push(&Gold::None, &Prediction::Spans(vec![span(0, 1, 0)]));
        let scores = finished(scorer);
        assert_eq!(scores.metrics[..2], [("exact_match", 100.0), ("f1", 100.0)]);
    }
}
