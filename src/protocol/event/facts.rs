//! What each kind of event says, a struct a kind.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::values::{Direction, Ended, Reason, Role, Setting, Split};
use crate::protocol::{By, CommandId, Counts, Loss, MetricId, ObjectiveId, Scene, Step};

/// An objective as the run starts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObjectiveStarted {
    /// Its name.
    pub name: ObjectiveId,
    /// Main or auxiliary.
    pub role: Role,
    /// Its kind, `tag` for example.
    pub kind: String,
    /// The corpora it reads, by name.
    pub corpus: Vec<String>,
    /// The gain of the recipe.
    pub gain: f32,
    /// Muted from the start?
    pub muted: bool,
    /// Its metrics in order of importance.
    pub metrics: Vec<MetricStarted>,
}

/// A metric that an objective will report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricStarted {
    /// Its name.
    pub name: MetricId,
    /// Which way is better.
    pub direction: Direction,
}

/// A corpus as the run starts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CorpusStarted {
    /// Its name.
    pub name: String,
    /// Its splits, by name.
    pub splits: BTreeMap<String, SplitSize>,
    /// Faulty examples that the recipe says to skip.
    pub skipped: u64,
}

/// How much there is in a split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitSize {
    /// Examples: sentences, texts, pairs.
    pub examples: u64,
    /// Tokens of the first field.
    pub tokens: u64,
}

/// See [`Event::RunStarted`](super::Event::RunStarted).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunStarted {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// Every objective, in the recipe's order.
    pub objectives: Vec<ObjectiveStarted>,
    /// Every corpus, in the recipe's order.
    pub corpora: Vec<CorpusStarted>,
    /// Number of trainable parameters.
    pub parameters: u64,
    /// Steps that the recipe asks for, if it ends by itself.
    pub steps: u64,
    /// Steps per epoch of the main objective's corpus.
    pub steps_per_epoch: u64,
    /// The metric that chooses the best checkpoint.
    pub best: BestMetric,
    /// How the first step chooses among the groups, as `train.sampling` is typed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampling: Option<String>,
    /// The rule that sets shares in the first step, as `train.weighting` is typed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weighting: Option<String>,
}

/// The metric that chooses the best checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BestMetric {
    /// Whose metric.
    pub objective: ObjectiveId,
    /// Which.
    pub metric: MetricId,
}

/// See [`Event::StepDone`](super::Event::StepDone).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepDone {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// Updates done, this one included.
    pub step: Step,
    /// Raw losses (sum / count) of what was computed.
    pub losses: BTreeMap<ObjectiveId, Loss>,
    /// Gain × share, as applied; 0 for what is not active. Under a rule that sees gradients it is that of the
    /// shared parameters, the gain alone that of the others, and what has no loss in this step is absent.
    pub weights: BTreeMap<ObjectiveId, f32>,
    /// The weighting's part of each weight.
    pub shares: BTreeMap<ObjectiveId, f32>,
    /// Examples drawn, by corpus.
    pub draws: BTreeMap<String, u64>,
    /// Global norm before clipping.
    pub gradient_norm: f32,
    /// The learning rate of this update.
    pub learning_rate: f32,
    /// Tokens in the drawn batches.
    pub tokens: u64,
    /// How long the step took.
    pub step_ms: u64,
    /// The temperature that its groups were chosen by, while a schedule moves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
}

/// See [`Event::GainSet`](super::Event::GainSet).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GainSet {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// Updates done when it was applied.
    pub step: Step,
    /// The first step computed with the new gain.
    pub from: Step,
    /// Whose fader.
    pub objective: ObjectiveId,
    /// The gain before.
    pub old: f32,
    /// The gain from now on.
    pub new: f32,
    /// Who moved it.
    pub by: By,
    /// The command this answers.
    pub command: Option<CommandId>,
    /// A schedule of the recipe moved this fader until now and no longer does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ended_schedule: bool,
    /// A fade: the gain goes evenly from `old` and is `new` after so many more updates. Without it,
    /// it is `new` at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<u64>,
    /// The order whose moves this takes back, or makes again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<CommandId>,
}

