//! A signal's wish to end, seen between two batches.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Set once, by the thread that waits for signals; seen by the trainer.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Asks the trainer to end after the batch in hand.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether that was asked.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
