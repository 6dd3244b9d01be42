//! Items found in examples, such as spans, relations and arcs: counts by class, and their F1.

use std::collections::{BTreeMap, BTreeSet};

use super::Scores;
use crate::{
    data::Lexicon,
    metric::{ByClass, Counts},
};

/// Counts of items found, by class.
pub(super) struct Found {
    names: Lexicon,
    /// By label; those of spans without one are in the figures and no class.
    classes: BTreeMap<Option<u32>, Counts>,
}

impl Found {
    /// Counts of classes with these names.
    pub(super) fn of(names: Lexicon) -> Self {
        Self { names, classes: BTreeMap::new() }
    }

    /// Adds the items of an example, gold and predicted, each once.
    pub(super) fn add<T: Ord + Copy>(
        &mut self,
        gold: &[T],
        predicted: &[T],
        class: impl Fn(T) -> Option<u32>,
    ) {
        let [gold, predicted]: [BTreeSet<T>; 2] =
            [gold, predicted].map(|items| items.iter().copied().collect());
        for item in &gold {
            let counts = self.classes.entry(class(*item)).or_default();
            counts.gold += 1;
            counts.correct += u64::from(predicted.contains(item));
        }
        for item in &predicted {
            self.classes.entry(class(*item)).or_default().predicted += 1;
        }
    }

    /// Adds counts of a class.
    pub(super) fn add_counts(&mut self, class: Option<u32>, counts: Counts) {
        let sum = self.classes.entry(class).or_default();
        *sum = sum.plus(counts);
    }

    /// The mean F1 of the classes that occur, in percent; 0 if none does.
    pub(super) fn macro_f1(&self) -> f64 {
        let sum: f64 = self.classes.values().map(|counts| counts.f1()).sum();
        sum / self.classes.len().max(1) as f64
    }

    /// The counts of all classes.
    pub(super) fn all(&self) -> Counts {
        self.classes.values().fold(Counts::default(), |sum, counts| sum.plus(*counts))
    }

    /// Adds micro-averaged metrics, pooled over all classes, and the classes.
    pub(super) fn finish(&self, scores: &mut Scores) {
        let all = self.all();
        let figures = [("f1", all.f1()), ("precision", all.precision()), ("recall", all.recall())];
        scores.metrics.extend(figures);
        let classes = self.classes.iter();
        let named =
            |(class, counts): (&Option<u32>, &Counts)| Some((self.names.get((*class)?), *counts));
        scores.classes = ByClass::found(classes.filter_map(named));
    }
}
