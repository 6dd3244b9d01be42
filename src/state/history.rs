//! The moves of a hand, to be taken back and made again. All of it is read off the events, so it is
//! the same after a restart, and in a replay.
//!
//! What one order changed is one move. Nudges of one fader that follow each other closely are one
//! move too: nobody wants to take back twelve presses of a key one by one.

use crate::protocol::{
    By, Command, CommandId, Event, ObjectiveId,
    event::{GainSet, Setting, SettingSet},
};

/// Milliseconds within which nudges of one fader belong together.
const NUDGES_MS: u64 = 1_500;

/// Moves that can be taken back at most.
const MOST_MOVES: usize = 1_000;

/// What a hand has changed, and what was taken back of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    done: Vec<Move>,
    undone: Vec<Move>,
    /// The order that took back or made again last: each of its events says so.
    turned: Option<CommandId>,
}

/// What one order changed, or a few nudges.
#[derive(Clone, Debug, PartialEq)]
pub struct Move {
    /// The order; of nudges the last one.
    pub order: CommandId,
    /// When the last of it was done.
    pub at_ms: u64,
    /// What was changed, in order.
    pub changes: Vec<Change>,
}

/// One thing that was changed.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A fader.
    Gain {
        /// Whose.
        objective: ObjectiveId,
        /// The gain before.
        old: f32,
        /// The gain after.
        new: f32,
        /// Over so many updates, if not at once.
        over: Option<u64>,
    },
    /// A mute.
    Muted {
        /// Whose.
        objective: ObjectiveId,
        /// Muted afterwards?
        muted: bool,
    },
    /// A solo.
    Soloed {
        /// Whose.
        objective: ObjectiveId,
        /// Soloed afterwards?
        soloed: bool,
    },
    /// Another live setting.
    Setting {
        /// As `--set` names it.
        path: String,
        /// The value before.
        old: Setting,
        /// The value after.
        new: Setting,
    },
}

impl Change {
    /// The wish that takes it back.
    fn back(&self) -> Command {
        match self.clone() {
            Self::Gain { objective, old, .. } => Command::SetGain { objective, gain: old },
            Self::Muted { objective, muted } => Command::SetMuted { objective, muted: !muted },
            Self::Soloed { objective, soloed } => Command::SetSoloed { objective, soloed: !soloed },
            Self::Setting { path, old, .. } => Command::Set { path, value: old },
        }
    }

    /// The wish that makes it again.
    fn again(&self) -> Command {
        match self.clone() {
            Self::Gain { objective, new, over: Some(over), .. } => {
                Command::Fade { objective, to: new, over }
            }
            Self::Gain { objective, new, over: None, .. } => {
                Command::SetGain { objective, gain: new }
            }
            Self::Muted { objective, muted } => Command::SetMuted { objective, muted },
            Self::Soloed { objective, soloed } => Command::SetSoloed { objective, soloed },
            Self::Setting { path, new, .. } => Command::Set { path, value: new },
        }
    }

    /// Takes in a later nudge of the same fader.
    fn nudged(&mut self, by: &Self) -> bool {
        match (self, by) {
            (
                Self::Gain { objective, new, over: None, .. },
                Self::Gain { objective: other, new: newer, over: None, .. },
            ) if objective == other => {
                *new = *newer;
                true
            }
            _ => false,
        }
    }
}

impl Move {
    /// The wish that takes it back: in the reverse order, as one.
    pub fn back(&self) -> Command {
        one(self.changes.iter().rev().map(Change::back))
    }

    /// The wish that makes it again.
    pub fn again(&self) -> Command {
        one(self.changes.iter().map(Change::again))
    }
}

fn one(commands: impl Iterator<Item = Command>) -> Command {
    let mut commands: Vec<Command> = commands.collect();
    if commands.len() == 1 { commands.remove(0) } else { Command::Several(commands) }
}

impl History {
    /// The move to take back next.
    pub fn last_done(&self) -> Option<&Move> {
        self.done.last()
    }

    /// The move to make again next.
    pub fn last_undone(&self) -> Option<&Move> {
        self.undone.last()
    }

    /// How many can be taken back.
    pub fn n_done(&self) -> usize {
        self.done.len()
    }

    /// How many can be made again.
    pub fn n_undone(&self) -> usize {
        self.undone.len()
    }

    /// Takes in an event, if it tells of a move.
    pub(super) fn apply(&mut self, event: &Event) {
        let (undoes, change) = match event {
            Event::GainSet(event) => {
                let GainSet { objective, old, new, over, undoes, .. } = event.clone();
                (undoes, Change::Gain { objective, old, new, over })
            }
            Event::Muted(event) => {
                let (objective, muted) = (event.objective.clone(), event.muted);
                (event.undoes, Change::Muted { objective, muted })
            }
            Event::Soloed(event) => {
                let (objective, soloed) = (event.objective.clone(), event.soloed);
                (event.undoes, Change::Soloed { objective, soloed })
            }
            Event::SettingSet(event) => {
                let SettingSet { path, old, new, undoes, .. } = event.clone();
                (undoes, Change::Setting { path, old, new })
            }
            _ => return,
        };
        // A journal's moves, made again, have no order here that could be named.
        let (Some(By::Key | By::Remote), Some(order)) = (event.moved_by(), event.answers()) else {
            return;
        };
        self.made(order, undoes, event.at_ms(), change);
    }

