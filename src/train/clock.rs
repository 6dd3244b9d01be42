//! The only clock of a run: whole milliseconds since it began.

use std::time::Instant;

/// Milliseconds since the run began.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    began: Instant,
}

impl Clock {
    /// A clock that begins now.
    #[expect(clippy::disallowed_methods, reason = "this is where a run's time comes from")]
    pub fn start() -> Self {
        Self { began: Instant::now() }
    }

    /// Whole milliseconds since then.
    pub fn ms(self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
