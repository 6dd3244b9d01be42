//! Commands that the trainer has not answered yet; faders are drawn hollow until it has.
//!
//! Each fader, or pair of linked ones, has one command in flight. Further key presses are merged into the next one,
//! so that a key held down costs the trainer one command per step rather than one per repeat.

use std::collections::{BTreeMap, VecDeque};

use crate::{
    protocol::{Assignment, Command, CommandId, Control, ObjectiveId, event::Setting},
    state::Run,
};

/// A command to send to the trainer.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The command.
    pub command: Command,
    /// The command whose changes it undoes or redoes.
    pub undoes: Option<CommandId>,
}

impl<C: Into<Command>> From<C> for Request {
    fn from(command: C) -> Self {
        Self { command: command.into(), undoes: None }
    }
}

/// Commands in flight.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pending {
    /// Oldest first.
    gains: Vec<PendingGains>,
    /// Commands that do not set a single fader.
    others: BTreeMap<CommandId, Command>,
    /// The undo or redo in flight, and what follows it.
    undo: Option<(CommandId, Command)>,
    next_undos: VecDeque<UndoKey>,
    /// The number of expected events for commands that change several controls.
    n_unanswered: BTreeMap<CommandId, usize>,
}

/// Undo or redo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UndoKey {
    /// Undo the last change.
    Undo,
    /// Redo the last undone change.
    Redo,
}

/// The command in flight of one fader, or of linked ones.
#[derive(Clone, Debug, PartialEq)]
struct PendingGains {
    /// The last requested gains, sent or not.
    gains: Vec<(ObjectiveId, f32)>,
    /// The command that was sent; `None` until its id is known.
    command: Option<CommandId>,
    /// The last requested gains have not been sent yet.
    is_queued: bool,
}

impl PendingGains {
    fn gain(&self, objective: &ObjectiveId) -> Option<f32> {
        self.gains.iter().find(|(name, _)| name == objective).map(|(_, gain)| *gain)
    }

    /// Whether it has one of these faders, and whether it has the same ones.
    fn shares(&self, gains: &[(ObjectiveId, f32)]) -> (bool, bool) {
        let n_shared = gains.iter().filter(|(name, _)| self.gain(name).is_some()).count();
        (n_shared > 0, n_shared == gains.len() && n_shared == self.gains.len())
    }
}

