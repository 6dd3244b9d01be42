//! Progress lines of evaluation, prediction and the reading of long files: how much is done, and the
//! estimated time to the end.

use crate::{printable::print_message, recipe::BytesRead, train::Clock};

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
            print_message(&format!("{done} of {total} examples, ETA {seconds} s"));
        }
        self.done += n_examples;
    }
}

/// Returns what reports the progress of reading one file after the other.
pub(super) fn reading() -> impl FnMut(BytesRead<'_>) {
    let clock = Clock::start();
    let (mut file, mut from_ms, mut due_ms) = (String::new(), 0, EVERY_MS);
    move |read| {
        let at_ms = clock.ms();
        if file != read.file {
            read.file.clone_into(&mut file);
            (from_ms, due_ms) = (at_ms, at_ms + EVERY_MS);
        }
        if at_ms >= due_ms && (1..read.total).contains(&read.done) {
            due_ms = at_ms + EVERY_MS;
            let percent = 100 * read.done / read.total;
            let seconds = (at_ms - from_ms) * (read.total - read.done) / read.done / 1000;
            print_message(&format!("reading {file}: {percent} %, ETA {seconds} s"));
        }
    }
}
