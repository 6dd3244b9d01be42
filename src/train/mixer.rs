//! The mix of a run: faders, the weighting rule, and the rules that are shown beside it.

use super::Plan;
use crate::{
    mixer::{CurrentWeighting, Faders, Needs},
    protocol::Step,
    recipe::Group,
};

/// The mix; see the module.
pub(super) struct Mixer {
    pub(super) faders: Faders,
    pub(super) weighting: CurrentWeighting,
    /// The rules whose shares are measured and not applied.
    pub(super) shadows: Vec<CurrentWeighting>,
}

impl Mixer {
    /// Whether a rule needs the losses after this step's update; shadow rules do at measured steps.
    pub(super) fn needs_losses_after_update(&self, is_measured: bool) -> bool {
        let needs = CurrentWeighting::needs_losses_after_update;
        needs(&self.weighting) || (is_measured && self.shadows.iter().any(needs))
    }

    /// Whether a shadow rule needs the gradients.
    pub(super) fn shadows_need_gram(&self) -> bool {
        self.shadows.iter().any(|rule| rule.needs() == Needs::Gram)
    }

    /// Whether anything is active in the step after `done` others.
    pub(super) fn is_active(&self, done: Step) -> bool {
        self.faders.any_is_active(done.0)
    }

    /// The gain of each objective in the step after `done` others, in the recipe's order; 0 for
    /// inactive ones.
    pub(super) fn gains(&self, done: Step) -> Vec<f32> {
        self.faders.gains(done.0)
    }
}

/// The groups of active objectives. A muted objective does not affect them.
pub(super) fn active_groups(plan: &Plan, gains: &[f32]) -> Vec<Group> {
    plan.recipe.groups_of(|at| gains[at] > 0.0)
}
