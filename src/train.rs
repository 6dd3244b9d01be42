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
mod progress;
mod score;
mod settings;
mod start;
mod step;
mod weights;

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use anyhow::Result;

pub use crate::{
    bus::{Bus, Waited},
    data::Corpus,
    kernel,
    protocol::{
        Step,
        event::{LeftBehind, Reason, RunEnded},
    },
    recipe::{FittedByOwner, Length, Recipe, System},
};
use batches::Batches;
pub use clock::Clock;
use control::Control;
pub use counters::{BestSoFar, Counters, LastEvaluation};
pub use gradients::Gradients;
pub use interrupt::Interrupt;
use learner::Learner;
use mixer::Mixer;
pub use moves::Moves;
pub use optimizer::Optimizer;
use output::Output;
use plan::Plan;
pub use progress::{Progress, WeightingProgress};
pub use score::score;
pub use settings::Settings;

/// How long a paused trainer sleeps before it looks for signals again.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// What a trainer is made from.
pub struct TrainerSetup {
    /// What to train.
    pub recipe: Recipe,
    /// The recipe's corpora, in its order.
    pub corpora: Vec<Corpus>,
    /// A digest of each corpus file, by its key in the recipe.
    pub digests: BTreeMap<String, String>,
    /// What the system is fitted to: vocabularies of their training splits, and numbers.
    pub fitted: FittedByOwner,
    /// The system made of them, with every corpus attached.
    pub system: System,
    /// The run's folder.
    pub run: PathBuf,
    /// Whether it starts or goes on.
    pub opening: Opening,
    /// Moves to redo.
    pub moves: Moves,
    /// The run's clock.
    pub clock: Clock,
    /// Where signals are seen.
    pub interrupt: Interrupt,
    /// The step at which to panic: for the test of what becomes of a run whose trainer does.
    pub panic_at: Option<u64>,
    /// The step at which an operation on tensors is to fail, for the same reason.
    pub error_at: Option<u64>,
}

/// What a run begins with, this time.
#[derive(Clone, Debug, PartialEq)]
pub enum Opening {
    /// It starts.
    Started,
    /// It was begun before, and goes on.
    Continued(TrainingSession),
}

/// What trains from here on, and what it leaves behind.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingSession {
    /// What the journal has beyond the checkpoint.
    pub left_behind: LeftBehind,
    /// The version of auxdesk.
    pub auxdesk: String,
    /// Threads that train.
    pub threads: usize,
    /// The device's name.
    pub device: String,
    /// The kernel's name.
    pub kernel: String,
    /// Steps in an epoch of the main objective's corpus, as the run told when it started.
    pub steps_per_epoch: u64,
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
        if let Err(error) = self.open(bus) {
            return self.tell_the_end(Err(error), bus);
        }
        let done = if kernel::is_fused(self.learner.parameters().device()) {
            // As one of the threads that compute: each of their tasks would wake another one otherwise.
            rayon::scope(|_| self.until_the_end(bus))
        } else {
            // Here, on a stack that is deep enough for candle's graph of its own operations.
            self.until_the_end(bus)
        };
        self.tell_the_end(done, bus)
    }

    /// Tells what the run begins with, this time. Moves to be made are nowhere else, so a run with some saves
    /// them before it has told of anything.
    fn open(&mut self, bus: &mut Bus) -> Result<()> {
        let keeps_moves = self.counters.step == Step(0) && !self.control.moves.is_empty();
        if keeps_moves {
            self.write_checkpoint("last")?;
        }
        bus.emit(self.opening());
        if keeps_moves {
            self.tell_saved("last", None, bus);
        }
        self.save_best_again(bus)
    }

    fn tell_the_end(&self, done: Result<Reason>, bus: &mut Bus) -> RunEnded {
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
        if bus.recorder_disconnected() {
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
        self.batches.position(self.plan.main_corpus()).epoch
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
    if io || wrapped { Reason::Disk } else { Reason::Error }
}