impl Pending {
    /// The requested value of a control, if it is not in force yet; includes commands that change
    /// several controls, and undo.
    pub fn value(&self, control: &Control) -> Option<Setting> {
        if let Control::Gain(objective) = control
            && let Some(gain) = self.gains.iter().rev().find_map(|open| open.gain(objective))
        {
            return Some(Setting::Number(gain));
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

    /// The requested gain of a fader, if it is not in force yet.
    pub fn gain(&self, objective: &ObjectiveId) -> Option<f32> {
        match self.value(&Control::Gain(objective.clone()))? {
            Setting::Number(gain) => Some(gain),
            Setting::Switch(_) | Setting::Text(_) => None,
        }
    }

    /// The requested mute state of an objective.
    pub fn mute(&self, objective: &ObjectiveId) -> Option<bool> {
        self.switch(&Control::Muted(objective.clone()))
    }

    /// The requested solo state of an objective.
    pub fn solo(&self, objective: &ObjectiveId) -> Option<bool> {
        self.switch(&Control::Soloed(objective.clone()))
    }

    fn switch(&self, control: &Control) -> Option<bool> {
        match self.value(control)? {
            Setting::Switch(is_on) => Some(is_on),
            Setting::Number(_) | Setting::Text(_) => None,
        }
    }

    /// The requested pause state of training.
    pub fn pause(&self) -> Option<bool> {
        self.others.values().rev().find_map(|command| match command {
            Command::Pause | Command::StepOnce => Some(true),
            Command::Resume => Some(false),
            _ => None,
        })
    }

    /// Whether a change is in flight: until it is answered, what can be undone is unknown.
    pub fn has_changes(&self) -> bool {
        self.undo.is_some()
            || !self.gains.is_empty()
            || self.others.values().any(|command| matches!(command, Command::Set(_)))
    }

    /// Whether a command of that kind is in flight.
    pub fn has_any(&self, is_it: impl Fn(&Command) -> bool) -> bool {
        self.others.values().any(is_it)
    }

    /// The number of commands in flight.
    pub fn len(&self) -> usize {
        self.gains.len() + self.others.len() + usize::from(self.undo.is_some())
    }

    /// Whether no command is in flight.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether that command is in flight.
    pub fn has(&self, command: CommandId) -> bool {
        self.undo.as_ref().is_some_and(|(undo, _)| *undo == command)
            || self.others.contains_key(&command)
            || self.gains.iter().any(|open| open.command == Some(command))
    }

    /// With that one gain in flight.
    #[cfg(test)]
    pub fn with_gain(objective: &ObjectiveId, gain: f32) -> Self {
        let mut pending = Self::default();
        let gains = vec![(objective.clone(), gain)];
        let request = pending.set_gains(gains).expect("nothing is under way");
        pending.sent(&request, CommandId(1));
        pending
    }

    /// Requests gains, of one fader or of linked ones: at once, or as soon as the command in flight of
    /// the same faders is answered.
    pub(super) fn set_gains(&mut self, mut gains: Vec<(ObjectiveId, f32)>) -> Option<Request> {
        let latest = self.gains.iter_mut().rev().find(|open| open.shares(&gains).0);
        if let Some(open) = latest.filter(|open| open.shares(&gains).1) {
            (open.gains, open.is_queued) = (gains, true);
            return None;
        }
        // Those that wait for a command of other faders, among them one of these, go with it.
        for open in &mut self.gains {
            if open.is_queued && open.shares(&gains).0 {
                open.is_queued = false;
                for (name, gain) in &open.gains {
                    if gains.iter().all(|(other, _)| other != name) {
                        gains.push((name.clone(), *gain));
                    }
                }
            }
        }
        let set = |(name, gain): &(ObjectiveId, f32)| Assignment::gain(name.clone(), *gain);
        let command = Command::Set(gains.iter().map(set).collect());
        self.gains.push(PendingGains { gains, command: None, is_queued: false });
        Some(command.into())
    }

    /// Undoes or redoes: at once, or after the commands in flight.
    pub(super) fn undo_or_redo(&mut self, key: UndoKey, run: &Run) -> Option<Request> {
        if self.has_changes() {
            self.next_undos.push_back(key);
            return None;
        }
        let (command, undoes) = match key {
            UndoKey::Undo => run.manual.history.last_done().map(|last| (last.undo(), last.command)),
            UndoKey::Redo => {
                run.manual.history.last_undone().map(|last| (last.redo(), last.command))
            }
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
            command => match self.gains_of(command) {
                Some(open) => open.command = Some(id),
                None => {
                    self.others.insert(id, command.clone());
                }
            },
        }
    }

    /// The faders of a command that [`Pending::set_gains`] returned.
    fn gains_of(&mut self, command: &Command) -> Option<&mut PendingGains> {
        let Command::Set(all) = command else { return None };
        let gain = |one: &Assignment| match (&one.control, &one.value, one.over) {
            (Control::Gain(objective), Setting::Number(gain), None) => {
                Some((objective.clone(), *gain))
            }
            _ => None,
        };
        let gains: Vec<(ObjectiveId, f32)> = all.iter().map(gain).collect::<Option<_>>()?;
        self.gains.iter_mut().find(|open| open.command.is_none() && open.gains == gains)
    }

    /// Forgets the other changes of a command that was refused.
    pub(super) fn refused(&mut self, command: CommandId) {
        self.n_unanswered.remove(&command);
    }

    /// Forgets a command that was answered; returns the request that waited for it.
    pub(super) fn answered(&mut self, command: CommandId, run: &Run) -> Option<Request> {
        // Each of several changes has an event of its own, and the history is complete with the
        // last one.
        if let Some(left) = self.n_unanswered.get_mut(&command) {
            *left -= 1;
            if *left > 0 {
                return None;
            }
            self.n_unanswered.remove(&command);
        }
        self.others.remove(&command);
        self.undo.take_if(|(undo, _)| *undo == command);
        let place = self.gains.iter().position(|open| open.command == Some(command));
        if let Some(open) = place.map(|place| self.gains.remove(place))
            && open.is_queued
        {
            return self.set_gains(open.gains);
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
    fn presses_during_a_command_are_merged_into_one() {
        let mut pending = Pending::default();
        let run = Run::default();
        let pos = ObjectiveId::from("pos");
        let pos_at = |gain: f32| vec![(pos.clone(), gain)];
        let first = pending.set_gains(pos_at(1.05)).unwrap();
        pending.sent(&first, CommandId(1));
        assert_eq!(pending.set_gains(pos_at(1.1)), None);
        assert_eq!(pending.set_gains(pos_at(1.2)), None);
        assert_eq!(pending.gain(&pos), Some(1.2));
        let next = pending.answered(CommandId(1), &run).unwrap();
        assert_eq!(next.command, Assignment::gain(pos.clone(), 1.2).into());
        pending.sent(&next, CommandId(2));
        assert_eq!(pending.answered(CommandId(2), &run), None);
        assert_eq!((pending.gain(&pos), pending.len()), (None, 0));
    }

    #[test]
    fn a_fader_that_is_linked_or_unlinked_meanwhile_keeps_the_last_request() {
        let mut pending = Pending::default();
        let run = Run::default();
        let gains = |gains: &[(&str, f32)]| {
            gains.iter().map(|&(name, gain)| (ObjectiveId::from(name), gain)).collect::<Vec<_>>()
        };
        let alone = pending.set_gains(gains(&[("pos", 1.05)])).unwrap();
        pending.sent(&alone, CommandId(1));
        assert_eq!(pending.set_gains(gains(&[("pos", 1.1)])), None, "it waits");
        // Linked now: the pair has a command of its own, and the waiting one is obsolete.
        let pair = pending.set_gains(gains(&[("chunk", 2.0), ("pos", 1.2)])).unwrap();
        pending.sent(&pair, CommandId(2));
        assert_eq!(pending.set_gains(gains(&[("chunk", 3.0), ("pos", 1.8)])), None);
        assert_eq!(pending.answered(CommandId(1), &run), None);
        assert_eq!(pending.gain(&"pos".into()), Some(1.8));
        // Unlinked: what waits for the other fader is not lost.
        let last = pending.set_gains(gains(&[("pos", 0.5)])).unwrap();
        let all = [("pos", 0.5), ("chunk", 3.0)];
        let all = all.map(|(name, gain)| Assignment::gain(name.into(), gain));
        assert_eq!(last.command, Command::Set(all.to_vec()));
        pending.sent(&last, CommandId(3));
        for (id, n_answers) in [(2, 2), (3, 2)] {
            (0..n_answers).for_each(|_| assert_eq!(pending.answered(CommandId(id), &run), None));
        }
        assert!(pending.is_empty());
    }
}
