//! Wishes to the trainer. Each is answered by an event that names the step, refusals too.

use serde::{Deserialize, Serialize};

use super::{ObjectiveId, event::Setting};

/// Numbers the commands of one sitting, so that an answer can be matched to its wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommandId(pub u64);

/// Who moved a fader or asked for something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// A key press at the desk.
    Key,
    /// A schedule of the recipe.
    Schedule,
    /// A weighting or training rule.
    Rule,
    /// An earlier journal, obeyed with `--moves`.
    Moves,
    /// Another program attached to the run.
    Remote,
}

impl By {
    /// Whether a person stands behind it, now or in the session that is repeated.
    pub fn is_a_hand(self) -> bool {
        matches!(self, Self::Key | Self::Moves | Self::Remote)
    }
}

/// One wish, who has it, and the number its answer will carry.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// The number that the answering event repeats.
    pub id: CommandId,
    /// Who wishes it.
    pub by: By,
    /// What is wished.
    pub command: Command,
    /// The moves this takes back, or makes again, by the number of their order.
    pub undoes: Option<CommandId>,
}

/// One of the two places where a mix is kept to come back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scene {
    /// The first.
    A,
    /// The second.
    B,
}

impl Scene {
    /// The letter that stands for it.
    pub fn letter(self) -> char {
        match self {
            Self::A => 'A',
            Self::B => 'B',
        }
    }
}

/// A wish to the trainer, obeyed between two steps. Values are absolute.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Move a fader.
    SetGain {
        /// Whose fader.
        objective: ObjectiveId,
        /// The new gain: finite, not negative.
        gain: f32,
    },
    /// Move a fader evenly to a gain, over so many updates.
    Fade {
        /// Whose fader.
        objective: ObjectiveId,
        /// The gain at the end: finite, not negative.
        to: f32,
        /// Updates until it is there; at least 1.
        over: u64,
    },
    /// Mute or unmute; the gain is kept.
    SetMuted {
        /// Whose strip.
        objective: ObjectiveId,
        /// Muted from now on?
        muted: bool,
    },
    /// Solo or unsolo; while any strip is soloed, only soloed ones sound.
    SetSoloed {
        /// Whose strip.
        objective: ObjectiveId,
        /// Soloed from now on?
        soloed: bool,
    },
    /// Change a live setting, named as `--set` names it.
    Set {
        /// For example `train.learning_rate`.
        path: String,
        /// The new value.
        value: Setting,
    },
    /// Several moves of faders, mutes and solos as one: all are made, or none is.
    Several(Vec<Command>),
    /// Keep the mix as it is now under a letter.
    StoreScene {
        /// Where.
        scene: Scene,
    },
    /// Stop stepping until [`Command::Resume`] or [`Command::StepOnce`].
    Pause,
    /// Go on.
    Resume,
    /// Do one step and stay paused.
    StepOnce,
    /// Keep a note at this step.
    Note {
        /// What to keep.
        text: String,
    },
    /// Save `checkpoints/step-N` now.
    Checkpoint,
    /// Evaluate on dev now; touches neither patience nor best.
    Evaluate,
    /// End the run after this step.
    Stop {
        /// The reason that `run_ended` will give.
        reason: super::event::Reason,
    },
}

impl Command {
    /// Whether it moves faders, mutes or solos, and nothing else.
    pub fn moves_strips(&self) -> bool {
        match self {
            Self::Several(commands) => commands.iter().all(Self::moves_strips),
            command => command.objective().is_some(),
        }
    }

    /// Whose strips it moves.
    pub fn objectives(&self) -> Vec<&ObjectiveId> {
        match self {
            Self::Several(commands) => commands.iter().flat_map(Self::objectives).collect(),
            command => command.objective().into_iter().collect(),
        }
    }

    fn objective(&self) -> Option<&ObjectiveId> {
        match self {
            Self::SetGain { objective, .. }
            | Self::Fade { objective, .. }
            | Self::SetMuted { objective, .. }
            | Self::SetSoloed { objective, .. } => Some(objective),
            _ => None,
        }
    }
}
