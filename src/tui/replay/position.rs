//! A position in a journal, and whether it is the target of a seek.

use crate::{
    protocol::{Event, Header, Step},
    state::{Run, until},
};

/// The state of a run at a position of its journal.
#[derive(Clone, Debug)]
pub(super) struct Position {
    /// The state after the events so far.
    pub(super) run: Run,
    /// The largest step so far. A run that was continued from an earlier checkpoint may be at a
    /// smaller one.
    pub(super) highest: Step,
    /// The number of steps so far, including those that were repeated.
    pub(super) n_steps: u64,
    /// The number of events so far that are not written at every step.
    pub(super) n_events: u64,
}

impl Position {
    /// Before the first event.
    pub(super) fn beginning(header: &Header) -> Self {
        Self { run: Run::new(Some(header)), highest: Step(0), n_steps: 0, n_events: 0 }
    }

    pub(super) fn apply(&mut self, event: &Event) {
        match event {
            Event::StepDone(event) => {
                self.highest = self.highest.max(event.step);
                self.n_steps += 1;
            }
            event if event.is_table() => {}
            _ => self.n_events += 1,
        }
        self.run.apply(event);
    }
}

/// The target of a seek: it stops before the first event beyond the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// Until the given number of steps is completed, as in `state::until`.
    Step(Step),
    /// After a number of steps in the journal, and the events that follow them.
    Count(u64),
    /// After a number of milliseconds.
    Time(u64),
    /// One more than a number of events that are not written at every step, and the events of its
    /// step.
    Event(u64),
    /// The end of the journal.
    End,
}

impl Target {
    /// Whether the next event is beyond the target.
    pub(super) fn ends_before(self, event: &Event, position: &Position) -> bool {
        match self {
            Self::Step(step) => until([event], Some(step)).next().is_none(),
            Self::Count(n_steps) => {
                matches!(event, Event::StepDone(_)) && position.n_steps >= n_steps
            }
            Self::Time(at_ms) => event.at_ms() > at_ms,
            Self::Event(n_events) => {
                matches!(event, Event::StepDone(_)) && position.n_events > n_events
            }
            Self::End => false,
        }
    }

    /// Whether the position is already beyond the target, which is then reached only by going back.
    pub(super) fn is_behind(self, position: &Position) -> bool {
        match self {
            Self::Step(step) => position.highest > step,
            Self::Count(n_steps) => position.n_steps > n_steps,
            Self::Event(n_events) => position.n_events > n_events,
            Self::Time(_) | Self::End => false,
        }
    }

    /// The approximate number of bytes up to the target, if steps continue to be as long as before.
    pub(super) fn n_bytes_left(
        self,
        position: &Position,
        n_bytes: u64,
        n_bytes_to_come: u64,
    ) -> u64 {
        let n_steps = match self {
            Self::Step(step) => step.0.saturating_sub(position.highest.0),
            Self::Count(n_steps) => n_steps.saturating_sub(position.n_steps),
            Self::Time(_) => 0,
            // The position of the next one is unknown.
            Self::Event(_) | Self::End => return n_bytes_to_come,
        };
        (n_steps.saturating_mul(n_bytes) / position.n_steps.max(1)).min(n_bytes_to_come)
    }
}
