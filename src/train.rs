//! The training loop: draw, forward, mix, backward, update; and what happens between two steps.
//!
//! The trainer waits for another thread in one place: before it saves a checkpoint, until the
//! journal holds every event so far, or is no longer written. Commands are applied between two
//! steps, never within one, and each is answered by an event.

mod accumulated;
mod affinity;
mod apart;
mod backward;
mod batches;
pub mod checkpoint;
mod clock;
mod commands;
mod control;
mod counters;
mod earlier;
mod evaluation;
mod gradient_probe;
mod gradient_tensors;
mod gradients;
mod guards;
mod interrupt;
mod learner;
mod length;
mod loss;
mod measure;
mod mixer;
mod moves;
mod optimizer;
mod origin;
mod output;
mod own_parameters;
mod plan;
mod progress;
mod samples;
mod sampling;
mod score;
mod settings;
mod start;
mod step;
mod stopwatch;
mod warm_start;
mod weights;

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use anyhow::Result;

pub use crate::{
    bus::{Bus, Waited},
    data::Corpus,
    kernel,
    protocol::{
        ObjectiveId, Step,
        event::{LeftBehind, Reason, RunEnded, VectorCoverage, WarmStarted},
    },
    recipe::{FittedByOwner, Length, Recipe, System},
};
use accumulated::Accumulated;
use batches::Batches;
pub use clock::Clock;
use control::Control;
pub use control::RequestedFailures;
pub use counters::{BestSoFar, Counters, LastEvaluation, ObjectiveCounters, Stage};
use earlier::EarlierGradients;
pub use gradients::Gradients;
pub use guards::GuardMemory;
pub use interrupt::Interrupt;
use learner::Learner;
use length::EpochLength;
use mixer::Mixer;
pub use moves::Moves;
pub use optimizer::Optimizer;
use output::Output;
use plan::Plan;
pub use progress::{Progress, WeightingProgress};
pub use score::score;
pub use settings::Settings;
use stopwatch::PhaseTimes;
pub use warm_start::WarmStart;

/// The interval at which a paused trainer checks for signals.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The inputs of a trainer.
pub struct TrainerSetup {
    /// The recipe to train.
    pub recipe: Recipe,
    /// The recipe's corpora, in its order.
    pub corpora: Vec<Corpus>,
    /// A digest of each corpus file, by its key in the recipe.
    pub digests: BTreeMap<String, String>,
    /// The values that the system is fitted to: vocabularies of the training splits, and numbers.
    pub fitted: FittedByOwner,
    /// The system built from them, with every corpus attached.
    pub system: System,
    /// The digests of the stored vectors files, by their keys in the recipe: see [`checkpoint::vectors`].
    pub vectors: BTreeMap<String, String>,
    /// The coverage of the corpora by pretrained vectors, for the first event.
    pub coverage: Vec<VectorCoverage>,
    /// The encoders that start from another run, for the first event.
    pub warm_starts: Vec<WarmStarted>,
    /// The run's folder.
    pub run: PathBuf,
    /// Whether the run starts or is continued.
    pub opening: Opening,
    /// Changes to repeat, instead of those that are pending in the checkpoint.
    pub moves: Option<Moves>,
    /// The run's clock.
    pub clock: Clock,
    /// Receives signals.
    pub interrupt: Interrupt,
    /// What tests let fail.
    pub failures: RequestedFailures,
}

/// Whether a run starts or is continued.
#[derive(Clone, Debug, PartialEq)]
pub enum Opening {
    /// It starts.
    Started,
    /// It is continued from a checkpoint.
    Continued(TrainingSession),
}

/// A session that continues a run, and what it leaves behind.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingSession {
    /// The part of the journal beyond the checkpoint.
    pub left_behind: LeftBehind,
    /// The version of auxdesk.
    pub auxdesk: String,
    /// The number of threads.
    pub threads: usize,
    /// The device's name.
    pub device: String,
    /// The kernel's name.
    pub kernel: String,
}

/// A run in progress.
pub struct Trainer {
    plan: Plan,
    batches: Batches,
    mixer: Mixer,
    learner: Learner,
    settings: Settings,
    counters: Counters,
    /// What the guards remember of their objectives.
    guards: BTreeMap<ObjectiveId, GuardMemory>,
    /// The gradients of the step before, while the weighting rule needs them.
    earlier: EarlierGradients,
    /// The gradients of objectives that accumulate theirs.
    accumulated: Accumulated,
    control: Control,
    output: Output,
    /// The phases of the steps since they were reported.
    phase_times: PhaseTimes,
    /// The length of an epoch, as reported last.
    reported: EpochLength,
    /// The rates of the groups, as reported last.
    reported_rates: BTreeMap<String, f32>,
}

impl Trainer {
    /// The number of updates.
    pub fn step(&self) -> Step {
        self.counters.step
    }

    /// The run's clock.
    pub fn clock(&self) -> Clock {
        self.output.clock
    }

    /// Trains until the run ends, emits the last event, and returns it.
    ///
    /// A failed write or tensor operation also ends the run with an event; only after a panic the
    /// caller must emit it.
    pub fn train(&mut self, bus: &mut Bus) -> RunEnded {
        if let Err(error) = self.open(bus) {
            return self.emit_end(Err(error), bus);
        }
        let done = if kernel::is_fused(self.learner.parameters().device()) {
            // On one of the pool's threads: otherwise each of their tasks would wake another one.
            rayon::scope(|_| self.until_the_end(bus))
        } else {
            // Here, on a stack that is deep enough for the graph of candle's own operations.
            self.until_the_end(bus)
        };
        self.emit_end(done, bus)
    }

    /// Emits the first event of this session. Changes to repeat are in no other file, so a session
    /// with `--moves` saves them before its first event.
    fn open(&mut self, bus: &mut Bus) -> Result<()> {
        let saves_moves = self.control.has_new_moves;
        if saves_moves {
            self.write_checkpoint("last", bus)?;
        }
        bus.emit(self.opening());
        if saves_moves {
            self.emit_saved("last", None, bus);
        }
        self.save_best_again(bus)
    }

    fn emit_end(&self, done: Result<Reason>, bus: &mut Bus) -> RunEnded {
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
        // Before its first step only a run that was stopped during an evaluation has one to do.
        self.between_steps(bus)?;
        let reason = loop {
            self.handle_commands(bus)?;
            if let Some(reason) = self.end(bus) {
                break reason;
            }
            if self.control.paused {
                match bus.wait_for_command(POLL_INTERVAL) {
                    Waited::Command(command) => self.handle_command(command, bus)?,
                    Waited::TimedOut => {}
                    // No sender is left that could resume the run.
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

    /// The reason to end the run now, if there is one.
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
        if self.mixer.faders.all_are_finished(step.0) {
            return Some(Reason::Patience);
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
}

/// Schedules have set every gain to 0: no step would have an update.
#[derive(Debug, thiserror::Error)]
#[error("no active objective from step {0} on: every gain is 0 or muted")]
struct AllMuted(Step);

/// The reason that an error is reported as.
fn failure(error: &anyhow::Error) -> Reason {
    if error.is::<AllMuted>() {
        return Reason::Loss;
    }
    let io = error.chain().any(<dyn std::error::Error>::is::<std::io::Error>);
    // candle wraps the operating system's error when it writes a checkpoint.
    let wrapped = error.chain().any(|cause| {
        matches!(
            cause.downcast_ref(),
            Some(candle_core::Error::Io(_) | candle_core::Error::SafeTensor(_))
        )
    });
    if io || wrapped { Reason::Disk } else { Reason::Error }
}
