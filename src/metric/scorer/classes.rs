//! Metrics of one class per token or per example.

use std::collections::BTreeMap;

use super::{Scorer, Scores};
use crate::{
    data::{Lexicon, Prediction},
    metric::{Accuracy, DirectedF1, FScore, Gold, MacroMae, Word},
};

/// A metric of classes, with its name in journals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClassFigure {
    /// `accuracy`.
    Accuracy,
    /// `macro_f1`.
    MacroF1,
    /// `f1` of one class.
    F1(String),
    /// `directed_f1`, of labels that name a relation and its direction.
    DirectedF1,
    /// `macro_mae` of classes in this ascending order.
    MacroMae(Vec<String>),
}

/// Counts pairs of gold and predicted class.
pub struct ClassScorer {
    names: Lexicon,
    figures: Vec<ClassFigure>,
    /// Counts by gold class and predicted class.
    cells: BTreeMap<(u32, u32), u64>,
}

impl ClassScorer {
    /// For classes with these names, which may include gold classes that do not occur in training.
    pub fn new(names: Lexicon, figures: Vec<ClassFigure>) -> Self {
        Self { names, figures, cells: BTreeMap::new() }
    }
}

impl Scorer for ClassScorer {
    fn push(&mut self, gold: &Gold, prediction: &Prediction) {
        let (Gold::Classes { classes, .. }, Prediction::Classes(predicted)) = (gold, prediction)
        else {
            return;
        };
        for (gold, predicted) in classes.iter().zip(predicted) {
            if let Some(gold) = gold {
                *self.cells.entry((*gold, *predicted)).or_default() += 1;
            }
        }
    }

    fn finish(self: Box<Self>, scores: &mut Scores) {
        let mut accuracy = Accuracy::default();
        let mut f_score = FScore::default();
        let pairs = || {
            let pairs = self.cells.iter();
            pairs.map(|(&(gold, predicted), &n)| {
                (self.names.get(gold), self.names.get(predicted), n)
            })
        };
        for (gold, predicted, n) in pairs() {
            accuracy.add_times(gold, predicted, Word::Known, n);
            f_score.add_times(gold, predicted, n);
        }
        let Some(accuracy) = accuracy.accuracy() else { return };
        scores.metrics.extend(self.figures.iter().filter_map(|figure| {
            Some(match figure {
                ClassFigure::Accuracy => ("accuracy", accuracy),
                ClassFigure::MacroF1 => ("macro_f1", f_score.macro_f1()),
                ClassFigure::F1(class) => ("f1", f_score.f_beta(class, 1.0)),
                ClassFigure::DirectedF1 => {
                    let mut directed = DirectedF1::default();
                    pairs().for_each(|(gold, predicted, n)| directed.add_times(gold, predicted, n));
                    ("directed_f1", directed.macro_f1()?)
                }
                ClassFigure::MacroMae(order) => {
                    let mut mae = MacroMae::new(order.clone());
                    pairs().for_each(|(gold, predicted, n)| mae.add_times(gold, predicted, n));
                    ("macro_mae", mae.macro_mae()?)
                }
            })
        }));
        scores.classes = f_score.by_class();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unseen_gold_classes_are_wrong_and_missing_ones_are_not_scored() {
        let names = ["a", "b", "strange"].into_iter().collect();
        let order = vec!["a".to_owned(), "b".to_owned()];
        let figures = vec![
            ClassFigure::Accuracy,
            ClassFigure::MacroF1,
            ClassFigure::F1("a".to_owned()),
            ClassFigure::MacroMae(order),
        ];
        let mut scorer = Box::new(ClassScorer::new(names, figures));
        let classes = vec![Some(0), Some(1), Some(2), None];
        scorer.push(
            &Gold::Classes { classes, oov: Vec::new() },
            &Prediction::Classes(vec![0, 0, 0, 1]),
        );
        scorer.push(&Gold::None, &Prediction::Classes(vec![1; 4]));
        let mut scores = Scores::default();
        scorer.finish(&mut scores);
        // a: P = 1/3, R = 1, F1 = 1/2; b and strange 0. In ranks: a has an error of 0, b of 1.
        let wanted =
            [("accuracy", 100.0 / 3.0), ("macro_f1", 50.0 / 3.0), ("f1", 50.0), ("macro_mae", 0.5)];
        for ((name, found), (wanted_name, wanted)) in scores.metrics.iter().zip(wanted) {
            assert_eq!(*name, wanted_name);
            assert!((found - wanted).abs() < 1e-9, "{name}: {found}");
        }
        let classes = scores.classes.unwrap().classes;
        assert_eq!(classes.iter().map(|class| class.gold).collect::<Vec<_>>(), [1, 1, 1]);
    }

    #[test]
    fn no_items_give_no_metrics() {
        let mut scores = Scores::default();
        let scorer = ClassScorer::new(Lexicon::default(), vec![ClassFigure::Accuracy]);
        Box::new(scorer).finish(&mut scores);
        assert_eq!(scores, Scores::default());
    }
}
