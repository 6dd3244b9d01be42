//! The loop: draw, forward, mix, backward, step; and what happens between two steps.
//!
//! The trainer tells facts on the bus and never waits for anybody. Commands are obeyed between two
//! steps, never within one, and each is answered by an event.

mod backward;
pub mod checkpoint;
mod clock;
mod gradients;
mod interrupt;
mod moves;
mod obey;
mod optimizer;
mod probe;
mod rounds;
mod score;
mod start;
mod step;

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
    data::{Corpus, sampler::Sampling, stream::Stream},
    kernel,
    mixer::Faders,
    protocol::{
        Step,
        event::{Reason, RunEnded},
    },
    recipe::{Length, Recipe, System, Vocabularies},
    schedule::Schedule,
};
use checkpoint::BestSoFar;

/// How long a paused trainer sleeps before it looks for signals again.
const NAP: Duration = Duration::from_millis(50);

/// Steps in a row without a finite loss that end a run.
const BROKEN_IN_A_ROW: u32 = 10;

/// What a trainer is made from.
pub struct Setup {
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
    /// Moves to make again.
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
    recipe: Recipe,
    corpora: Vec<Corpus>,
    vocabularies: Vocabularies,
    system: System,
    run: PathBuf,
    moves: Moves,
    clock: Clock,
    interrupt: Interrupt,
    panic_at: Option<u64>,
    optimizer: Optimizer,
    /// One a corpus, in the recipe's order.
    streams: Vec<Stream>,
    faders: Faders,
    rate: Schedule,
    sampling: Sampling,
    gradients_every: u64,
    step: Step,
    best: Option<BestSoFar>,
    evaluated: rounds::Seen,
    without_gain: u64,
    broken_in_a_row: u32,
    paused: bool,
    stop: Option<Reason>,
}

impl Trainer {
    /// Updates done.
    pub fn step(&self) -> Step {
        self.step
    }

    /// The run's clock.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Trains until something ends the run, tells how it ended, and gives that back.
    ///
    /// An error of the disk or of arithmetic is told as the run's end too; only a panic is not, and
    /// that is for whoever catches it to tell.
    pub fn train(&mut self, bus: &mut Bus) -> RunEnded {
        bus.tell(self.started());
        let done = if kernel::is_fused(self.system.parameters().device()) {
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
            at_ms: self.clock.ms(),
            step: self.step,
            ended: reason.ended(),
            reason,
            message,
        };
        bus.tell(ending.clone());
        ending
    }

    fn until_the_end(&mut self, bus: &mut Bus) -> Result<Reason> {
        let reason = loop {
            self.obey_all(bus)?;
            if let Some(reason) = self.end(bus) {
                break reason;
            }
            if self.paused {
                match bus.wait_for_order(NAP) {
                    Waited::Order(order) => self.obey(order, bus)?,
                    Waited::NotYet => {}
                    // Nobody is left who could resume.
                    Waited::NobodyLeft => self.paused = false,
                }
                continue;
            }
            if !self.faders.anything_sounds(self.step.0) {
                return Err(Silence(self.step.next()).into());
            }
            self.one_step(bus)?;
            self.between_steps(bus)?;
        };
        self.leave(reason, bus)?;
        Ok(reason)
    }

    /// Why the run should end now, if it should.
    fn end(&self, bus: &Bus) -> Option<Reason> {
        if self.interrupt.is_set() {
            return Some(Reason::Signal);
        }
        if bus.recorder_has_gone() {
            return Some(Reason::Disk);
        }
        if self.broken_in_a_row >= BROKEN_IN_A_ROW {
            return Some(Reason::Loss);
        }
        if self.stop.is_some() {
            return self.stop;
        }
        if self.recipe.train.patience.is_some_and(|patience| self.without_gain >= patience) {
            return Some(Reason::Patience);
        }
        match self.recipe.train.length {
            Length::Steps(steps) => (self.step.0 >= steps).then_some(Reason::Steps),
            Length::Epochs(epochs) => (self.epochs() >= epochs).then_some(Reason::Epochs),
        }
    }

    /// Passes done over the main objective's corpus.
    fn epochs(&self) -> u64 {
        let corpus = self.recipe.objectives[self.recipe.main()].corpora[0];
        self.streams[corpus].position().pass
    }
}

/// Schedules have taken every gain to 0: no step would have an update.
#[derive(Debug, thiserror::Error)]
#[error("nothing sounds from step {0} on: every gain is 0, or muted")]
struct Silence(Step);

/// Which reason an error is told as.
fn failure(error: &anyhow::Error) -> Reason {
    if error.is::<Silence>() {
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
