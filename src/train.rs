//! The loop: draw, forward, mix, backward, step; and what happens between two steps.
//!
//! The trainer tells facts on the bus and never waits for anybody. Commands are applied between two
//! steps, never within one, and each is answered by an event.

mod apart;
mod backward;
mod batches;
pub mod checkpoint;
mod clock;
mod commands;
mod control;
mod counters;
mod evaluation;
mod gradient_probe;
mod gradients;
mod interrupt;
mod learner;
mod loss;
mod mixer;
mod moves;
mod optimizer;
mod output;
mod plan;
mod score;
mod settings;
mod start;
mod step;
mod weights;

use std::{path::PathBuf, time::Duration};

use anyhow::Result;

pub use clock::Clock;
pub use gradients::Gradients;
pub use interrupt::Interrupt;
pub use moves::Moves;
pub use optimizer::Optimizer;
pub use score::score;

use crate::{
    bus::{Bus, Waited},
    data::Corpus,
    kernel,
    protocol::{
        Step,
        event::{Reason, RunEnded},
    },
    recipe::{Length, Recipe, System, Vocabularies},
};
use batches::Batches;
use control::Control;
use counters::Counters;
use learner::Learner;
use mixer::Mixer;
use output::Output;
use plan::Plan;
use settings::Settings;

/// How long a paused trainer sleeps before it looks for signals again.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// What a trainer is made from.
pub struct TrainerSetup {
    /// What to train.
    pub recipe: Recipe,
    /// The recipe's corpora, in its order.
    pub corpora: Vec<Corpus>,
    /// Their vocabularies.
    pub vocabularies: Vocabularies,
    /// The system made of them, with every corpus attached.
    pub system: System,
    /// The run's folder.
    pub run: PathBuf,
    /// Moves to redo.
    pub moves: Moves,
    /// The run's clock.
    pub clock: Clock,
    /// Where signals are seen.
    pub interrupt: Interrupt,
    /// The step at which to panic: for the test of what becomes of a run whose trainer does.
    pub panic_at: Option<u64>,
}

/// A run, happening.
pub struct Trainer {
    plan: Plan,
    batches: Batches,
    mixer: Mixer,
    learner: Learner,
    settings: Settings,
    counters: Counters,
    control: Control,
    output: Output,
}

impl Trainer {
    /// Updates done.
    pub fn step(&self) -> Step {
        self.counters.step
    }

    /// The run's clock.
    pub fn clock(&self) -> Clock {
        self.output.clock
    }

    /// Trains until something ends the run, tells how it ended, and gives that back.
    ///
    /// An error of the disk or of arithmetic is told as the run's end too; only a panic is not, and
    /// that is for whoever catches it to tell.
    pub fn train(&mut self, bus: &mut Bus) -> RunEnded {
        bus.emit(self.started());
        let done = if kernel::is_fused(self.learner.parameters().device()) {
            // As one of the threads that compute: each of their tasks would wake another one otherwise.
            rayon::scope(|_| self.until_the_end(bus))
        } else {
            // Here, on a stack that is deep enough for candle's graph of its own operations.
            self.until_the_end(bus)
        };
        let (reason, message) = match done {
            Ok(reason) => (reason, None),
            Err(error) => (failure(&error), Some(format!("{error:#}"))),
        };
        let ending = RunEnded {
            at_ms: self.output.ms(),
            step: self.counters.step,
            ended: reason.ended(),
            reason,
            message,
        };
        bus.emit(ending.clone());
        ending
    }

    fn until_the_end(&mut self, bus: &mut Bus) -> Result<Reason> {
        let reason = loop {
            self.handle_commands(bus)?;
            if let Some(reason) = self.end(bus) {
                break reason;
            }
            if self.control.paused {
                match bus.wait_for_command(POLL_INTERVAL) {
                    Waited::Command(command) => self.handle_command(command, bus)?,
                    Waited::TimedOut => {}
                    // Nobody is left who could resume.
                    Waited::Disconnected => self.control.paused = false,
                }
                continue;
            }
            if !self.mixer.is_active(self.counters.step) {
                return Err(AllMuted(self.counters.step.next()).into());
            }
            self.train_step(bus)?;
            self.between_steps(bus)?;
        };
        self.finish(reason, bus)?;
        Ok(reason)
    }

    /// Why the run should end now, if it should.
    fn end(&self, bus: &Bus) -> Option<Reason> {
        let Counters { step, evals_without_improvement, .. } = self.counters;
        if self.control.interrupt.is_set() {
            return Some(Reason::Signal);
        }
        if bus.recorder_has_gone() {
            return Some(Reason::Disk);
        }
        if self.counters.has_diverged() {
            return Some(Reason::Loss);
        }
        if self.control.stop.is_some() {
            return self.control.stop;
        }
        let train = &self.plan.recipe.train;
        if train.patience.is_some_and(|patience| evals_without_improvement >= patience) {
            return Some(Reason::Patience);
        }
        match train.length {
            Length::Steps(steps) => (step.0 >= steps).then_some(Reason::Steps),
            Length::Epochs(epochs) => (self.epochs() >= epochs).then_some(Reason::Epochs),
        }
    }

    /// Epochs done of the main objective's corpus.
    fn epochs(&self) -> u64 {
        self.batches.position(self.plan.main_corpus()).pass
    }
}

/// Schedules have taken every gain to 0: no step would have an update.
#[derive(Debug, thiserror::Error)]
#[error("nothing sounds from step {0} on: every gain is 0, or muted")]
struct AllMuted(Step);

/// Which reason an error is told as.
fn failure(error: &anyhow::Error) -> Reason {
    if error.is::<AllMuted>() {
        return Reason::Loss;
    }
    let io = error.chain().any(<dyn std::error::Error>::is::<std::io::Error>);
    // candle wraps what the disk said when it writes a checkpoint.
    let wrapped = error.chain().any(|cause| {
        matches!(
            cause.downcast_ref(),
            Some(candle_core::Error::Io(_) | candle_core::Error::SafeTensor(_))
        )
    });
    if io || wrapped { Reason::Disk } else { Reason::Panic }
}
