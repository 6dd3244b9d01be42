//! Wishes that the trainer has not answered: faders drawn hollow until it has.
//!
//! Of one fader one order is under way at a time. Presses that come meanwhile are gathered into the next
//! one, so that holding a key costs the trainer an order a step and not one a press.

use std::collections::{BTreeMap, VecDeque};

use super::Wish;
use crate::{
    protocol::{Command, CommandId, ObjectiveId, event::Setting},
    state::Run,
    tui::view::action::Nudge,
};

/// Orders under way.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wishes {
    gains: BTreeMap<ObjectiveId, Gain>,
    /// Orders that are no single fader's, with what each would do.
    others: BTreeMap<CommandId, Command>,
    /// The move that is being taken back or made again, and which ways are to follow.
    turning: Option<(CommandId, Command)>,
    turns: VecDeque<Turn>,
    /// Events still to come of orders that move several strips.
    parts: BTreeMap<CommandId, usize>,
}

/// Taking back, or making again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Take the last move back.
    Undo,
    /// Make again what was taken back last.
    Redo,
}

/// One fader's order under way.
#[derive(Clone, Debug, PartialEq)]
struct Gain {
    /// What was wished last, sent or not.
    wished: f32,
    /// The number of the one that was sent; `None` between giving it out and hearing its number.
    order: Option<CommandId>,
    /// The last wish was not sent yet.
    waits: bool,
}

impl Wishes {
    /// The gain that was wished for a fader and that it does not have yet.
    pub fn gain(&self, objective: &ObjectiveId) -> Option<f32> {
        let own = self.gains.get(objective).map(|gain| gain.wished);
        own.or_else(|| {
            self.last(&|command| match command {
                Command::SetGain { objective: other, gain: to }
                | Command::Fade { objective: other, to, .. }
                    if other == objective =>
                {
                    Some(*to)
                }
                _ => None,
            })
        })
    }

    /// Whether a strip's mute was wished to change, and to what.
    pub fn mute(&self, objective: &ObjectiveId) -> Option<bool> {
        self.last(&|command| match command {
            Command::SetMuted { objective: other, muted } if other == objective => Some(*muted),
            _ => None,
        })
    }

    /// Whether a strip's solo was wished to change, and to what.
    pub fn solo(&self, objective: &ObjectiveId) -> Option<bool> {
        self.last(&|command| match command {
            Command::SetSoloed { objective: other, soloed } if other == objective => Some(*soloed),
            _ => None,
        })
    }

    /// The value that was wished for a setting and that it does not have yet.
    pub fn setting(&self, path: &str) -> Option<Setting> {
        self.last(&|command| match command {
            Command::Set { path: other, value } if other == path => Some(value.clone()),
            _ => None,
        })
    }

    /// The last open wish of a kind, those within others and those to take back among them.
    fn last<T>(&self, is_it: &dyn Fn(&Command) -> Option<T>) -> Option<T> {
        fn within<T>(command: &Command, is_it: &dyn Fn(&Command) -> Option<T>) -> Option<T> {
            match command {
                Command::Several(all) => all.iter().rev().find_map(|one| within(one, is_it)),
                one => is_it(one),
            }
        }
        let turning = self.turning.iter().map(|(_, command)| command);
        turning.chain(self.others.values().rev()).find_map(|command| within(command, is_it))
    }

    /// Whether training was wished to be held, or to go on.
    pub fn pause(&self) -> Option<bool> {
        self.others.values().rev().find_map(|command| match command {
            Command::Pause | Command::StepOnce => Some(true),
            Command::Resume => Some(false),
            _ => None,
        })
    }

    /// Whether a move is under way: until it is answered nobody knows what there is to take back.
    pub fn has_moves(&self) -> bool {
        let is_move =
            |command: &Command| command.moves_strips() || matches!(command, Command::Set { .. });
        self.turning.is_some() || !self.gains.is_empty() || self.others.values().any(is_move)
    }

    /// Whether an order of that kind is under way.
    pub fn waits_for(&self, is_it: impl Fn(&Command) -> bool) -> bool {
        self.others.values().any(is_it)
    }

    /// How many orders are under way.
    pub fn n_open(&self) -> usize {
        self.gains.len() + self.others.len() + usize::from(self.turning.is_some())
    }

    /// Whether that order is one of them.
    pub fn has(&self, order: CommandId) -> bool {
        self.turning.as_ref().is_some_and(|(turning, _)| *turning == order)
            || self.others.contains_key(&order)
            || self.gains.values().any(|gain| gain.order == Some(order))
    }

    /// With that one wish open.
    #[cfg(test)]
    pub fn wishing(command: Command) -> Self {
        let mut wishes = Self::default();
        if let Command::SetGain { objective, gain } = &command {
            wishes.set_gain(objective, *gain);
        }
        wishes.sent(&command.into(), CommandId(1));
        wishes
    }

    /// Wishes a gain for a fader: at once, or as soon as the order under way is answered.
    pub(super) fn set_gain(&mut self, objective: &ObjectiveId, gain: f32) -> Option<Wish> {
        if let Some(open) = self.gains.get_mut(objective) {
            (open.wished, open.waits) = (gain, true);
            return None;
        }
        let open = Gain { wished: gain, order: None, waits: false };
        self.gains.insert(objective.clone(), open);
        Some(Command::SetGain { objective: objective.clone(), gain }.into())
    }

