//! Commands to the trainer. Each is answered by an event that names the step, refusals too.

use serde::{Deserialize, Serialize};

use super::{Assignment, By, CommandId, ObjectiveId, Scene};

/// A command on its way to the trainer.
#[derive(Clone, Debug, PartialEq)]
pub struct SentCommand {
    /// The number that every answering event repeats.
    pub id: CommandId,
    /// Who sends it.
    pub by: By,
    /// What is to be done.
    pub command: Command,
    /// The command whose changes this takes back, or makes again.
    pub undoes: Option<CommandId>,
}

/// What the trainer is to do between two steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Give live controls values, all of them or none. Each is answered by an event of its own.
    Set(Vec<Assignment>),
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
    /// Whether it changes gains, mutes and solos, and nothing else.
    pub fn is_of_strips(&self) -> bool {
        match self {
            Self::Set(all) => all.iter().all(|one| one.control.strip().is_some()),
            _ => false,
        }
    }

    /// Whose strips it changes.
    pub fn strips(&self) -> impl Iterator<Item = &ObjectiveId> {
        let all = match self {
            Self::Set(all) => &all[..],
            _ => &[],
        };
        all.iter().filter_map(|assignment| assignment.control.strip())
    }
}

impl From<Assignment> for Command {
    fn from(assignment: Assignment) -> Self {
        Self::Set(vec![assignment])
    }
}
