//! Metrics of labelled graphs, as the SemEval 2015 task on semantic dependencies has them (Oepen et al. 2015).

use std::collections::BTreeSet;

use super::{Scorer, Scores, found::Found};
use crate::{
    data::{Lexicon, Prediction, structure::GraphArc},
    metric::{Gold, percent},
};

/// Micro-averaged `f1`, `precision` and `recall` of arcs, which are correct with head, dependent and label;
/// `unlabelled_f1`, which ignores the label; `exact_match`, the share of graphs whose labelled arcs are all correct.
/// An arc from the root marks a top node and counts as any other. Arcs of one head and one dependent count once for
/// each of their labels.
pub struct GraphScorer {
    labelled: Found,
    unlabelled: Found,
    n_graphs: u64,
    n_exact: u64,
}

impl GraphScorer {
    /// Of labels with these names.
    pub fn new(labels: Lexicon) -> Self {
        let unlabelled = Found::of(Lexicon::default());
        Self { labelled: Found::of(labels), unlabelled, n_graphs: 0, n_exact: 0 }
    }
}

impl Scorer for GraphScorer {
    fn push(&mut self, gold: &Gold, prediction: &Prediction) {
        let (Gold::Arcs(gold), Prediction::Arcs(predicted)) = (gold, prediction) else { return };
        let place = |arc: GraphArc| (arc.head, arc.dependent);
        self.labelled.add(gold, predicted, |arc| (place(arc), arc.label));
        self.unlabelled.add(gold, predicted, |arc| (place(arc), None));
        let set = |arcs: &[GraphArc]| arcs.iter().copied().collect::<BTreeSet<_>>();
        self.n_graphs += 1;
        self.n_exact += u64::from(set(gold) == set(predicted));
    }

    fn finish(self: Box<Self>, scores: &mut Scores) {
        if self.n_graphs > 0 {
            self.labelled.finish(scores);
            scores.metrics.push(("unlabelled_f1", self.unlabelled.all().f1()));
            scores.metrics.push(("exact_match", percent(self.n_exact, self.n_graphs)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arc(head: Option<u32>, dependent: u32, label: u32) -> GraphArc {
        GraphArc { head, dependent, label: Some(label) }
    }

    fn finished(scorer: GraphScorer) -> Scores {
        let mut scores = Scores::default();
        Box::new(scorer).finish(&mut scores);
        scores
    }

    #[test]
    fn an_arc_counts_with_its_label_and_without() {
        let names = || ["ARG1", "ARG2", "top"].into_iter().collect();
        let mut scorer = GraphScorer::new(names());
        let gold = Gold::Arcs(vec![arc(None, 1, 2), arc(Some(1), 0, 0), arc(Some(1), 2, 1)]);
        // One label is wrong, one arc too many.
        let arcs =
            vec![arc(None, 1, 2), arc(Some(1), 0, 1), arc(Some(1), 2, 1), arc(Some(2), 0, 0)];
        scorer.push(&gold, &Prediction::Arcs(arcs));
        scorer.push(&Gold::Arcs(vec![]), &Prediction::Arcs(vec![]));
        scorer.push(&Gold::None, &Prediction::Arcs(vec![arc(None, 0, 2)]));
        let scores = finished(scorer);
        // Labelled: 2 of 3 gold, 4 predicted; unlabelled: 3 of 3 and 4.
        let wanted = [
            ("f1", 400.0 / 7.0),
            ("precision", 50.0),
            ("recall", 200.0 / 3.0),
            ("unlabelled_f1", 600.0 / 7.0),
            ("exact_match", 50.0),
        ];
        assert_eq!(scores.metrics.len(), wanted.len());
        for ((name, found), (wanted_name, wanted)) in scores.metrics.iter().zip(wanted) {
            assert_eq!(*name, wanted_name);
            assert!((found - wanted).abs() < 1e-9, "{name}: {found}");
        }
        assert_eq!(scores.classes.unwrap().classes.len(), 3);
        assert_eq!(finished(GraphScorer::new(names())).metrics, []);
    }
}
