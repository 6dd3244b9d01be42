//! Facts about a run, in the past tense, with values as they are now.
//!
//! One event is one line of the journal: a JSON object whose first key is `kind`. Values are
//! absolute, never differences, so a reader that missed a line is right again after the next one.

mod facts;
mod values;

use serde::{Deserialize, Serialize};

use super::{CommandId, Step};
pub use facts::*;
pub use values::{Direction, Ended, Reason, Role, Setting, Split};

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
    /// A mix was kept to come back to.
    "scene_stored" => SceneStored,
    /// A command was not applied.
    "command_refused" => CommandRefused,
    /// Training is held.
    "paused" => Paused,
    /// Training goes on.
    "resumed" => Resumed,
    /// An objective was scored on a split.
    "evaluated" => Evaluated,
    /// What was scored, class by class.
    "classes_scored" => ClassesScored,
    /// Gradients of the objectives were measured apart.
    "gradients" => GradientsMeasured,
    /// A checkpoint is on disk.
    "checkpoint_saved" => CheckpointSaved,
    /// A loss or a gradient was not a number; the update was skipped.
    "non_finite_loss" => NonFiniteLoss,
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

impl Event {
    /// The number of the order that this answers, if it answers one.
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
            | Self::ClassesScored(_)
            | Self::GradientsMeasured(_)
            | Self::NonFiniteLoss(_)
            | Self::Continued(_)
            | Self::Rewound(_)
            | Self::ScreenMissed(_)
            | Self::RunEnded(_) => None,
        }
    }

    /// Updates done when it was told; before the first, 0.
    pub fn step(&self) -> Step {
        match self {
            Self::RunStarted(_) | Self::ScreenMissed(_) => Step(0),
            Self::StepDone(event) => event.step,
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
            Self::GradientsMeasured(event) => event.step,
            Self::CheckpointSaved(event) => event.step,
            Self::NonFiniteLoss(event) => event.step,
            Self::Noted(event) => event.step,
            Self::Continued(event) => event.step,
            Self::Rewound(event) => event.to,
            Self::RunEnded(event) => event.step,
        }
    }
}
