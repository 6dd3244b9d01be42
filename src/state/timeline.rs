//! When each step was done, and how many tokens had been seen by then: the other two units of a
//! chart's axis.
//!
//! Bounded as curves are: every n-th step is kept, with n doubled whenever there are too many, and
//! what lies between is read off a straight line.

use crate::protocol::Step;

/// Moments that are kept at most.
const MOST_MOMENTS: usize = 4096;

/// A step as the clock and the tokens have it.
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
    /// The moment's number in a unit.
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
    /// Of so many moments told, one is kept, as a power of two.
    every_log2: u32,
    told: u64,
    last: Moment,
}

impl Timeline {
    /// The last step told of.
    pub fn last(&self) -> Moment {
        self.last
    }

    /// The number in `unit` at a step, between the moments that are known. Nothing has been seen
    /// and no time has passed before step 0.
    pub fn at(&self, step: Step, unit: Unit) -> f64 {
        self.between(step.0 as f64, Unit::Steps, unit)
    }

    /// The step, with its fraction, at which so much of `unit` had passed.
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
        if self.told & ((1 << self.every_log2) - 1) == 0 {
            self.moments.push(moment);
        }
        self.told += 1;
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
    fn units_are_read_off_each_other_both_ways() {
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
    fn an_empty_timeline_is_at_nothing() {
        assert!(timeline(0).at(Step(5), Unit::Ms).abs() < 1e-9);
    }

    #[test]
    fn rewinding_forgets_later_moments() {
        let mut timeline = timeline(10);
        timeline.rewind(Step(4));
        assert_eq!(timeline.last().step, Step(4));
    }
}
