//! Dynamic weight average (Liu, Johns and Davison 2019, "End-to-End Multi-Task Learning with Attention").
//!
//! With L̄_k(e) the mean raw loss of objective k over the steps of its epoch e,
//! r_k = L̄_k(e − 1) / L̄_k(e − 2) and τ the temperature: w = T·softmax(r / τ). An objective whose
//! loss falls slowly has a larger weight.
//!
//! An epoch of an objective is a pass over its own corpus (the first one if it has several), so
//! both means are over the same examples however often a corpus is drawn. Until there are two
//! means, and if the earlier one is 0, the ratio is 1, that of a constant loss.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Needs, ObjectiveView, StepView, Weighting, WeightingKind, WeightingMemory,
    WeightingMemoryError, softmax::softmax_of_mean_1,
};
use crate::{
    keys::{Key, MAX_NUMBER, ValueType, Values},
    protocol::ObjectiveId,
};

pub(super) struct Dwa;

const TEMPERATURE: Key = Key::with_default(
    "temperature",
    ValueType::Number(1e-3, MAX_NUMBER),
    "2",
    "softmax temperature over the loss ratios; a higher one gives more even shares",
);

impl WeightingKind for Dwa {
    fn name(&self) -> &'static str {
        "dwa"
    }

    fn about(&self) -> &'static str {
        "dynamic weight average: larger shares for losses that fall slowly"
    }

    fn keys(&self) -> &'static [Key] {
        &[TEMPERATURE]
    }

    fn build(&self, values: &Values) -> Box<dyn Weighting> {
        let temperature = values.number(TEMPERATURE.name);
        Box::new(Averages { temperature, of: BTreeMap::new() })
    }
}

struct Averages {
    temperature: f64,
    of: BTreeMap<ObjectiveId, EpochMeans>,
}

/// The mean losses of one objective.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct EpochMeans {
    /// The current epoch.
    epoch: u64,
    /// Its steps so far that had a loss.
    n_steps: u64,
    /// The mean of their losses.
    mean: f32,
    /// The means of the last two complete epochs that had a loss, the latest first.
    last: [Option<f32>; 2],
}

impl EpochMeans {
    fn ratio(&self) -> f64 {
        match self.last {
            [Some(last), Some(before)] if before > 0.0 => f64::from(last) / f64::from(before),
            _ => 1.0,
        }
    }

    /// Ends the current epoch if another one begins.
    fn begin(&mut self, epoch: u64) {
        if self.epoch != epoch {
            if self.n_steps > 0 {
                self.last = [Some(self.mean), self.last[0]];
            }
            *self = Self { epoch, n_steps: 0, mean: 0.0, last: self.last };
        }
    }

    fn add(&mut self, loss: f32) {
        self.n_steps += 1;
        self.mean += (loss - self.mean) / self.n_steps as f32;
    }
}

impl Weighting for Averages {
    fn needs(&self) -> Needs {
        Needs::Losses
    }

    fn coefficients(&mut self, step: &StepView<'_>) -> Vec<f32> {
        let mut see = |objective: &ObjectiveView<'_>| {
            let means = self.of.entry(objective.name.clone()).or_default();
            means.begin(objective.epoch);
            let ratio = means.ratio();
            // The loss of this step belongs to the current epoch and does not affect the weights
            // yet.
            objective.loss.into_iter().for_each(|loss| means.add(loss));
            ratio / self.temperature
        };
        let ratios: Vec<f64> = step.objectives.iter().map(&mut see).collect();
        softmax_of_mean_1(&ratios)
    }

    fn memory(&self) -> WeightingMemory {
        WeightingMemory::new(&self.of)
    }

    fn restore(&mut self, memory: &WeightingMemory) -> Result<(), WeightingMemoryError> {
        self.of = memory.read()?;
        Ok(())
    }
}
