//! The mix of a run: faders, and the weighting rule.

use super::Plan;
use crate::{
    mixer::{CurrentWeighting, Faders},
    protocol::Step,
    recipe::Group,
};

/// The mix; see the module.
pub(super) struct Mixer {
    pub(super) faders: Faders,
    pub(super) weighting: CurrentWeighting,
}

impl Mixer {
    /// These faders with that rule.
    pub(super) fn new(faders: Faders, weighting: CurrentWeighting) -> Self {
        Self { faders, weighting }
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
