//! Commands that the trainer has not answered: faders are drawn hollow until it has.
//!
//! Of one fader one command is under way at a time. Presses that come meanwhile are gathered into the next
//! one, so that holding a key costs the trainer a command a step and not one a press.

use std::collections::{BTreeMap, VecDeque};

use crate::{
    protocol::{Assignment, Command, CommandId, Control, ObjectiveId, event::Setting},
    state::Run,
};

/// A command to be sent to the trainer.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// What the trainer is to do.
    pub command: Command,
    /// The command whose changes it undoes or redoes.
    pub undoes: Option<CommandId>,
}

impl<C: Into<Command>> From<C> for Request {
    fn from(command: C) -> Self {
        Self { command: command.into(), undoes: None }
    }
}

/// Commands under way.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pending {
    gains: BTreeMap<ObjectiveId, PendingGain>,
    /// Commands that are no single fader's, with what each would do.
    others: BTreeMap<CommandId, Command>,
    /// What is being undone or redone, and what is to follow.
    undo: Option<(CommandId, Command)>,
    next_undos: VecDeque<UndoKey>,
    /// Events still to come of commands that change several controls.
    n_unanswered: BTreeMap<CommandId, usize>,
}

/// Undo or redo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UndoKey {
    /// Undo what was done last.
    Undo,
    /// Redo what was undone last.
    Redo,
}

/// One fader's command under way.
#[derive(Clone, Debug, PartialEq)]
struct PendingGain {
    /// The gain that was asked for last, sent or not.
    gain: f32,
    /// The command that was sent; `None` between giving it out and hearing its number.
    command: Option<CommandId>,
    /// The last gain was not sent yet.
    waits: bool,
}

impl Pending {
    /// The value that was asked for and that the control does not have yet, by commands that change several
    /// at once and by undo too.
    pub fn value(&self, control: &Control) -> Option<Setting> {
        if let Control::Gain(objective) = control
            && let Some(own) = self.gains.get(objective)
        {
            return Some(Setting::Number(own.gain));
        }
        let undo = self.undo.iter().map(|(_, command)| command);
        undo.chain(self.others.values().rev()).find_map(|command| match command {
            Command::Set(all) => {
                let last = all.iter().rev().find(|assignment| assignment.control == *control)?;
                Some(last.value.clone())
            }
            _ => None,
        })
    }

    /// The gain that was asked for and that the fader does not have yet.
    pub fn gain(&self, objective: &ObjectiveId) -> Option<f32> {
        match self.value(&Control::Gain(objective.clone()))? {
            Setting::Number(gain) => Some(gain),
            Setting::Switch(_) | Setting::Text(_) => None,
        }
    }

    /// Whether an objective is to be muted or unmuted.
    pub fn mute(&self, objective: &ObjectiveId) -> Option<bool> {
        self.switch(&Control::Muted(objective.clone()))
    }

    /// Whether an objective is to be soloed or unsoloed.
    pub fn solo(&self, objective: &ObjectiveId) -> Option<bool> {
        self.switch(&Control::Soloed(objective.clone()))
    }

    fn switch(&self, control: &Control) -> Option<bool> {
        match self.value(control)? {
            Setting::Switch(is_on) => Some(is_on),
            Setting::Number(_) | Setting::Text(_) => None,
        }
    }

    /// Whether training is to be paused, or to be resumed.
    pub fn pause(&self) -> Option<bool> {
        self.others.values().rev().find_map(|command| match command {
            Command::Pause | Command::StepOnce => Some(true),
            Command::Resume => Some(false),
            _ => None,
        })
    }

    /// Whether a change is under way: until it is answered nobody knows what there is to undo.
    pub fn has_changes(&self) -> bool {
        self.undo.is_some()
            || !self.gains.is_empty()
            || self.others.values().any(|command| matches!(command, Command::Set(_)))
    }

    /// Whether a command of that kind is under way.
    pub fn has_any(&self, is_it: impl Fn(&Command) -> bool) -> bool {
        self.others.values().any(is_it)
    }

