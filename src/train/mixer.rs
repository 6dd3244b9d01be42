//! The mix of a run: faders, and the rule that sets shares.

use super::Plan;
use crate::{
    mixer::{CurrentWeighting, Fader, Faders},
    protocol::Step,
    recipe::{Group, Recipe},
};

/// See the module.
pub(super) struct Mixer {
    pub(super) faders: Faders,
    pub(super) weighting: CurrentWeighting,
}

impl Mixer {
    /// The mix as a recipe starts it.
    pub(super) fn new(recipe: &Recipe) -> Self {
        let faders = recipe.objectives.iter().map(|spec| Fader {
            objective: spec.name.clone(),
            gain: spec.gain,
            by_hand: false,
            muted: spec.muted,
            soloed: false,
        });
        Self {
            faders: Faders::new(faders.collect()),
            weighting: CurrentWeighting::new(recipe.train.weighting.clone()),
        }
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
