//! Attachment scores of dependency trees (Nivre and Fang 2017; Zeman et al. 2018).

use super::{Scorer, Scores};
use crate::{
    data::Prediction,
    metric::{Gold, percent},
};

/// `uas`, the share of tokens with the right head, and `las`, with the right head and relation. Every token
/// counts, punctuation too, as in the CoNLL 2018 shared task.
#[derive(Clone, Copy, Debug, Default)]
pub struct ArcScorer {
    tokens: u64,
    heads: u64,
    relations: u64,
}

impl Scorer for ArcScorer {
    fn push(&mut self, gold: &Gold, prediction: &Prediction) {
        let (Gold::Arcs(gold), Prediction::Arcs(predicted)) = (gold, prediction) else { return };
        for (gold, predicted) in gold.iter().zip(predicted) {
            self.tokens += 1;
            self.heads += u64::from(gold.head == predicted.head);
            self.relations += u64::from(gold == predicted);
        }
    }

    fn finish(self: Box<Self>, scores: &mut Scores) {
        if self.tokens > 0 {
            let uas = percent(self.heads, self.tokens);
            let las = percent(self.relations, self.tokens);
            scores.metrics.extend([("uas", uas), ("las", las)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::prediction::Dependency;

    #[test]
    fn a_right_head_with_a_wrong_relation_counts_for_one_of_the_two() {
        let arcs = |arcs: [(u32, u32); 4]| -> Vec<Dependency> {
            arcs.map(|(head, relation)| Dependency { head, relation }).to_vec()
        };
        let gold = Gold::Arcs(arcs([(2, 0), (0, 1), (2, 2), (3, 2)]));
        let mut scorer = Box::new(ArcScorer::default());
        scorer.push(&gold, &Prediction::Arcs(arcs([(2, 0), (0, 0), (1, 2), (3, 2)])));
        scorer.push(&Gold::None, &Prediction::Arcs(arcs([(0, 0); 4])));
        let mut scores = Scores::default();
        scorer.finish(&mut scores);
        assert_eq!(scores.metrics, [("uas", 75.0), ("las", 50.0)]);
        let mut nothing = Scores::default();
        Box::new(ArcScorer::default()).finish(&mut nothing);
        assert_eq!(nothing.metrics, []);
    }
}
