//! Scores per class of a split: counts and, where an item has one class, the confusion matrix.
//!
//! Classes are ordered by frequency in gold, then by name. The first [`MOST_CLASSES`] are listed;
//! the others are summed into one more, so that an event of every evaluation stays small for any
//! number of classes. Its counts are the sums of theirs. In the matrix, confusions among the summed
//! classes are in the sum's own cell, so that this cell is not the number of correct predictions.

use std::collections::BTreeMap;

use super::{Counts, confusions::counts};
use crate::protocol::event::ClassCounts;

/// The maximum number of classes listed.
pub const MOST_CLASSES: usize = 24;

/// The name of the summed class; [`ClassCounts::summed`] distinguishes it from a class with that
/// name.
const OTHERS: &str = "other";

/// The classes of a split, and their confusion matrix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByClass {
    /// The counts of each class that occurred in gold or predictions, the most frequent in gold first.
    pub classes: Vec<ClassCounts>,
    /// Counts by gold class (row) and predicted class (column), in the order of the classes. Where items are found or
    /// not, such as spans, a last row and a last column are for no item: predictions without a gold item at their place,
    /// and gold items that were missed. `None` where an item may have several classes.
    pub confusion: Option<Vec<Vec<u64>>>,
}

impl ByClass {
    /// From the counts of items that may have several classes; `None` if there were none.
    pub(super) fn counted<'a>(counts: impl IntoIterator<Item = (&'a str, Counts)>) -> Option<Self> {
        let mut counts: Vec<(&str, Counts)> = counts.into_iter().collect();
        counts.sort_by(|(a, one), (b, other)| other.gold.cmp(&one.gold).then(a.cmp(b)));
        let rest = counts.split_off(counts.len().min(MOST_CLASSES));
        let named = counts.iter().map(|(name, counts)| class(name, *counts, None));
        let n_rest = rest.len() as u64;
        let sum = rest.iter().fold(Counts::default(), |sum, (_, counts)| sum.plus(*counts));
        let others = (n_rest > 0).then(|| class(OTHERS, sum, Some(n_rest)));
        let classes: Vec<ClassCounts> = named.chain(others).collect();
        (!classes.is_empty()).then_some(Self { classes, confusion: None })
    }

    /// From the confusion counts of items that have one class each; `None` if there were none.
    pub(super) fn confused<'a>(cells: impl Iterator<Item = Cell<'a>>) -> Option<Self> {
        Self::of_cells(cells, 0)
    }

    /// From the gold and predicted classes of items that are found or not, where `None` stands for no item; `None` if
    /// there were no items.
    pub(super) fn found<'a>(cells: impl Iterator<Item = Cell<'a>>) -> Option<Self> {
        Self::of_cells(cells, 1)
    }

    /// From cells, with so many rows and columns for no item.
    fn of_cells<'a>(cells: impl Iterator<Item = Cell<'a>>, n_none: usize) -> Option<Self> {
        let cells: Vec<Cell> = cells.collect();
        let by_class = Self::counted(counts(cells.iter().copied()))?;
        let n_classes = by_class.classes.len();
        let named = by_class.classes.iter().filter(|class| class.summed.is_none());
        let places: BTreeMap<&str, usize> =
            named.enumerate().map(|(at, class)| (class.name.as_str(), at)).collect();
        // A class that is not listed belongs to the summed one, which is the last.
        let place = |name: Option<&str>| match name {
            None => n_classes,
            Some(name) => places.get(name).copied().unwrap_or(n_classes - 1),
        };
        let n_rows = n_classes + n_none;
        let mut confusion = vec![vec![0; n_rows]; n_rows];
        for (gold, predicted, n) in cells {
            confusion[place(gold)][place(predicted)] += n;
        }
        Some(Self { confusion: Some(confusion), ..by_class })
    }
}

/// A gold class, a predicted class, and how often they occurred together.
pub(super) type Cell<'a> = (Option<&'a str>, Option<&'a str>, u64);

