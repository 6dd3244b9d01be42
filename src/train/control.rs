//! What others want of a run: moves to redo, a pause, an end.

use super::{Interrupt, Moves};
use crate::protocol::event::Reason;

/// See the module.
pub(super) struct Control {
    pub(super) moves: Moves,
    pub(super) interrupt: Interrupt,
    pub(super) paused: bool,
    /// Why somebody wants the run to end.
    pub(super) stop: Option<Reason>,
    /// The step at which to panic: for the test of what becomes of a run whose trainer does.
    panic_at: Option<u64>,
    /// The step at which an operation on tensors is to fail, for the same reason.
    error_at: Option<u64>,
}

impl Control {
    pub(super) fn new(
        moves: Moves,
        interrupt: Interrupt,
        [panic_at, error_at]: [Option<u64>; 2],
    ) -> Self {
        Self { moves, interrupt, paused: false, stop: None, panic_at, error_at }
    }

    /// Panics, or fails, if a test has asked for it at that step.
    pub(super) fn fail_if_asked(&self, step: u64) -> candle_core::Result<()> {
        assert!(self.panic_at != Some(step), "panic requested at step {step}");
        if self.error_at == Some(step) {
            candle_core::bail!("error requested at step {step}");
        }
        Ok(())
    }
}
