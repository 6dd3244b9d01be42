//! F-scores of sets of classes, equal to scikit-learn's over indicator matrices (Pedregosa et al. 2011).
//!
//! F1 of a class is computed from its counts; micro F1 pools the counts, macro F1 is the unweighted
//! mean over the classes, including those that never occur.

use std::collections::BTreeMap;

use super::{ByClass, Counts, f_score::entry};

/// Accumulates sets.
#[derive(Clone, Debug, Default)]
pub struct SetScore {
    classes: BTreeMap<String, Counts>,
}

impl SetScore {
    /// Means include these classes whether or not they occur: the columns of an indicator matrix.
    pub fn over<'a>(classes: impl IntoIterator<Item = &'a str>) -> Self {
        let none = |class: &str| (class.to_owned(), Counts::default());
        Self { classes: classes.into_iter().map(none).collect() }
    }

    /// Adds an item's gold and predicted classes, any number of them, each once.
    pub fn add(&mut self, gold: &[&str], predicted: &[&str]) {
        for class in gold {
            let counts = entry(&mut self.classes, class);
            counts.gold += 1;
            counts.correct += u64::from(predicted.contains(class));
        }
        for class in predicted {
            entry(&mut self.classes, class).predicted += 1;
        }
    }

    /// The mean F1 of the classes, in percent; 0 without classes.
    pub fn macro_f1(&self) -> f64 {
        let sum: f64 = self.classes.values().map(|counts| counts.f1()).sum();
        // Without classes the sum is -0.
        0.0 + sum / self.classes.len().max(1) as f64
    }

    /// F1 of the pooled counts, in percent; 0 without items.
    pub fn micro_f1(&self) -> f64 {
        self.classes.values().fold(Counts::default(), |sum, counts| sum.plus(*counts)).f1()
    }

    /// The classes that occur, with their counts; `None` if none does.
    pub fn by_class(&self) -> Option<ByClass> {
        let occurred = |(_, counts): &(&String, &Counts)| counts.gold + counts.predicted > 0;
        let classes = self.classes.iter().filter(occurred);
        ByClass::counted(classes.map(|(name, counts)| (name.as_str(), *counts)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{
        Accuracy, Word,
        fixture::{read, same, words},
    };
    use super::*;

    #[test]
    fn metrics_of_sets_equal_scikit_learns_on_indicator_matrices() {
        let fixture = read("sets.json");
        let cases = fixture["cases"].as_array().unwrap();
        assert!(cases.len() > 5);
        for case in cases {
            let labels = words(&case["labels"]);
            let mut scorer = SetScore::over(labels.iter().map(String::as_str));
            let mut exact = Accuracy::default();
            let sets = |key: &str| case[key].as_array().unwrap().iter().map(words);
            for (gold, predicted) in sets("gold").zip(sets("predicted")) {
                exact.add(&gold, &predicted, Word::Known);
                let [gold, predicted]: [Vec<&str>; 2] =
                    [&gold, &predicted].map(|set| set.iter().map(String::as_str).collect());
                scorer.add(&gold, &predicted);
            }
            let name = case["name"].as_str().unwrap();
            same(scorer.micro_f1(), &case["micro_f1"], name);
            same(scorer.macro_f1(), &case["macro_f1"], name);
            same(exact.accuracy().unwrap(), &case["exact_match"], name);
        }
    }
}
