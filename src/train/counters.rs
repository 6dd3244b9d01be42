//! How far a run has come: updates done, what its evaluations have found, steps in a row without an update.

use serde::{Deserialize, Serialize};

use crate::{
    data::stream::Position,
    protocol::{Step, event::Direction},
    recipe::Evaluate,
};

/// Steps in a row with a non-finite loss or gradient that end a run.
const MOST_NON_FINITE: u32 = 10;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counters {
    /// Updates done.
    pub step: Step,
    /// Where the recipe last asked for an evaluation.
    pub last_evaluation: LastEvaluation,
    /// The best value so far of the metric that chooses, and when.
    pub best: Option<BestSoFar>,
    /// Evaluations since then.
    pub evals_without_improvement: u64,
    /// Steps in a row whose loss or gradient was non-finite.
    pub consecutive_non_finite: u32,
}

/// The best value of a metric so far.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BestSoFar {
    /// The value.
    pub value: f32,
    /// After how many updates.
    pub step: Step,
}

/// Where the recipe last asked for an evaluation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastEvaluation {
    /// Epochs that were done of the main objective's corpus.
    pub epoch: u64,
    /// Updates that were done.
    pub step: Step,
}

impl Counters {
    /// Counts an update.
    pub(super) fn step_done(&mut self) {
        self.consecutive_non_finite = 0;
        self.step = self.step.next();
    }

    /// Whether there have been too many steps in a row without an update.
    pub(super) fn has_diverged(&self) -> bool {
        self.consecutive_non_finite >= MOST_NON_FINITE
    }

    /// Whether the recipe asks for an evaluation now, the main objective's corpus being there; notes that
    /// it was asked for.
    pub(super) fn evaluation_is_due(&mut self, every: Evaluate, main: Position) -> bool {
        let due = match every {
            Evaluate::Epoch => main.epoch > self.last_evaluation.epoch,
            Evaluate::Every(steps) => {
                self.step.0.is_multiple_of(steps) && self.step > self.last_evaluation.step
            }
        };
        if due {
            self.last_evaluation = LastEvaluation { epoch: main.epoch, step: self.step };
        }
        due
    }

    /// Whether the last evaluation was of the parameters as they are now.
    pub(super) fn is_evaluated(&self) -> bool {
        self.step > Step(0) && self.last_evaluation.step == self.step
    }

    /// Takes in a value of the metric that chooses the best checkpoint; whether it is the best so far.
    pub(super) fn improves(&mut self, value: f32, direction: Direction) -> bool {
        let improves = self.best.is_none_or(|best| direction.is_better(value, best.value));
        if improves {
            self.best = Some(BestSoFar { value, step: self.step });
            self.evals_without_improvement = 0;
        } else {
            self.evals_without_improvement += 1;
        }
        improves
    }
}
