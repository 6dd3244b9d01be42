//! How many events the journal holds. The trainer waits for it before it replaces a checkpoint: a run that is
//! killed continues from a checkpoint that its journal reaches.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// The number of events that the operating system has taken, shared by the recorder and the trainer.
#[derive(Clone, Debug, Default)]
pub struct Written(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    n_events: u64,
    has_ended: bool,
}

impl Written {
    /// Adds events that have been written.
    pub fn add(&self, n_events: u64) {
        self.state().n_events += n_events;
        self.0.changed.notify_all();
    }

    /// Nothing more will be written: waiting ends.
    pub fn end(&self) {
        self.state().has_ended = true;
        self.0.changed.notify_all();
    }

    /// Waits until so many events have been written, or until no more will be.
    pub(super) fn wait_for(&self, n_events: u64) {
        let lacks = |state: &mut State| state.n_events < n_events && !state.has_ended;
        let waited = self.0.changed.wait_while(self.state(), lacks);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
