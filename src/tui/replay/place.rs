//! How far a journal has been told, and whether that is where somebody wanted to be.

use crate::{
    protocol::{Event, Header, Step},
    state::{Run, until},
};

/// A run as it was at some place of its journal.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// What was told up to here.
    pub(super) run: Run,
    /// The largest step told so far. A run that was rewound has less than that done.
    pub(super) highest: Step,
    /// Steps told so far, those that were done twice counted twice.
    pub(super) n_steps: u64,
    /// Events told so far that do not come with every step.
    pub(super) n_events: u64,
}

impl Place {
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
            Event::GradientsMeasured(_) | Event::ClassesScored(_) => {}
            _ => self.n_events += 1,
        }
        self.run.apply(event);
    }
}

/// Where a replay is to stop: before the first event that is beyond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// All that was told while no more than so many steps were done, as `state::until` has it.
    Step(Step),
    /// So many steps of the journal, and what was told after them.
    Count(u64),
    /// What was told in so many milliseconds.
    Time(u64),
    /// One more event than so many that do not come with every step, and what was told after its
    /// step.
    Event(u64),
    /// Everything.
    End,
}

impl Goal {
    /// Whether an event that comes next is too much.
    pub(super) fn ends_before(self, event: &Event, place: &Place) -> bool {
        match self {
            Self::Step(step) => until([event], Some(step)).next().is_none(),
            Self::Count(n_steps) => matches!(event, Event::StepDone(_)) && place.n_steps >= n_steps,
            Self::Time(at_ms) => event.at_ms() > at_ms,
            Self::Event(n_events) => {
                matches!(event, Event::StepDone(_)) && place.n_events > n_events
            }
            Self::End => false,
        }
    }

    /// Whether too much has been told already, so that the only way is back.
    pub(super) fn is_behind(self, place: &Place) -> bool {
        match self {
            Self::Step(step) => place.highest > step,
            Self::Count(n_steps) => place.n_steps > n_steps,
            Self::Event(n_events) => place.n_events > n_events,
            Self::Time(_) | Self::End => false,
        }
    }

    /// About how many of the bytes to come are still to be told, if steps go on to be as long as
    /// they were.
    pub(super) fn n_bytes_left(self, place: &Place, n_bytes: u64, n_bytes_to_come: u64) -> u64 {
        let n_steps = match self {
            Self::Step(step) => step.0.saturating_sub(place.highest.0),
            Self::Count(n_steps) => n_steps.saturating_sub(place.n_steps),
            Self::Time(_) => 0,
            // Nobody knows where the next one is.
            Self::Event(_) | Self::End => return n_bytes_to_come,
        };
        (n_steps.saturating_mul(n_bytes) / place.n_steps.max(1)).min(n_bytes_to_come)
    }
}
