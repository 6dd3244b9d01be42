//! A request to stop, made by a signal and checked between two batches.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Set once, by the thread that waits for signals; checked by the trainer.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Requests a stop after the current batch.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether a stop was requested.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
