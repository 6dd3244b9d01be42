//! The length of a run: its epochs, and the steps that they are expected to take.
//!
//! An epoch is one pass over the corpus of the main objective. Where faders and sampling let no step draw that corpus
//! any more, each step counts as one of its batches, so that the run still has evaluations, checkpoints and an end.
//! While a schedule is yet to draw the corpus, no step counts.

use super::{Trainer, mixer::active_groups};
use crate::{
    bus::Bus,
    data::stream::Position,
    protocol::{Step, event::LengthChanged},
    recipe::{Evaluate, Group, Length},
};

/// The expected length of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EpochLength {
    /// In steps.
    pub(super) steps: u64,
    /// Whether each step counts as a batch of the main objective's corpus.
    pub(super) counts_steps: bool,
}

impl Trainer {
    /// Complete epochs of the run.
    pub(super) fn epochs(&self) -> u64 {
        self.n_batches() / self.plan.batches_per_epoch()
    }

    /// Epochs of the run with the current one as a fraction, once steps have counted as batches: draws alone do not
    /// determine them then.
    pub(super) fn counted_epochs(&self) -> Option<f32> {
        let epochs = self.n_batches() as f64 / self.plan.batches_per_epoch() as f64;
        (self.counters.steps_as_batches > 0).then_some(epochs as f32)
    }

    /// Whether the next step counts as a batch of the main objective's corpus: as faders and sampling are, neither it
    /// nor any later step draws the corpus.
    pub(super) fn counts_steps(&self) -> bool {
        [self.counters.step, Step(u64::MAX)].into_iter().all(|step| self.rate_of_main(step) == 0.0)
    }

    /// The number of steps in an epoch from here on: exact if every step draws the corpus, otherwise the expectation
    /// under the sampling rule and the faders of the next step. Epochs and evaluations follow the batches drawn.
    pub(super) fn epoch_length(&self) -> EpochLength {
        let (n_batches, rate) =
            (self.plan.batches_per_epoch(), self.rate_of_main(self.counters.step));
        let steps = if rate > 0.0 { (n_batches as f64 / rate).round() as u64 } else { n_batches };
        EpochLength { steps, counts_steps: self.counts_steps() }
    }

    /// The number of steps of the run, with epochs of that length from here on, unless it ends earlier.
    pub(super) fn expected_steps(&self, epoch: EpochLength) -> u64 {
        let epochs = match self.plan.recipe.train.length {
            Length::Steps(steps) => return steps,
            Length::Epochs(epochs) => epochs,
        };
        let n_batches = self.plan.batches_per_epoch();
        let left = epochs.saturating_mul(n_batches).saturating_sub(self.n_batches());
        let steps = (u128::from(left) * u128::from(epoch.steps)).div_ceil(u128::from(n_batches));
        self.counters.step.0.saturating_add(u64::try_from(steps).unwrap_or(u64::MAX))
    }

    /// Emits the expected length of the run if that of an epoch is another one than reported last.
    pub(super) fn report_length(&mut self, bus: &mut Bus) {
        let train = &self.plan.recipe.train;
        let by_steps = matches!(train.length, Length::Steps(_));
        let epoch = self.epoch_length();
        let is_new = std::mem::replace(&mut self.reported, epoch) != epoch;
        if !is_new || (by_steps && train.evaluate_every != Evaluate::Epoch) {
            return;
        }
        bus.emit(LengthChanged {
            at_ms: self.output.ms(),
            step: self.counters.step,
            steps: self.expected_steps(epoch),
            steps_per_epoch: epoch.steps,
            counts_steps: epoch.counts_steps,
        });
    }

    /// Batches of the main objective's corpus so far, and steps that counted as one.
    fn n_batches(&self) -> u64 {
        let Position { epoch, next } = self.batches.position(self.plan.main_corpus());
        let per_epoch = self.plan.batches_per_epoch();
        // After a change of the batch size, the epoch may have fewer batches than are done.
        let drawn = epoch.saturating_mul(per_epoch).saturating_add(next.min(per_epoch - 1));
        drawn.saturating_add(self.counters.steps_as_batches)
    }

    /// The expected number of batches that the step after `done` others draws from the main objective's corpus.
    fn rate_of_main(&self, done: Step) -> f64 {
        let corpus = self.plan.main_corpus();
        let groups = active_groups(&self.plan, &self.mixer.gains(done));
        let rates = self.sampler(&groups).rates(done);
        let has_main = |(group, _): &(&Group, f64)| group.corpora.contains(&corpus);
        groups.iter().zip(rates).filter(has_main).map(|(_, rate)| rate).sum()
    }
}
