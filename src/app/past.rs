//! The past of a run to continue: its journal, with the state after it, and the checkpoint to
//! continue from.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::StartedWith;
use crate::{
    journal::{self, JournalError, Mark, Writer},
    protocol::{
        CommandId, Header, Step,
        event::{Ended, LeftBehind},
    },
    state::{Run, Totals},
    train::checkpoint::{self, Checkpoint},
};

/// The past of a run to continue.
#[derive(Debug)]
pub struct Past {
    /// The checkpoint to continue from; `None` if none was saved.
    pub checkpoint: Option<Checkpoint>,
    /// What the run started with, if it did.
    pub started_with: Option<StartedWith>,
    /// The journal; `None` if none was begun.
    pub journal: Option<PastJournal>,
}

/// The journal so far.
#[derive(Debug)]
pub struct PastJournal {
    path: PathBuf,
    /// Its header.
    pub header: Header,
    /// The state after its events.
    pub run: Run,
    /// Data that the summary needs beyond the state.
    pub totals: Totals,
    /// The last command that was answered.
    pub last_command: CommandId,
    /// The end of its last complete line.
    end: Mark,
}

impl Past {
    /// Reads a run's folder and changes nothing. The error says what is wrong.
    pub fn open(folder: &Path) -> Result<Self, String> {
        let path = folder.join(journal::FILE);
        let journal = PastJournal::read(path).map_err(|error| error.to_string())?;
        let run = journal.as_ref().map(|journal| &journal.run);
        if !run.is_some_and(Run::has_started) {
            has_no_trained_checkpoint(folder)?;
        }
        let saved = run.and_then(Run::last_saved);
        let checkpoint = checkpoint::open_where(folder, "last", |state| match saved {
            Some(saved) => state.is_of(saved),
            None => state.step() == Step(0),
        });
        let checkpoint = checkpoint.map_err(|error| format!("{error:#}"))?;
        if let (None, Some(saved)) = (&checkpoint, saved) {
            let (folder, step) = (folder.display(), saved.step);
            return Err(format!(
                "{folder}: expected checkpoints/last of step {step}, which the journal records, found none; \
                 start a new run"
            ));
        }
        let started_with = if run.is_some_and(Run::has_started) {
            StartedWith::read(folder).map_err(|error| format!("{error:#}"))?
        } else {
            None
        };
        Ok(Self { checkpoint, started_with, journal })
    }

    /// How the run ended, if it did.
    pub fn ended(&self) -> Option<Ended> {
        self.journal.as_ref()?.run.ended.as_ref().map(|ended| ended.ended)
    }

    /// The part of the journal beyond the checkpoint.
    pub fn left_behind(&self) -> LeftBehind {
        let Some(journal) = &self.journal else { return LeftBehind::default() };
        let (steps, moves) = journal.run.beyond_checkpoint();
        LeftBehind { steps, moves }
    }

    /// The time of the run so far, in milliseconds.
    pub fn at_ms(&self) -> u64 {
        self.journal.as_ref().map_or(0, |journal| journal.run.at_ms)
    }
}

/// Refuses a run that was trained and has lost its journal: it would be trained again from step 0,
/// over its checkpoint.
fn has_no_trained_checkpoint(folder: &Path) -> Result<(), String> {
    let last = checkpoint::open(folder, "last").map_err(|error| format!("{error:#}"))?;
    match last.map(|last| last.state.step()).filter(|step| *step > Step(0)) {
        Some(step) => Err(format!(
            "{}: expected {}, which checkpoints/last of step {step} belongs to, found none; put it back, \
             or start a new run",
            folder.display(),
            journal::FILE
        )),
        None => Ok(()),
    }
}

impl PastJournal {
    /// Reads a journal to its end; `None` if its first line is incomplete.
    fn read(path: PathBuf) -> Result<Option<Self>, JournalError> {
        match journal::has_first_line(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Ok(false) => return Ok(None),
            _ => {}
        }
        let mut reader = journal::open(&path)?;
        let header = reader.header().clone();
        let (mut run, mut totals) = (Run::new(Some(&header)), Totals::default());
        let mut last_command = CommandId(0);
        while let Some(event) = reader.read_event()? {
            run.apply(event);
            totals.apply(event);
            last_command = last_command.max(event.answers().unwrap_or(last_command));
        }
        let end = reader.mark();
        Ok(Some(Self { path, header, run, totals, last_command, end }))
    }

    /// Opens it to append. A truncated last line is removed; all lines before it have been read.
    pub(super) fn writer(&self) -> io::Result<Writer> {
        Writer::resume(&self.path, &self.end)
    }
}