    /// How many commands are under way.
    pub fn len(&self) -> usize {
        self.gains.len() + self.others.len() + usize::from(self.undo.is_some())
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether that command is one of them.
    pub fn has(&self, command: CommandId) -> bool {
        self.undo.as_ref().is_some_and(|(undo, _)| *undo == command)
            || self.others.contains_key(&command)
            || self.gains.values().any(|gain| gain.command == Some(command))
    }

    /// With that one gain under way.
    #[cfg(test)]
    pub fn with_gain(objective: &ObjectiveId, gain: f32) -> Self {
        let mut pending = Self::default();
        let request = pending.set_gain(objective, gain).expect("nothing is under way");
        pending.sent(&request, CommandId(1));
        pending
    }

    /// Asks for a gain: at once, or as soon as the command under way is answered.
    pub(super) fn set_gain(&mut self, objective: &ObjectiveId, gain: f32) -> Option<Request> {
        if let Some(open) = self.gains.get_mut(objective) {
            (open.gain, open.waits) = (gain, true);
            return None;
        }
        let open = PendingGain { gain, command: None, waits: false };
        self.gains.insert(objective.clone(), open);
        Some(Assignment::gain(objective.clone(), gain).into())
    }

    /// Undoes or redoes: at once, or after what is under way.
    pub(super) fn undo_or_redo(&mut self, key: UndoKey, run: &Run) -> Option<Request> {
        if self.has_changes() {
            self.next_undos.push_back(key);
            return None;
        }
        let (command, undoes) = match key {
            UndoKey::Undo => run.history.last_done().map(|last| (last.undo(), last.command)),
            UndoKey::Redo => run.history.last_undone().map(|last| (last.redo(), last.command)),
        }?;
        Some(Request { command, undoes: Some(undoes) })
    }

    pub(super) fn sent(&mut self, request: &Request, id: CommandId) {
        if let Command::Set(all) = &request.command {
            self.n_unanswered.insert(id, all.len());
        }
        match &request.command {
            command if request.undoes.is_some() => self.undo = Some((id, command.clone())),
            // The end of the run answers it.
            Command::Stop { .. } => {}
            command => match self.gain_of(command) {
                Some(gain) => gain.command = Some(id),
                None => {
                    self.others.insert(id, command.clone());
                }
            },
        }
    }

    /// The fader that this command, given out by [`Pending::set_gain`], is for.
    fn gain_of(&mut self, command: &Command) -> Option<&mut PendingGain> {
        let Command::Set(all) = command else { return None };
        let [Assignment { control: Control::Gain(objective), over: None, .. }] = &all[..] else {
            return None;
        };
        self.gains.get_mut(objective).filter(|gain| gain.command.is_none())
    }

    /// Forgets what else a command that was refused would have changed.
    pub(super) fn refused(&mut self, command: CommandId) {
        self.n_unanswered.remove(&command);
    }

    /// Forgets a command that was answered; gives back what waited for it.
    pub(super) fn answered(&mut self, command: CommandId, run: &Run) -> Option<Request> {
        // Several changes are told one by one, and the history is whole with the last of them.
        if let Some(left) = self.n_unanswered.get_mut(&command) {
            *left -= 1;
            if *left > 0 {
                return None;
            }
            self.n_unanswered.remove(&command);
        }
        self.others.remove(&command);
        self.undo.take_if(|(undo, _)| *undo == command);
        let objective = self.gains.iter().find(|(_, gain)| gain.command == Some(command));
        if let Some(objective) = objective.map(|(objective, _)| objective.clone())
            && let Some(gain) = self.gains.remove(&objective).filter(|gain| gain.waits)
        {
            return self.set_gain(&objective, gain.gain);
        }
        while !self.has_changes() {
            let key = self.next_undos.pop_front()?;
            if let Some(request) = self.undo_or_redo(key, run) {
                return Some(request);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presses_while_a_command_is_under_way_become_one_command() {
        let mut pending = Pending::default();
        let run = Run::default();
        let pos = ObjectiveId::from("pos");
        let first = pending.set_gain(&pos, 1.05).unwrap();
        pending.sent(&first, CommandId(1));
        assert_eq!(pending.set_gain(&pos, 1.1), None);
        assert_eq!(pending.set_gain(&pos, 1.2), None);
        assert_eq!(pending.gain(&pos), Some(1.2));
        let next = pending.answered(CommandId(1), &run).unwrap();
        assert_eq!(next.command, Assignment::gain(pos.clone(), 1.2).into());
        pending.sent(&next, CommandId(2));
        assert_eq!(pending.answered(CommandId(2), &run), None);
        assert_eq!((pending.gain(&pos), pending.len()), (None, 0));
    }
}
