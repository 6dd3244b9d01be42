//! Reference scorers: the numbers a paper prints, equal to the field's own programs to the digit.
//!
//! Every scorer gathers counts over a whole split and turns them into figures once, so that a score
//! never depends on how the split was cut into batches. Proportions are in percent. Nothing here
//! knows a tensor; `tests/fixtures/metric` holds what the reference programs say.

pub mod accuracy;
pub mod f_score;
pub mod macro_mae;
pub mod overlap;
pub mod perplexity;
pub mod probe;
pub mod span_f1;
pub mod spans;
mod thin;

pub use accuracy::{Accuracy, Word};
pub use f_score::FScore;
pub use macro_mae::MacroMae;
pub use overlap::Overlap;
pub use perplexity::Perplexity;
pub use probe::Probe;
pub use span_f1::{Scores, SpanF1};
pub use spans::{Scheme, Span, TagFault};

/// Gold, predicted and correct items of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Items in the gold standard.
    pub gold: u64,
    /// Items that were predicted.
    pub predicted: u64,
    /// Items in both.
    pub correct: u64,
}

impl Counts {
    /// The share of predicted items that are right, in percent; 0 without predictions.
    pub fn precision(self) -> f64 {
        percent(self.correct, self.predicted)
    }

    /// The share of gold items that were found, in percent; 0 without gold items.
    pub fn recall(self) -> f64 {
        percent(self.correct, self.gold)
    }

    /// The harmonic mean of precision and recall, in percent; 0 when both are 0.
    pub fn f1(self) -> f64 {
        self.f_beta(1.0)
    }

    /// (1 + β²)·P·R / (β²·P + R) in percent, where β says how many times recall matters more than
    /// precision (van Rijsbergen 1979); 0 when both are 0.
    pub fn f_beta(self, beta: f64) -> f64 {
        let squared = beta * beta;
        let below = squared * self.gold as f64 + self.predicted as f64;
        if self.correct == 0 {
            return 0.0;
        }
        100.0 * (1.0 + squared) * self.correct as f64 / below
    }

    fn plus(self, other: Self) -> Self {
        Self {
            gold: self.gold + other.gold,
            predicted: self.predicted + other.predicted,
            correct: self.correct + other.correct,
        }
    }
}

/// `part` of `whole` in percent; 0 of nothing is 0.
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 }
}

/// What the reference programs say, read from `tests/fixtures/metric`.
#[cfg(test)]
pub(crate) mod fixture {
    use serde_json::Value;

    pub(crate) fn read(name: &str) -> Value {
        let path = format!("{}/tests/fixtures/metric/{name}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).expect("the fixture is kept with the sources");
        serde_json::from_str(&text).expect("the fixture is JSON")
    }

    /// A list of words.
    pub(crate) fn words(value: &Value) -> Vec<String> {
        let list = value.as_array().expect("a list");
        list.iter().map(|word| word.as_str().expect("a word").to_owned()).collect()
    }

    /// Equal but for the last bits of an f64: the programs divide in another order.
    #[track_caller]
    pub(crate) fn same(ours: f64, theirs: &Value, what: &str) {
        let theirs = 100.0 * theirs.as_f64().expect("a number");
        assert!((ours - theirs).abs() < 1e-10, "{what}: ours {ours}, theirs {theirs}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_of_nothing_is_zero() {
        let counts = Counts::default();
        assert_eq!((counts.precision(), counts.recall(), counts.f1()), (0.0, 0.0, 0.0));
    }

    #[test]
    fn half_the_weight_on_recall_is_as_worked_by_hand() {
        // P = 1/2, R = 1/4: F0.5 = 1.25 · 0.125 / (0.25 · 0.5 + 0.25) = 5/12.
        let counts = Counts { gold: 8, predicted: 4, correct: 2 };
        assert!((counts.f_beta(0.5) - 500.0 / 12.0).abs() < 1e-12);
        assert!((counts.f1() - 100.0 / 3.0).abs() < 1e-12);
    }
}
