//! Schedules: values that change with the step.
//!
//! With s updates since the schedule's beginning and p = min(s / steps, 1):
//! linear: from + (to − from)·p · cosine: to + (from − to)·(1 + cos πp)/2 ·
//! exponential: from·(to/from)^p · step: `from` until `steps` updates are done, then `to` ·
//! ganin: from + (to − from)·(2/(1 + e^(−10p)) − 1) (Ganin et al. 2016).

use std::fmt;

use serde::{Deserialize, Serialize};

/// A value over the steps of a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// A constant.
    Constant(f64),
    /// A change from one value to another over a number of steps; constant afterwards.
    Ramp {
        /// The shape of the change.
        shape: Shape,
        /// The value before the first update.
        from: f64,
        /// The value after `steps` updates.
        to: f64,
        /// The number of updates that it takes.
        steps: u64,
        /// The number of updates when it began: 0 for a recipe's.
        since: u64,
    },
}

/// The shape of a schedule between its two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Linear.
    Linear,
    /// Half a cosine wave.
    Cosine,
    /// Geometric; both values must be positive.
    Exponential,
    /// A jump at the end.
    Step,
    /// Steep at first: the strength of a gradient reversal (Ganin et al. 2016).
    Ganin,
}

impl Shape {
    /// The names in recipes.
    pub const NAMES: &[&str] = &["linear", "cosine", "exponential", "step", "ganin"];

    fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// The shape with that name.
    pub fn find(name: &str) -> Option<Self> {
        Some(match name {
            "linear" => Self::Linear,
            "cosine" => Self::Cosine,
            "exponential" => Self::Exponential,
            "step" => Self::Step,
            "ganin" => Self::Ganin,
            _ => return None,
        })
    }
}

impl Schedule {
    /// The value for the update after `done` others.
    pub fn at(self, done: u64) -> f64 {
        let (shape, from, to, steps, since) = match self {
            Self::Constant(number) => return number,
            Self::Ramp { shape, from, to, steps, since } => (shape, from, to, steps, since),
        };
        let done = done.saturating_sub(since);
        if done >= steps {
            return to;
        }
        let progress = done as f64 / steps as f64;
        match shape {
            Shape::Linear => from + (to - from) * progress,
            Shape::Cosine => {
                to + (from - to) * (1.0 + (std::f64::consts::PI * progress).cos()) / 2.0
            }
            Shape::Exponential => from * (to / from).powf(progress),
            Shape::Step => from,
            Shape::Ganin => from + (to - from) * (2.0 / (1.0 + (-10.0 * progress).exp()) - 1.0),
        }
    }

    /// Whether it still changes after `done` updates.
    pub fn moves_after(self, done: u64) -> bool {
        self.arrives_after(done).is_some()
    }

    /// The number of updates after which it is constant, if that is more than `done`.
    pub fn arrives_after(self, done: u64) -> Option<u64> {
        match self {
            Self::Ramp { steps, since, .. } => {
                Some(since.saturating_add(steps)).filter(|&arrival| arrival > done)
            }
            Self::Constant(_) => None,
        }
    }
}

/// `0.5`, or `linear 0.1 to 0 over 400 steps`.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(number) => number.fmt(f),
            Self::Ramp { shape, from, to, steps, .. } => {
                write!(f, "{} {from} to {to} over {steps} steps", shape.name())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(shape: Shape) -> Schedule {
        Schedule::Ramp { shape, from: 1.0, to: 0.25, steps: 4, since: 0 }
    }

    #[test]
    fn every_shape_starts_at_from_and_ends_at_to() {
        for name in Shape::NAMES {
            let schedule = ramp(Shape::find(name).expect("a shape of that name"));
            assert!((schedule.at(0) - 1.0).abs() < 1e-12, "{name}");
            assert!((schedule.at(4) - 0.25).abs() < 1e-12, "{name}");
            assert!((schedule.at(1_000) - 0.25).abs() < 1e-12, "{name}");
        }
    }

    #[test]
    fn a_schedule_is_described_with_its_shape() {
        assert_eq!(Schedule::Constant(0.5).to_string(), "0.5");
        for name in Shape::NAMES {
            let text = ramp(Shape::find(name).expect("a shape of that name")).to_string();
            assert_eq!(text, format!("{name} 1 to 0.25 over 4 steps"));
        }
    }

    #[test]
    fn worked_examples_half_way() {
        assert!((ramp(Shape::Linear).at(2) - 0.625).abs() < 1e-12);
        assert!((ramp(Shape::Cosine).at(2) - 0.625).abs() < 1e-12);
        assert!((ramp(Shape::Exponential).at(2) - 0.5).abs() < 1e-12);
        assert!((ramp(Shape::Step).at(2) - 1.0).abs() < 1e-12);
        // 2/(1 + e^-5) - 1 = 0.98661; 1 - 0.75 * 0.98661 = 0.26004
        assert!((ramp(Shape::Ganin).at(2) - 0.260_04).abs() < 1e-5);
    }

    #[test]
    fn a_ramp_that_begins_later_is_constant_until_then() {
        let (shape, from, to, steps, since) = (Shape::Linear, 1.0, 0.0, 4, 10);
        let fade = Schedule::Ramp { shape, from, to, steps, since };
        assert_eq!([0, 10, 12, 14, 99].map(|done| fade.at(done)), [1.0, 1.0, 0.5, 0.0, 0.0]);
        assert_eq!([13, 14].map(|done| fade.arrives_after(done)), [Some(14), None]);
    }
}
