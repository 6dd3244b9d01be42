//! Counters of a run: updates, results of its evaluations, consecutive steps without an update.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    protocol::{ObjectiveId, Step, event::Direction},
    recipe::Evaluate,
};

/// The number of consecutive steps with a non-finite loss or gradient that ends a run.
const MOST_NON_FINITE: u32 = 10;

/// The counters; see the module.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counters {
    /// The number of updates.
    pub step: Step,
    /// The last scheduled evaluation.
    pub last_evaluation: LastEvaluation,
    /// The best value so far of the metric that selects the best checkpoint, and its step.
    pub best: Option<BestSoFar>,
    /// Evaluations since then.
    pub evals_without_improvement: u64,
    /// The number of consecutive steps whose loss or gradient was non-finite.
    pub consecutive_non_finite: u32,
    /// The number of updates that counted as batches of the main objective's corpus, which no step drew any more.
    /// Absent in older checkpoints.
    #[serde(default)]
    pub steps_as_batches: u64,
    /// The stage of the last step.
    pub stage: Option<Stage>,
    /// The results of the evaluations of objectives with a patience or a best checkpoint of their
    /// own. Absent in older checkpoints.
    #[serde(default)]
    pub objectives: BTreeMap<ObjectiveId, ObjectiveCounters>,
}

/// The results of an objective's evaluations by its first metric.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ObjectiveCounters {
    /// The best value so far, and its step.
    pub best: Option<BestSoFar>,
    /// Evaluations since then at which it was trained.
    pub evals_without_improvement: u64,
}

impl ObjectiveCounters {
    /// Records a value of an evaluation after `step` updates; returns whether it is the best so far.
    /// An evaluation at which the objective was not trained does not count as one without an
    /// improvement.
    pub(super) fn evaluated(
        &mut self,
        value: f32,
        step: Step,
        direction: Direction,
        is_trained: bool,
    ) -> bool {
        let improves = self.best.is_none_or(|best| direction.is_better(value, best.value));
        if improves {
            *self = Self { best: Some(BestSoFar { value, step }), evals_without_improvement: 0 };
        } else {
            self.evals_without_improvement += u64::from(is_trained);
        }
        improves
    }
}

/// A stage of training: an epoch of a group where groups are trained in stages, otherwise one of the
/// main objective's corpus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// How many rounds of all groups, or epochs, are complete.
    pub round: u64,
    /// The name of the group.
    pub group: Option<String>,
}

/// The best value of a metric so far.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BestSoFar {
    /// The value.
    pub value: f32,
    /// The number of updates at that time.
    pub step: Step,
}

/// The last scheduled evaluation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastEvaluation {
    /// Complete epochs of the run at that time.
    pub epoch: u64,
    /// The number of updates at that time.
    pub step: Step,
}

impl Counters {
    /// Records the stage of the next step; returns whether it follows another one.
    pub(super) fn enters(&mut self, stage: Stage) -> bool {
        let is_another = self.stage.as_ref().is_some_and(|previous| *previous != stage);
        self.stage = Some(stage);
        is_another
    }

    /// Counts an update, and whether it counts as a batch of the main objective's corpus.
    pub(super) fn step_done(&mut self, as_batch: bool) {
        self.consecutive_non_finite = 0;
        self.steps_as_batches += u64::from(as_batch);
        self.step = self.step.next();
    }

    /// Whether there have been too many consecutive steps without an update.
    pub(super) fn has_diverged(&self) -> bool {
        self.consecutive_non_finite >= MOST_NON_FINITE
    }

    /// Whether an evaluation is due now, after that many complete epochs; records it as scheduled.
    pub(super) fn evaluation_is_due(&mut self, every: Evaluate, epoch: u64) -> bool {
        let due = match every {
            Evaluate::Epoch => epoch > self.last_evaluation.epoch,
            Evaluate::Every(steps) => {
                self.step.0.is_multiple_of(steps) && self.step > self.last_evaluation.step
            }
        };
        if due {
            self.last_evaluation = LastEvaluation { epoch, step: self.step };
        }
        due
    }

    /// Whether the last evaluation was of the current parameters.
    pub(super) fn is_evaluated(&self) -> bool {
        self.step > Step(0) && self.last_evaluation.step == self.step
    }

    /// Records a value of the metric that selects the best checkpoint; returns whether it is the
    /// best so far.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_without_the_later_counters_is_read() {
        let mut saved = serde_json::to_value(Counters::default()).unwrap();
        for counter in ["steps_as_batches", "objectives"] {
            saved.as_object_mut().unwrap().remove(counter).unwrap();
        }
        assert_eq!(serde_json::from_value::<Counters>(saved).unwrap(), Counters::default());
    }
}
