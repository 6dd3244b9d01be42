//! Facts about a run, in the past tense, with values as they are now.
//!
//! One event is one line of the journal: a JSON object whose first key is `kind`. Values are
//! absolute, never differences, so a reader that missed a line is right again after the next one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{By, CommandId, Loss, MetricId, ObjectiveId, Step};

/// The journal's first line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The format's version; this program writes and reads 1.
    pub version: u32,
    /// The version of auxdesk that wrote it.
    pub auxdesk: String,
    /// The recipe's name.
    pub name: String,
    /// The run's seed.
    pub seed: u64,
    /// Threads that trained; they never change a bit of the result.
    pub threads: usize,
    /// `cpu`, `cuda:0`, `metal`.
    pub device: String,
    /// The family of kernels in use; bits are promised for one kernel only.
    pub kernel: String,
    /// When the run started, UTC, RFC 3339 to the second.
    pub started: String,
    /// The run this one goes on from, if any.
    pub parent: Option<String>,
}

macro_rules! events {
    ($($(#[$doc:meta])* $kind:literal => $variant:ident,)*) => {
        /// A fact about a run.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[serde(tag = "kind")]
        pub enum Event {
            $($(#[$doc])* #[serde(rename = $kind)] $variant($variant),)*
        }

        impl Event {
            /// Every kind of line that this program knows, as the journal spells them.
            pub const KINDS: &[&str] = &[$($kind),*];

            /// The kind, as the journal spells it.
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $kind,)* }
            }

            /// Milliseconds since the run began.
            pub fn at_ms(&self) -> u64 {
                match self { $(Self::$variant(event) => event.at_ms,)* }
            }

            /// Reads one line of a known `kind`; `None` if the kind is not known here.
            ///
            /// The struct is read directly, not through serde's tag buffer, which would take
            /// every `f32` through `f64` and cost twice the time.
            pub fn read(kind: &str, line: &str) -> Option<serde_json::Result<Self>> {
                match kind {
                    $($kind => Some(serde_json::from_str(line).map(Self::$variant)),)*
                    _ => None,
                }
            }
        }

        $(impl From<$variant> for Event {
            fn from(event: $variant) -> Self {
                Self::$variant(event)
            }
        })*
    };
}

events! {
    /// The run's cast: objectives, corpora, parameters.
    "run_started" => RunStarted,
    /// An update was done.
    "step_done" => StepDone,
    /// A fader was moved.
    "gain_set" => GainSet,
    /// A strip was muted or unmuted.
    "muted" => Muted,
    /// A strip was soloed or unsoloed.
    "soloed" => Soloed,
    /// Any other live value was changed.
    "setting_set" => SettingSet,
    /// A command was not obeyed.
    "command_refused" => CommandRefused,
    /// Training is held.
    "paused" => Paused,
    /// Training goes on.
    "resumed" => Resumed,
    /// An objective was scored on a split.
    "evaluated" => Evaluated,
    /// Gradients of the objectives were measured apart.
    "gradients" => Gradients,
    /// A checkpoint is on disk.
    "checkpoint_saved" => CheckpointSaved,
    /// A loss or a gradient was not a number; the update was skipped.
    "loss_broke" => LossBroke,
    /// Somebody wrote a note.
    "noted" => Noted,
    /// The run goes on in a later sitting.
    "continued" => Continued,
    /// Points after a step no longer count.
    "rewound" => Rewound,
    /// The screen did not keep up; the journal did.
    "screen_missed" => ScreenMissed,
    /// The last event of a run.
    "run_ended" => RunEnded,
}

/// What an objective is in its recipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The task the run is for; exactly one.
    Main,
    /// An objective that is there to help.
    Auxiliary,
}

/// Which way a metric gets better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Higher is better: accuracy, F1.
    Higher,
    /// Lower is better: perplexity, error.
    Lower,
}

impl Direction {
    /// Whether `new` is strictly better than `old`.
    pub fn is_better(self, new: f32, old: f32) -> bool {
        match self {
            Self::Higher => new > old,
            Self::Lower => new < old,
        }
    }
}

/// A part of a corpus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// Learnt from.
    Train,
    /// Chosen by.
    Dev,
    /// Reported.
    Test,
}

