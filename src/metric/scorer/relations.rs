//! Metrics of relations between entities (Bekoulis et al. 2018; Eberts and Ulges 2020).

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Scorer, Scores,
    found::{Found, macro_f1},
};
use crate::{
    data::{
        Lexicon, Prediction,
        structure::{SpanRelation, TokenSpan},
    },
    metric::{Counts, Gold},
};

/// Micro-averaged `f1`, `precision` and `recall` of relations, which are correct if both spans, with their classes,
/// and the relation's class are (strict evaluation), and `macro_f1`, the mean F1 of the classes that occur in gold or
/// predictions.
///
/// `boundaries_f1` and `boundaries_macro_f1` leave the classes of the spans out. For `relaxed_f1` and
/// `relaxed_macro_f1` a span is correct if it shares its class and a token; gold and predicted relations are paired one
/// to one, as many as possible. `f1_gold_entities` is the F1 of the classes of pairs of gold entities, where class 0 is
/// that of unrelated ones.
pub struct RelationScorer {
    strict: Found,
    boundaries: Found,
    /// By class.
    relaxed: BTreeMap<u32, Counts>,
    n_examples: u64,
    /// Of pairs of gold entities, if there are any.
    pairs: Option<Counts>,
}

impl RelationScorer {
    /// For classes with these names.
    pub fn new(names: Lexicon) -> Self {
        let (strict, boundaries) = (Found::of(names.clone()), Found::of(names));
        Self { strict, boundaries, relaxed: BTreeMap::new(), n_examples: 0, pairs: None }
    }

    fn push_relations(&mut self, gold: &[SpanRelation], predicted: &[SpanRelation]) {
        self.n_examples += 1;
        self.strict
            .add(gold, predicted, |SpanRelation { from, to, label }| ((from, to), Some(label)));
        let bare = |span: TokenSpan| (span.start, span.end);
        let without_classes =
            |SpanRelation { from, to, label }| ((bare(from), bare(to)), Some(label));
        self.boundaries.add(gold, predicted, without_classes);
        let [gold, predicted]: [BTreeSet<SpanRelation>; 2] =
            [gold, predicted].map(|relations| relations.iter().copied().collect());
        let classes: BTreeSet<u32> =
            gold.union(&predicted).map(|relation| relation.label).collect();
        for label in classes {
            let of = |relations: &BTreeSet<SpanRelation>| -> Vec<SpanRelation> {
                relations.iter().copied().filter(|relation| relation.label == label).collect()
            };
            let (gold, predicted) = (of(&gold), of(&predicted));
            let correct = n_paired(&gold, &predicted);
            let [gold, predicted] = [gold.len() as u64, predicted.len() as u64];
            let sum = self.relaxed.entry(label).or_default();
            *sum = sum.plus(Counts { gold, predicted, correct });
        }
    }
}

impl Scorer for RelationScorer {
    /// Adds relations, or the classes of pairs of gold entities.
    fn push(&mut self, gold: &Gold, prediction: &Prediction) {
        match (gold, prediction) {
            (Gold::Relations(gold), Prediction::Relations(predicted)) => {
                self.push_relations(gold, predicted);
            }
            (Gold::Classes { classes, .. }, Prediction::Classes(predicted)) => {
                let pairs = self.pairs.get_or_insert_default();
                for (gold, &predicted) in classes.iter().zip(predicted) {
                    let gold = gold.unwrap_or(0);
                    pairs.gold += u64::from(gold > 0);
                    pairs.predicted += u64::from(predicted > 0);
                    pairs.correct += u64::from(gold > 0 && gold == predicted);
                }
            }
            _ => {}
        }
    }

    fn finish(self: Box<Self>, scores: &mut Scores) {
        if self.n_examples > 0 {
            self.strict.finish(scores);
            let relaxed = || self.relaxed.values().copied();
            scores.metrics.extend([
                ("macro_f1", self.strict.macro_f1()),
                ("boundaries_f1", self.boundaries.all().f1()),
                ("boundaries_macro_f1", self.boundaries.macro_f1()),
                ("relaxed_f1", relaxed().fold(Counts::default(), Counts::plus).f1()),
                ("relaxed_macro_f1", macro_f1(relaxed())),
            ]);
        }
        scores.metrics.extend(self.pairs.map(|pairs| ("f1_gold_entities", pairs.f1())));
    }
}

