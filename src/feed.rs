//! The events of a run as a screen receives them, with the recorder's state where it missed some.
//!
//! The channel to a screen is bounded, so a screen that stalls misses events. The recorder misses
//! none: once it has applied every event that the screen lacks, the screen copies the recorder's
//! state and continues from there. Memory for a stalled screen is therefore bounded, by
//! [`SCREEN_CAPACITY`](crate::bus::SCREEN_CAPACITY) + 2 events, however long it stalls.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use crossbeam_channel::{Receiver, RecvTimeoutError, TryRecvError};

use crate::{
    bus::Numbered,
    protocol::Event,
    state::{Entry, Run},
};

/// The recorder's state of a run, shared with screens. Only the recorder and a screen that catches
/// up wait for its lock, never the trainer.
#[derive(Clone, Debug)]
pub struct SharedRun(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    run: Mutex<Run>,
    /// The number of events in `run`; written while it is locked.
    n_events: AtomicU64,
    /// The number of events that the operating system has taken for the journal.
    n_written: AtomicU64,
    /// The recorder has ended and will apply no more events.
    is_closed: AtomicBool,
}

impl SharedRun {
    /// A run before its first event.
    pub fn new(run: Run) -> Self {
        let [n_events, n_written] = [AtomicU64::new(0), AtomicU64::new(0)];
        let is_closed = AtomicBool::new(false);
        Self(Arc::new(Shared { run: Mutex::new(run), n_events, n_written, is_closed }))
    }

    /// Applies an event; called by the recorder, in the order of the journal.
    pub fn apply(&self, event: &Event) {
        let mut run = self.lock();
        run.apply(event);
        self.0.n_events.fetch_add(1, Ordering::Release);
    }

    /// The number of events applied so far.
    pub fn n_events(&self) -> u64 {
        self.0.n_events.load(Ordering::Acquire)
    }

    /// Adds events that have been written to the journal; called by the recorder.
    pub fn add_written(&self, n_events: u64) {
        self.0.n_written.fetch_add(n_events, Ordering::Relaxed);
    }

    /// The current state, and the number of events in it.
    pub fn snapshot(&self) -> (Run, u64) {
        let run = self.lock();
        (run.clone(), self.n_events())
    }

    /// Marks that no more events will be applied; called by the recorder when it ends.
    pub fn close(&self) {
        self.0.is_closed.store(true, Ordering::Release);
    }

    fn is_closed(&self) -> bool {
        self.0.is_closed.load(Ordering::Acquire)
    }

    /// A panic while it was locked is reported by the thread that panicked; the state is still
    /// usable.
    fn lock(&self) -> MutexGuard<'_, Run> {
        self.0.run.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The state of a run that a screen has.
#[derive(Debug)]
pub struct Feed {
    events: Receiver<Numbered>,
    shared: SharedRun,
    run: Run,
    /// The number of events in `run`, including those of a copied state.
    n_events: u64,
    /// An event that followed missed ones, until the recorder has applied those.
    buffered: Option<Numbered>,
}

/// The result of polling the feed.
#[derive(Debug)]
pub enum Update {
    /// An event, which has been applied to the run.
    Event(Event),
    /// Events were missed; the run is now a copy of the recorder's state.
    CaughtUp(CaughtUp),
    /// No event yet.
    Empty,
    /// No more events.
    Disconnected,
}

/// Missed events.
#[derive(Debug)]
pub struct CaughtUp {
    /// The missed events that are logged, oldest first: all but steps, gradients and scores per
    /// class.
    pub entries: Vec<Entry>,
    /// Whether the log still had all of them.
    pub is_complete: bool,
}

impl Feed {
    /// Receives the events of a channel from the run's first one on.
    pub fn new(events: Receiver<Numbered>, shared: SharedRun) -> Self {
        let (run, n_events) = shared.snapshot();
        Self { events, shared, run, n_events, buffered: None }
    }

    /// The state as far as this screen has it.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// The number of events that have been sent, as far as this screen knows, and that the journal
    /// does not hold yet.
    pub fn journal_lag(&self) -> u64 {
        let n_written = self.shared.0.n_written.load(Ordering::Relaxed);
        let n_sent = self.n_events + self.events.len() as u64;
        n_sent.max(self.shared.n_events()).saturating_sub(n_written)
    }

    /// Applies the next event, or catches up on all that were missed before it. Never blocks.
    pub fn poll(&mut self) -> Update {
        loop {
            // Read first: the screen's channel receives an event before the recorder does. So if
            // the channel is empty and the recorder had more events by then, some were missed.
            let is_closed = self.shared.is_closed();
            let n_recorded = self.shared.n_events();
            let next = match self.buffered.take() {
                Some(buffered) => Ok(buffered),
                None => self.events.try_recv(),
            };
            match next {
                // It is included in the copied state.
                Ok(Numbered { number, .. }) if number < self.n_events => {}
                Ok(Numbered { number, event }) if number == self.n_events => {
                    self.run.apply(&event);
                    self.n_events += 1;
                    return Update::Event(event);
                }
                Ok(buffered) if n_recorded >= buffered.number => {
                    self.buffered = Some(buffered);
                    return self.catch_up();
                }
                Ok(buffered) => {
                    let number = buffered.number;
                    self.buffered = Some(buffered);
                    match (is_closed, n_recorded > self.n_events) {
                        (false, _) => return Update::Empty,
                        // The recorder failed before it got there: this is all there is.
                        (true, true) => return self.catch_up(),
                        (true, false) => self.n_events = number,
                    }
                }
                Err(_) if n_recorded > self.n_events => return self.catch_up(),
                Err(TryRecvError::Disconnected) if is_closed => return Update::Disconnected,
                // Events that the recorder has not applied yet may have been missed here.
                Err(_) => return Update::Empty,
            }
        }
    }

    /// Like `poll`, but waits up to about `timeout` for an event.
    pub fn wait(&mut self, timeout: Duration) -> Update {
        /// The recorder catches up, or ends, within milliseconds.
        const SOON: Duration = Duration::from_millis(1);
        match self.poll() {
            Update::Empty => {}
            update => return update,
        }
        if self.buffered.is_some() {
            thread::sleep(SOON);
        } else {
            match self.events.recv_timeout(timeout) {
                Ok(event) => self.buffered = Some(event),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => thread::sleep(SOON),
            }
        }
        self.poll()
    }

    fn catch_up(&mut self) -> Update {
        let n_logged = self.run.log.n_logged();
        (self.run, self.n_events) = self.shared.snapshot();
        let entries: Vec<Entry> = self.run.log.since(n_logged).cloned().collect();
        let is_complete = entries.len() as u64 == self.run.log.n_logged() - n_logged;
        Update::CaughtUp(CaughtUp { entries, is_complete })
    }
}

#[cfg(test)]
mod tests;
