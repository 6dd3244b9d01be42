//! The fields of every kind of event, one struct per kind.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    coverage::{VectorCoverage, WarmStarted},
    irregularity::Irregularity,
    micros_as_ms,
    values::{Direction, Ended, GuardKind, Reason, Role, Setting, Split},
};
use crate::protocol::{By, CommandId, Counts, Loss, MetricId, ObjectiveId, Scene, Step};

/// An objective at the start of a run.
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
    /// The gain in the recipe.
    pub gain: f32,
    /// Whether it starts muted.
    pub muted: bool,
    /// Its metrics in order of importance.
    pub metrics: Vec<MetricStarted>,
    /// After how many evaluations on dev without an improvement it is finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience: Option<u64>,
}

/// A metric that an objective will report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricStarted {
    /// Its name.
    pub name: MetricId,
    /// Its abbreviation, where the name has more than six characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short: Option<MetricId>,
    /// Whether higher or lower is better.
    pub direction: Direction,
}

impl MetricStarted {
    /// The name for a narrow column.
    pub fn short(&self) -> &str {
        self.short.as_ref().unwrap_or(&self.name).as_str()
    }
}

/// A corpus at the start of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CorpusStarted {
    /// Its name.
    pub name: String,
    /// Its splits, by name.
    pub splits: BTreeMap<String, SplitSize>,
    /// Faulty examples that were skipped, as the recipe allows.
    pub skipped: u64,
    /// Lines that were not used as they stand, by split and treatment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub irregularities: Vec<Irregularity>,
}

/// The size of a split.
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
    /// The length of the run in steps.
    pub steps: u64,
    /// Steps per epoch of the main objective's corpus.
    pub steps_per_epoch: u64,
    /// The metric that selects the best checkpoint.
    pub best: BestMetric,
    /// Live settings at the first step, by `--set` path, in the notation of the desk; a schedule in words. Gains and
    /// mutes are with their objectives.
    #[serde(default)]
    pub settings: BTreeMap<String, Setting>,
    /// The coverage of corpora by pretrained word vectors, if an encoder reads any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vectors: Vec<VectorCoverage>,
    /// The encoders that start from the checkpoint of another run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warm_starts: Vec<WarmStarted>,
    /// What is probably not meant in the recipe and its corpora.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// The metric that selects the best checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BestMetric {
    /// The objective that it belongs to.
    pub objective: ObjectiveId,
    /// Its name.
    pub metric: MetricId,
}

/// See [`Event::StepDone`](super::Event::StepDone).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepDone {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// Updates done, this one included.
    pub step: Step,
    /// Raw losses (sum / count) of the objectives that were computed.
    pub losses: BTreeMap<ObjectiveId, Loss>,
    /// Gain × share, as applied; 0 for inactive objectives. Under a rule that uses gradients it
    /// applies to the shared parameters and the gain alone to the others, and an objective without
    /// a loss in this step is absent.
    pub weights: BTreeMap<ObjectiveId, f32>,
    /// The share that the weighting rule sets.
    pub shares: BTreeMap<ObjectiveId, f32>,
    /// Examples drawn, by corpus.
    pub draws: BTreeMap<String, u64>,
    /// The gradient's global norm before clipping.
    pub gradient_norm: f32,
    /// The learning rate of this update.
    pub learning_rate: f32,
    /// Tokens in the drawn batches.
    pub tokens: u64,
    /// The duration of the step.
    pub step_ms: u64,
    /// The sampling temperature of this step, while a schedule changes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    /// Epochs of the run, this step included, once steps have counted as batches of the main objective's corpus
    /// (see [`LengthChanged`]); until then the draws determine them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epochs: Option<f32>,
}

/// See [`Event::LengthChanged`](super::Event::LengthChanged).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LengthChanged {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// Updates done.
    pub step: Step,
    /// The length of the run in steps, as expected from here on.
    pub steps: u64,
    /// Steps per epoch from here on.
    pub steps_per_epoch: u64,
    /// Whether each step counts as a batch of the main objective's corpus, as none draws it any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub counts_steps: bool,
}

