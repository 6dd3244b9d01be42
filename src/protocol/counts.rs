//! Gold, predicted and correct items, and the metrics derived from them.
//!
//! Events carry counts, which are integers and can be added; scorers, the desk and `evaluate`
//! compute precision, recall and F1 from them here, so that their values are equal.

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
    /// The share of predicted items that are correct, in percent; 0 without predictions.
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

    /// (1 + β²)·P·R / (β²·P + R) in percent, where recall is β times as important as precision (van
    /// Rijsbergen 1979); 0 when both are 0.
    pub fn f_beta(self, beta: f64) -> f64 {
        let squared = beta * beta;
        let below = squared * self.gold as f64 + self.predicted as f64;
        if self.correct == 0 {
            return 0.0;
        }
        100.0 * (1.0 + squared) * self.correct as f64 / below
    }

    /// The sum of two counts.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            gold: self.gold + other.gold,
            predicted: self.predicted + other.predicted,
            correct: self.correct + other.correct,
        }
    }
}

/// `part` of `whole` in percent; 0 if `whole` is 0.
pub fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_without_items_are_zero() {
        let counts = Counts::default();
        assert_eq!((counts.precision(), counts.recall(), counts.f1()), (0.0, 0.0, 0.0));
    }

    #[test]
    fn a_worked_example_of_f_0_5() {
        // P = 1/2, R = 1/4: F0.5 = 1.25 · 0.125 / (0.25 · 0.5 + 0.25) = 5/12.
        let counts = Counts { gold: 8, predicted: 4, correct: 2 };
        assert!((counts.f_beta(0.5) - 500.0 / 12.0).abs() < 1e-12);
        assert!((counts.f1() - 100.0 / 3.0).abs() < 1e-12);
    }
}
