//! The parameters of each objective: those that only it trains, and those that are frozen while it
//! is finished.

use crate::{
    model::Parameters,
    recipe::{Freeze, ParameterOwner, Recipe},
};

/// See the module documentation. Indices of parameters, by the objective's index in the recipe.
pub(super) struct OwnParameters {
    /// Those of its head, if no other objective uses that, and of encoders that no other objective
    /// reaches.
    own: Vec<Vec<usize>>,
    /// Those that keep their values while it is finished.
    frozen: Vec<Vec<usize>>,
}

impl OwnParameters {
    /// Parameters that the recipe freezes belong to none.
    pub(super) fn new(recipe: &Recipe, parameters: &Parameters) -> Self {
        let n_objectives = recipe.objectives.len();
        let reached: Vec<_> = (0..n_objectives).map(|at| recipe.layers_reached(at)).collect();
        let (mut own, mut frozen) =
            (vec![Vec::new(); n_objectives], vec![Vec::new(); n_objectives]);
        let trained = parameters.all().iter().enumerate().filter(|(_, it)| !it.is_frozen);
        for (param_idx, parameter) in trained {
            let (owner, reaching) = match recipe.owner_of(&parameter.name) {
                Some(ParameterOwner::Objective(at)) => {
                    (recipe.has_own_head(at).then_some(at), Vec::new())
                }
                Some(ParameterOwner::Encoder { encoder, layer }) => {
                    let all = 0..n_objectives;
                    let reaching: Vec<usize> =
                        all.filter(|&at| reached[at].contain(encoder, layer)).collect();
                    let owner = if let [only] = reaching[..] { Some(only) } else { None };
                    (owner, reaching)
                }
                None => (None, Vec::new()),
            };
            if let Some(at) = owner {
                own[at].push(param_idx);
            }
            for (at, frozen) in frozen.iter_mut().enumerate() {
                let freezes_encoders = recipe.objectives[at].early_stopping.freeze == Freeze::Below;
                if owner == Some(at) || (freezes_encoders && reaching.contains(&at)) {
                    frozen.push(param_idx);
                }
            }
        }
        Self { own, frozen }
    }

    /// The factor of the learning rate of each parameter, from that of each objective.
    pub(super) fn factors(&self, n_parameters: usize, factor: impl Fn(usize) -> f64) -> Vec<f64> {
        let mut factors = vec![1.0; n_parameters];
        for (at, own) in self.own.iter().enumerate() {
            for &param_idx in own {
                factors[param_idx] = factor(at);
            }
        }
        factors
    }

    /// Freezes the parameters of objectives that are finished, and no others.
    pub(super) fn freeze(&self, parameters: &mut Parameters, is_finished: impl Fn(usize) -> bool) {
        for &param_idx in self.frozen.iter().flatten() {
            parameters.set_frozen(param_idx, false);
        }
        let finished = self.frozen.iter().enumerate().filter(|(at, _)| is_finished(*at));
        for &param_idx in finished.flat_map(|(_, frozen)| frozen) {
            parameters.set_frozen(param_idx, true);
        }
    }
}
