//! The list of events: which of them are shown, and which one is chosen.

use crate::{
    protocol::Event,
    state::{Log, Run},
};

/// What is shown of the list, and where in it one is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventList {
    /// Only events of this class.
    pub class: Class,
    /// Only events whose words hold this, whatever the case.
    pub filter: String,
    /// The chosen event, by its number since the run began; `None`: the youngest, whichever it is.
    pub chosen: Option<u64>,
}

/// A kind of event, as people look for it.
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
    /// What broke, was refused or was missed.
    Faults,
    /// How the run began, was held and ended.
    Run,
}

impl Class {
    /// The class of an event.
    pub fn of(event: &Event) -> Self {
        match event {
            Event::GainSet(_) | Event::Muted(_) | Event::Soloed(_) | Event::SettingSet(_) => {
                Self::Moves
            }
            Event::Evaluated(_) | Event::ClassesScored(_) | Event::CheckpointSaved(_) => {
                Self::Scores
            }
            Event::Noted(_) | Event::SceneStored(_) => Self::Notes,
            Event::NonFiniteLoss(_) | Event::CommandRefused(_) | Event::ScreenMissed(_) => {
                Self::Faults
            }
            Event::RunStarted(_)
            | Event::StepDone(_)
            | Event::Paused(_)
            | Event::Resumed(_)
            | Event::GradientsMeasured(_)
            | Event::Continued(_)
            | Event::Rewound(_)
            | Event::RunEnded(_) => Self::Run,
        }
    }

    /// The next class, round and round.
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

    /// What the list's title and its rows say.
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
    /// The event's number since the run began.
    pub number: u64,
    /// The event.
    pub event: &'a Event,
    /// What it says.
    pub words: &'a str,
    /// The same in small letters.
    lower: &'a str,
}

impl EventList {
    /// The rows that are shown, youngest first.
    pub fn rows<'a>(&'a self, run: &'a Run) -> impl Iterator<Item = Row<'a>> + 'a {
        let filter = self.filter.to_lowercase();
        let shown = move |row: &Row| {
            (self.class == Class::All || Class::of(row.event) == self.class)
                && (filter.is_empty() || row.lower.contains(&filter))
        };
        numbered(&run.log).rev().filter(shown)
    }

    /// The chosen row: the youngest until one is chosen.
    pub fn chosen<'a>(&'a self, run: &'a Run) -> Option<Row<'a>> {
        let is_it = |row: &Row| self.chosen.is_none_or(|chosen| row.number <= chosen);
        self.rows(run).find(is_it)
    }

    /// Chooses the row so many further up.
    pub(super) fn older(&mut self, by: usize, run: &Run) {
        let from = self.chosen.unwrap_or(u64::MAX);
        let upwards = self.rows(run).skip_while(|row| row.number > from).take(by + 1).last();
        self.chosen = upwards.map(|row| row.number);
    }

    /// Chooses the row so many further down; beyond the youngest it goes with the run.
    pub(super) fn younger(&mut self, by: usize, run: &Run) {
        let Some(from) = self.chosen else { return };
        let younger: Vec<u64> =
            self.rows(run).map(|row| row.number).take_while(|number| *number > from).collect();
        let place = younger.len().checked_sub(by);
        self.chosen = place.filter(|place| *place > 0).map(|place| younger[place]);
    }

    /// Chooses the oldest row.
    pub(super) fn oldest(&mut self, run: &Run) {
        self.chosen = self.rows(run).last().map(|row| row.number);
    }
}

fn numbered(log: &Log) -> impl DoubleEndedIterator<Item = Row<'_>> + ExactSizeIterator {
    log.iter().map(|entry| Row {
        number: entry.number,
        event: &entry.event,
        words: &entry.words,
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
        run.apply(&CheckpointSaved { at_ms: 50, step, name, command }.into());
        run
    }

    fn numbers(list: &EventList, run: &Run) -> Vec<u64> {
        list.rows(run).map(|row| row.number).collect()
    }

    #[test]
    fn classes_and_words_narrow_the_list() {
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
    fn choosing_goes_up_and_down_the_rows_that_are_shown() {
        let run = run();
        let mut list = EventList { class: Class::Notes, ..EventList::default() };
        assert_eq!(list.chosen(&run).unwrap().number, 4);
        list.older(1, &run);
        assert_eq!(list.chosen, Some(3));
        list.older(9, &run);
        assert_eq!(list.chosen, Some(1));
        list.younger(2, &run);
        assert_eq!(list.chosen, Some(3));
        list.younger(9, &run);
        assert_eq!(list.chosen, None, "it goes with the run again");
        list.oldest(&run);
        assert_eq!(list.chosen, Some(1));
    }
}
