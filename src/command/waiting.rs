//! A line now and then for who waits: how much is done, and how long the rest will take.

use std::io::{self, Write};

use crate::train::Clock;

/// How long a wait goes without a word.
const EVERY_MS: u64 = 2_000;

/// A wait for so many examples.
pub(super) struct Waiting {
    clock: Clock,
    done: usize,
    total: usize,
    due_ms: u64,
}

impl Waiting {
    /// A wait that begins now.
    pub(super) fn new(total: usize) -> Self {
        Self { clock: Clock::start(), done: 0, total, due_ms: EVERY_MS }
    }

    /// To be called before the next examples, with how many they are.
    pub(super) fn next(&mut self, n_examples: usize) {
        let at_ms = self.clock.ms();
        if at_ms >= self.due_ms && self.done > 0 {
            self.due_ms = at_ms + EVERY_MS;
            let left = self.total.saturating_sub(self.done);
            let seconds = at_ms * left as u64 / self.done as u64 / 1000;
            let (done, total) = (self.done, self.total);
            let line = format!("{done} of {total} examples, {seconds} s left\n");
            // Nobody reads a closed pipe.
            let _ = io::stderr().write_all(line.as_bytes());
        }
        self.done += n_examples;
    }
}