/// The most relations of one class that can be paired one to one, each with one whose spans share their classes and a
/// token, by augmenting paths (Kuhn 1955).
fn n_paired(gold: &[SpanRelation], predicted: &[SpanRelation]) -> u64 {
    let shares =
        |a: TokenSpan, b: TokenSpan| a.label == b.label && a.start.max(b.start) < a.end.min(b.end);
    let fits = |gold: SpanRelation, predicted: SpanRelation| {
        shares(gold.from, predicted.from) && shares(gold.to, predicted.to)
    };
    // The gold relation that each predicted one is paired with.
    let mut pairs: Vec<Option<usize>> = vec![None; predicted.len()];
    let mut n = 0;
    for start in 0..gold.len() {
        // The predicted relations reached, each from the gold one before it on its path.
        let mut reached: Vec<Option<usize>> = vec![None; predicted.len()];
        let mut queue = vec![start];
        let mut end = None;
        while let (Some(from), None) = (queue.pop(), end) {
            for to in 0..predicted.len() {
                if reached[to].is_some() || !fits(gold[from], predicted[to]) {
                    continue;
                }
                reached[to] = Some(from);
                match pairs[to] {
                    Some(next) => queue.push(next),
                    None => end = Some(to),
                }
            }
        }
        n += u64::from(end.is_some());
        // Pairs along the path, from its end to its start.
        while let Some(to) = end {
            let from = reached[to].expect("the path has reached it");
            end = pairs.iter().position(|&paired| paired == Some(from));
            pairs[to] = Some(from);
        }
    }
    n
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::metric::fixture::{read, same};

    fn span(start: u32, end: u32, label: u32) -> TokenSpan {
        TokenSpan { start, end, label: Some(label) }
    }

    fn names() -> Lexicon {
        ["lives-in", "works-for", "person", "place"].into_iter().collect()
    }

    fn finished(scorer: RelationScorer) -> Vec<(&'static str, f64)> {
        let mut scores = Scores::default();
        Box::new(scorer).finish(&mut scores);
        scores.metrics
    }

    #[test]
    fn a_relation_is_correct_with_both_spans_in_order() {
        let (a, b) = (span(0, 1, 2), span(2, 3, 3));
        let relation = |from, to| SpanRelation { from, to, label: 1 };
        let mut scorer = RelationScorer::new(names());
        let gold = Gold::Relations(vec![relation(a, b)]);
        scorer.push(&gold, &Prediction::Relations(vec![relation(a, b), relation(b, a)]));
        scorer.push(&Gold::None, &Prediction::Relations(vec![relation(b, a)]));
        let metrics = finished(scorer);
        assert_eq!(metrics[1..3], [("precision", 50.0), ("recall", 100.0)]);
        assert_eq!(finished(RelationScorer::new(names())), []);
    }

    /// Both predictions overlap the first gold relation, and one of them the second: both are paired.
    #[test]
    fn relaxed_pairs_are_as_many_as_possible() {
        let to = span(9, 10, 3);
        let relation = |from| SpanRelation { from, to, label: 0 };
        let gold = [relation(span(0, 3, 2)), relation(span(3, 4, 2))];
        let predicted = [relation(span(2, 5, 2)), relation(span(1, 2, 2))];
        assert_eq!(n_paired(&gold, &predicted), 2);
        assert_eq!(n_paired(&predicted, &gold), 2);
        let other = [relation(span(0, 3, 3)), SpanRelation { to: span(9, 10, 2), ..gold[0] }];
        assert_eq!(n_paired(&gold, &other), 0, "classes of spans differ");
    }

    #[test]
    fn classes_of_pairs_of_gold_entities_are_scored_without_the_unrelated() {
        let mut scorer = RelationScorer::new(names());
        let gold = Gold::Classes { classes: [0, 1, 2, 2, 0].map(Some).into(), oov: Vec::new() };
        scorer.push(&gold, &Prediction::Classes(vec![0, 1, 1, 0, 0]));
        // One of two predicted and of three gold ones.
        assert_eq!(finished(scorer), [("f1_gold_entities", 40.0)]);
    }

    fn relations(of: &Value, names: &mut Lexicon) -> Vec<SpanRelation> {
        let mut name = |text: &Value| names.intern(text.as_str().unwrap());
        let mut span = |of: &Value| {
            let at = |at: usize| of[at].as_u64().unwrap() as u32;
            TokenSpan { start: at(0), end: at(1), label: Some(name(&of[2])) }
        };
        let all = of.as_array().unwrap().iter();
        let spans: Vec<_> = all.map(|one| (span(&one[0]), span(&one[1]), &one[2])).collect();
        let relation =
            |(from, to, label): (_, _, &Value)| SpanRelation { from, to, label: name(label) };
        spans.into_iter().map(relation).collect()
    }

    #[test]
    fn metrics_equal_scikit_learns_by_the_definitions_of_sperts_evaluation() {
        let fixture = read("relations.json");
        let cases = fixture["cases"].as_array().unwrap();
        assert_eq!(cases.len(), 5);
        for case in cases {
            let name = case["name"].as_str().unwrap();
            let mut names = Lexicon::default();
            let mut pushed = Vec::new();
            for sentence in case["sentences"].as_array().unwrap() {
                let [gold, predicted] =
                    [&sentence["gold"], &sentence["predicted"]].map(|of| relations(of, &mut names));
                pushed.push((Gold::Relations(gold), Prediction::Relations(predicted)));
            }
            let mut scorer = RelationScorer::new(names);
            for (gold, predicted) in &pushed {
                scorer.push(gold, predicted);
            }
            let metrics = finished(scorer);
            let theirs = [
                ("f1", &case["strict"]["f1"]),
                ("precision", &case["strict"]["precision"]),
                ("recall", &case["strict"]["recall"]),
                ("macro_f1", &case["strict"]["macro_f1"]),
                ("boundaries_f1", &case["boundaries"]["f1"]),
                ("boundaries_macro_f1", &case["boundaries"]["macro_f1"]),
                ("relaxed_f1", &case["relaxed"]["f1"]),
                ("relaxed_macro_f1", &case["relaxed"]["macro_f1"]),
            ];
            assert_eq!(metrics.len(), theirs.len(), "{name}");
            for ((metric, ours), (their, theirs)) in metrics.into_iter().zip(theirs) {
                assert_eq!(metric, their);
                same(ours, theirs, &format!("{name}: {metric}"));
            }
        }
    }
}
