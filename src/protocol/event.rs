//! Events of a run: facts in the past tense, with current values.
//!
//! One event is one line of the journal: a JSON object whose first key is `kind`. Values are
//! absolute, never differences, so a reader that missed an event has the right values again after
//! the next one.

mod coverage;
mod facts;
mod irregularity;
mod micros_as_ms;
mod samples;
mod values;

use serde::{Deserialize, Serialize};

use super::{CommandId, Step};
pub use coverage::{SplitCoverage, VectorCoverage, WarmStarted, WordCount};
pub use facts::*;
pub use irregularity::{IrregularLine, Irregularity, Treatment};
pub use samples::{LONGEST, MOST_ROWS, MOST_TEXTS, Sample, SampleForm, SampleRow, SamplesTaken};
pub use values::{Direction, Ended, GuardKind, Reason, Role, Setting, Split};

/// The journal's first line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The format's version; this program writes and reads 2.
    pub version: u32,
    /// The version of auxdesk that wrote it.
    pub auxdesk: String,
    /// The recipe's name.
    pub name: String,
    /// The run's seed.
    pub seed: u64,
    /// The number of threads; it does not affect results.
    pub threads: usize,
    /// `cpu`, `cuda:0`, `metal`.
    pub device: String,
    /// The name of the kernels in use; results are reproducible bit for bit only with the same
    /// kernels.
    pub kernel: String,
    /// When the run started: UTC, RFC 3339, to the second.
    pub started: String,
    /// The run that this one was continued from, if any.
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
            /// Every kind of event, as written in the journal.
            pub const KINDS: &[&str] = &[$($kind),*];

            /// The kind, as written in the journal.
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $kind,)* }
            }

            /// Milliseconds since the run began.
            pub fn at_ms(&self) -> u64 {
                match self { $(Self::$variant(event) => event.at_ms,)* }
            }

            /// Parses one line of a known `kind`; `None` if the kind is unknown.
            ///
            /// The struct is parsed directly, not through serde's buffer for tagged enums, which
            /// would convert every `f32` through `f64` and take twice the time.
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
    /// The run has started, with these objectives, corpora and parameters.
    "run_started" => RunStarted,
    /// An update was done.
    "step_done" => StepDone,
    /// The expected length of the run changed with faders or sampling.
    "length_changed" => LengthChanged,
    /// A sampling rule that follows progress draws groups at other rates.
    "sampling_adapted" => SamplingAdapted,
    /// A gain was set.
    "gain_set" => GainSet,
    /// A strip was muted or unmuted.
    "muted" => Muted,
    /// A strip was soloed or unsoloed.
    "soloed" => Soloed,
    /// Another live value was changed.
    "setting_set" => SettingSet,
    /// A mix was saved as a scene.
    "scene_stored" => SceneStored,
    /// A command was not applied.
    "command_refused" => CommandRefused,
    /// Training was paused.
    "paused" => Paused,
    /// Training was resumed.
    "resumed" => Resumed,
    /// An objective was scored on a split.
    "evaluated" => Evaluated,
    /// The scores per class of an evaluation.
    "classes_scored" => ClassesScored,
    /// Examples of dev were compared with what an objective predicted.
    "samples" => SamplesTaken,
    /// Per-objective gradients were measured.
    "gradients" => GradientsMeasured,
    /// The shares of shadow rules were computed.
    "shadow_shares" => ShadowShares,
    /// The affinities of objectives were measured.
    "affinities" => AffinitiesMeasured,
    /// The phases of the latest steps were timed.
    "phases_timed" => PhasesTimed,
    /// A checkpoint was saved.
    "checkpoint_saved" => CheckpointSaved,
    /// A loss or the gradient was non-finite; the update was skipped.
    "non_finite_loss" => NonFiniteLoss,
    /// An objective reached a limit of its guard.
    "guard_tripped" => GuardTripped,
    /// A note was added.
    "noted" => Noted,
    /// The run was continued from a checkpoint.
    "continued" => Continued,
    /// Events after a step no longer count.
    "rewound" => Rewound,
    /// The screen missed events, which the journal has.
    "screen_missed" => ScreenMissed,
    /// The last event of a run.
    "run_ended" => RunEnded,
}

impl Event {
    /// Whether it holds values of a measurement or of classes, which logs and progress lines omit.
    pub fn is_table(&self) -> bool {
        matches!(
            self,
            Self::GradientsMeasured(_)
                | Self::ShadowShares(_)
                | Self::AffinitiesMeasured(_)
                | Self::PhasesTimed(_)
                | Self::ClassesScored(_)
                | Self::SamplesTaken(_)
        )
    }

    /// Whether it tells of something that is wrong.
    pub fn is_alert(&self) -> bool {
        matches!(self, Self::NonFiniteLoss(_) | Self::GuardTripped(_))
    }

    /// The id of the command that this answers, if it answers one.
    pub fn answers(&self) -> Option<CommandId> {
        match self {
            Self::GainSet(event) => event.command,
            Self::Muted(event) => event.command,
            Self::Soloed(event) => event.command,
            Self::SettingSet(event) => event.command,
            Self::SceneStored(event) => event.command,
            Self::CommandRefused(event) => event.command,
            Self::Paused(event) => event.command,
            Self::Resumed(event) => event.command,
            Self::Evaluated(event) => event.command,
            Self::CheckpointSaved(event) => event.command,
            Self::Noted(event) => event.command,
            Self::RunStarted(_)
            | Self::StepDone(_)
            | Self::LengthChanged(_)
            | Self::SamplingAdapted(_)
            | Self::ClassesScored(_)
            | Self::SamplesTaken(_)
            | Self::GradientsMeasured(_)
            | Self::ShadowShares(_)
            | Self::AffinitiesMeasured(_)
            | Self::PhasesTimed(_)
            | Self::NonFiniteLoss(_)
            | Self::GuardTripped(_)
            | Self::Continued(_)
            | Self::Rewound(_)
            | Self::ScreenMissed(_)
            | Self::RunEnded(_) => None,
        }
    }

    /// The number of updates when it happened; 0 before the first.
    pub fn step(&self) -> Step {
        match self {
            Self::RunStarted(_) | Self::ScreenMissed(_) => Step(0),
            Self::StepDone(event) => event.step,
            Self::LengthChanged(event) => event.step,
            Self::SamplingAdapted(event) => event.step,
            Self::GainSet(event) => event.step,
            Self::Muted(event) => event.step,
            Self::Soloed(event) => event.step,
            Self::SettingSet(event) => event.step,
            Self::SceneStored(event) => event.step,
            Self::CommandRefused(event) => event.step,
            Self::Paused(event) => event.step,
            Self::Resumed(event) => event.step,
            Self::Evaluated(event) => event.step,
            Self::ClassesScored(event) => event.step,
            Self::SamplesTaken(event) => event.step,
            Self::GradientsMeasured(event) => event.step,
            Self::ShadowShares(event) => event.step,
            Self::AffinitiesMeasured(event) => event.step,
            Self::PhasesTimed(event) => event.step,
            Self::CheckpointSaved(event) => event.step,
            Self::NonFiniteLoss(event) => event.step,
            Self::GuardTripped(event) => event.step,
            Self::Noted(event) => event.step,
            Self::Continued(event) => event.step,
            Self::Rewound(event) => event.to,
            Self::RunEnded(event) => event.step,
        }
    }
}
