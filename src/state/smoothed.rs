//! Bias-corrected exponential moving averages: m ← (1 − α)·m + α·x from m = 0, read as
//! m / (1 − (1 − α)ⁿ).

/// An exponential moving average.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Smoothed {
    mean: f64,
    /// 1 − (1 − α)ⁿ: the total weight of the values so far.
    filled: f64,
}

impl Smoothed {
    /// The smoothing coefficient of losses in reports and of a run's pace.
    pub const ALPHA: f64 = 0.02;

    /// An average with that value and a long history.
    pub(super) fn at(mean: f32) -> Self {
        Self { mean: f64::from(mean), filled: 1.0 }
    }

    /// The average; `None` before the first value.
    pub fn get(self) -> Option<f32> {
        (self.filled > 0.0).then(|| self.mean())
    }

    /// The average; NaN before the first value.
    pub(super) fn mean(self) -> f32 {
        (self.mean / self.filled) as f32
    }

    /// Adds a value with weight `alpha`.
    pub(super) fn push(&mut self, x: f32, alpha: f64) {
        self.mean += alpha * (f64::from(x) - self.mean);
        self.filled += alpha * (1.0 - self.filled);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worked_example_of_smoothing() {
        let mut smoothed = Smoothed::default();
        assert_eq!(smoothed.get(), None);
        smoothed.push(3.0, Smoothed::ALPHA);
        assert!((smoothed.get().unwrap() - 3.0).abs() < 1e-6, "the first number is the mean");
        smoothed.push(1.0, Smoothed::ALPHA);
        // (0.98 · 0.02 · 3 + 0.02 · 1) / (1 − 0.98²) = 0.0788 / 0.0396
        assert!((smoothed.get().unwrap() - 1.989_899).abs() < 1e-5);
    }
}
