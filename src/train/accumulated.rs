//! Gradient accumulation: the weighted gradients of n steps of an objective are added up, and their mean is a part of the
//! update in the last of these steps. The objective has no part in the updates before it. The others do not wait for it.
//!
//! Each gradient is weighted in its own step, and is taken at the parameters of that step: those that the objective shares
//! with others may have changed since. A change of n keeps what is accumulated, and counts it.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Result, bail};
use candle_core::Tensor;

use super::{Gradients, Plan, gradient_tensors};
use crate::{model::Parameters, protocol::ObjectiveId};

/// The accumulated gradients of the objectives that have some, by index in the recipe.
#[derive(Clone, Debug, Default)]
pub(super) struct Accumulated(BTreeMap<usize, Sum>);

/// The sum of the weighted gradients of one objective.
#[derive(Clone, Debug)]
struct Sum {
    n_steps: u64,
    gradients: Gradients,
}

/// The weighted gradient of one objective in one step.
pub(super) struct WeightedGradient {
    /// Its index in the recipe.
    pub(super) objective: usize,
    /// The number of steps of an update.
    pub(super) n_steps: u64,
    pub(super) gradients: Gradients,
}

impl Accumulated {
    /// Whether the gradients of an objective with that number of steps for an update are kept apart from the others'.
    pub(super) fn is_apart(&self, objective: usize, n_steps: u64) -> bool {
        n_steps > 1 || self.0.contains_key(&objective)
    }

    /// The mean with the gradient of this step, if it is the last one of an update; without parameters that have been
    /// frozen since.
    pub(super) fn mean_with(
        &self,
        step: &WeightedGradient,
        parameters: &Parameters,
    ) -> Option<Gradients> {
        if !self.is_last(step) {
            return None;
        }
        let is_trained = |param_idx: usize| !parameters.all()[param_idx].is_frozen;
        let mut sum = step.gradients.clone();
        let mut n_steps = 1;
        if let Some(earlier) = self.0.get(&step.objective) {
            sum.add_all(earlier.gradients.clone());
            n_steps += earlier.n_steps;
        }
        let mut mean = Gradients::none(parameters);
        mean.add_scaled(sum.among(is_trained), |_| (n_steps as f64).recip() as f32);
        Some(mean)
    }

    /// Adds the gradient of a step that has been made, or begins anew where it was the last one of an update.
    pub(super) fn step_done(&mut self, step: WeightedGradient) {
        if self.is_last(&step) {
            self.0.remove(&step.objective);
            return;
        }
        let WeightedGradient { objective, gradients, .. } = step;
        match self.0.get_mut(&objective) {
            Some(sum) => {
                sum.gradients.add_all(gradients);
                sum.n_steps += 1;
            }
            None => {
                self.0.insert(objective, Sum { n_steps: 1, gradients });
            }
        }
    }

    /// Discards the gradients of the other objectives.
    pub(super) fn retain(&mut self, is_kept: impl Fn(usize) -> bool) {
        self.0.retain(|&objective, _| is_kept(objective));
    }

    /// The number of accumulated steps, by objective; for a checkpoint.
    pub(super) fn n_steps(&self, plan: &Plan) -> BTreeMap<ObjectiveId, u64> {
        self.0.iter().map(|(&objective, sum)| (plan.name(objective), sum.n_steps)).collect()
    }

    /// As tensors by name, for a checkpoint.
    pub(super) fn tensors(
        &self,
        parameters: &Parameters,
    ) -> candle_core::Result<BTreeMap<String, Tensor>> {
        let sums = self.0.iter().map(|(&objective, sum)| (objective, &sum.gradients));
        gradient_tensors::of(sums, parameters)
    }

    /// From what [`Accumulated::n_steps`] and [`Accumulated::tensors`] returned.
    ///
    /// # Errors
    /// An objective is not in the recipe, or has a number of steps without gradients or gradients without a number of
    /// steps; a tensor is not a gradient.
    pub(super) fn from_tensors(
        n_steps: &BTreeMap<ObjectiveId, u64>,
        tensors: &HashMap<String, Tensor>,
        plan: &Plan,
        parameters: &Parameters,
    ) -> Result<Self> {
        let gradients = gradient_tensors::read(tensors, parameters)?;
        let all: BTreeMap<usize, Sum> = gradients
            .into_iter()
            .filter(|(objective, _)| *objective < plan.recipe.objectives.len())
            .filter_map(|(objective, gradients)| {
                let n_steps = *n_steps.get(&plan.name(objective))?;
                Some((objective, Sum { n_steps, gradients }))
            })
            .filter(|(_, sum)| (1..u64::MAX).contains(&sum.n_steps))
            .collect();
        let found: Vec<ObjectiveId> = all.keys().map(|&objective| plan.name(objective)).collect();
        if !found.iter().eq(n_steps.keys()) {
            let expected: Vec<&ObjectiveId> = n_steps.keys().collect();
            bail!("expected accumulated gradients of {expected:?}, found those of {found:?}");
        }
        Ok(Self(all))
    }

    /// Whether a step is the last one of an update.
    fn is_last(&self, step: &WeightedGradient) -> bool {
        let n_before = self.0.get(&step.objective).map_or(0, |sum| sum.n_steps);
        n_before + 1 >= step.n_steps
    }
}