    fn made(&mut self, order: CommandId, undoes: Option<CommandId>, at_ms: u64, change: Change) {
        if undoes.is_some_and(|undoes| self.turn(order, undoes)) {
            return;
        }
        self.undone.clear();
        if let Some(last) = self.done.last_mut() {
            if last.order == order {
                last.changes.push(change);
                return;
            }
            let is_close = at_ms.saturating_sub(last.at_ms) <= NUDGES_MS;
            if let ([only], true) = (&mut last.changes[..], is_close)
                && only.nudged(&change)
            {
                (last.order, last.at_ms) = (order, at_ms);
                return;
            }
        }
        if self.done.len() == MOST_MOVES {
            self.done.remove(0);
        }
        self.done.push(Move { order, at_ms, changes: vec![change] });
    }

    /// The move of that order goes from what is done to what is undone, or back. If it is neither's
    /// last, what came of it is a move like any other.
    fn turn(&mut self, order: CommandId, undoes: CommandId) -> bool {
        if self.turned == Some(order) {
            return true;
        }
        let is_it = |last: &mut Move| last.order == undoes;
        if let Some(undone) = self.done.pop_if(is_it) {
            self.undone.push(undone);
        } else if let Some(done) = self.undone.pop_if(is_it) {
            self.done.push(done);
        } else {
            return false;
        }
        self.turned = Some(order);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arbitrary;

    fn gain(at_ms: u64, order: u64, objective: &str, old: f32, new: f32) -> GainSet {
        let set = arbitrary::gain_set(1, objective, old, new);
        GainSet { at_ms, command: Some(CommandId(order)), ..set }
    }

    fn set(objective: &str, gain: f32) -> Command {
        Command::SetGain { objective: objective.into(), gain }
    }

    #[test]
    fn nudges_of_one_fader_are_one_move_and_a_pause_parts_them() {
        let mut history = History::default();
        history.apply(&gain(0, 1, "pos", 1.0, 1.1).into());
        history.apply(&gain(900, 2, "pos", 1.1, 1.2).into());
        history.apply(&gain(1_000, 3, "chunk", 1.0, 2.0).into());
        history.apply(&gain(9_000, 4, "chunk", 2.0, 3.0).into());
        assert_eq!(history.n_done(), 3);
        assert_eq!(history.last_done().unwrap().back(), set("chunk", 2.0));
        assert_eq!(history.done[0].back(), set("pos", 1.0));
        assert_eq!(history.done[0].again(), set("pos", 1.2));
    }

    #[test]
    fn what_one_order_did_is_one_move_and_goes_back_in_reverse() {
        let mut history = History::default();
        history.apply(&gain(0, 1, "pos", 1.0, 0.5).into());
        history.apply(&gain(0, 1, "chunk", 1.0, 2.0).into());
        assert_eq!(history.n_done(), 1);
        let back = Command::Several(vec![set("chunk", 1.0), set("pos", 1.0)]);
        assert_eq!(history.last_done().unwrap().back(), back);
    }

    #[test]
    fn taking_back_and_making_again_go_to_and_fro_until_something_new_is_done() {
        let mut history = History::default();
        history.apply(&gain(0, 1, "pos", 1.0, 0.5).into());
        history.apply(&gain(5_000, 2, "chunk", 1.0, 2.0).into());
        let undo = GainSet { undoes: Some(CommandId(2)), ..gain(6_000, 3, "chunk", 2.0, 1.0) };
        history.apply(&undo.clone().into());
        assert_eq!((history.n_done(), history.n_undone()), (1, 1));
        let redo = GainSet { undoes: Some(CommandId(2)), ..gain(7_000, 4, "chunk", 1.0, 2.0) };
        history.apply(&redo.clone().into());
        assert_eq!((history.n_done(), history.n_undone()), (2, 0));
        history.apply(&GainSet { command: Some(CommandId(5)), ..undo }.into());
        history.apply(&gain(20_000, 6, "pos", 0.5, 0.7).into());
        assert_eq!((history.n_done(), history.n_undone()), (2, 0));
    }

    #[test]
    fn an_order_of_several_parts_is_taken_back_once() {
        let mut history = History::default();
        history.apply(&gain(0, 1, "pos", 1.0, 0.5).into());
        history.apply(&gain(2_000, 2, "pos", 0.5, 0.4).into());
        history.apply(&gain(2_000, 2, "chunk", 1.0, 2.0).into());
        for objective in ["chunk", "pos"] {
            let undo =
                GainSet { undoes: Some(CommandId(2)), ..gain(3_000, 3, objective, 0.4, 0.5) };
            history.apply(&undo.clone().into());
        }
        assert_eq!((history.n_done(), history.n_undone()), (1, 1));
    }

    #[test]
    fn schedules_and_moves_of_a_journal_are_not_a_hand_here() {
        let mut history = History::default();
        history.apply(&GainSet { by: By::Schedule, ..gain(0, 1, "pos", 1.0, 0.5) }.into());
        history
            .apply(&GainSet { by: By::Moves, command: None, ..gain(0, 1, "pos", 1.0, 0.5) }.into());
        assert_eq!(history.n_done(), 0);
    }
}
