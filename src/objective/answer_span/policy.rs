//! The policy of a hard reading: it draws a segment for each example, and remembers the mean of past rewards.

use std::{cell::Cell, collections::BTreeMap};

use candle_core::{Device, Result, Tensor, bail};

use crate::data::{
    Batch, Purpose, draw,
    draw::{NO_NUMBERS, unit},
};

/// The share of the mean of past rewards in their new mean.
const DECAY: f32 = 0.9;

/// The names of its memory.
const BASELINE: &str = "baseline";
const UPDATES: &str = "updates";

/// See the module documentation.
pub(super) struct Policy {
    /// The seed and the name of its draws.
    seed: u64,
    name: String,
    memory: Memory,
    /// The rewards since the last update.
    rewards: Cell<Rewards>,
    /// Whether rewards are not recorded.
    is_held: bool,
}

/// The sum of rewards, and their number.
#[derive(Clone, Copy, Debug, Default)]
struct Rewards {
    sum: f32,
    count: usize,
}

/// What survives a stop.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Memory {
    /// The running mean of rewards; 0 before the first update.
    baseline: f32,
    /// The number of updates: whole, and exact up to 2²⁴.
    updates: f32,
}

impl Policy {
    pub(super) fn new(seed: u64, name: String) -> Self {
        Self { seed, name, memory: Memory::default(), rewards: Cell::default(), is_held: false }
    }

    /// What is subtracted from rewards.
    pub(super) fn baseline(&self) -> f32 {
        self.memory.baseline
    }

    /// A segment of each example of a batch, drawn from its probabilities, given their logarithms; the same for every
    /// call between two updates. `None` for an example without segments.
    pub(super) fn draw(&self, batch: &Batch, log_p: &[&[f32]]) -> Vec<Option<usize>> {
        // Which examples a batch has depends on the seed and the epoch.
        let numbers = [batch.corpus as u64, self.memory.updates as u64].into_iter();
        let numbers = numbers.chain(batch.examples.iter().map(|&example| example as u64));
        let counter = draw::counter(NO_NUMBERS, numbers);
        let mut rng = draw(self.seed, Purpose::Selection, &self.name, counter);
        let mut one = |log_p: &&[f32]| {
            let mut remaining = unit(&mut rng);
            let mut segments = log_p.iter().map(|log_p| f64::from(*log_p).exp());
            let drawn = segments.position(|p| {
                remaining -= p;
                remaining < 0.0
            });
            // Rounding may leave a rest.
            drawn.or(log_p.len().checked_sub(1))
        };
        log_p.iter().map(&mut one).collect()
    }

    /// Adds the finite rewards of a batch to those of the next update, which may have several batches.
    pub(super) fn record_rewards(&self, rewards: &[f32]) {
        if self.is_held {
            return;
        }
        let Rewards { mut sum, mut count } = self.rewards.get();
        for reward in rewards.iter().filter(|reward| reward.is_finite()) {
            sum += reward;
            count += 1;
        }
        self.rewards.set(Rewards { sum, count });
    }

    /// Records no rewards until it is no longer held.
    pub(super) fn hold(&mut self, is_held: bool) {
        self.is_held = is_held;
    }

    /// Forgets the rewards since the last update.
    pub(super) fn discard_rewards(&mut self) {
        self.rewards.take();
    }

    /// After an update, the mean of past rewards has that of the rewards since the one before in it.
    pub(super) fn update(&mut self) {
        let Rewards { sum, count } = self.rewards.take();
        let reward = sum / count as f32;
        // Without rewards, or with too large ones, there is no mean.
        if !reward.is_finite() {
            return;
        }
        let Memory { baseline, updates } = self.memory;
        let baseline =
            if updates == 0.0 { reward } else { DECAY * baseline + (1.0 - DECAY) * reward };
        self.memory = Memory { baseline, updates: updates + 1.0 };
    }

    /// Its memory as tensors by name; none before the first update.
    pub(super) fn memory(&self) -> BTreeMap<String, Tensor> {
        let Memory { baseline, updates } = self.memory;
        if updates == 0.0 {
            return BTreeMap::new();
        }
        let tensor = |(name, value): (&str, f32)| {
            let tensor = Tensor::new(&[value], &Device::Cpu).expect("a tensor of one element");
            (name.to_owned(), tensor)
        };
        [(BASELINE, baseline), (UPDATES, updates)].map(tensor).into()
    }

