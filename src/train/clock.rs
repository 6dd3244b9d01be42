//! The only clock of a run: integer milliseconds since it began.

use std::time::Instant;

/// Milliseconds since the run began.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    began: Instant,
    /// Milliseconds of the run before the clock was started.
    before_ms: u64,
}

impl Clock {
    /// A clock that starts now.
    pub fn start() -> Self {
        Self::start_at(0)
    }

    /// A clock that continues from a number of milliseconds.
    #[expect(clippy::disallowed_methods, reason = "the only source of a run's time")]
    pub fn start_at(before_ms: u64) -> Self {
        Self { began: Instant::now(), before_ms }
    }

    /// Integer microseconds since this clock was started.
    pub fn us(self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Integer milliseconds since the start.
    pub fn ms(self) -> u64 {
        let ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.before_ms.saturating_add(ms)
    }
}
