//! What happened beside the steps themselves, for the list of events and the marks on the chart.

use std::collections::{VecDeque, vec_deque};

use crate::protocol::Event;

/// Events that are kept; the oldest are forgotten first.
const MOST_EVENTS: usize = 16_384;

/// The latest events of a run, oldest first, without those that come with every step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Log {
    events: VecDeque<Event>,
    forgotten: u64,
}

impl Log {
    /// The events, oldest first.
    pub fn iter(&self) -> vec_deque::Iter<'_, Event> {
        self.events.iter()
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether nothing has happened yet.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// How many were kept once and are no longer.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    pub(super) fn push(&mut self, event: &Event) {
        match (event, self.events.back_mut()) {
            (Event::StepDone(_) | Event::Gradients(_), _) => {}
            // Totals follow each other closely on a slow screen; the last one says it all.
            (Event::ScreenMissed(_), Some(last @ Event::ScreenMissed(_))) => {
                last.clone_from(event);
            }
            _ => self.events.push_back(event.clone()),
        }
        if self.events.len() > MOST_EVENTS {
            self.events.pop_front();
            self.forgotten += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        arbitrary,
        protocol::{
            By, Step,
            event::{Noted, ScreenMissed},
        },
    };

    #[test]
    fn steps_are_left_out_and_totals_replace_each_other() {
        let mut log = Log::default();
        log.push(&arbitrary::run_started().into());
        log.push(&arbitrary::step_done(1, "chunk", 1.0).into());
        log.push(&ScreenMissed { at_ms: 1, total: 3 }.into());
        log.push(&ScreenMissed { at_ms: 2, total: 5 }.into());
        let kinds: Vec<_> = log.iter().map(Event::kind).collect();
        assert_eq!(kinds, ["run_started", "screen_missed"]);
        assert_eq!(log.iter().next_back().unwrap().at_ms(), 2);
    }

    #[test]
    fn the_oldest_are_forgotten_and_counted() {
        let mut log = Log::default();
        for at_ms in 0..MOST_EVENTS as u64 + 3 {
            let (step, text, by, command) = (Step(at_ms), String::new(), By::Key, None);
            log.push(&Noted { at_ms, step, text, by, command }.into());
        }
        assert_eq!((log.len(), log.forgotten()), (MOST_EVENTS, 3));
        assert_eq!(log.iter().next().unwrap().at_ms(), 3);
    }
}
