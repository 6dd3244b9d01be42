//! The state of the rules that follow progress, which checkpoints have. A rule that is set anew begins without.

use serde::{Deserialize, Serialize};

use super::{
    DevScore, Rule, Sampling, TrackedScore, bandit::BanditMemory, interference::InterferenceMemory,
    stop_and_go::StopAndGoMemory,
};
use crate::protocol::Step;

/// The memory of the rule in force; see the module.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SamplingMemory {
    /// The step after which turns are counted.
    pub(super) since: Step,
    #[serde(default)]
    pub(super) stop_and_go: StopAndGoMemory,
    #[serde(default)]
    pub(super) bandit: BanditMemory,
    #[serde(default)]
    pub(super) interference: InterferenceMemory,
}

impl SamplingMemory {
    /// The memory of a rule that is in force from the step after `since` on.
    pub fn new(since: Step) -> Self {
        Self { since, ..Self::default() }
    }

    /// The number of turns before this step, if every `measured_every`-th step is none (with 0 all are).
    pub(super) fn turn(&self, step: Step, measured_every: u64) -> u64 {
        let turns = |steps: u64| steps - steps.checked_div(measured_every).unwrap_or(0);
        turns(step.0.max(self.since.0)) - turns(self.since.0)
    }

    /// Records a scheduled evaluation after `step` updates, with these active groups.
    pub fn evaluated(
        &mut self,
        sampling: &Sampling,
        step: Step,
        (seed, groups): (u64, &[&str]),
        scores: &[DevScore],
        tracked: Option<TrackedScore>,
    ) {
        match (&*sampling.at(step), tracked) {
            (Rule::StopAndGo(rule), _) => self.stop_and_go.evaluated(*rule, scores),
            (Rule::Bandit(rule), Some(TrackedScore { value, direction })) => {
                self.bandit.evaluated(*rule, (seed, groups), value, direction);
            }
            _ => {}
        }
    }

    /// Records the cosine of the gradients of two groups at a measured step.
    pub fn measured(&mut self, a: &str, b: &str, cosine: f64) {
        self.interference.measured(a, b, cosine);
    }
}
