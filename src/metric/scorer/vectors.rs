//! Metrics of vectors: accuracy of a probe, overlap of two representations, and retrieval of gold vectors.

use super::{ClassFigure, ClassScorer, Scorer, Scores};
use crate::{
    data::{Lexicon, Prediction},
    metric::{Gold, Overlap, Probe, Retrieval},
};

/// `probe_accuracy` of vectors with their classes, and the metrics of the predicted classes.
pub struct DomainScorer {
    probe: Probe,
    classes: Box<ClassScorer>,
}

impl DomainScorer {
    /// For classes with these names.
    pub fn new(names: Lexicon) -> Self {
        let classes = Box::new(ClassScorer::new(names, vec![ClassFigure::Accuracy]));
        Self { probe: Probe::default(), classes }
    }
}

impl Scorer for DomainScorer {
    /// Adds a predicted class, or a vector for the probe.
    fn push(&mut self, gold: &Gold, prediction: &Prediction) {
        match (gold, prediction) {
            (Gold::Classes { classes, .. }, Prediction::Vector(vector)) => {
                let class = classes.first().copied().flatten();
                if let Some(class) = class {
                    self.probe.add(vector, class as usize);
                }
            }
            _ => self.classes.push(gold, prediction),
        }
    }

    fn finish(self: Box<Self>, scores: &mut Scores) {
        let probed = self.probe.accuracy().map(|accuracy| ("probe_accuracy", accuracy));
        scores.metrics.extend(probed);
        self.classes.finish(scores);
    }
}

/// `overlap` of pairs of vectors.
#[derive(Default)]
pub struct OverlapScorer {
    overlap: Overlap,
}

impl Scorer for OverlapScorer {
    fn push(&mut self, gold: &Gold, prediction: &Prediction) {
        if let (Gold::Vector(shared), Prediction::Vector(private)) = (gold, prediction) {
            self.overlap.add(shared, private);
        }
    }

    fn finish(self: Box<Self>, scores: &mut Scores) {
        scores.metrics.extend(self.overlap.overlap().map(|overlap| ("overlap", overlap)));
    }
}

/// `recall_at_1`, the share of predicted vectors that are nearest to their own gold vector, in percent; `mean_rank` of the
/// own gold vector; `cosine`, the mean cosine with it, between −1 and 1.
#[derive(Default)]
pub struct RetrievalScorer {
    retrieval: Retrieval,
}

impl Scorer for RetrievalScorer {
    fn push(&mut self, gold: &Gold, prediction: &Prediction) {
        if let (Gold::Vector(gold), Prediction::Vector(predicted)) = (gold, prediction) {
            self.retrieval.add(gold, predicted);
        }
    }

    fn finish(self: Box<Self>, scores: &mut Scores) {
        let ranks = self.retrieval.ranks();
        let n = ranks.len() as f64;
        if ranks.is_empty() {
            return;
        }
        let first = ranks.iter().filter(|rank| **rank == 1).count() as f64;
        scores.metrics.push(("recall_at_1", 100.0 * first / n));
        scores.metrics.push(("mean_rank", ranks.iter().sum::<usize>() as f64 / n));
        scores.metrics.extend(self.retrieval.mean_cosine().map(|cosine| ("cosine", cosine)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_probe_scores_vectors_and_the_classifier_classes() {
        let names = ["books", "music"].into_iter().collect();
        let mut scorer = Box::new(DomainScorer::new(names));
        for at in 0..40 {
            let gold = Gold::class(Some(at % 2));
            scorer.push(&gold, &Prediction::Classes(vec![0]));
            scorer.push(&gold, &Prediction::Vector(vec![(at % 2) as f32]));
        }
        scorer.push(&Gold::None, &Prediction::Vector(vec![9.0]));
        let mut scores = Scores::default();
        scorer.finish(&mut scores);
        assert_eq!(scores.metrics, [("probe_accuracy", 100.0), ("accuracy", 50.0)]);
        assert_eq!(scores.classes.unwrap().classes[0].predicted, 40);
    }

    #[test]
    fn vectors_on_one_line_overlap_completely() {
        let mut scorer = Box::new(OverlapScorer::default());
        for x in [1.0, 1.0, -2.0] {
            scorer.push(&Gold::Vector(vec![x, 0.0]), &Prediction::Vector(vec![0.0, x]));
        }
        let mut scores = Scores::default();
        scorer.finish(&mut scores);
        assert!((scores.metrics[0].1 - 100.0).abs() < 1e-9);
    }

    #[test]
    fn a_vector_is_retrieved_if_no_other_is_nearer() {
        let mut scorer = Box::new(RetrievalScorer::default());
        for (gold, predicted) in [([1.0, 0.0], [1.0, 0.0]), ([0.0, 1.0], [1.0, 0.0])] {
            scorer.push(&Gold::Vector(gold.into()), &Prediction::Vector(predicted.into()));
        }
        scorer.push(&Gold::None, &Prediction::Vector(vec![1.0, 0.0]));
        let mut scores = Scores::default();
        scorer.finish(&mut scores);
        assert_eq!(scores.metrics, [("recall_at_1", 50.0), ("mean_rank", 1.5), ("cosine", 0.5)]);
        let mut nothing = Scores::default();
        Box::new(RetrievalScorer::default()).finish(&mut nothing);
        assert_eq!(nothing.metrics, []);
    }
}
