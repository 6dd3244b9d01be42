//! Metrics of vectors: accuracy of a probe, and overlap of two representations.

use super::{ClassFigure, ClassScorer, Scorer, Scores};
use crate::{
    data::{Lexicon, Prediction},
    metric::{Gold, Overlap, Probe},
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
}
