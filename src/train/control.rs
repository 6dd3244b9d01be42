//! Requests from outside the loop: changes to repeat, a pause, a stop.

use std::hint::black_box;

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
    failures: RequestedFailures,
}

/// Failures that the tests of ARCHITECTURE.md's table of exits request, each at a step.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestedFailures {
    /// The trainer panics.
    pub panic_at: Option<u64>,
    /// A tensor operation fails.
    pub error_at: Option<u64>,
    /// An allocation fails.
    pub out_of_memory_at: Option<u64>,
}

impl RequestedFailures {
    /// Fails to allocate, if a test has requested it at step 0: before the first one.
    pub fn fail_before_training(self) {
        if self.out_of_memory_at == Some(0) {
            fail_to_allocate();
        }
    }
}

fn fail_to_allocate() {
    // No machine has half of the address space.
    black_box(Vec::<u8>::with_capacity(isize::MAX as usize));
}

impl Control {
    pub(super) fn new(
        moves: Moves,
        has_new_moves: bool,
        interrupt: Interrupt,
        failures: RequestedFailures,
    ) -> Self {
        Self { moves, has_new_moves, interrupt, paused: false, stop: None, failures }
    }

    /// Panics, or fails, if a test has requested it at that step.
    pub(super) fn fail_if_requested(&self, step: u64) -> candle_core::Result<()> {
        let RequestedFailures { panic_at, error_at, out_of_memory_at } = self.failures;
        assert!(panic_at != Some(step), "panic requested at step {step}");
        if error_at == Some(step) {
            candle_core::bail!("error requested at step {step}");
        }
        if out_of_memory_at == Some(step) {
            fail_to_allocate();
        }
        Ok(())
    }
}
