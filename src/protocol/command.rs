//! Wishes to the trainer. Each is answered by an event that names the step, refusals too.

use super::{By, CommandId, ObjectiveId, Scene, event::Setting};

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
