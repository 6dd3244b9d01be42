//! The current values of live settings other than faders and the weighting. A schedule of the
//! recipe continues until a value is set by hand.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    data::sampler::Sampling,
    protocol::ObjectiveId,
    recipe::{self, GradientFlow, Recipe},
    schedule::Schedule,
};

/// See the module documentation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The learning rate.
    pub learning_rate: Schedule,
    /// Gradient clipping: the maximum global norm.
    pub clip_norm: Option<f64>,
    /// The sampling rule for groups.
    pub sampling: Sampling,
    /// The interval in steps of gradient measurements; 0 for never.
    pub measure_gradients_every: u64,
    /// The cost of affinities, as a part of that of the training steps; 0 for none.
    #[serde(default)]
    pub affinity_budget: f64,
    /// The number of samples at each evaluation.
    #[serde(default)]
    pub samples: u64,
    /// Whether these are the examples with the largest losses.
    #[serde(default)]
    pub worst_samples: bool,
    /// The strength of each objective's gradient reversal; `None` for an objective without one.
    pub strengths: BTreeMap<ObjectiveId, Schedule>,
    /// The factor of the learning rate of each objective's own parameters; 1 where there is none.
    #[serde(default)]
    pub learning_rate_factors: BTreeMap<ObjectiveId, f64>,
    /// The number of steps of each objective whose gradients are accumulated; 1 where there is none.
    #[serde(default)]
    pub accumulation_steps: BTreeMap<ObjectiveId, u64>,
}

impl Settings {
    /// The initial settings of a recipe.
    pub(super) fn new(recipe: &Recipe) -> Self {
        let recipe::Train { learning_rate, clip_norm, sampling, .. } = &recipe.train;
        let strengths = recipe.objectives.iter().filter_map(|spec| match spec.gradient {
            GradientFlow::Reverse(strength) => Some((spec.name.clone(), strength)),
            GradientFlow::Pass | GradientFlow::Stop => None,
        });
        let factors =
            recipe.objectives.iter().map(|spec| (spec.name.clone(), spec.learning_rate_factor));
        let accumulation_steps =
            recipe.objectives.iter().map(|spec| (spec.name.clone(), spec.accumulation_steps));
        Self {
            learning_rate: *learning_rate,
            clip_norm: *clip_norm,
            sampling: sampling.clone(),
            measure_gradients_every: recipe.train.measure_gradients_every,
            affinity_budget: recipe.train.affinity_budget,
            samples: recipe.train.samples,
            worst_samples: recipe.train.worst_samples,
            strengths: strengths.collect(),
            learning_rate_factors: factors.collect(),
            accumulation_steps: accumulation_steps.collect(),
        }
    }

    /// The factor of the learning rate of an objective's own parameters.
    pub(super) fn learning_rate_factor(&self, objective: &ObjectiveId) -> f64 {
        self.learning_rate_factors.get(objective).copied().unwrap_or(1.0)
    }

    /// The number of an objective's steps whose gradients are accumulated for an update.
    pub(super) fn accumulation_steps(&self, objective: &ObjectiveId) -> u64 {
        self.accumulation_steps.get(objective).copied().unwrap_or(1)
    }

    /// Whether gradients are measured in this step.
    pub(super) fn measures_gradients(&self, step: u64) -> bool {
        self.measure_gradients_every > 0 && step.is_multiple_of(self.measure_gradients_every)
    }
}
