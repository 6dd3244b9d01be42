//! The report of a run: `state.json`, and `replay --headless --json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    MetricId, ObjectiveId, Step,
    event::{Ended, Reason, Role},
};

/// The state of a run after the last event read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// `NAME-YYYYMMDD-HHMMSS`, made from the journal's header.
    pub run: String,
    /// The recipe's name.
    pub recipe: String,
    /// The run's seed.
    pub seed: u64,
    /// Updates done.
    pub step: Step,
    /// `None` if it still runs, or if its journal was cut off.
    pub ended: Option<Ended>,
    /// Why it ended, if it did.
    pub reason: Option<Reason>,
    /// Every objective, in the recipe's order.
    pub objectives: Vec<ObjectiveReport>,
    /// The sampling rule in force, in the notation of `train.sampling`.
    #[serde(default)]
    pub sampling: Option<String>,
    /// The weighting rule in force, in the notation of `train.weighting`.
    #[serde(default)]
    pub weighting: Option<String>,
    /// Every corpus, in the recipe's order.
    #[serde(default)]
    pub corpora: Vec<CorpusReport>,
    /// The number of manual changes.
    pub interventions: u64,
    /// Non-finite losses and gradients, oldest first.
    pub alerts: Vec<Alert>,
    /// Events that the screen missed; the journal has them.
    pub missed: u64,
}

/// The state of one objective.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObjectiveReport {
    /// Its name.
    pub name: ObjectiveId,
    /// Main or auxiliary.
    pub role: Role,
    /// Its kind.
    pub kind: String,
    /// The raw loss at the last step that computed it.
    pub loss: Option<f32>,
    /// Its bias-corrected exponential moving average.
    pub loss_smoothed: Option<f32>,
    /// The gain that the user sets.
    pub gain: f32,
    /// The share that the weighting rule sets.
    pub share: f32,
    /// Gain × share at the last step; 0 while inactive.
    pub weight: f32,
    /// Whether it is muted.
    pub muted: bool,
    /// Whether it is soloed.
    pub soloed: bool,
    /// Whether it is finished: no longer trained, its own parameters frozen.
    #[serde(default)]
    pub finished: bool,
    /// The latest scores, by split.
    pub metrics: BTreeMap<String, ScoreReport>,
    /// The best dev value of its first metric.
    pub best: Option<BestScore>,
}

/// Usage of one corpus.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CorpusReport {
    /// Its name.
    pub name: String,
    /// Examples of its training split.
    pub examples: u64,
    /// Examples drawn so far.
    pub drawn: u64,
    /// Epochs of its training split, with the current one as a fraction.
    pub epochs: Option<f32>,
    /// Its fraction of all examples drawn; `None` before the first.
    pub drawn_fraction: Option<f32>,
    /// Milliseconds of the steps that were spent on it.
    pub spent_ms: u64,
}

/// The scores of one evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoreReport {
    /// When.
    pub step: Step,
    /// Σ sum / Σ count, if anything had a label.
    pub loss: Option<f32>,
    /// Proportions in percent, the rest in its own unit.
    pub metrics: BTreeMap<MetricId, f32>,
}

/// The best value of a metric, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BestScore {
    /// Which metric.
    pub metric: MetricId,
    /// Its value.
    pub value: f32,
    /// The step it was measured after.
    pub step: Step,
}

/// Something worth a look.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// When.
    pub step: Step,
    /// Whose, if it is one objective's.
    pub objective: Option<ObjectiveId>,
    /// What.
    pub kind: AlertKind,
}

/// The kind of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// A loss was non-finite.
    NonFiniteLoss,
    /// The losses were finite and the gradient was not.
    NonFiniteGradient,
    /// Non-finite losses in a row reached the limit of the objective's guard.
    RepeatedNonFiniteLoss,
    /// A raw loss was far above the smoothed one.
    Spike,
    /// The smoothed loss had no new minimum for too long.
    Stall,
    /// The gradient was against the main objective's for too long.
    Conflict,
}