/// See [`Event::SamplingAdapted`](super::Event::SamplingAdapted).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SamplingAdapted {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// Updates done.
    pub step: Step,
    /// The first step with the new rates.
    pub from: Step,
    /// The fraction of the steps that drew each group with an active objective.
    pub old: BTreeMap<String, f32>,
    /// The same from now on.
    pub new: BTreeMap<String, f32>,
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
    /// The objective.
    pub objective: ObjectiveId,
    /// The old gain.
    pub old: f32,
    /// The new gain.
    pub new: f32,
    /// Who set it.
    pub by: By,
    /// The command that this answers.
    pub command: Option<CommandId>,
    /// Whether it ended a schedule of the recipe for this gain.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ended_schedule: bool,
    /// The length of a fade, in updates: the gain changes linearly from `old` to `new`. Without it,
    /// the change is immediate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<u64>,
    /// The command whose changes this undid or redid.
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
    /// The first step computed with it.
    pub from: Step,
    /// The objective.
    pub objective: ObjectiveId,
    /// Whether it is muted from now on.
    pub muted: bool,
    /// Who did it.
    pub by: By,
    /// The command that this answers.
    pub command: Option<CommandId>,
    /// The command whose changes this undid or redid.
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
    /// The first step computed with it.
    pub from: Step,
    /// The objective.
    pub objective: ObjectiveId,
    /// Whether it is soloed from now on.
    pub soloed: bool,
    /// Who did it.
    pub by: By,
    /// The command that this answers.
    pub command: Option<CommandId>,
    /// The command whose changes this undid or redid.
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
    /// The first step computed with it.
    pub from: Step,
    /// The path of the setting, as for `--set`.
    pub path: String,
    /// The old value.
    pub old: Setting,
    /// The new value.
    pub new: Setting,
    /// Who changed it.
    pub by: By,
    /// The command that this answers.
    pub command: Option<CommandId>,
    /// The command whose changes this undid or redid.
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
    /// The scene.
    pub scene: Scene,
    /// Every strip as saved.
    pub strips: BTreeMap<ObjectiveId, StripSetting>,
    /// Who saved it.
    pub by: By,
    /// The command that this answers.
    pub command: Option<CommandId>,
}

/// The state of a strip in a scene.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StripSetting {
    /// The gain.
    pub gain: f32,
    /// Whether it is muted.
    pub muted: bool,
    /// Whether it is soloed.
    pub soloed: bool,
}

/// See [`Event::CommandRefused`](super::Event::CommandRefused).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CommandRefused {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// Updates done.
    pub step: Step,
    /// The command that this answers.
    pub command: Option<CommandId>,
    /// Why it was refused, and what to do.
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
    /// The command that this answers.
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
    /// The command that this answers.
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
    /// The objective.
    pub objective: ObjectiveId,
    /// Σ sum / Σ count over the split; `None` if nothing in it had a label.
    pub loss: Option<Loss>,
    /// The scores, proportions in percent.
    pub metrics: BTreeMap<MetricId, f32>,
    /// A manual evaluation, which counts neither for the best checkpoint nor for early stopping.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub extra: bool,
    /// The duration of the evaluation of this split, for all objectives together.
    pub took_ms: u64,
    /// The command that this answers; all objectives of one evaluation have the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<CommandId>,
}

/// See [`Event::ClassesScored`](super::Event::ClassesScored). Follows the `evaluated` of an
/// objective whose scores are of classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassesScored {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// Updates done.
    pub step: Step,
    /// The split that was scored.
    pub split: Split,
    /// The objective.
    pub objective: ObjectiveId,
    /// The classes of gold and predictions, the most frequent in gold first. If there are very
    /// many, the rest are summed into one, which is last.
    pub classes: Vec<ClassCounts>,
    /// Counts by gold class (row) and predicted class (column), in the order of the classes; absent
    /// where an item may have several classes. Where items are found or not, as spans are, a row and
    /// a column more, the last, are for no item: predictions where gold has none, and missed items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confusion: Option<Vec<Vec<u64>>>,
}

/// The counts of a class on a split, from which precision, recall and F1 follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassCounts {
    /// Its name.
    pub name: String,
    /// Items of this class in gold.
    pub gold: u64,
    /// Items predicted as this class.
    pub predicted: u64,
    /// Items of this class in both.
    pub correct: u64,
    /// The number of classes summed here; absent for a single class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summed: Option<u64>,
}

impl ClassCounts {
    /// Its name, or the number of classes if it is a sum.
    pub fn display_name(&self) -> String {
        match self.summed {
            Some(1) => "1 other".to_owned(),
            Some(n) => format!("{n} others"),
            None => self.name.clone(),
        }
    }
}

impl ClassCounts {
    /// Only the counts.
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
    /// The norm of each objective's weighted gradient in this step, whether it is applied or accumulated, with respect to
    /// the encoders; under a rule of the gradients, to those of their parameters that at least two objectives reach.
    pub norms: BTreeMap<ObjectiveId, f32>,
    /// Each objective's share of the mixed gradient g: the inner product of its weighted gradient
    /// with g, divided by that of g with itself. The shares sum to 1.
    pub gradient_shares: BTreeMap<ObjectiveId, f32>,
    /// The cosine of each pair.
    pub cosines: Cosines,
    /// The same for each layer of the encoders, in the order of their creation; absent unless at least two have cosines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<LayerCosines>,
    /// The cosine of the main objective's gradient with that of each other objective in the step before, over the same
    /// parameters: above 0, to first order, a small step along that gradient lowers the main loss of this batch (after Lin
    /// et al. 2019). Absent unless the rule is one of the gradients.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lagged_cosines: BTreeMap<ObjectiveId, f32>,
}

/// The cosine of each pair of gradients, keyed by the pair's alphabetically first name, then the second.
pub type Cosines = BTreeMap<ObjectiveId, BTreeMap<ObjectiveId, f32>>;

/// The cosines of the gradients with respect to one layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerCosines {
    /// `ENCODER.NUMBER`, or `ENCODER` for one without numbered layers.
    pub layer: String,
    /// The cosine of each pair.
    pub cosines: Cosines,
}

