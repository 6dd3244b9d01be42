//! F-scores of classes, equal to scikit-learn (Pedregosa et al. 2011).
//!
//! F1 of a class is computed from its counts; macro F1 is the unweighted mean over the classes that
//! occur in gold or predictions; micro F1 pools the counts, so with one label per item it equals
//! the accuracy. F0.5 of the class `incorrect` is the metric of error detection (Ng et al. 2014).

use std::collections::BTreeMap;

use super::{ByClass, Counts, by_class::Cell, confusions::counts};

/// Accumulates labels.
#[derive(Clone, Debug, Default)]
pub struct FScore {
    /// Counts by gold class, then by predicted class.
    cells: BTreeMap<String, BTreeMap<String, u64>>,
}

impl FScore {
    /// Adds an item's gold and predicted class.
    pub fn add(&mut self, gold: &str, predicted: &str) {
        self.add_times(gold, predicted, 1);
    }

    /// Adds a number of items with the same classes.
    pub fn add_times(&mut self, gold: &str, predicted: &str, times: u64) {
        *entry(entry(&mut self.cells, gold), predicted) += times;
    }

    /// Fβ of one class, in percent; 0 for a class that never occurred.
    pub fn f_beta(&self, class: &str, beta: f64) -> f64 {
        self.counts().get(class).copied().unwrap_or_default().f_beta(beta)
    }

    /// The mean F1 of the classes, in percent; 0 without items.
    pub fn macro_f1(&self) -> f64 {
        let counts = self.counts();
        let sum: f64 = counts.values().map(|counts| counts.f1()).sum();
        sum / counts.len().max(1) as f64
    }

    /// F1 of the pooled counts, in percent; 0 without items.
    pub fn micro_f1(&self) -> f64 {
        self.pool(|_| true).f1()
    }

    /// F1 of the pooled counts of all classes but one, the negative class: relation extraction
    /// excludes its `none`.
    pub fn micro_f1_without(&self, class: &str) -> f64 {
        self.pool(|name| name != class).f1()
    }

    /// The counts of every class that occurs, by name.
    pub fn counts(&self) -> BTreeMap<&str, Counts> {
        counts(self.cells())
    }

    /// The scores per class and the confusion matrix; `None` without items.
    pub fn by_class(&self) -> Option<ByClass> {
        ByClass::confused(self.cells())
    }

    fn cells(&self) -> impl Iterator<Item = Cell<'_>> {
        let rows = self.cells.iter().map(|(gold, row)| (gold.as_str(), row));
        rows.flat_map(|(gold, row)| {
            row.iter().map(move |(predicted, n)| (Some(gold), Some(predicted.as_str()), *n))
        })
    }

    fn pool(&self, wanted: impl Fn(&str) -> bool) -> Counts {
        let counts = self.counts();
        let kept = counts.iter().filter(|(name, _)| wanted(name));
        kept.fold(Counts::default(), |sum, (_, counts)| sum.plus(*counts))
    }
}

/// The value of a name, inserted if missing; the name is copied only then.
pub(super) fn entry<'a, V: Default>(map: &'a mut BTreeMap<String, V>, name: &str) -> &'a mut V {
    if !map.contains_key(name) {
        map.insert(name.to_owned(), V::default());
    }
    map.get_mut(name).expect("the name is in the map since the line above")
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{read, same, words};
    use super::*;

    #[test]
    fn metrics_equal_scikit_learns() {
        let fixture = read("classes.json");
        let cases = fixture["cases"].as_array().unwrap();
        assert!(cases.len() > 5);
        for case in cases {
            let mut scorer = FScore::default();
            for (gold, predicted) in words(&case["gold"]).iter().zip(words(&case["predicted"])) {
                scorer.add(gold, &predicted);
            }
            let name = case["name"].as_str().unwrap();
            same(scorer.macro_f1(), &case["macro_f1"], name);
            same(scorer.micro_f1(), &case["micro_f1"], name);
            let first = case["first_class"].as_str().unwrap();
            same(scorer.micro_f1_without(first), &case["micro_f1_without_first"], name);
            for (class, theirs) in case["f0.5"].as_object().unwrap() {
                same(scorer.f_beta(class, 0.5), theirs, name);
            }
            for (class, theirs) in case["f1"].as_object().unwrap() {
                same(scorer.f_beta(class, 1.0), theirs, name);
            }
        }
    }

    #[test]
    fn a_class_that_occurs_in_predictions_only_counts_in_the_mean() {
        let mut scorer = FScore::default();
        scorer.add("a", "a");
        scorer.add("a", "b");
        // a: P = 1, R = 1/2, F1 = 2/3; b: 0. Their mean is 1/3.
        assert!((scorer.macro_f1() - 100.0 / 3.0).abs() < 1e-12);
        assert!((scorer.micro_f1() - 50.0).abs() < 1e-12);
    }

    #[test]
    fn nothing_scores_zero() {
        let scorer = FScore::default();
        assert_eq!(
            (scorer.macro_f1(), scorer.micro_f1(), scorer.f_beta("a", 0.5)),
            (0.0, 0.0, 0.0)
        );
    }
}
