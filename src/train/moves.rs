//! The manual changes of a journal, to be repeated at their steps.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::protocol::{Changed, Command, Event, Step, event::Reason};

/// Commands by the step from which they are in force, in the order in which they were applied.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Moves(VecDeque<Move>);

/// One manual command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Move {
    /// The first step computed with it.
    from: Step,
    /// The number of non-finite attempts at that step before it: an attempt changes no parameter,
    /// but it has drawn a batch.
    non_finite: u32,
    command: Command,
}

impl Moves {
    /// The manual commands in these events. Changes by schedules and rules follow from the recipe.
    pub fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut non_finite = 0;
        let mut moves: Vec<Move> = Vec::new();
        // The number of commands at the last checkpoint, and its step.
        let (mut n_kept, mut resume_step) = (0, Step(0));
        for event in events {
            match event {
                Event::StepDone(_) => non_finite = 0,
                Event::NonFiniteLoss(_) => non_finite += 1,
                Event::CheckpointSaved(saved) if saved.name == "last" => {
                    (n_kept, resume_step) = (moves.len(), saved.step);
                }
                Event::Continued(continued) => {
                    non_finite = 0;
                    // Commands beyond the checkpoint were left behind.
                    if continued.step == resume_step {
                        moves.truncate(n_kept);
                    } else {
                        moves.retain(|one| one.from <= continued.step);
                    }
                }
                event => {
                    let Some((from, command)) = intervention(event) else { continue };
                    // Changes of strips between the same two steps are repeated as one command:
                    // their final state was valid, while an intermediate one may not have been.
                    let n_before = n_kept.min(moves.len());
                    let earlier = moves[n_before..].last_mut().filter(|last| {
                        (last.from, last.non_finite) == (from, non_finite)
                            && last.command.is_of_strips()
                            && command.is_of_strips()
                    });
                    match (earlier.map(|earlier| &mut earlier.command), command) {
                        (Some(Command::Set(all)), Command::Set(more)) => all.extend(more),
                        (_, command) => moves.push(Move { from, non_finite, command }),
                    }
                }
            }
        }
        // A journal that was rewound has some steps twice.
        moves.sort_by_key(|one| (one.from, one.non_finite));
        Self(moves.into())
    }

    /// The next command in force from that step, after that many non-finite attempts at it, or
    /// earlier.
    pub fn due(&mut self, from: Step, non_finite: u32) -> Option<Command> {
        self.0
            .pop_front_if(|one| (one.from, one.non_finite) <= (from, non_finite))
            .map(|one| one.command)
    }

    /// The commands that are in force from later steps.
    #[must_use]
    pub fn after(mut self, step: Step) -> Self {
        self.0.retain(|one| one.from > step);
        self
    }

    /// The remaining commands, with the step from which each is in force.
    pub fn iter(&self) -> impl Iterator<Item = (Step, &Command)> {
        self.0.iter().map(|one| (one.from, &one.command))
    }
}

fn intervention(event: &Event) -> Option<(Step, Command)> {
    match event {
        // A manual stop took effect after this step.
        Event::RunEnded(e) if e.reason == Reason::Key => {
            Some((e.step.next(), Command::Stop { reason: Reason::Key }))
        }
        event => {
            let Changed { change, from, by, .. } = event.changed()?;
            by.is_manual().then(|| (from, change.to_command()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        arbitrary,
        protocol::{
            Assignment,
            event::{NonFiniteLoss, Setting},
        },
    };

    fn moved(from: u64, new: f32) -> Event {
        arbitrary::gain_set(from - 1, "chunk", 1.0, new).into()
    }

    fn gains_due(moves: &mut Moves, from: u64, non_finite: u32) -> Vec<f32> {
        std::iter::from_fn(|| moves.due(Step(from), non_finite))
            .map(|command| match command {
                Command::Set(all) => match all[..] {
                    [Assignment { value: Setting::Number(gain), .. }] => gain,
                    _ => panic!("{all:?}"),
                },
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn a_change_after_a_non_finite_attempt_waits_for_the_same_attempt() {
        let broke = || NonFiniteLoss { at_ms: 0, step: Step(2), objective: None }.into();
        let events: [Event; 4] =
            [arbitrary::step_done(1, "chunk", 1.0).into(), broke(), broke(), moved(2, 0.5)];
        let mut moves = Moves::of(&events);
        assert!(gains_due(&mut moves, 2, 0).is_empty());
        assert!(gains_due(&mut moves, 2, 1).is_empty());
        assert_eq!(gains_due(&mut moves, 2, 2), [0.5]);
    }

    #[test]
    fn changes_are_repeated_in_the_order_of_their_steps() {
        let mut moves = Moves::of(&[moved(9, 0.9), moved(3, 0.3)]);
        assert_eq!(gains_due(&mut moves, 3, 0), [0.3]);
        assert_eq!(moves.iter().count(), 1);
        assert_eq!(gains_due(&mut moves, 10, 0), [0.9]);
    }
}
