//! Progress lines of evaluation and prediction: how much is done, and the estimated time to the end.

use std::io::{self, Write};

use crate::train::Clock;

/// Milliseconds between two lines.
const EVERY_MS: u64 = 2_000;

/// Progress through a known number of examples.
pub(super) struct ProgressLine {
    clock: Clock,
    done: usize,
    total: usize,
    due_ms: u64,
}

impl ProgressLine {
    /// Starts the clock.
    pub(super) fn new(total: usize) -> Self {
        Self { clock: Clock::start(), done: 0, total, due_ms: EVERY_MS }
    }

    /// Called before each batch with its number of examples; prints a line when one is due.
    pub(super) fn next(&mut self, n_examples: usize) {
        let at_ms = self.clock.ms();
        if at_ms >= self.due_ms && self.done > 0 {
            self.due_ms = at_ms + EVERY_MS;
            let remaining = self.total.saturating_sub(self.done);
            let seconds = at_ms * remaining as u64 / self.done as u64 / 1000;
            let (done, total) = (self.done, self.total);
            let line = format!("{done} of {total} examples, ETA {seconds} s\n");
            // A closed pipe has no reader.
            let _ = io::stderr().write_all(line.as_bytes());
        }
        self.done += n_examples;
    }
}
