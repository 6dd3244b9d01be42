//! Items found in examples, such as spans, relations and arcs: counts by class, and their F1.

use super::Scores;
use crate::{
    data::Lexicon,
    metric::{ByClass, Counts, confusions::Confusions},
};

/// Items found, by their places and classes.
pub(super) struct Found {
    names: Lexicon,
    /// By label; items without one are in the figures and no class.
    classes: Confusions<Option<u32>>,
}

impl Found {
    /// Items of classes with these names.
    pub(super) fn of(names: Lexicon) -> Self {
        Self { names, classes: Confusions::default() }
    }

    /// Adds the items of an example, gold and predicted, each once: `item` gives an item's place and its class. Two
    /// items are the same if both are.
    pub(super) fn add<T: Copy, P: Ord>(
        &mut self,
        gold: &[T],
        predicted: &[T],
        item: impl Fn(T) -> (P, Option<u32>),
    ) {
        let [gold, predicted] = [gold, predicted].map(|items| items.iter().copied().map(&item));
        self.classes.add(gold, predicted);
    }

    /// The mean F1 of the classes that occur, in percent; 0 if none does.
    pub(super) fn macro_f1(&self) -> f64 {
        macro_f1(self.classes.counts().into_values())
    }

    /// The counts of all classes.
    pub(super) fn all(&self) -> Counts {
        self.classes.counts().into_values().fold(Counts::default(), Counts::plus)
    }

    /// The counts of each class that occurs, by name.
    pub(super) fn named(&self) -> impl Iterator<Item = (&str, Counts)> {
        let all = self.classes.counts().into_iter();
        all.filter_map(|(class, counts)| Some((self.names.get((*class)?), counts)))
    }

    /// The classes and their confusions; `None` if no item has a class.
    pub(super) fn by_class(&self) -> Option<ByClass> {
        // An item without a class is none of a class.
        let name = |class: Option<&Option<u32>>| Some(self.names.get((*class?)?));
        let cells =
            self.classes.cells().map(|(gold, predicted, n)| (name(gold), name(predicted), n));
        ByClass::found(cells.filter(|(gold, predicted, _)| gold.or(*predicted).is_some()))
    }

    /// Adds micro-averaged metrics, pooled over all classes, and the classes.
    pub(super) fn finish(&self, scores: &mut Scores) {
        let all = self.all();
        let figures = [("f1", all.f1()), ("precision", all.precision()), ("recall", all.recall())];
        scores.metrics.extend(figures);
        scores.classes = self.by_class();
    }
}

/// The mean F1 of classes with these counts, in percent; 0 without classes.
pub(super) fn macro_f1(classes: impl ExactSizeIterator<Item = Counts>) -> f64 {
    let n_classes = classes.len().max(1);
    // Without classes the sum would be -0.
    0.0 + classes.map(Counts::f1).sum::<f64>() / n_classes as f64
}
