//! Where the time of a run goes: the phases of its steps, its evaluations, and its throughput over
//! the steps. From the times in events, as all else.

use super::{Pace, Trace};
use crate::protocol::{
    CommandId, Step,
    event::{Evaluated, PhasesTimed, Split},
};

/// See the module documentation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timing {
    /// The last times of the phases of a step.
    pub last: Option<PhasesTimed>,
    /// Each phase over the steps, in microseconds, in the order of [`PhasesTimed::phases`].
    pub phases: [Trace; PhasesTimed::NAMES.len()],
    /// Smoothed steps per second over the steps.
    pub steps_per_second: Trace,
    /// Smoothed tokens per second over the steps.
    pub tokens_per_second: Trace,
    /// The duration of each evaluation of a split, in milliseconds.
    pub evaluations: Trace,
    /// The time of all steps, in milliseconds.
    pub steps_ms: u64,
    /// The time of all evaluations, in milliseconds.
    pub evaluations_ms: u64,
    /// The evaluation whose duration was counted last; each objective reports the same one.
    counted: Option<(Step, Split, Option<CommandId>)>,
}

impl Timing {
    /// The part of the time that evaluations have taken; `None` while nothing is known.
    pub fn evaluated_fraction(&self) -> Option<f32> {
        let all = self.steps_ms.saturating_add(self.evaluations_ms);
        (all > 0).then(|| self.evaluations_ms as f32 / all as f32)
    }

    pub(super) fn step_done(&mut self, step: Step, step_ms: u64, pace: Pace) {
        self.steps_ms = self.steps_ms.saturating_add(step_ms);
        if let Some(step_ms) = pace.step_ms().filter(|ms| *ms > 0.0) {
            self.steps_per_second.push(step, 1000.0 / step_ms);
        }
        if let Some(tokens) = pace.tokens_per_second() {
            self.tokens_per_second.push(step, tokens);
        }
    }

    pub(super) fn phases_timed(&mut self, event: &PhasesTimed) {
        for (trace, spent_us) in self.phases.iter_mut().zip(event.phases()) {
            trace.push(event.step, spent_us as f32);
        }
        self.last = Some(event.clone());
    }

    pub(super) fn evaluated(&mut self, event: &Evaluated) {
        let evaluation = Some((event.step, event.split, event.command));
        if self.counted != evaluation {
            self.counted = evaluation;
            self.evaluations.push(event.step, event.took_ms as f32);
            self.evaluations_ms = self.evaluations_ms.saturating_add(event.took_ms);
        }
    }

    /// The time that was spent on later steps was spent all the same.
    pub(super) fn rewind(&mut self, to: Step) {
        self.last.take_if(|last| last.step > to);
        self.counted.take_if(|(step, ..)| *step > to);
        let traces =
            [&mut self.steps_per_second, &mut self.tokens_per_second, &mut self.evaluations];
        self.phases.iter_mut().chain(traces).for_each(|trace| trace.rewind(to));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{arbitrary, state::Run};

    fn timed(step: u64) -> PhasesTimed {
        PhasesTimed {
            at_ms: step * 10,
            step: Step(step),
            draw_us: 100,
            forward_us: 3_000,
            backward_us: 5_000,
            measure_us: 0,
            update_us: 1_000,
            step_us: 9_500,
        }
    }

    #[test]
    fn what_the_phases_leave_is_other_and_each_evaluation_counts_once() {
        let mut run = Run::new(None);
        run.apply(&arbitrary::run_started().into());
        for step in 1..=20 {
            run.apply(&arbitrary::step_done(step, "chunk", 1.0).into());
        }
        run.apply(&timed(20).into());
        for split in [Split::Dev, Split::Test] {
            for objective in ["chunk", "pos"] {
                let scored = arbitrary::evaluated(20, split, objective, "f1", 1.0);
                run.apply(&Evaluated { took_ms: 25, ..scored }.into());
            }
        }
        let timing = &run.timing;
        assert_eq!(timing.last.as_ref().unwrap().phases(), [100, 3_000, 5_000, 0, 1_000, 400]);
        assert_eq!(timing.phases[2].last(), Some(5_000.0));
        assert_eq!((timing.steps_ms, timing.evaluations_ms), (200, 50));
        assert_eq!(timing.evaluated_fraction(), Some(0.2));
        assert_eq!(timing.steps_per_second.last(), Some(100.0));
        assert_eq!(timing.tokens_per_second.last(), Some(10_000.0));
    }

    #[test]
    fn rewinding_removes_what_is_known_of_later_steps() {
        let mut timing = Timing::default();
        timing.phases_timed(&timed(20));
        timing.phases_timed(&timed(40));
        timing.rewind(Step(30));
        assert_eq!((timing.last.is_none(), timing.phases[0].count()), (true, 1));
    }
}
