//! Where a run leaves what it makes, and the clock that its events are dated by.

use std::path::PathBuf;

use super::{Clock, Opening};

/// See the module.
pub(super) struct Output {
    /// The run's folder.
    pub(super) run: PathBuf,
    pub(super) clock: Clock,
    pub(super) opening: Opening,
}

impl Output {
    /// Whole milliseconds since the run began.
    pub(super) fn ms(&self) -> u64 {
        self.clock.ms()
    }
}
