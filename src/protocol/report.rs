//! What leaves the program of a folded run: `state.json`, and `replay --headless --json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    MetricId, ObjectiveId, Step,
    event::{Ended, Reason, Role},
};

/// A run as its events tell it, up to the last one read.
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
    /// `None`: still going, or cut off.
    pub ended: Option<Ended>,
    /// Why, if it ended.
    pub reason: Option<Reason>,
    /// Every objective, in the recipe's order.
    pub objectives: Vec<ObjectiveReport>,
    /// How a step chooses among the groups now, as `train.sampling` is typed.
    #[serde(default)]
    pub sampling: Option<String>,
    /// The weighting rule now, as `train.weighting` is typed.
    #[serde(default)]
    pub weighting: Option<String>,
    /// Every corpus, in the recipe's order.
    #[serde(default)]
    pub corpora: Vec<CorpusReport>,
    /// Moves made by hand.
    pub interventions: u64,
    /// Things worth a look, oldest first.
    pub alerts: Vec<Alert>,
    /// Events that the screen missed; the journal has them.
    pub missed: u64,
}

/// One objective as its events tell it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObjectiveReport {
    /// Its name.
    pub name: ObjectiveId,
    /// Main or auxiliary.
    pub role: Role,
    /// Its kind.
    pub kind: String,
    /// The raw loss of the last step that computed it.
    pub loss: Option<f32>,
    /// The same, exponentially smoothed without bias.
    pub loss_smoothed: Option<f32>,
    /// The human's part of the weight.
    pub gain: f32,
    /// The weighting's part.
    pub share: f32,
    /// What was applied last; 0 while it does not sound.
    pub weight: f32,
    /// Muted now?
    pub muted: bool,
    /// Soloed now?
    pub soloed: bool,
    /// The last scores, by split.
    pub metrics: BTreeMap<String, ScoreReport>,
    /// The best dev value of its first metric.
    pub best: Option<BestScore>,
}

/// One corpus as the steps have used it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CorpusReport {
    /// Its name.
    pub name: String,
    /// Examples of its training split.
    pub examples: u64,
    /// Examples drawn so far.
    pub drawn: u64,
    /// Passes over its training split, with the begun one as a fraction.
    pub epochs: Option<f32>,
    /// Its part of all examples drawn; `None` before the first.
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

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// A loss was not a number.
    NonFiniteLoss,
    /// The losses were finite and the gradient was not.
    NonFiniteGradient,
}
