//! The mix of a run: faders, and the rule that sets shares.

use super::Plan;
use crate::{
    mixer::{Fader, Faders, Weight, Weighting},
    protocol::Step,
    recipe::{Group, Recipe},
};

/// See the module.
pub(super) struct Mixer {
    pub(super) faders: Faders,
    weighting: &'static dyn Weighting,
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
        Self { faders: Faders::new(faders.collect()), weighting: recipe.train.weighting }
    }

    /// Whether anything is active in the step after `done` others.
    pub(super) fn is_active(&self, done: Step) -> bool {
        self.faders.anything_sounds(done.0)
    }

    /// The weight of each objective in the step after `done` others, in the recipe's order.
    pub(super) fn weights(&self, done: Step) -> Vec<Weight> {
        self.faders.weights(self.weighting, done.0)
    }
}

/// The groups of what has a part in the sum. A muted objective leaves no trace in them.
pub(super) fn active_groups(plan: &Plan, weights: &[Weight]) -> Vec<Group> {
    plan.recipe.groups_of(|at| weights[at].weight > 0.0)
}
