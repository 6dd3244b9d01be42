//! Moves: a journal's interventions, to be made again at their steps.

use std::collections::VecDeque;

use crate::protocol::{Command, Event, Step, event::Reason};

/// Commands by the step they hold from, in the order they were obeyed.
#[derive(Clone, Debug, Default)]
pub struct Moves(VecDeque<(Step, Command)>);

impl Moves {
    /// What hands did in these events. What schedules and rules did follows from the recipe.
    pub fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        Self(events.into_iter().filter_map(intervention).collect())
    }

    /// The next command that holds from that step or an earlier one.
    pub fn due(&mut self, from: Step) -> Option<Command> {
        self.0.pop_front_if(|(step, _)| *step <= from).map(|(_, command)| command)
    }

    /// Every command, with the step it holds from.
    pub fn iter(&self) -> impl Iterator<Item = &(Step, Command)> {
        self.0.iter()
    }
}

fn intervention(event: &Event) -> Option<(Step, Command)> {
    let (from, by, command) = match event {
        Event::GainSet(e) => {
            (e.from, e.by, Command::SetGain { objective: e.objective.clone(), gain: e.new })
        }
        Event::Muted(e) => {
            (e.from, e.by, Command::SetMuted { objective: e.objective.clone(), muted: e.muted })
        }
        Event::Soloed(e) => {
            (e.from, e.by, Command::SetSoloed { objective: e.objective.clone(), soloed: e.soloed })
        }
        Event::SettingSet(e) => {
            (e.from, e.by, Command::Set { path: e.path.clone(), value: e.new.clone() })
        }
        // Somebody who ended a run by hand ended it after this step.
        Event::RunEnded(e) if e.reason == Reason::Key => {
            return Some((e.step.next(), Command::Stop { reason: Reason::Key }));
        }
        Event::RunStarted(_)
        | Event::StepDone(_)
        | Event::CommandRefused(_)
        | Event::Paused(_)
        | Event::Resumed(_)
        | Event::Evaluated(_)
        | Event::Gradients(_)
        | Event::CheckpointSaved(_)
        | Event::LossBroke(_)
        | Event::Noted(_)
        | Event::Continued(_)
        | Event::Rewound(_)
        | Event::ScreenMissed(_)
        | Event::RunEnded(_) => return None,
    };
    by.is_a_hand().then_some((from, command))
}
