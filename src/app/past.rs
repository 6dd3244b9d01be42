//! What a run has left that goes on: the journal, folded, and the checkpoint that the journal reaches.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    journal::{self, JournalError, Mark, Writer},
    protocol::{
        CommandId, Header, Step,
        event::{Ended, LeftBehind},
    },
    state::{Run, Totals},
    train::checkpoint::{self, Checkpoint},
};

/// See the module.
#[derive(Debug)]
pub struct Past {
    /// The checkpoint to go on from; `None` if none had been saved.
    pub checkpoint: Option<Checkpoint>,
    /// The journal; `None` if it had not been begun.
    pub journal: Option<PastJournal>,
}

/// A journal as it was left.
#[derive(Debug)]
pub struct PastJournal {
    path: PathBuf,
    /// Its first line.
    pub header: Header,
    /// What its events add up to.
    pub run: Run,
    /// What a summary needs beside that.
    pub totals: Totals,
    /// The last command that was answered.
    pub last_command: CommandId,
    /// Where its whole lines end.
    end: Mark,
}

impl Past {
    /// Reads what is in a run's folder, and changes nothing. The error says what is wrong.
    pub fn open(folder: &Path) -> Result<Self, String> {
        let path = folder.join(journal::FILE);
        let journal = PastJournal::read(path).map_err(|error| error.to_string())?;
        let step =
            journal.as_ref().and_then(|journal| journal.run.resume_step()).unwrap_or(Step(0));
        let checkpoint = checkpoint::open_at(folder, "last", step);
        let checkpoint = checkpoint.map_err(|error| format!("{error:#}"))?;
        if checkpoint.is_none() && step > Step(0) {
            let folder = folder.display();
            return Err(format!(
                "{folder}: expected checkpoints/last of step {step}, which the journal tells of, found none; \
                 start a new run"
            ));
        }
        Ok(Self { checkpoint, journal })
    }

    /// How the run ended, if it did.
    pub fn ended(&self) -> Option<Ended> {
        self.journal.as_ref()?.run.ended.as_ref().map(|ended| ended.ended)
    }

    /// What the journal has beyond the checkpoint.
    pub fn left_behind(&self) -> LeftBehind {
        let Some(journal) = &self.journal else { return LeftBehind::default() };
        let (steps, moves) = journal.run.beyond_checkpoint();
        LeftBehind { steps, moves }
    }

    /// Milliseconds that the run has behind it.
    pub fn at_ms(&self) -> u64 {
        self.journal.as_ref().map_or(0, |journal| journal.run.at_ms)
    }
}

impl PastJournal {
    /// Reads a journal to its end; `None` if not even its first line was written whole.
    fn read(path: PathBuf) -> Result<Option<Self>, JournalError> {
        match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Ok(bytes) if !bytes.contains(&b'\n') => return Ok(None),
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

    /// Opens it to be written on. A torn last line is cut off; every line before it has been read.
    pub(super) fn writer(&self) -> io::Result<Writer> {
        Writer::resume(&self.path, &self.end)
    }
}
