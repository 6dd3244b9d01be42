//! The mix of a run: faders, and the rule that sets shares.

use super::Plan;
use crate::{
    mixer::{CurrentWeighting, Faders},
    protocol::Step,
    recipe::Group,
};

/// See the module.
pub(super) struct Mixer {
    pub(super) faders: Faders,
    pub(super) weighting: CurrentWeighting,
}

impl Mixer {
    /// These faders under that rule.
    pub(super) fn new(faders: Faders, weighting: CurrentWeighting) -> Self {
        Self { faders, weighting }
    }

    /// Whether anything is active in the step after `done` others.
    pub(super) fn is_active(&self, done: Step) -> bool {
        self.faders.any_is_active(done.0)
    }

    /// The gain of each objective in the step after `done` others, in the recipe's order; 0 for what is not
    /// active.
    pub(super) fn gains(&self, done: Step) -> Vec<f32> {
        self.faders.gains(done.0)
    }
}

/// The groups of what is active. A muted objective leaves no trace in them.
pub(super) fn active_groups(plan: &Plan, gains: &[f32]) -> Vec<Group> {
    plan.recipe.groups_of(|at| gains[at] > 0.0)
}
