//! The time of each phase of a step: read from the run's clock between two phases, and reported at
//! fixed steps as means, so that the events of two runs of one recipe are the same but for times.

use crate::protocol::{Step, event::PhasesTimed};

/// The interval of reports, in steps.
const EVERY: u64 = 20;

/// A phase of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Batches are drawn.
    Draw,
    /// The losses.
    Forward,
    /// The gradients.
    Backward,
    /// What is measured: gradients, shadow rules, affinities.
    Measure,
    /// The optimizer's update.
    Update,
    /// All else: the weighting rule, events, guards.
    Other,
}

const N_PHASES: usize = Phase::Other as usize + 1;

/// The phases of one step, in microseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stopwatch {
    read_us: u64,
    spent_us: [u64; N_PHASES],
}

impl Stopwatch {
    /// A step that begins now.
    pub(super) fn start(now_us: u64) -> Self {
        Self { read_us: now_us, spent_us: [0; N_PHASES] }
    }

    /// Counts the time since the last call for a phase.
    pub(super) fn lap(&mut self, phase: Phase, now_us: u64) {
        self.spent_us[phase as usize] += now_us.saturating_sub(self.read_us);
        self.read_us = now_us;
    }
}

/// The phases of the steps since the last report.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PhaseTimes {
    n_steps: u64,
    spent_us: [u64; N_PHASES],
}

impl PhaseTimes {
    /// Adds a step; returns the report if one is due after it.
    pub(super) fn step_done(
        &mut self,
        watch: Stopwatch,
        at_ms: u64,
        step: Step,
    ) -> Option<PhasesTimed> {
        self.n_steps += 1;
        for (sum, spent_us) in self.spent_us.iter_mut().zip(watch.spent_us) {
            *sum += spent_us;
        }
        if !is_due(step) {
            return None;
        }
        let Self { n_steps, spent_us } = std::mem::take(self);
        let mean = |phase: Phase| spent_us[phase as usize] / n_steps;
        Some(PhasesTimed {
            at_ms,
            step,
            draw_us: mean(Phase::Draw),
            forward_us: mean(Phase::Forward),
            backward_us: mean(Phase::Backward),
            measure_us: mean(Phase::Measure),
            update_us: mean(Phase::Update),
            step_us: spent_us.iter().sum::<u64>() / n_steps,
        })
    }
}

/// A few of the first steps too: a step of a large system takes seconds.
fn is_due(step: Step) -> bool {
    step.0.is_multiple_of(EVERY) || step.0 < EVERY && step.0.is_power_of_two()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_means_since_the_last_one_at_fixed_steps() {
        let mut times = PhaseTimes::default();
        let mut reports = Vec::new();
        for step in 1..=60 {
            let mut watch = Stopwatch::start(1_000);
            watch.lap(Phase::Draw, 1_000 + step);
            watch.lap(Phase::Forward, 1_100 + step);
            watch.lap(Phase::Other, 1_107 + step);
            watch.lap(Phase::Forward, 1_117 + step);
            reports.extend(times.step_done(watch, step, Step(step)));
        }
        let steps: Vec<u64> = reports.iter().map(|report| report.step.0).collect();
        assert_eq!(steps, [1, 2, 4, 8, 16, 20, 40, 60]);
        let last = reports.last().unwrap();
        // The mean of 41 to 60 is 50.5.
        assert_eq!((last.draw_us, last.forward_us, last.backward_us), (50, 110, 0));
        assert_eq!(last.step_us, 167);
    }
}
