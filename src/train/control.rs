//! Requests from outside the loop: changes to repeat, a pause, a stop.

use super::{Interrupt, Moves};
use crate::protocol::event::Reason;

/// The requests; see the module.
pub(super) struct Control {
    pub(super) moves: Moves,
    /// Whether they are not those of the checkpoint.
    pub(super) has_new_moves: bool,
    pub(super) interrupt: Interrupt,
    pub(super) paused: bool,
    /// The reason of a requested stop.
    pub(super) stop: Option<Reason>,
    /// The step at which to panic: for the test of a run whose trainer panics.
    panic_at: Option<u64>,
    /// The step at which a tensor operation fails: for the test of such a run.
    error_at: Option<u64>,
}

impl Control {
    pub(super) fn new(
        moves: Moves,
        has_new_moves: bool,
        interrupt: Interrupt,
        [panic_at, error_at]: [Option<u64>; 2],
    ) -> Self {
        Self { moves, has_new_moves, interrupt, paused: false, stop: None, panic_at, error_at }
    }

    /// Panics, or fails, if a test has requested it at that step.
    pub(super) fn fail_if_requested(&self, step: u64) -> candle_core::Result<()> {
        assert!(self.panic_at != Some(step), "panic requested at step {step}");
        if self.error_at == Some(step) {
            candle_core::bail!("error requested at step {step}");
        }
        Ok(())
    }
}