    /// Wishes the last move back, or again: at once, or after those under way.
    pub(super) fn turn(&mut self, turn: Turn, run: &Run) -> Option<Wish> {
        if self.has_moves() {
            self.turns.push_back(turn);
            return None;
        }
        let last = match turn {
            Turn::Undo => run.history.last_done(),
            Turn::Redo => run.history.last_undone(),
        }?;
        let command = match turn {
            Turn::Undo => last.back(),
            Turn::Redo => last.again(),
        };
        Some(Wish { command, undoes: Some(last.order) })
    }

    pub(super) fn sent(&mut self, wish: &Wish, order: CommandId) {
        if let Command::Several(all) = &wish.command {
            self.parts.insert(order, all.len());
        }
        match &wish.command {
            command if wish.undoes.is_some() => self.turning = Some((order, command.clone())),
            Command::SetGain { objective, .. } if self.gains.contains_key(objective) => {
                self.gains.entry(objective.clone()).and_modify(|gain| gain.order = Some(order));
            }
            // The end of the run answers it.
            Command::Stop { .. } => {}
            command => {
                self.others.insert(order, command.clone());
            }
        }
    }

    /// Forgets what else an order that was refused would have told.
    pub(super) fn refused(&mut self, order: CommandId) {
        self.parts.remove(&order);
    }

    /// Forgets an order that was answered; gives back what waited for it.
    pub(super) fn answered(&mut self, order: CommandId, run: &Run) -> Option<Wish> {
        // Several moves are told one by one, and the history is whole with the last of them.
        if let Some(left) = self.parts.get_mut(&order) {
            *left -= 1;
            if *left > 0 {
                return None;
            }
            self.parts.remove(&order);
        }
        self.others.remove(&order);
        self.turning.take_if(|(turning, _)| *turning == order);
        let objective = self.gains.iter().find(|(_, gain)| gain.order == Some(order));
        if let Some(objective) = objective.map(|(objective, _)| objective.clone())
            && let Some(gain) = self.gains.remove(&objective).filter(|gain| gain.waits)
        {
            return self.set_gain(&objective, gain.wished);
        }
        while !self.has_moves() {
            let turn = self.turns.pop_front()?;
            if let Some(wish) = self.turn(turn, run) {
                return Some(wish);
            }
        }
        None
    }
}

/// Below this a fader is as good as shut: down from here is 0, and up from 0 is here.
pub const LEAST: f32 = 0.01;

/// Beyond this a fader does not go by steps; it can be typed.
const MOST: f32 = 100.0;

/// Where a press moves a fader, to four digits.
pub fn nudged(gain: f32, nudge: Nudge) -> f32 {
    let factor = match nudge {
        Nudge::Up => 1.05,
        Nudge::Down => 1.0 / 1.05,
        Nudge::FarUp => 1.25,
        Nudge::FarDown => 0.8,
    };
    let up = factor > 1.0;
    if gain < LEAST && up {
        return LEAST;
    }
    if gain <= LEAST {
        return 0.0;
    }
    let moved = f64::from(gain) * factor;
    let digit = 10f64.powf(moved.log10().floor() - 3.0);
    let rounded = ((moved / digit).round() * digit) as f32;
    // A fader that was typed to more than the steps reach stays where it is when it is pushed up.
    if up { rounded.min(MOST.max(gain)) } else { rounded.max(LEAST) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fader_opens_at_a_hundredth_and_shuts_below_it() {
        assert_eq!(nudged(0.0, Nudge::Up), 0.01);
        assert_eq!(nudged(0.0, Nudge::FarUp), 0.01);
        assert_eq!(nudged(0.01, Nudge::Down), 0.0);
        assert_eq!(nudged(0.012, Nudge::FarDown), 0.01);
        assert_eq!(nudged(0.0, Nudge::Down), 0.0);
    }

    #[test]
    fn steps_are_parts_of_the_gain_and_go_back_where_they_came_from() {
        assert_eq!(nudged(1.0, Nudge::Up), 1.05);
        assert_eq!(nudged(1.05, Nudge::Down), 1.0);
        assert_eq!(nudged(0.5, Nudge::FarUp), 0.625);
        assert_eq!(nudged(0.625, Nudge::FarDown), 0.5);
        assert_eq!(nudged(99.0, Nudge::FarUp), 100.0);
        assert_eq!(nudged(250.0, Nudge::Up), 250.0);
    }

    #[test]
    fn presses_while_an_order_is_under_way_become_one_order() {
        let mut wishes = Wishes::default();
        let run = Run::default();
        let pos = ObjectiveId::from("pos");
        let first = wishes.set_gain(&pos, 1.05).unwrap();
        wishes.sent(&first, CommandId(1));
        assert_eq!(wishes.set_gain(&pos, 1.1), None);
        assert_eq!(wishes.set_gain(&pos, 1.2), None);
        assert_eq!(wishes.gain(&pos), Some(1.2));
        let next = wishes.answered(CommandId(1), &run).unwrap();
        assert_eq!(next.command, Command::SetGain { objective: pos.clone(), gain: 1.2 });
        wishes.sent(&next, CommandId(2));
        assert_eq!(wishes.answered(CommandId(2), &run), None);
        assert_eq!((wishes.gain(&pos), wishes.n_open()), (None, 0));
    }
}
