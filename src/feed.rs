//! What a screen follows: the events of a run as they come, and the recorder's fold where it missed some.
//!
//! The channel to a screen is bounded, so a screen that stalls misses events. The recorder misses none: once
//! it has folded everything that the screen lacks, the screen takes a copy of that fold and goes on from
//! there. What waits for a stalled screen is therefore bounded, at
//! [`SCREEN_CAPACITY`](crate::bus::SCREEN_CAPACITY) events and two more, however long it stalls.

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

/// The recorder's fold of a run, shared with screens. Only the recorder and a screen that catches up ever wait
/// for it, never the trainer.
#[derive(Clone, Debug)]
pub struct SharedRun(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    run: Mutex<Run>,
    /// Events in `run`; written while it is locked.
    n_events: AtomicU64,
    /// The recorder has ended, and applies no more.
    is_closed: AtomicBool,
}

impl SharedRun {
    /// A run before its first event.
    pub fn new(run: Run) -> Self {
        let (n_events, is_closed) = (AtomicU64::new(0), AtomicBool::new(false));
        Self(Arc::new(Shared { run: Mutex::new(run), n_events, is_closed }))
    }

    /// Applies an event; the recorder's part, in the order of the journal.
    pub fn apply(&self, event: &Event) {
        let mut run = self.lock();
        run.apply(event);
        self.0.n_events.fetch_add(1, Ordering::Release);
    }

    /// Events applied so far.
    pub fn n_events(&self) -> u64 {
        self.0.n_events.load(Ordering::Acquire)
    }

    /// The run as it is now, and the number of events in it.
    pub fn snapshot(&self) -> (Run, u64) {
        let run = self.lock();
        (run.clone(), self.n_events())
    }

    /// Says that no event will be applied any more; the recorder's part, when it ends.
    pub fn close(&self) {
        self.0.is_closed.store(true, Ordering::Release);
    }

    fn is_closed(&self) -> bool {
        self.0.is_closed.load(Ordering::Acquire)
    }

    /// A panic while it was locked is told by whoever panicked; the run is still the best there is.
    fn lock(&self) -> MutexGuard<'_, Run> {
        self.0.run.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A run as a screen sees it.
#[derive(Debug)]
pub struct Feed {
    events: Receiver<Numbered>,
    shared: SharedRun,
    run: Run,
    /// Events in `run`, those of a copied fold included.
    n_events: u64,
    /// An event that came after some that were missed, until the recorder has folded those.
    held: Option<Numbered>,
}

/// What a look at the feed brought.
#[derive(Debug)]
pub enum Update {
    /// An event, which is now in the run.
    Event(Event),
    /// Events were missed; the run is now a copy of the recorder's.
    CaughtUp(CaughtUp),
    /// Nothing for now.
    Empty,
    /// Nothing any more.
    Disconnected,
}

/// What was missed.
#[derive(Debug)]
pub struct CaughtUp {
    /// The missed events that the log keeps, oldest first: all but steps, gradients and scores by class.
    pub entries: Vec<Entry>,
    /// Whether the log still had all of them.
    pub is_complete: bool,
}

impl Feed {
    /// Follows the events of a channel from the run's first one on.
    pub fn new(events: Receiver<Numbered>, shared: SharedRun) -> Self {
        let (run, n_events) = shared.snapshot();
        Self { events, shared, run, n_events, held: None }
    }

    /// The run as far as this screen has it.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// Takes in the next event, or all that was missed before it. Never waits for an event.
    pub fn poll(&mut self) -> Update {
        loop {
            // Read first: the screen's channel gets an event before the recorder does. So if the channel is
            // empty and the recorder was further by then, events were missed.
            let is_closed = self.shared.is_closed();
            let n_recorded = self.shared.n_events();
            let next = match self.held.take() {
                Some(held) => Ok(held),
                None => self.events.try_recv(),
            };
            match next {
                // It is in the copied fold already.
                Ok(Numbered { number, .. }) if number < self.n_events => {}
                Ok(Numbered { number, event }) if number == self.n_events => {
                    self.run.apply(&event);
                    self.n_events += 1;
                    return Update::Event(event);
                }
                Ok(held) if n_recorded >= held.number => {
                    self.held = Some(held);
                    return self.catch_up();
                }
                Ok(held) => {
                    let number = held.number;
                    self.held = Some(held);
                    match (is_closed, n_recorded > self.n_events) {
                        (false, _) => return Update::Empty,
                        // The recorder's disk failed before it got there: this is all there is.
                        (true, true) => return self.catch_up(),
                        (true, false) => self.n_events = number,
                    }
                }
                Err(_) if n_recorded > self.n_events => return self.catch_up(),
                Err(TryRecvError::Disconnected) if is_closed => return Update::Disconnected,
                // What the recorder has not folded yet may have been missed here.
                Err(_) => return Update::Empty,
            }
        }
    }

    /// The same, but waits for something to take in, at most about so long.
    pub fn wait(&mut self, timeout: Duration) -> Update {
        /// The recorder is waited for: it gets there, or ends, within milliseconds.
        const SOON: Duration = Duration::from_millis(1);
        match self.poll() {
            Update::Empty => {}
            update => return update,
        }
        if self.held.is_some() {
            thread::sleep(SOON);
        } else {
            match self.events.recv_timeout(timeout) {
                Ok(event) => self.held = Some(event),
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