impl Split {
    /// The split's key in recipes and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Dev => "dev",
            Self::Test => "test",
        }
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// As the recipe planned.
    Finished,
    /// By somebody's wish.
    Stopped,
    /// By a fault.
    Failed,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// `train.steps` were done.
    Steps,
    /// `train.epochs` were done.
    Epochs,
    /// No gain for `train.patience` evaluations.
    Patience,
    /// Somebody at the desk ended it.
    Key,
    /// SIGINT, SIGTERM or SIGHUP.
    Signal,
    /// The trainer panicked, or its arithmetic failed.
    Panic,
    /// Ten steps in a row without a finite loss.
    Loss,
    /// The journal or a checkpoint could not be written.
    Disk,
}

impl Reason {
    /// How a run that ends for this reason has ended.
    pub fn ended(self) -> Ended {
        match self {
            Self::Steps | Self::Epochs | Self::Patience => Ended::Finished,
            Self::Key | Self::Signal => Ended::Stopped,
            Self::Panic | Self::Loss | Self::Disk => Ended::Failed,
        }
    }
}

/// A live value, other than a gain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Setting {
    /// On or off.
    Switch(bool),
    /// Any number.
    Number(f32),
    /// A choice by name.
    Text(String),
}

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

/// See [`Event::RunStarted`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunStarted {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// Every objective, in the recipe's order.
    pub objectives: Vec<ObjectiveStarted>,
    /// Every corpus, in the recipe's order.
    pub corpora: Vec<CorpusStarted>,
    /// Trained numbers in all.
    pub parameters: u64,
    /// Steps that the recipe asks for, if it ends by itself.
    pub steps: u64,
    /// Steps in one pass over the main objective's corpus.
    pub steps_per_epoch: u64,
    /// The metric that chooses the best checkpoint.
    pub best: BestMetric,
}

/// The metric that chooses the best checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BestMetric {
    /// Whose metric.
    pub objective: ObjectiveId,
    /// Which.
    pub metric: MetricId,
}

/// See [`Event::StepDone`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepDone {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// Updates done, this one included.
    pub step: Step,
    /// Raw losses (sum / count) of what was computed.
    pub losses: BTreeMap<ObjectiveId, Loss>,
    /// Gain × share, as applied; 0 for what does not sound.
    pub weights: BTreeMap<ObjectiveId, f32>,
    /// The weighting's part of each weight.
    pub shares: BTreeMap<ObjectiveId, f32>,
    /// Examples drawn, by corpus.
    pub draws: BTreeMap<String, u64>,
    /// Global norm before clipping.
    pub gradient_norm: f32,
    /// The learning rate of this update.
    pub rate: f32,
    /// Tokens in the drawn batches.
    pub tokens: u64,
    /// How long the step took.
    pub step_ms: u64,
}

/// See [`Event::GainSet`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GainSet {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// Updates done when it was obeyed.
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
}

/// See [`Event::Muted`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Muted {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// Updates done when it was obeyed.
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
}

/// See [`Event::Soloed`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Soloed {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// Updates done when it was obeyed.
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
}

/// See [`Event::SettingSet`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SettingSet {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// Updates done when it was obeyed.
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
}

/// See [`Event::CommandRefused`].
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

/// See [`Event::Paused`].
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

/// See [`Event::Resumed`].
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

/// See [`Event::Evaluated`].
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

/// See [`Event::Gradients`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gradients {
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

/// See [`Event::CheckpointSaved`].
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

/// See [`Event::LossBroke`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossBroke {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// The step that had no update.
    pub step: Step,
    /// Whose loss; `None` when the losses were finite and the gradient was not.
    pub objective: Option<ObjectiveId>,
}

/// See [`Event::Noted`].
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

/// See [`Event::Continued`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Continued {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// The step it goes on from.
    pub step: Step,
}

/// See [`Event::Rewound`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rewound {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// The last step that still counts.
    pub to: Step,
}

/// See [`Event::ScreenMissed`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScreenMissed {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// Events missed so far, in all.
    pub total: u64,
}

/// See [`Event::RunEnded`].
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
