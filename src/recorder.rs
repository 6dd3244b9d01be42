//! The recorder's thread: writes every event to the journal, and applies it to the state that
//! outlives the run.
//!
//! It waits for events and never for the screen. When a line cannot be written it ends, and the
//! trainer notices that at its next event.

use std::io;

use crossbeam_channel::{Receiver, Sender};

use crate::{
    bus::Written,
    feed::SharedRun,
    journal::Writer,
    protocol::{Event, Report, Summary},
    state::{Run, Totals},
};

/// What the recorder returns when its channel has disconnected or a write has failed.
#[derive(Debug)]
pub struct Recorded {
    /// The state after all recorded events.
    pub run: Run,
    /// Data that the summary needs beyond the state.
    pub totals: Totals,
    /// Why the journal is incomplete, if it is.
    pub error: Option<io::Error>,
}

impl Recorded {
    /// The contents of `state.json`.
    pub fn report(&self) -> Report {
        self.run.report()
    }

    /// The contents of `summary.json`; `None` if the run never started.
    pub fn summary(&self, run_folder: &str, peak_memory_mib: Option<u64>) -> Option<Summary> {
        self.totals.summary(&self.run, run_folder, peak_memory_mib)
    }
}

/// What a recorder needs.
pub struct Recording<'a> {
    /// The journal.
    pub writer: Writer,
    /// The state that screens which miss events catch up with. It includes earlier events if the run is
    /// continued.
    pub shared: &'a SharedRun,
    /// Data that the summary needs beyond the state, of earlier events.
    pub totals: Totals,
    /// How far the journal has been written, for the trainer.
    pub written: Written,
    /// Receives the events that tell of something that is wrong, if anyone does.
    pub alerts: Option<Sender<Event>>,
}

impl Drop for Recording<'_> {
    /// Nobody waits for a recorder that has ended, even by a panic.
    fn drop(&mut self) {
        self.written.end();
        self.shared.close();
    }
}

/// Records until the trainer drops its bus, or until a line cannot be written.
#[expect(clippy::needless_pass_by_value, reason = "ending must close the channel")]
pub fn record(events: Receiver<Event>, mut recording: Recording<'_>) -> Recorded {
    let error = recording.record_all(&events).err();
    let (run, totals) = (recording.shared.snapshot().0, std::mem::take(&mut recording.totals));
    Recorded { run, totals, error }
}

impl Recording<'_> {
    fn record_all(&mut self, events: &Receiver<Event>) -> io::Result<()> {
        while let Ok(event) = events.recv() {
            // Events that have arrived meanwhile are written at once.
            let (mut must_last, mut n_events) = (false, 0);
            for event in std::iter::once(event).chain(events.try_iter()) {
                self.shared.apply(&event);
                self.totals.apply(&event);
                self.writer.push(&event);
                if let Some(alerts) = self.alerts.as_ref().filter(|_| event.is_alert()) {
                    // Nobody has to receive them.
                    let _ = alerts.try_send(event.clone());
                }
                n_events += 1;
                // A checkpoint on disk is useless if the journal does not reach it.
                must_last |= matches!(event, Event::CheckpointSaved(_) | Event::RunEnded(_));
            }
            self.writer.flush()?;
            self.written.add(n_events);
            self.shared.add_written(n_events);
            if must_last {
                self.writer.sync()?;
            }
        }
        self.writer.sync()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        arbitrary,
        bus::{self, Channels},
        journal::{self, Journal},
        protocol::Step,
    };

    #[test]
    fn events_are_in_the_journal_and_in_the_state() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(journal::FILE);
        let header = arbitrary::header();
        let writer = Writer::create(&path, &header).unwrap();
        let Channels { mut bus, recorder, screen, .. } = bus::channels();
        drop(screen);
        let written = bus.written();
        let shared = SharedRun::new(Run::new(Some(&header)));
        let thread = std::thread::spawn(move || {
            let totals = Totals::default();
            record(recorder, Recording { writer, shared: &shared, totals, written, alerts: None })
        });
        bus.emit(arbitrary::run_started());
        (1..=100).for_each(|step| bus.emit(arbitrary::step_done(step, "chunk", 1.0)));
        bus.wait_until_written();
        assert_eq!(Journal::read(&path).unwrap().events.len(), 101, "while the run goes on");
        drop(bus);

        let recorded = thread.join().unwrap();
        assert!(recorded.error.is_none());
        let journal = Journal::read(&path).unwrap();
        assert_eq!(journal.events.len(), 101);
        let replayed = crate::state::replay(&journal.header, &journal.events, None);
        assert_eq!(replayed, recorded.run);
        assert_eq!(recorded.summary("runs/x", None).unwrap().steps, 100);
    }

    #[test]
    fn a_failed_write_ends_the_recorder_and_the_trainer_notices() {
        let folder = tempfile::tempdir().unwrap();
        let writer = Writer::broken(&folder.path().join(journal::FILE));
        let Channels { mut bus, recorder, .. } = bus::channels();
        bus.emit(arbitrary::run_started());
        bus.emit(arbitrary::step_done(1, "chunk", 1.0));
        let written = bus.written();
        let (shared, totals) = (SharedRun::new(Run::new(None)), Totals::default());
        let recorded =
            record(recorder, Recording { writer, shared: &shared, totals, written, alerts: None });
        bus.wait_until_written();
        assert!(recorded.error.is_some());
        assert_eq!(recorded.run.step, Step(1), "the fold knows what the journal does not");
        bus.emit(arbitrary::step_done(2, "chunk", 1.0));
        assert!(bus.recorder_disconnected());
    }
}
