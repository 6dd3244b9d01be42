//! The layers that each objective reaches with its gradient, and so the parameters that it trains.

use std::collections::BTreeMap;

use super::{GradientFlow, Input, Recipe, encoder::names_encoder, tap::strings};
use crate::objective;

/// The part of a system that a parameter belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterOwner {
    /// The head of the objective with this index.
    Objective(usize),
    /// An encoder.
    Encoder {
        /// The index of the encoder.
        encoder: usize,
        /// The number of the layer; `None` for an encoder without numbered layers.
        layer: Option<usize>,
    },
}

/// The highest layer of each encoder that an objective reaches, by the encoder's index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LayersReached(BTreeMap<usize, usize>);

impl LayersReached {
    /// Whether a layer of an encoder is among them.
    pub fn contain(&self, encoder: usize, layer: Option<usize>) -> bool {
        // Layer 0 is an encoder's input, or the initial state of a decoder.
        self.0.get(&encoder).is_some_and(|highest| layer.unwrap_or(1) <= *highest)
    }
}

impl Recipe {
    /// The layers that an objective reaches: those of its taps and all below them; for a kind
    /// without taps, the encoders that it names.
    pub fn layers_reached(&self, objective_idx: usize) -> LayersReached {
        let spec = &self.objectives[objective_idx];
        let mut reached = BTreeMap::new();
        let at = |name: &str| self.encoders.iter().position(|encoder| encoder.name == name);
        let keys = spec.kind.keys().iter().filter(|key| names_encoder(&key.takes));
        let named = keys.filter_map(|key| spec.values.get(key.name)).flat_map(strings);
        let named = named.filter_map(|(name, _)| Some((at(name)?, usize::MAX)));
        let taps = spec.taps.iter().zip(spec.gradients());
        let taps = taps.filter(|(_, gradient)| *gradient != GradientFlow::Stop);
        let taps = taps.flat_map(|(taps, _)| taps).map(|tap| (tap.encoder, tap.layer));
        let mut open: Vec<(usize, usize)> = taps.chain(named).collect();
        while let Some((encoder, layer)) = open.pop() {
            if reached.get(&encoder).is_some_and(|highest| *highest >= layer) {
                continue;
            }
            reached.insert(encoder, layer);
            let spec = &self.encoders[encoder];
            let inputs = spec.inputs.iter().flat_map(Input::all);
            open.extend(inputs.map(|tap| (tap.encoder, tap.layer)));
            open.extend(spec.named().filter_map(|name| Some((at(name)?, usize::MAX))));
        }
        LayersReached(reached)
    }

    /// Whether no other objective trains the head of this one, or reads it.
    pub fn has_own_head(&self, objective_idx: usize) -> bool {
        let name = &self.objectives[objective_idx].name;
        let mut others = self.objectives.iter();
        let is_shared = others.any(|other| {
            other.share.as_ref() == Some(name)
                || other.reads.iter().any(|read| read.objective == name.as_str())
        });
        let mut encoders = self.encoders.iter();
        !is_shared && !encoders.any(|encoder| encoder.objective() == Some(name.as_str()))
    }

    /// The part of the system that the parameter with this name belongs to.
    pub fn owner_of(&self, parameter: &str) -> Option<ParameterOwner> {
        let of_objective = self.objectives.iter().position(|spec| {
            let owner = objective::owner(spec.name.as_str());
            parameter.strip_prefix(&owner).is_some_and(|rest| rest.starts_with('.'))
        });
        if let Some(objective_idx) = of_objective {
            return Some(ParameterOwner::Objective(objective_idx));
        }
        let (name, rest) = parameter.split_once('.')?;
        let encoder = self.encoders.iter().position(|encoder| encoder.name == name)?;
        let layer = rest.split('.').next().and_then(|layer| layer.parse().ok());
        Some(ParameterOwner::Encoder { encoder, layer })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{Overrides, RecipeSource, load};

    fn reached(recipe: &Recipe, objective: &str) -> Vec<(String, usize)> {
        let at = recipe.objectives.iter().position(|spec| spec.name.as_str() == objective);
        let LayersReached(reached) = recipe.layers_reached(at.unwrap());
        reached.into_iter().map(|(at, layer)| (recipe.encoders[at].name.clone(), layer)).collect()
    }

    #[test]
    fn a_tap_reaches_its_layer_and_all_below() {
        let recipe = load(&RecipeSource::Shipped("chunking"), &Overrides::default()).unwrap();
        let name = |encoder: &str, layer| (encoder.to_owned(), layer);
        assert_eq!(reached(&recipe, "pos"), [name("words", 1), name("trunk", 1)]);
        assert_eq!(reached(&recipe, "chunk"), [name("words", 1), name("trunk", 3)]);
        let owner = |parameter| recipe.owner_of(parameter);
        assert_eq!(owner("objective.pos.output.bias"), Some(ParameterOwner::Objective(1)));
        let trunk = |layer| Some(ParameterOwner::Encoder { encoder: 1, layer });
        assert_eq!(owner("trunk.2.input.weight"), trunk(Some(2)));
        let words = Some(ParameterOwner::Encoder { encoder: 0, layer: None });
        assert_eq!(owner("words.characters.table"), words);
        assert_eq!(owner("objective.po.output.bias"), None);
    }

    #[test]
    fn a_head_that_others_use_is_not_its_own() {
        let own = |recipe: &'static str| -> Vec<(String, bool)> {
            let recipe = load(&RecipeSource::Shipped(recipe), &Overrides::default()).unwrap();
            let of = |at: usize| (recipe.objectives[at].name.to_string(), recipe.has_own_head(at));
            (0..recipe.objectives.len()).map(of).collect()
        };
        assert!(own("chunking").into_iter().all(|(_, is_own)| is_own));
        // Relations read the label vectors of the entities.
        let of_entities = own("relation-extraction").into_iter().find(|(name, _)| name == "entity");
        assert_eq!(of_entities, Some(("entity".to_owned(), false)));
    }

    #[test]
    fn a_private_encoder_is_reached_by_one_objective() {
        let recipe = load(&RecipeSource::Shipped("adversarial"), &Overrides::default()).unwrap();
        let private = recipe.encoders.iter().position(|encoder| encoder.name == "own-books");
        let reaching = (0..recipe.objectives.len())
            .filter(|&at| recipe.layers_reached(at).contain(private.unwrap(), Some(1)))
            .map(|at| recipe.objectives[at].name.to_string());
        assert_eq!(reaching.collect::<Vec<_>>(), ["books", "apart", "near"]);
    }
}