/// See [`Event::Muted`](super::Event::Muted).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Muted {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// Updates done when it was applied.
    pub step: Step,
    /// The first step computed so.
    pub from: Step,
    /// Whose strip.
    pub objective: ObjectiveId,
    /// Muted from now on?
    pub muted: bool,
    /// Who did it.
    pub by: By,
    /// The command this answers.
    pub command: Option<CommandId>,
    /// The order whose moves this takes back, or makes again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<CommandId>,
}

/// See [`Event::Soloed`](super::Event::Soloed).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Soloed {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// Updates done when it was applied.
    pub step: Step,
    /// The first step computed so.
    pub from: Step,
    /// Whose strip.
    pub objective: ObjectiveId,
    /// Soloed from now on?
    pub soloed: bool,
    /// Who did it.
    pub by: By,
    /// The command this answers.
    pub command: Option<CommandId>,
    /// The order whose moves this takes back, or makes again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<CommandId>,
}

/// See [`Event::SettingSet`](super::Event::SettingSet).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SettingSet {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// Updates done when it was applied.
    pub step: Step,
    /// The first step computed so.
    pub from: Step,
    /// The setting as `--set` names it.
    pub path: String,
    /// The value before.
    pub old: Setting,
    /// The value from now on.
    pub new: Setting,
    /// Who changed it.
    pub by: By,
    /// The command this answers.
    pub command: Option<CommandId>,
    /// The order whose moves this takes back, or makes again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<CommandId>,
}

/// See [`Event::SceneStored`](super::Event::SceneStored).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SceneStored {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// Updates done.
    pub step: Step,
    /// Where it is kept.
    pub scene: Scene,
    /// Every strip as it was.
    pub strips: BTreeMap<ObjectiveId, StripSetting>,
    /// Who kept it.
    pub by: By,
    /// The command this answers.
    pub command: Option<CommandId>,
}

/// What a hand can set on a strip.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StripSetting {
    /// The fader.
    pub gain: f32,
    /// Muted?
    pub muted: bool,
    /// Soloed?
    pub soloed: bool,
}

/// See [`Event::CommandRefused`](super::Event::CommandRefused).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CommandRefused {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// Updates done.
    pub step: Step,
    /// The command this answers.
    pub command: Option<CommandId>,
    /// What stood against it, and what would do.
    pub why: String,
}

/// See [`Event::Paused`](super::Event::Paused).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Paused {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// Updates done.
    pub step: Step,
    /// Who did it.
    pub by: By,
    /// The command this answers.
    pub command: Option<CommandId>,
}

/// See [`Event::Resumed`](super::Event::Resumed).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resumed {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// Updates done.
    pub step: Step,
    /// Who did it.
    pub by: By,
    /// The command this answers.
    pub command: Option<CommandId>,
}

/// See [`Event::Evaluated`](super::Event::Evaluated).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluated {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// Updates done.
    pub step: Step,
    /// The split that was scored.
    pub split: Split,
    /// Whose scores.
    pub objective: ObjectiveId,
    /// Σ sum / Σ count over the split; `None` if nothing in it had a label.
    pub loss: Option<Loss>,
    /// The scores, proportions in percent.
    pub metrics: BTreeMap<MetricId, f32>,
    /// Asked for by hand: counts neither for best nor for patience.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub extra: bool,
    /// How long the pass over the split took, all objectives together.
    pub took_ms: u64,
    /// The command this answers; the objectives of one evaluation share it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<CommandId>,
}

/// See [`Event::ClassesScored`](super::Event::ClassesScored). Told after the `evaluated` of an objective whose
/// scores are of classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassesScored {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// Updates done.
    pub step: Step,
    /// The split that was scored.
    pub split: Split,
    /// Whose classes.
    pub objective: ObjectiveId,
    /// The classes of gold and predictions, the most frequent in gold first. Of very many the rest are summed
    /// into one, which stands last.
    pub classes: Vec<ClassCounts>,
    /// How many items of a gold class (row) were taken for a class (column), in the order of the classes;
    /// absent where items are not one class each, as spans are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confusion: Option<Vec<Vec<u64>>>,
}

