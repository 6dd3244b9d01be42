//! The log of events other than steps, for the event list and the marks of the chart.

use std::{
    collections::{VecDeque, vec_deque},
    iter::Map,
    sync::Arc,
};

use crate::protocol::{Event, Step};

/// Maximum number of events kept; the oldest are dropped first.
const MOST_EVENTS: usize = 16_384;

/// The maximum number of manual changes kept separately.
const MOST_MOVES: usize = 2_048;

/// The latest events of a run, oldest first, except those that occur at every step and tables of
/// scores.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Log {
    /// Copies of the state share them.
    entries: VecDeque<Arc<Entry>>,
    n_logged: u64,
    moves: VecDeque<Arc<Entry>>,
}

/// Entries, oldest first.
pub(super) type Entries<'a> = Map<vec_deque::Iter<'a, Arc<Entry>>, fn(&Arc<Entry>) -> &Entry>;

/// An event with its description.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its index among all events ever logged, from 0; there may be gaps between entries that are
    /// kept.
    pub number: u64,
    /// The event.
    pub event: Event,
    /// Its description at the time; later the same score may no longer be the best.
    pub text: String,
    /// The description in lower case, for searching.
    pub lower: String,
    /// The run was continued from an earlier checkpoint, so the event no longer counts.
    pub is_left_behind: bool,
}

impl Log {
    /// The entries, oldest first.
    pub fn iter(&self) -> Entries<'_> {
        self.entries.iter().map(Arc::as_ref)
    }

    /// Manual changes, oldest first: faders, mutes, solos, settings. They are stored separately, so
    /// that a chart need not search all events, and a long run's evaluations do not displace them.
    pub fn moves(&self) -> Entries<'_> {
        self.moves.iter().map(Arc::as_ref)
    }

    /// The number of entries kept.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The number of events ever logged, including those no longer kept.
    pub fn n_logged(&self) -> u64 {
        self.n_logged
    }

    /// The entries from an index on that are still kept, oldest first.
    pub fn since(&self, number: u64) -> impl Iterator<Item = &Entry> {
        let first = self.entries.partition_point(|entry| entry.number < number);
        self.entries.range(first..).map(Arc::as_ref)
    }

    /// Whether an event is of a kind that is kept.
    pub(super) fn keeps(event: &Event) -> bool {
        !matches!(event, Event::StepDone(_)) && !event.is_table()
    }

    pub(super) fn push(&mut self, event: &Event, text: String) {
        let lower = text.to_lowercase();
        let entry = Arc::new(Entry {
            number: self.n_logged,
            event: event.clone(),
            text,
            lower,
            is_left_behind: false,
        });
        if event.changed().is_some_and(|changed| changed.by.is_manual()) {
            self.moves.push_back(Arc::clone(&entry));
            if self.moves.len() > MOST_MOVES {
                self.moves.pop_front();
            }
        }
        match self.entries.back_mut() {
            // Totals follow each other closely on a slow screen; only the last one matters.
            Some(last)
                if event.kind() == last.event.kind() && matches!(event, Event::ScreenMissed(_)) =>
            {
                let entry = Arc::unwrap_or_clone(entry);
                *last = Arc::new(Entry { number: last.number, ..entry });
            }
            _ => {
                self.entries.push_back(entry);
                self.n_logged += 1;
            }
        }
        if self.entries.len() > MOST_EVENTS {
            self.entries.pop_front();
        }
    }

    /// Marks the entries from an index on as left behind; changes among them are no longer marked
    /// on the chart.
    pub(super) fn leave_behind(&mut self, number: u64) {
        let first = self.entries.partition_point(|entry| entry.number < number);
        for entry in self.entries.range_mut(first..).filter(|entry| !entry.is_left_behind) {
            let entry = Arc::make_mut(entry);
            entry.is_left_behind = true;
            entry.text.insert_str(0, "left behind: ");
            entry.lower.insert_str(0, "left behind: ");
        }
        self.moves.retain(|entry| entry.number < number);
    }

    /// Removes events after a step.
    pub(super) fn rewind(&mut self, to: Step) {
        self.entries.retain(|entry| entry.event.step() <= to);
        self.moves.retain(|entry| entry.event.step() <= to);
    }
}

impl<'a> IntoIterator for &'a Log {
    type Item = &'a Entry;
    type IntoIter = Entries<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        arbitrary,
        protocol::{
            By,
            event::{Muted, Noted, ScreenMissed, Split},
        },
    };

    fn times<'a>(entries: impl Iterator<Item = &'a Entry>) -> Vec<u64> {
        entries.map(|entry| entry.event.at_ms()).collect()
    }

    fn push(log: &mut Log, event: &Event) {
        log.push(event, String::new());
    }

    #[test]
    fn steps_are_not_logged_and_totals_replace_each_other() {
        assert!(!Log::keeps(&arbitrary::step_done(1, "chunk", 1.0).into()));
        let mut log = Log::default();
        push(&mut log, &arbitrary::run_started().into());
        push(&mut log, &ScreenMissed { at_ms: 1, total: 3 }.into());
        push(&mut log, &ScreenMissed { at_ms: 2, total: 5 }.into());
        assert_eq!(times(log.iter()), [0, 2]);
    }

    #[test]
    fn the_oldest_entries_are_dropped_and_counted() {
        let mut log = Log::default();
        for at_ms in 0..MOST_EVENTS as u64 + 3 {
            let (step, text, by, command) = (Step(at_ms), String::new(), By::Key, None);
            push(&mut log, &Noted { at_ms, step, text, by, command }.into());
        }
        assert_eq!((log.len(), log.n_logged()), (MOST_EVENTS, MOST_EVENTS as u64 + 3));
        assert_eq!(times(log.since(MOST_EVENTS as u64)), [0, 1, 2].map(|n| MOST_EVENTS as u64 + n));
        assert_eq!(times(log.iter().take(1)), [3]);
        log.rewind(Step(9));
        assert_eq!(times(log.iter()), [3, 4, 5, 6, 7, 8, 9]);
        push(&mut log, &arbitrary::run_started().into());
        let number = log.iter().next_back().unwrap().number;
        assert_eq!(number, MOST_EVENTS as u64 + 3, "a number stands for one event only");
    }

    #[test]
    fn manual_changes_are_kept_longer_than_other_events() {
        let mut log = Log::default();
        let muted = |at_ms, by| -> Event {
            let (step, from, objective) = (Step(at_ms), Step(at_ms + 1), "pos".into());
            let (muted, command, undoes) = (true, None, None);
            Muted { at_ms, step, from, objective, muted, by, command, undoes }.into()
        };
        push(&mut log, &muted(1, By::Key));
        push(&mut log, &muted(2, By::Schedule));
        for at_ms in 3..MOST_EVENTS as u64 + 9 {
            push(&mut log, &arbitrary::evaluated(at_ms, Split::Dev, "pos", "f1", 1.0).into());
        }
        assert_eq!(times(log.moves()), [1]);
        (0..MOST_MOVES as u64).for_each(|at_ms| push(&mut log, &muted(at_ms, By::Remote)));
        assert_eq!(log.moves().len(), MOST_MOVES);
    }
}
