//! Commands to the trainer. Each is answered by an event with the step, also if it is refused.

use serde::{Deserialize, Serialize};

use super::{Assignment, By, CommandId, ObjectiveId, Scene};

/// A command sent to the trainer.
#[derive(Clone, Debug, PartialEq)]
pub struct SentCommand {
    /// The id that every answering event repeats.
    pub id: CommandId,
    /// Who sent it.
    pub by: By,
    /// The command.
    pub command: Command,
    /// The command whose changes this undoes or redoes.
    pub undoes: Option<CommandId>,
}

/// A command that the trainer carries out between two steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Assign values to live controls, all of them or none. Each is answered by an event of its
    /// own.
    Set(Vec<Assignment>),
    /// Save the current mix as a scene.
    StoreScene {
        /// The scene.
        scene: Scene,
    },
    /// Pause until [`Command::Resume`] or [`Command::StepOnce`].
    Pause,
    /// Resume training.
    Resume,
    /// Train one step and stay paused.
    StepOnce,
    /// Add a note at this step.
    Note {
        /// The text of the note.
        text: String,
    },
    /// Save `checkpoints/step-N` now.
    Checkpoint,
    /// Evaluate on dev now; affects neither early stopping nor the best checkpoint.
    Evaluate,
    /// Stop the run after this step.
    Stop {
        /// The reason in `run_ended`.
        reason: super::event::Reason,
    },
}

impl Command {
    /// Whether it changes only gains, mutes and solos.
    pub fn is_of_strips(&self) -> bool {
        match self {
            Self::Set(all) => all.iter().all(|one| one.control.strip().is_some()),
            _ => false,
        }
    }

    /// The objectives whose strips it changes.
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
