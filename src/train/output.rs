//! The outputs of a run, and the clock of its events.

use std::path::PathBuf;

use super::{Clock, Opening};

/// The outputs; see the module.
pub(super) struct Output {
    /// The run's folder.
    pub(super) run: PathBuf,
    pub(super) clock: Clock,
    pub(super) opening: Opening,
}

impl Output {
    /// Integer milliseconds since the run began.
    pub(super) fn ms(&self) -> u64 {
        self.clock.ms()
    }

    /// Integer microseconds since this session began.
    pub(super) fn us(&self) -> u64 {
        self.clock.us()
    }
}