fn class(name: &str, counts: Counts, summed: Option<u64>) -> ClassCounts {
    let Counts { gold, predicted, correct } = counts;
    ClassCounts { name: name.to_owned(), gold, predicted, correct, summed }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::metric::{
        FScore,
        fixture::{read, same, words},
    };

    fn of(pairs: &[(&str, &str)]) -> ByClass {
        let mut scorer = FScore::default();
        for (gold, predicted) in pairs {
            scorer.add(gold, predicted);
        }
        scorer.by_class().unwrap()
    }

    #[test]
    fn counts_and_matrix_of_a_worked_example() {
        let pairs =
            [("b", "b"), ("a", "b"), ("b", "c"), ("a", "a"), ("b", "b"), ("d", "b"), ("e", "b")];
        let by_class = of(&pairs);
        // b is the most frequent; c occurs in predictions only.
        let names: Vec<&str> = by_class.classes.iter().map(|class| class.name.as_str()).collect();
        assert_eq!(names, ["b", "a", "d", "e", "c"]);
        let b = Counts { gold: 3, predicted: 5, correct: 2 };
        assert_eq!(by_class.classes[0].counts(), b);
        assert_eq!(by_class.classes[4].counts(), Counts { gold: 0, predicted: 1, correct: 0 });
        let confusion =
            [[2, 0, 0, 0, 1], [1, 1, 0, 0, 0], [1, 0, 0, 0, 0], [1, 0, 0, 0, 0], [0; 5]];
        assert_eq!(by_class.confusion.unwrap(), confusion);
    }

    #[test]
    fn no_items_give_no_classes() {
        assert_eq!(FScore::default().by_class(), None);
    }

    #[test]
    fn classes_beyond_the_most_frequent_are_summed_into_one() {
        let names: Vec<String> = (0..26).map(|at| format!("c{at:02}")).collect();
        let mut pairs: Vec<(&str, &str)> = Vec::new();
        // c25 occurs three times, the others once: it is listed, and c23 and c24 are not.
        pairs.extend(names.iter().map(|name| (name.as_str(), name.as_str())));
        pairs.extend([("c25", "c24"), ("c25", "c25"), ("c23", "c24"), ("c24", "c00")]);
        // As frequent as c24, and a class of its own despite its name.
        pairs.extend([("other", "c00"), ("other", "other"), ("other", "other")]);
        let by_class = of(&pairs);
        let (last, classes) = by_class.classes.split_last().unwrap();
        assert_eq!(classes.len(), MOST_CLASSES);
        let head: Vec<&str> = classes.iter().take(5).map(|class| class.name.as_str()).collect();
        assert_eq!(head, ["c25", "other", "c23", "c24", "c00"]);
        assert!(classes.iter().all(|class| class.summed.is_none()));
        // c20, c21 and c22 are left, each once and correct.
        assert_eq!((last.name.as_str(), last.summed), ("other", Some(3)));
        assert_eq!(last.counts(), Counts { gold: 3, predicted: 3, correct: 3 });
        let confusion = by_class.confusion.unwrap();
        assert_eq!(confusion[MOST_CLASSES][MOST_CLASSES], 3);
        assert_eq!(confusion.iter().flatten().sum::<u64>(), pairs.len() as u64);
    }

    #[test]
    fn confusions_among_summed_classes_are_in_their_own_cell() {
        let names: Vec<String> = (0..26).map(|at| format!("c{at:02}")).collect();
        let mut pairs: Vec<(&str, &str)> = Vec::new();
        for name in &names[..24] {
            pairs.extend([(name.as_str(), name.as_str()); 2]);
        }
        pairs.extend([("c24", "c25"), ("c25", "c03")]);
        let by_class = of(&pairs);
        assert_eq!(
            by_class.classes[24].counts(),
            Counts { gold: 2, predicted: 1, correct: 0 },
            "neither was right"
        );
        let confusion = by_class.confusion.unwrap();
        assert_eq!((confusion[24][24], confusion[24][3]), (1, 1));
    }

    /// The classes of a case, and scikit-learn's confusion matrix.
    fn matrix(case: &Value) -> (Vec<String>, Vec<Vec<u64>>) {
        let row = |row: &Value| -> Vec<u64> {
            row.as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect()
        };
        let rows = case["confusion"].as_array().unwrap().iter().map(row).collect();
        (words(&case["classes"]), rows)
    }

    #[test]
    fn classes_and_matrix_equal_scikit_learns() {
        let fixture = read("classes.json");
        let mut n_summed = 0;
        for case in fixture["cases"].as_array().unwrap() {
            let name = case["name"].as_str().unwrap();
            let mut scorer = FScore::default();
            for (gold, predicted) in words(&case["gold"]).iter().zip(words(&case["predicted"])) {
                scorer.add(gold, &predicted);
            }
            let ByClass { classes, confusion } = scorer.by_class().unwrap();
            let confusion = confusion.unwrap();
            let (labels, theirs) = matrix(case);
            // The index in ours of one of their classes.
            let place = |label: &String| {
                let is_it = |class: &ClassCounts| class.summed.is_none() && class.name == *label;
                classes.iter().position(is_it).unwrap_or(classes.len() - 1)
            };
            let mut summed = vec![vec![0; classes.len()]; classes.len()];
            for (gold, row) in labels.iter().zip(&theirs) {
                for (predicted, n) in labels.iter().zip(row) {
                    summed[place(gold)][place(predicted)] += n;
                }
            }
            assert_eq!(confusion, summed, "{name}");
            for class in &classes {
                if let Some(n) = class.summed {
                    n_summed += n;
                    continue;
                }
                let scores = &case["by_class"][&class.name];
                let counts = class.counts();
                same(counts.precision(), &scores["precision"], name);
                same(counts.recall(), &scores["recall"], name);
                same(counts.f1(), &scores["f1"], name);
                assert_eq!(counts.gold, scores["support"], "{name}");
            }
        }
        assert_eq!(n_summed, 6, "one case has thirty classes");
    }
}
