//! What the rules that follow progress remember. A run keeps it in its checkpoints; a rule that is set anew begins without.

use serde::{Deserialize, Serialize};

use super::{
    DevScore, Rule, Sampling, TrackedScore, bandit::BanditMemory, interference::InterferenceMemory,
    stop_and_go::StopAndGoMemory,
};
use crate::protocol::Step;

/// The memory of the rule in force; see the module.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SamplingMemory {
    /// The updates before the last change of what is drawn: turns are counted from there.
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

    /// The number of steps before this one in the present order of turns.
    pub(super) fn turn(&self, step: Step) -> u64 {
        step.0.saturating_sub(self.since.0)
    }

    /// Records a scheduled evaluation after `step` updates, and the companion of the bandit until then.
    pub fn evaluated(
        &mut self,
        sampling: &Sampling,
        step: Step,
        scores: &[DevScore],
        tracked: Option<TrackedScore>,
        companion: Option<&str>,
    ) {
        match *sampling.at(step) {
            Rule::StopAndGo(rule) => self.stop_and_go.evaluated(rule, scores),
            Rule::Bandit(rule) => {
                if let (Some(tracked), Some(companion)) = (tracked, companion) {
                    let TrackedScore { value, direction } = tracked;
                    self.bandit.evaluated(rule, companion, value, direction);
                }
            }
            _ => {}
        }
    }

    /// Records the cosine of the gradients of two groups at a measured step.
    pub fn measured(&mut self, a: &str, b: &str, cosine: f64) {
        self.interference.measured(a, b, cosine);
    }

    /// Turns are counted from the step after `since` on.
    pub fn begin_turns(&mut self, since: Step) {
        self.since = since;
    }
}