/// A class on a split. Precision, recall and F1 are read off its counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassCounts {
    /// Its name.
    pub name: String,
    /// Items of it in the gold standard.
    pub gold: u64,
    /// Items that were predicted to be of it.
    pub predicted: u64,
    /// Items that are and were.
    pub correct: u64,
    /// How many classes are summed here; absent for one class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summed: Option<u64>,
}

impl ClassCounts {
    /// Its name, or how many classes there are where it is a sum.
    pub fn called(&self) -> String {
        match self.summed {
            Some(1) => "1 other".to_owned(),
            Some(n) => format!("{n} others"),
            None => self.name.clone(),
        }
    }
}

impl ClassCounts {
    /// The counts alone.
    pub fn counts(&self) -> Counts {
        Counts { gold: self.gold, predicted: self.predicted, correct: self.correct }
    }
}

/// See [`Event::GradientsMeasured`](super::Event::GradientsMeasured).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GradientsMeasured {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// The step whose batch was measured.
    pub step: Step,
    /// Norm of each objective's weighted gradient on the shared encoders.
    pub norms: BTreeMap<ObjectiveId, f32>,
    /// Its part of the mixed gradient g: its own gradient's product with g, over that of g with
    /// itself. These sum to 1.
    pub gradient_shares: BTreeMap<ObjectiveId, f32>,
    /// Cosine of each pair, by the first name of the pair in alphabetical order.
    pub cosines: BTreeMap<ObjectiveId, BTreeMap<ObjectiveId, f32>>,
}

/// See [`Event::CheckpointSaved`](super::Event::CheckpointSaved).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckpointSaved {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// Updates done.
    pub step: Step,
    /// `best`, `last` or `step-N`.
    pub name: String,
    /// The command this answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<CommandId>,
}

/// See [`Event::NonFiniteLoss`](super::Event::NonFiniteLoss).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NonFiniteLoss {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// The step that had no update.
    pub step: Step,
    /// Whose loss; `None` when the losses were finite and the gradient was not.
    pub objective: Option<ObjectiveId>,
}

/// See [`Event::Noted`](super::Event::Noted).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Noted {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// Updates done.
    pub step: Step,
    /// The note.
    pub text: String,
    /// Who wrote it.
    pub by: By,
    /// The command this answers.
    pub command: Option<CommandId>,
}

/// See [`Event::Continued`](super::Event::Continued).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Continued {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// The step it goes on from; 0 if no checkpoint had been saved.
    pub step: Step,
    /// Steps that the run will do in all, if nothing ends it before.
    pub steps: u64,
    /// What the journal has beyond that step and no longer counts.
    pub left_behind: LeftBehind,
    /// The version of auxdesk that goes on.
    pub auxdesk: String,
    /// Threads that train from now on.
    pub threads: usize,
    /// `cpu`, `cuda:0`, `metal`.
    pub device: String,
    /// The family of kernels from now on; another one than before changes bits.
    pub kernel: String,
}

/// What a run that goes on leaves behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftBehind {
    /// Updates that are done again.
    pub steps: u64,
    /// Moves by hand.
    pub moves: u64,
}

/// See [`Event::Rewound`](super::Event::Rewound).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rewound {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// The last step that still counts.
    pub to: Step,
}

/// See [`Event::ScreenMissed`](super::Event::ScreenMissed).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScreenMissed {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// Events missed so far, in all.
    pub total: u64,
}

/// See [`Event::RunEnded`](super::Event::RunEnded).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunEnded {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// Updates done.
    pub step: Step,
    /// How.
    pub ended: Ended,
    /// Why.
    pub reason: Reason,
    /// More for people: the panic's text, the disk's answer.
    pub message: Option<String>,
}
