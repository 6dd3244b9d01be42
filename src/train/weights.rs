//! The factor of each objective's gradient in a step: weight = gain × share.

use std::collections::BTreeMap;

use super::{Mixer, Plan, loss::ObjectiveLoss};
use crate::{
    mixer::{Gram, Needs, ObjectiveView, StepView},
    protocol::{ObjectiveId, Step, event::Role},
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

impl StepInputs<'_> {
    fn is_active(&self, objective: usize) -> bool {
        self.gains[objective] > 0.0
    }

    fn loss(&self, objective: usize) -> Option<f32> {
        let loss = self.losses.iter().find(|loss| loss.objective == objective);
        loss.map(|loss| loss.value)
    }
}

/// The gradients of a step, for a rule that needs them.
pub(super) struct StepGradients<'a> {
    /// The inner products of the raw gradients of the losses.
    pub(super) gram: &'a Gram,
    /// The inner products of the main objective's gradient with those of the step before, by index in the recipe.
    pub(super) products: Option<BTreeMap<usize, f64>>,
}

/// The objectives that a rule is over in a step, by index, and the inner products of their gradients if it needs them.
struct RuleInput {
    objectives: Vec<usize>,
    gram: Option<Gram>,
    /// The products with the gradients of the step before, of the same objectives.
    earlier: Option<Vec<f64>>,
}

impl RuleInput {
    /// Those that are active and for which this is true; of a Gram matrix of the losses, only those with a gradient: one
    /// whose gradient with respect to the shared parameters is 0 or missing has no direction to weight.
    fn of(inputs: StepInputs<'_>, gram: Option<&Gram>, is_input: impl Fn(usize) -> bool) -> Self {
        let Some(gram) = gram else {
            let all = 0..inputs.gains.len();
            let objectives = all.filter(|&at| inputs.is_active(at) && is_input(at)).collect();
            return Self { objectives, gram: None, earlier: None };
        };
        let objective = |k: usize| inputs.losses[k].objective;
        let some: Vec<usize> =
            (0..gram.n()).filter(|&k| gram.at(k, k) > 0.0 && is_input(objective(k))).collect();
        let objectives = some.iter().map(|&k| objective(k)).collect();
        Self { objectives, gram: Some(gram.among(&some)), earlier: None }
    }

    /// Calls `compute` with the view of a rule with these needs; does nothing if it is over no objective.
    fn with_view<T>(
        &self,
        plan: &Plan,
        done: Step,
        inputs: StepInputs<'_>,
        needs: Needs,
        compute: impl FnOnce(&StepView<'_>) -> T,
    ) -> Option<T> {
        let view = |&at: &usize| ObjectiveView {
            name: &plan.recipe.objectives[at].name,
            is_main: plan.recipe.objectives[at].role == Role::Main,
            epoch: inputs.epochs[at],
            loss: inputs.loss(at).filter(|_| needs >= Needs::Losses),
        };
        let objectives: Vec<ObjectiveView<'_>> = self.objectives.iter().map(view).collect();
        let (seed, gram) = (plan.recipe.train.seed, self.gram.as_ref());
        let (objectives, earlier) = (&objectives[..], self.earlier.as_deref());
        let step = StepView { seed, done: done.0, objectives, gram, earlier };
        (!objectives.is_empty()).then(|| compute(&step))
    }
}

/// The shares that a rule would set, by its notation and the objective.
pub(super) type ShadowShares = BTreeMap<String, BTreeMap<ObjectiveId, f32>>;

impl Mixer {
    /// The weights of the step after `done` others, with shares from the rule in force; from the
    /// gradients of the losses, if it needs them.
    pub(super) fn weights(
        &mut self,
        plan: &Plan,
        done: Step,
        inputs: StepInputs<'_>,
        gradients: Option<StepGradients<'_>>,
    ) -> Weights {
        let needs = self.weighting.needs();
        let gram = gradients.as_ref().map(|gradients| gradients.gram);
        let mut input = RuleInput::of(inputs, gram, |at| self.faders.all()[at].share_by.is_rule());
        input.earlier = gradients.and_then(|gradients| gradients.products).map(|products| {
            let product = |at: &usize| products.get(at).copied().unwrap_or(0.0);
            input.objectives.iter().map(product).collect()
        });
        let coefficients =
            input.with_view(plan, done, inputs, needs, |step| self.weighting.coefficients(step));
        let needs_losses = needs >= Needs::Losses;
        let has_share =
            |at: usize| !needs_losses || !inputs.is_active(at) || inputs.loss(at).is_some();
        let mut shares: Vec<Option<f32>> =
            (0..inputs.gains.len()).map(|at| has_share(at).then_some(1.0)).collect();
        for (&at, share) in input.objectives.iter().zip(coefficients.unwrap_or_default()) {
            shares[at] = has_share(at).then_some(share);
        }
        Weights { gains: inputs.gains.to_vec(), shares }
    }

    /// The shares that the shadow rules would set in this step for all its active objectives: by the rule's notation, then
    /// by objective. Those of a rule of the gradients are computed where there is a Gram matrix, at measured steps; those
    /// of the others have to be computed in every step, as their memory depends on it.
    pub(super) fn shadow_shares(
        &mut self,
        plan: &Plan,
        done: Step,
        inputs: StepInputs<'_>,
        gram: Option<&Gram>,
    ) -> ShadowShares {
        let mut all = ShadowShares::new();
        for rule in &mut self.shadows {
            let needs = rule.needs();
            let gram = gram.filter(|_| needs == Needs::Gram);
            let input = RuleInput::of(inputs, gram, |_| needs != Needs::Gram || gram.is_some());
            let shares = input.with_view(plan, done, inputs, needs, |step| rule.coefficients(step));
            let named = input.objectives.iter().zip(shares.unwrap_or_default());
            let has_loss = |at: usize| needs == Needs::Nothing || inputs.loss(at).is_some();
            let of_rule = named.filter(|(at, _)| has_loss(**at));
            let of_rule = of_rule.map(|(&at, share)| (plan.name(at), share)).collect();
            all.insert(rule.spec().to_string(), of_rule);
        }
        all
    }

    /// Passes the rules of the losses among the shadow rules the losses of a step that is not measured.
    pub(super) fn update_shadows(&mut self, plan: &Plan, done: Step, inputs: StepInputs<'_>) {
        for rule in self.shadows.iter_mut().filter(|rule| rule.needs() != Needs::Gram) {
            let (needs, input) = (rule.needs(), RuleInput::of(inputs, None, |_| true));
            input.with_view(plan, done, inputs, needs, |step| rule.coefficients(step));
        }
    }

    /// Passes the losses after the update to the rules that need them.
    pub(super) fn after_update(
        &mut self,
        plan: &Plan,
        done: Step,
        inputs: StepInputs<'_>,
        is_measured: bool,
    ) {
        let faders = &self.faders;
        let shadows = self.shadows.iter_mut().filter(|_| is_measured).map(|rule| (rule, false));
        for (rule, is_in_force) in std::iter::once((&mut self.weighting, true)).chain(shadows) {
            let input = RuleInput::of(inputs, None, |at| {
                !is_in_force || faders.all()[at].share_by.is_rule()
            });
            input.with_view(plan, done, inputs, rule.needs(), |step| rule.after_update(step));
        }
    }
}
