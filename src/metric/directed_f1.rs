//! The official score of SemEval-2010 task 8 for labels that name a relation and its direction (Hendrickx et al.
//! 2010): `Cause-Effect(e1,e2)`.
//!
//! The mean F1 over relations, of which a prediction is correct with the right direction only: with c correct ones,
//! p predictions and g gold labels of a relation in either direction, F1 = 2·c / (p + g). Labels without a direction,
//! such as `Other`, are no relation: they count as wrong predictions for the gold label, and have no F1 of their own.

use std::collections::BTreeMap;

use super::{Counts, f_score::entry};

/// Accumulates labels.
#[derive(Clone, Debug, Default)]
pub struct DirectedF1 {
    relations: BTreeMap<String, Counts>,
}

/// The relation of a label, if it has a direction.
fn relation(label: &str) -> Option<&str> {
    label.strip_suffix(')').and_then(|label| label.split_once('(')).map(|(relation, _)| relation)
}

impl DirectedF1 {
    /// Adds a number of items with the same gold and predicted label.
    pub fn add_times(&mut self, gold: &str, predicted: &str, times: u64) {
        if let Some(relation) = relation(gold) {
            let counts = entry(&mut self.relations, relation);
            counts.gold += times;
            counts.correct += if gold == predicted { times } else { 0 };
        }
        if let Some(relation) = relation(predicted) {
            entry(&mut self.relations, relation).predicted += times;
        }
    }

    /// The mean F1 of the relations that occur, in percent; `None` if none does.
    pub fn macro_f1(&self) -> Option<f64> {
        let sum: f64 = self.relations.values().map(|counts| counts.f1()).sum();
        (!self.relations.is_empty()).then(|| sum / self.relations.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{read, words};
    use super::*;

    #[test]
    fn a_relation_in_the_wrong_direction_is_wrong_for_both_precision_and_recall() {
        let mut score = DirectedF1::default();
        assert_eq!(score.macro_f1(), None);
        score.add_times("A(e1,e2)", "A(e1,e2)", 2);
        score.add_times("A(e1,e2)", "A(e2,e1)", 1);
        score.add_times("A(e2,e1)", "Other", 1);
        score.add_times("Other", "B(e1,e2)", 1);
        // A: 2 of 4 gold labels with 3 predictions; B: 0.
        assert!((score.macro_f1().unwrap() - 50.0 * 4.0 / 7.0).abs() < 1e-9);
    }

    #[test]
    fn scores_equal_the_official_scorers_in_the_two_decimals_that_it_prints() {
        let fixture = read("directed.json");
        let cases = fixture["cases"].as_array().unwrap();
        assert_eq!(cases.len(), 4);
        for case in cases {
            let mut score = DirectedF1::default();
            for (gold, predicted) in words(&case["gold"]).iter().zip(words(&case["predicted"])) {
                score.add_times(gold, &predicted, 1);
            }
            let ours = format!("{:.2}", score.macro_f1().unwrap());
            assert_eq!(ours, case["macro_f1"].as_str().unwrap(), "{}", case["name"]);
        }
    }
}
