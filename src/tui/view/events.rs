//! The list of events: which are shown, and which is selected.

use crate::{
    protocol::Event,
    state::{Log, Run},
};

/// The filter and the selection of the list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventList {
    /// Only events of this class.
    pub class: Class,
    /// Only events whose text contains this, ignoring case.
    pub filter: String,
    /// The selected event, by its index since the run began; `None` for the latest.
    pub selected: Option<u64>,
}

/// A class of events, as users filter by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Class {
    /// Every event.
    #[default]
    All,
    /// Changes by hand, by schedules and by rules.
    Moves,
    /// Scores and checkpoints.
    Scores,
    /// Notes and scenes.
    Notes,
    /// Non-finite losses, refusals, missed events.
    Faults,
    /// The start, pauses and the end of the run.
    Run,
}

impl Class {
    /// The class of an event.
    pub fn of(event: &Event) -> Self {
        match event {
            Event::GainSet(_) | Event::Muted(_) | Event::Soloed(_) | Event::SettingSet(_) => {
                Self::Moves
            }
            Event::Evaluated(_)
            | Event::ClassesScored(_)
            | Event::SamplesTaken(_)
            | Event::CheckpointSaved(_) => Self::Scores,
            Event::Noted(_) | Event::SceneStored(_) => Self::Notes,
            Event::NonFiniteLoss(_)
            | Event::GuardTripped(_)
            | Event::CommandRefused(_)
            | Event::ScreenMissed(_) => Self::Faults,
            Event::RunStarted(_)
            | Event::StepDone(_)
            | Event::LengthChanged(_)
            | Event::SamplingAdapted(_)
            | Event::Paused(_)
            | Event::Resumed(_)
            | Event::GradientsMeasured(_)
            | Event::ShadowShares(_)
            | Event::AffinitiesMeasured(_)
            | Event::PhasesTimed(_)
            | Event::Continued(_)
            | Event::Rewound(_)
            | Event::RunEnded(_) => Self::Run,
        }
    }

    /// The next class, cyclically.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::All => Self::Moves,
            Self::Moves => Self::Scores,
            Self::Scores => Self::Notes,
            Self::Notes => Self::Faults,
            Self::Faults => Self::Run,
            Self::Run => Self::All,
        }
    }

    /// Its name in the list's title and rows.
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Moves => "move",
            Self::Scores => "score",
            Self::Notes => "note",
            Self::Faults => "fault",
            Self::Run => "run",
        }
    }
}

/// One row of the list.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// The event's index since the run began.
    pub number: u64,
    /// The event.
    pub event: &'a Event,
    /// Its text.
    pub text: &'a str,
    /// Its text in lower case.
    lower: &'a str,
}

impl EventList {
    /// The rows that pass the filter, the latest first.
    pub fn rows<'a>(&'a self, run: &'a Run) -> impl Iterator<Item = Row<'a>> + 'a {
        let filter = self.filter.to_lowercase();
        let shown = move |row: &Row| {
            (self.class == Class::All || Class::of(row.event) == self.class)
                && (filter.is_empty() || row.lower.contains(&filter))
        };
        numbered(&run.log).rev().filter(shown)
    }

    /// The selected row: the latest until one is selected.
    pub fn selected<'a>(&'a self, run: &'a Run) -> Option<Row<'a>> {
        let is_it = |row: &Row| self.selected.is_none_or(|selected| row.number <= selected);
        self.rows(run).find(is_it)
    }

    /// Selects the row `by` further up.
    pub(super) fn select_older(&mut self, by: usize, run: &Run) {
        let from = self.selected.unwrap_or(u64::MAX);
        let upwards = self.rows(run).skip_while(|row| row.number > from).take(by + 1).last();
        self.selected = upwards.map(|row| row.number);
    }

    /// Selects the row `by` further down; beyond the latest it follows the run.
    pub(super) fn select_newer(&mut self, by: usize, run: &Run) {
        let Some(from) = self.selected else { return };
        let select_newer: Vec<u64> =
            self.rows(run).map(|row| row.number).take_while(|number| *number > from).collect();
        let place = select_newer.len().checked_sub(by);
        self.selected = place.filter(|place| *place > 0).map(|place| select_newer[place]);
    }

    /// Selects the first row.
    pub(super) fn select_first(&mut self, run: &Run) {
        self.selected = self.rows(run).last().map(|row| row.number);
    }
}

fn numbered(log: &Log) -> impl DoubleEndedIterator<Item = Row<'_>> + ExactSizeIterator {
    log.iter().map(|entry| Row {
        number: entry.number,
        event: &entry.event,
        text: &entry.text,
        lower: &entry.lower,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        arbitrary,
        protocol::{
            By, Step,
            event::{CheckpointSaved, Noted, Split},
        },
    };

    fn run() -> Run {
        let mut run = Run::new(None);
        run.apply(&arbitrary::run_started().into());
        for step in 1..=4 {
            let at_ms = step * 10;
            let (step, text, by, command) = (Step(step), format!("Note {step}"), By::Key, None);
            run.apply(&Noted { at_ms, step, text, by, command }.into());
        }
        run.apply(&arbitrary::evaluated(5, Split::Dev, "chunk", "f1", 80.0).into());
        let (step, name, command) = (Step(5), "best".into(), None);
        run.apply(
            &CheckpointSaved { at_ms: 50, step, name, last_evaluation: step, best: None, command }
                .into(),
        );
        run
    }

    fn numbers(list: &EventList, run: &Run) -> Vec<u64> {
        list.rows(run).map(|row| row.number).collect()
    }

    #[test]
    fn classes_and_texts_filter_the_list() {
        let run = run();
        let mut list = EventList::default();
        assert_eq!(numbers(&list, &run), [6, 5, 4, 3, 2, 1, 0]);
        list.class = Class::Scores;
        assert_eq!(numbers(&list, &run), [6, 5]);
        list.class = Class::All;
        list.filter = "NOTE 3".into();
        assert_eq!(numbers(&list, &run), [3]);
    }

    #[test]
    fn selection_moves_over_the_filtered_rows() {
        let run = run();
        let mut list = EventList { class: Class::Notes, ..EventList::default() };
        assert_eq!(list.selected(&run).unwrap().number, 4);
        list.select_older(1, &run);
        assert_eq!(list.selected, Some(3));
        list.select_older(9, &run);
        assert_eq!(list.selected, Some(1));
        list.select_newer(2, &run);
        assert_eq!(list.selected, Some(3));
        list.select_newer(9, &run);
        assert_eq!(list.selected, None, "it goes with the run again");
        list.select_first(&run);
        assert_eq!(list.selected, Some(1));
    }
}
