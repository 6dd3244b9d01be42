//! Live settings other than faders, as they are in force. A schedule of the recipe goes on until a value is
//! set by hand.

use serde::{Deserialize, Serialize};

use crate::{
    data::sampler::Sampling,
    recipe::{self, Recipe},
    schedule::Schedule,
};

/// See the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The learning rate.
    pub learning_rate: Schedule,
    /// How a step chooses among the groups.
    pub sampling: Sampling,
    /// Measure every objective's gradient each so many steps; 0 for never.
    pub measure_gradients_every: u64,
}

impl Settings {
    /// The settings of a recipe.
    pub(super) fn new(recipe: &Recipe) -> Self {
        let recipe::Train { learning_rate, sampling, measure_gradients_every, .. } = &recipe.train;
        Self {
            learning_rate: *learning_rate,
            sampling: sampling.clone(),
            measure_gradients_every: *measure_gradients_every,
        }
    }

    /// Whether gradients are measured in that step.
    pub(super) fn measures_gradients(&self, step: u64) -> bool {
        self.measure_gradients_every > 0 && step.is_multiple_of(self.measure_gradients_every)
    }
}