/// See [`Event::AffinitiesMeasured`](super::Event::AffinitiesMeasured).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AffinitiesMeasured {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// The step on whose batches they were measured, after its update.
    pub step: Step,
    /// By the objective that a step was made for, then by the one whose loss was computed again: the part of that loss
    /// that the step took away, negative where it was added.
    pub affinities: BTreeMap<ObjectiveId, BTreeMap<ObjectiveId, f32>>,
    /// The time that this took, in microseconds.
    pub took_us: u64,
}

/// See [`Event::ShadowShares`](super::Event::ShadowShares). Follows the `gradients` of its step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShadowShares {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// The step whose losses and gradients the rules were given.
    pub step: Step,
    /// The shares that each rule would set, by its notation; of the active objectives that have one.
    pub shares: BTreeMap<String, BTreeMap<ObjectiveId, f32>>,
    /// The time of the rules and of the additional backward pass, in microseconds; without the forward pass that a rule
    /// may need after the update.
    pub took_us: u64,
}

/// See [`Event::PhasesTimed`](super::Event::PhasesTimed). Each value is the mean of the steps since the last such event,
/// in microseconds; in a journal in milliseconds with three decimals, so that two journals are equal without their `*_ms`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhasesTimed {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// Updates done.
    pub step: Step,
    /// Drawing and packing the batches.
    #[serde(rename = "draw_ms", with = "micros_as_ms")]
    pub draw_us: u64,
    /// The forward pass.
    #[serde(rename = "forward_ms", with = "micros_as_ms")]
    pub forward_us: u64,
    /// The backward pass.
    #[serde(rename = "backward_ms", with = "micros_as_ms")]
    pub backward_us: u64,
    /// Measured gradients, shadow rules and affinities.
    #[serde(rename = "measure_ms", with = "micros_as_ms")]
    pub measure_us: u64,
    /// The optimizer's update.
    #[serde(rename = "update_ms", with = "micros_as_ms")]
    pub update_us: u64,
    /// The whole step; the remainder is that of the weighting rule, guards and events.
    #[serde(rename = "step_ms", with = "micros_as_ms")]
    pub step_us: u64,
}

impl PhasesTimed {
    /// The phases of a step, and the remainder.
    pub const NAMES: [&str; 6] = ["draw", "forward", "backward", "measure", "update", "other"];

    /// The time of each phase in microseconds, in the order of the names.
    pub fn phases(&self) -> [u64; Self::NAMES.len()] {
        let known =
            [self.draw_us, self.forward_us, self.backward_us, self.measure_us, self.update_us];
        let all = known.iter().copied().fold(0, u64::saturating_add);
        let [draw, forward, backward, measure, update] = known;
        [draw, forward, backward, measure, update, self.step_us.saturating_sub(all)]
    }
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
    /// The step of the last scheduled evaluation; 0 before the first. `last` may be saved before and after the
    /// evaluation of one step.
    #[serde(default)]
    pub last_evaluation: Step,
    /// The step of the best checkpoint so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<Step>,
    /// The command that this answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<CommandId>,
}

/// See [`Event::NonFiniteLoss`](super::Event::NonFiniteLoss).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NonFiniteLoss {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// The step whose update was skipped.
    pub step: Step,
    /// The objective; `None` when the losses were finite and the gradient was not.
    pub objective: Option<ObjectiveId>,
}

/// See [`Event::GuardTripped`](super::Event::GuardTripped).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GuardTripped {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// Updates done.
    pub step: Step,
    /// The objective.
    pub objective: ObjectiveId,
    /// Which limit.
    pub guard: GuardKind,
    /// The value that reached it.
    pub value: f32,
    /// The limit.
    pub limit: f32,
    /// Whether the objective is muted from the next step on; not if nothing would be trained.
    pub muted: bool,
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
    /// The command that this answers.
    pub command: Option<CommandId>,
}

/// See [`Event::Continued`](super::Event::Continued).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Continued {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// The step it was continued from; 0 if no checkpoint had been saved.
    pub step: Step,
    /// The total length of the run in steps.
    pub steps: u64,
    /// The part of the journal beyond that step, which no longer counts.
    pub left_behind: LeftBehind,
    /// The version of auxdesk that continues it.
    pub auxdesk: String,
    /// The number of threads from now on.
    pub threads: usize,
    /// `cpu`, `cuda:0`, `metal`.
    pub device: String,
    /// The name of the kernels from now on; other kernels than before may change results in the
    /// last bits.
    pub kernel: String,
}

/// The part of a journal beyond the checkpoint that a run is continued from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftBehind {
    /// Updates that are repeated.
    pub steps: u64,
    /// Manual changes.
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
    /// The total number of events missed so far.
    pub total: u64,
}

/// See [`Event::RunEnded`](super::Event::RunEnded).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunEnded {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// Updates done.
    pub step: Step,
    /// Whether it finished, was stopped or failed.
    pub ended: Ended,
    /// The reason.
    pub reason: Reason,
    /// Details: the panic's message, the operating system's error.
    pub message: Option<String>,
}
