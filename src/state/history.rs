//! Undo history of manual changes, derived from the events, so that it is the same when a run is
//! continued or replayed.
//!
//! All changes of one command are undone together. Nudges of one fader in close succession are one
//! entry too: undoing twelve key presses one by one would be tedious.

use crate::protocol::{By, Change, Changed, Command, CommandId, Event};

/// Nudges of one fader that are at most this many milliseconds apart are one entry.
const NUDGES_MS: u64 = 1_500;

/// The maximum number of entries that can be undone.
const MOST_ENTRIES: usize = 1_000;

/// Manual changes, and those that were undone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    done: Vec<Undoable>,
    undone: Vec<Undoable>,
    /// The last command that was an undo or redo: each of its events names it.
    last_undo: Option<CommandId>,
}

/// The changes of one command, or of a few nudges.
#[derive(Clone, Debug, PartialEq)]
pub struct Undoable {
    /// The command; for nudges the last one.
    pub command: CommandId,
    /// The time of the last change.
    pub at_ms: u64,
    /// The changes, in order.
    pub changes: Vec<Change>,
}

impl Undoable {
    /// The command that undoes them all, in reverse order.
    pub fn undo(&self) -> Command {
        let back = self.changes.iter().rev().map(Change::inverse);
        Command::Set(back.map(|change| change.to_assignment()).collect())
    }

    /// The command that redoes them all.
    pub fn redo(&self) -> Command {
        Command::Set(self.changes.iter().map(Change::to_assignment).collect())
    }
}

impl History {
    /// The entry to undo next.
    pub fn last_done(&self) -> Option<&Undoable> {
        self.done.last()
    }

    /// The entry to redo next.
    pub fn last_undone(&self) -> Option<&Undoable> {
        self.undone.last()
    }

    /// The number of entries that can be undone.
    pub fn n_done(&self) -> usize {
        self.done.len()
    }

    /// The number of entries that can be redone.
    pub fn n_undone(&self) -> usize {
        self.undone.len()
    }

    /// Records the change in an event, if there is one.
    pub(super) fn apply(&mut self, event: &Event) {
        let Some(Changed { change, by, undoes, .. }) = event.changed() else { return };
        // Changes repeated from a journal have no command of this run.
        let (By::Key | By::Remote, Some(command)) = (by, event.answers()) else { return };
        self.changed(command, undoes, event.at_ms(), change);
    }

    fn changed(
        &mut self,
        command: CommandId,
        undoes: Option<CommandId>,
        at_ms: u64,
        change: Change,
    ) {
        if undoes.is_some_and(|undoes| self.undo_or_redo(command, undoes)) {
            return;
        }
        self.undone.clear();
        if let Some(last) = self.done.last_mut() {
            if last.command == command {
                last.changes.push(change);
                return;
            }
            let is_close = at_ms.saturating_sub(last.at_ms) <= NUDGES_MS;
            if let ([only], true) = (&mut last.changes[..], is_close)
                && only.extend(&change)
            {
                (last.command, last.at_ms) = (command, at_ms);
                return;
            }
        }
        if self.done.len() == MOST_ENTRIES {
            self.done.remove(0);
        }
        self.done.push(Undoable { command, at_ms, changes: vec![change] });
    }

    /// Moves the entry of the command `undoes` from done to undone, or back. If it is the last of
    /// neither list, the changes become a new entry.
    fn undo_or_redo(&mut self, command: CommandId, undoes: CommandId) -> bool {
        if self.last_undo == Some(command) {
            return true;
        }
        let is_it = |last: &mut Undoable| last.command == undoes;
        if let Some(undone) = self.done.pop_if(is_it) {
            self.undone.push(undone);
        } else if let Some(done) = self.undone.pop_if(is_it) {
            self.done.push(done);
        } else {
            return false;
        }
        self.last_undo = Some(command);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        arbitrary,
        protocol::{Assignment, event::GainSet},
    };

    fn gain(at_ms: u64, command: u64, objective: &str, old: f32, new: f32) -> GainSet {
        let set = arbitrary::gain_set(1, objective, old, new);
        GainSet { at_ms, command: Some(CommandId(command)), ..set }
    }

    fn set(objective: &str, gain: f32) -> Command {
        Assignment::gain(objective.into(), gain).into()
    }

    #[test]
    fn nudges_of_one_fader_are_undone_together_unless_there_is_a_pause() {
        let mut history = History::default();
        history.apply(&gain(0, 1, "pos", 1.0, 1.1).into());
        history.apply(&gain(900, 2, "pos", 1.1, 1.2).into());
        history.apply(&gain(1_000, 3, "chunk", 1.0, 2.0).into());
        history.apply(&gain(9_000, 4, "chunk", 2.0, 3.0).into());
        assert_eq!(history.n_done(), 3);
        assert_eq!(history.last_done().unwrap().undo(), set("chunk", 2.0));
        assert_eq!(history.done[0].undo(), set("pos", 1.0));
        assert_eq!(history.done[0].redo(), set("pos", 1.2));
    }

    #[test]
    fn changes_of_one_command_are_undone_together_in_reverse() {
        let mut history = History::default();
        history.apply(&gain(0, 1, "pos", 1.0, 0.5).into());
        history.apply(&gain(0, 1, "chunk", 1.0, 2.0).into());
        assert_eq!(history.n_done(), 1);
        let back = [("chunk", 1.0), ("pos", 1.0)];
        let back = back.map(|(objective, gain)| Assignment::gain(objective.into(), gain));
        assert_eq!(history.last_done().unwrap().undo(), Command::Set(back.to_vec()));
    }

    #[test]
    fn undo_and_redo_alternate_until_a_new_change() {
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
    fn a_command_of_several_changes_is_undone_once() {
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
    fn changes_by_schedules_and_journals_are_not_undoable() {
        let mut history = History::default();
        history.apply(&GainSet { by: By::Schedule, ..gain(0, 1, "pos", 1.0, 0.5) }.into());
        history
            .apply(&GainSet { by: By::Moves, command: None, ..gain(0, 1, "pos", 1.0, 0.5) }.into());
        assert_eq!(history.n_done(), 0);
    }
}
