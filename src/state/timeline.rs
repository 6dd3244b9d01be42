//! The time and the token count of each step: the other two units of a chart's axis.
//!
//! Memory is bounded as for curves: every n-th step is kept, where n doubles whenever there are too
//! many, and steps between are interpolated linearly.

use crate::protocol::Step;

/// The maximum number of moments kept.
const MOST_MOMENTS: usize = 4096;

/// The time and token count of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moment {
    /// Updates done.
    pub step: Step,
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// Tokens in all batches so far.
    pub tokens: u64,
}

/// A unit of a chart's axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// Updates done.
    #[default]
    Steps,
    /// Tokens in the batches drawn.
    Tokens,
    /// Milliseconds since the run began.
    Ms,
}

impl Moment {
    /// The value in a unit.
    pub fn get(self, unit: Unit) -> u64 {
        match unit {
            Unit::Steps => self.step.0,
            Unit::Tokens => self.tokens,
            Unit::Ms => self.at_ms,
        }
    }
}

/// The moments of a run, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    moments: Vec<Moment>,
    /// One moment in so many is kept; a power of two, as its logarithm.
    every_log2: u32,
    n_seen: u64,
    last: Moment,
}

impl Timeline {
    /// The last moment.
    pub fn last(&self) -> Moment {
        self.last
    }

    /// The value in `unit` at a step, interpolated between known moments. Before step 0 it is 0.
    pub fn at(&self, step: Step, unit: Unit) -> f64 {
        self.between(step.0 as f64, Unit::Steps, unit)
    }

    /// The step, with its fraction, at which `unit` reaches an amount.
    pub fn step_at(&self, amount: f64, unit: Unit) -> f64 {
        self.between(amount, unit, Unit::Steps)
    }

    fn between(&self, amount: f64, unit: Unit, wanted: Unit) -> f64 {
        if unit == wanted {
            return amount;
        }
        let after = self.moments.partition_point(|moment| moment.get(unit) as f64 <= amount);
        let earlier = after.checked_sub(1).map_or(Moment::default(), |at| self.moments[at]);
        let later = self.moments.get(after).copied().unwrap_or(self.last);
        let span = later.get(unit) as f64 - earlier.get(unit) as f64;
        let part = if span > 0.0 { (amount - earlier.get(unit) as f64) / span } else { 0.0 };
        let [from, to] = [earlier, later].map(|moment| moment.get(wanted) as f64);
        from + (to - from) * part.clamp(0.0, 1.0)
    }

    pub(super) fn push(&mut self, moment: Moment) {
        self.last = moment;
        if self.n_seen & ((1 << self.every_log2) - 1) == 0 {
            self.moments.push(moment);
        }
        self.n_seen += 1;
        if self.moments.len() > MOST_MOMENTS {
            let mut place = 0;
            self.moments.retain(|_| {
                place += 1;
                place % 2 == 1
            });
            self.every_log2 += 1;
        }
    }

    pub(super) fn rewind(&mut self, to: Step) {
        let [at_ms, tokens] = [Unit::Ms, Unit::Tokens].map(|unit| self.at(to, unit) as u64);
        self.moments.retain(|moment| moment.step <= to);
        if to < self.last.step {
            self.last = Moment { step: to, at_ms, tokens };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(n_steps: u64) -> Timeline {
        let mut timeline = Timeline::default();
        for step in 1..=n_steps {
            timeline.push(Moment { step: Step(step), at_ms: step * 20, tokens: step * 300 });
        }
        timeline
    }

    #[test]
    fn units_convert_both_ways() {
        let timeline = timeline(100_000);
        assert!(timeline.moments.len() <= MOST_MOMENTS);
        for step in [0, 1, 17, 4_097, 99_999, 100_000] {
            let at_ms = timeline.at(Step(step), Unit::Ms);
            assert!((at_ms - step as f64 * 20.0).abs() < 1e-6, "{step}: {at_ms}");
            let tokens = timeline.at(Step(step), Unit::Tokens);
            assert!((timeline.step_at(tokens, Unit::Tokens) - step as f64).abs() < 1e-6);
        }
        assert!((timeline.step_at(1e12, Unit::Ms) - 100_000.0).abs() < 1e-6, "and not beyond");
    }

    #[test]
    fn an_empty_timeline_is_at_zero() {
        assert!(timeline(0).at(Step(5), Unit::Ms).abs() < 1e-9);
    }

    #[test]
    fn rewinding_forgets_later_moments() {
        let mut timeline = timeline(10);
        timeline.rewind(Step(4));
        assert_eq!(timeline.last().step, Step(4));
    }
}