    /// Restores what [`Policy::memory`] returned.
    pub(super) fn restore(&mut self, mut memory: BTreeMap<String, Tensor>) -> Result<()> {
        self.discard_rewards();
        self.memory = Memory::default();
        if memory.is_empty() {
            return Ok(());
        }
        let mut value = |name: &str| match memory.remove(name).map(|tensor| tensor.to_vec1()) {
            Some(Ok(values)) if values.len() == 1 => Ok(values[0]),
            _ => bail!("expected a tensor {name:?} of one element"),
        };
        let found = Memory { baseline: value(BASELINE)?, updates: value(UPDATES)? };
        if let Some(name) = memory.keys().next() {
            bail!("found a tensor {name:?}, which it does not have");
        }
        self.memory = found;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Corpus, SplitData};

    fn batch() -> Batch {
        Batch::new(0, &Corpus::default(), &SplitData::default(), &[])
    }

    #[test]
    fn draws_follow_the_probabilities_and_change_with_every_update() {
        let mut policy = Policy::new(1, "objective.answer".to_owned());
        let log_p = [0.2f32, 0.0, 0.5, 0.3].map(f32::ln);
        let examples = vec![&log_p[..]; 1000];
        let mut counts = [0; 4];
        for drawn in policy.draw(&batch(), &examples) {
            counts[drawn.unwrap()] += 1;
        }
        assert_eq!(counts[1], 0, "{counts:?}");
        for (count, wanted) in counts.into_iter().zip([200, 0, 500, 300]) {
            assert!((count - wanted) * (count - wanted) <= 50 * 50, "{counts:?}");
        }
        let before = policy.draw(&batch(), &examples);
        assert_eq!(policy.draw(&batch(), &examples), before);
        policy.record_rewards(&[0.5]);
        policy.update();
        assert_ne!(policy.draw(&batch(), &examples), before);
        assert_eq!(policy.draw(&batch(), &[&[]]), [None]);
    }

    #[test]
    fn the_batches_of_an_update_count_by_their_rewards_and_those_that_are_not_finite_do_not() {
        let mut policy = Policy::new(1, "objective.answer".to_owned());
        policy.record_rewards(&[1.0, 2.0, 3.0]);
        policy.record_rewards(&[f32::NAN, 6.0, f32::NEG_INFINITY]);
        policy.update();
        assert_eq!(policy.baseline(), 3.0);
        let memory = policy.memory;
        for rewards in [&[f32::NAN][..], &[f32::MAX, f32::MAX]] {
            policy.record_rewards(rewards);
            policy.update();
            assert_eq!(policy.memory, memory, "{rewards:?}");
        }
        policy.record_rewards(&[100.0]);
        policy.discard_rewards();
        policy.update();
        assert_eq!(policy.memory, memory, "rewards of a skipped step are forgotten");
    }

    #[test]
    fn the_baseline_is_a_running_mean_that_survives_a_stop() -> Result<()> {
        let mut policy = Policy::new(1, "objective.answer".to_owned());
        policy.update();
        assert_eq!(policy.baseline(), 0.0);
        assert!(policy.memory().is_empty());
        policy.record_rewards(&[1.0, 2.0]);
        policy.record_rewards(&[]);
        policy.update();
        assert_eq!(policy.baseline(), 1.5);
        policy.record_rewards(&[2.5]);
        policy.update();
        assert!((policy.baseline() - 1.6).abs() < 1e-6);
        let memory = policy.memory();
        let mut other = Policy::new(1, "objective.answer".to_owned());
        other.restore(memory.clone())?;
        assert_eq!(other.memory, policy.memory);
        other.restore(BTreeMap::new())?;
        assert_eq!(other.memory, Memory::default());
        let mut without = memory.clone();
        without.remove(UPDATES);
        assert!(other.restore(without).is_err());
        let more = [("more".to_owned(), memory[UPDATES].clone())];
        assert!(other.restore(memory.into_iter().chain(more).collect()).is_err());
        assert_eq!(other.memory, Memory::default(), "nothing of a refused memory is kept");
        Ok(())
    }
}
