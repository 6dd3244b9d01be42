//! Throughput, from the times in the events.

use super::Smoothed;

/// Smoothed time and tokens of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pace {
    step_ms: Smoothed,
    tokens: Smoothed,
}

impl Pace {
    /// Smoothed duration of a step, in milliseconds.
    pub fn step_ms(self) -> Option<f32> {
        self.step_ms.get()
    }

    /// Smoothed training throughput in tokens per second; `None` while steps are too short to be timed.
    pub fn tokens_per_second(self) -> Option<f32> {
        let step_ms = self.step_ms.get().filter(|step_ms| *step_ms > 0.0)?;
        Some(self.tokens.get()? / step_ms * 1000.0)
    }

    pub(super) fn step_done(&mut self, tokens: u64, step_ms: u64) {
        self.step_ms.push(step_ms as f32, Smoothed::ALPHA);
        self.tokens.push(tokens as f32, Smoothed::ALPHA);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_too_short_to_be_timed_have_no_pace() {
        let mut pace = Pace::default();
        assert_eq!(pace.tokens_per_second(), None);
        pace.step_done(640, 0);
        assert_eq!(pace.tokens_per_second(), None);
        pace.step_done(640, 10);
        assert!(pace.tokens_per_second().unwrap() > 64_000.0);
    }
}
