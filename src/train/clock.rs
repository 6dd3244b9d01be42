//! The only clock of a run: whole milliseconds since it began.

use std::time::Instant;

/// Milliseconds since the run began.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    began: Instant,
    /// Milliseconds that the run had behind it then.
    before_ms: u64,
}

impl Clock {
    /// A clock that begins now.
    pub fn start() -> Self {
        Self::start_at(0)
    }

    /// A clock that goes on now from so many milliseconds.
    #[expect(clippy::disallowed_methods, reason = "this is where a run's time comes from")]
    pub fn start_at(before_ms: u64) -> Self {
        Self { began: Instant::now(), before_ms }
    }

    /// Whole milliseconds since then.
    pub fn ms(self) -> u64 {
        let ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.before_ms.saturating_add(ms)
    }
}
