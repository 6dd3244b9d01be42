//! The factor of each objective's gradient in a step: weight = gain × share.

use super::{Mixer, Plan, loss::ObjectiveLoss};
use crate::{
    mixer::{Gram, Needs, ObjectiveView, StepView},
    protocol::{Step, event::Role},
};

/// The weights of a step, by the objective's index in the recipe.
pub(super) struct Weights {
    gains: Vec<f32>,
    /// `None` for an objective without a loss in this step, if the rule needs the losses.
    shares: Vec<Option<f32>>,
}

impl Weights {
    /// The gain that the user sets; 0 for an inactive objective.
    pub(super) fn gain(&self, objective: usize) -> f32 {
        self.gains[objective]
    }

    /// Gain × share; 0 for an inactive objective.
    pub(super) fn weight(&self, objective: usize) -> f32 {
        self.gains[objective] * self.shares[objective].unwrap_or(1.0)
    }

    /// The inner products of the weighted gradients of these losses, from those of the raw ones.
    pub(super) fn weighted(&self, gram: &Gram, losses: &[ObjectiveLoss]) -> Gram {
        let weights = losses.iter().map(|loss| f64::from(self.weight(loss.objective)));
        gram.scaled(&weights.collect::<Vec<_>>())
    }

    /// Every objective that has a share, 1 if it is inactive, with share and weight.
    pub(super) fn all(&self) -> impl Iterator<Item = (usize, f32, f32)> {
        let shares = self.shares.iter().enumerate();
        shares.filter_map(|(at, share)| Some((at, (*share)?, self.weight(at))))
    }
}

/// The inputs from which the weights of a step are computed.
#[derive(Clone, Copy)]
pub(super) struct StepInputs<'a> {
    /// The gain of each objective, 0 for inactive ones.
    pub(super) gains: &'a [f32],
    /// Complete epochs of each objective's corpus.
    pub(super) epochs: &'a [u64],
    /// The losses of those that have one.
    pub(super) losses: &'a [ObjectiveLoss],
}

impl Mixer {
    /// The weights of the step after `done` others, with shares from the rule in force; from the
    /// Gram matrix of the losses, if it needs it.
    pub(super) fn weights(
        &mut self,
        plan: &Plan,
        done: Step,
        StepInputs { gains, epochs, losses }: StepInputs<'_>,
        gram: Option<&Gram>,
    ) -> Weights {
        let is_active = |at: usize| gains[at] > 0.0;
        let (shown, seen): (Vec<usize>, Option<Gram>) = match gram {
            None => ((0..gains.len()).filter(|&at| is_active(at)).collect(), None),
            // An objective whose gradient with respect to the shared parameters is 0 or missing has
            // no direction to weight.
            Some(gram) => {
                let some: Vec<usize> = (0..gram.n()).filter(|&k| gram.at(k, k) > 0.0).collect();
                (some.iter().map(|&k| losses[k].objective).collect(), Some(gram.among(&some)))
            }
        };
        let has_loss = |at: usize| losses.iter().find(|loss| loss.objective == at);
        let needs_losses = self.weighting.needs() >= Needs::Losses;
        let view = |&at: &usize| ObjectiveView {
            name: &plan.recipe.objectives[at].name,
            is_main: plan.recipe.objectives[at].role == Role::Main,
            epoch: epochs[at],
            loss: has_loss(at).filter(|_| needs_losses).map(|loss| loss.value),
        };
        let objectives: Vec<ObjectiveView<'_>> = shown.iter().map(view).collect();
        let has_share = |at: usize| !needs_losses || !is_active(at) || has_loss(at).is_some();
        let mut shares: Vec<Option<f32>> =
            (0..gains.len()).map(|at| has_share(at).then_some(1.0)).collect();
        if !objectives.is_empty() {
            let step = StepView {
                seed: plan.recipe.train.seed,
                done: done.0,
                objectives: &objectives,
                gram: seen.as_ref(),
            };
            for (&at, share) in shown.iter().zip(self.weighting.coefficients(&step)) {
                shares[at] = has_share(at).then_some(share);
            }
        }
        Weights { gains: gains.to_vec(), shares }
    }
}
