//! The learner: the system with its parameters, and the optimizer. Forward pass, backward pass,
//! update.

use std::collections::BTreeMap;

use anyhow::Result;
use candle_core::Tensor;

use super::{
    Gradients, Optimizer, Plan, Settings, backward::TapBoundary, batches::Draw,
    loss::ObjectiveLoss, own_parameters::OwnParameters,
};
use crate::{
    mixer::Faders,
    model::{Mode, Parameters, Rows},
    objective::RawLoss,
    protocol::Step,
    recipe::{Recipe, System},
};

/// See the module documentation.
pub(super) struct Learner {
    pub(super) system: System,
    pub(super) optimizer: Optimizer,
    own_parameters: OwnParameters,
    /// The factor of each parameter's learning rate.
    factors: Vec<f64>,
}

impl Learner {
    /// A system without updates.
    pub(super) fn new(recipe: &Recipe, system: System) -> Self {
        let parameters = system.parameters();
        let optimizer = Optimizer::new(recipe.train.optimizer, parameters);
        let own_parameters = OwnParameters::new(recipe, parameters);
        let factors = vec![1.0; parameters.all().len()];
        Self { system, optimizer, own_parameters, factors }
    }

    /// Applies the settings of each objective from the next step on: the strength of a reversed
    /// gradient, the learning rate of its own parameters, and what is frozen.
    pub(super) fn apply(&mut self, plan: &Plan, settings: &Settings, faders: &Faders) {
        let objectives = &plan.recipe.objectives;
        for (at, spec) in objectives.iter().enumerate() {
            if let Some(&strength) = settings.strengths.get(&spec.name) {
                self.system.set_reversal(at, strength);
            }
        }
        let factor = |at: usize| settings.learning_rate_factor(&objectives[at].name);
        self.factors = self.own_parameters.factors(self.factors.len(), factor);
        let parameters = self.system.parameters_mut();
        self.own_parameters.freeze(parameters, |at| faders.all()[at].training.is_finished());
    }

    pub(super) fn parameters(&self) -> &Parameters {
        self.system.parameters()
    }

    /// The losses of the active objectives on these batches, in the recipe's order, and the rows
    /// they were computed from, in the step after `done` updates.
    pub(super) fn compute_losses(
        &self,
        plan: &Plan,
        draws: &[Draw],
        gains: &[f32],
        done: Step,
    ) -> Result<(Vec<ObjectiveLoss>, TapBoundary)> {
        let mode = Mode::Train { seed: plan.recipe.train.seed, step: done.0 };
        // Σ sum and Σ count of each objective.
        let mut totals: BTreeMap<usize, (Tensor, usize)> = BTreeMap::new();
        let mut boundary = TapBoundary::new(0..self.system.n_shared());
        for (group, batch) in draws {
            let objectives: Vec<usize> = (0..gains.len())
                .filter(|&at| {
                    let spec = &plan.recipe.objectives[at];
                    // An objective over several corpora belongs to no group and is always computed.
                    let drawn = spec.group.as_ref().is_none_or(|name| name == group);
                    gains[at] > 0.0 && drawn && spec.corpora.contains(&batch.corpus)
                })
                .collect();
            let taps = self.system.taps(&objectives, batch, mode)?;
            for (&at, taps) in objectives.iter().zip(&taps) {
                let taps = taps.iter().map(|tap| Ok(tap.with(boundary.detach_at(&tap.tensor)?)));
                let taps: Vec<Rows> = taps.collect::<candle_core::Result<_>>()?;
                if let Some(RawLoss { sum, count, .. }) =
                    self.system.loss(at, &taps, batch, mode)?
                {
                    let total = match totals.remove(&at) {
                        Some((of_others, n)) => ((of_others + sum)?, n + count),
                        None => (sum, count),
                    };
                    totals.insert(at, total);
                }
            }
        }
        let means = totals
            .into_iter()
            .map(|(at, (sum, count))| Ok((at, sum.affine(1.0 / count as f64, 0.0)?)));
        let means: Vec<(usize, Tensor)> = means.collect::<Result<_>>()?;
        let values = read(means.iter().map(|(_, mean)| mean))?;
        let losses = means.into_iter().zip(values);
        let losses =
            losses.map(|((objective, mean), value)| ObjectiveLoss { objective, mean, value });
        Ok((losses.collect(), boundary))
    }

    /// One update by these gradients, whose global norm is given, clipped to the norm `clip_norm`.
    pub(super) fn update(
        &mut self,
        gradients: &Gradients,
        gradient_norm: f64,
        clip_norm: Option<f64>,
        learning_rate: f64,
    ) -> Result<()> {
        let scale = match clip_norm {
            Some(most) if gradient_norm > most => (most / gradient_norm) as f32,
            _ => 1.0,
        };
        let parameters = self.system.parameters();
        let rate = |param_idx: usize| learning_rate * self.factors[param_idx];
        Ok(self.optimizer.step(parameters, gradients, scale, rate)?)
    }
}

/// Several scalars, in one transfer from the device.
fn read<'a>(scalars: impl Iterator<Item = &'a Tensor>) -> Result<Vec<f32>> {
    let scalars: Vec<&Tensor> = scalars.collect();
    if scalars.is_empty() {
        return Ok(Vec::new());
    }
    Ok(Tensor::stack(&scalars, 0)?.to_vec1()?)
}
