//! Keys of objectives that have no effect in their recipe.

use super::{ObjectiveSpec, Recipe, Warning};
use crate::{data::Corpus, protocol::event::Role};

impl Recipe {
    /// A warning for each such key.
    pub(super) fn without_effect(&self, corpora: &[Corpus]) -> Vec<Warning> {
        let of_objective = |spec: &ObjectiveSpec| {
            let warning = |key: &str, why: &str| Warning::WithoutEffect {
                key: format!("objective.{}.{key}", spec.name),
                why: why.to_owned(),
            };
            let conflict = spec.guard.conflict.and_then(|_| {
                let why = match spec.role {
                    Role::Main => "it compares the other objectives with this one; remove it",
                    Role::Auxiliary if self.train.measure_gradients_every == 0 => {
                        "`train.measure_gradients_every` is 0; set it, to 20 for example"
                    }
                    Role::Auxiliary => return None,
                };
                Some(warning("guard.conflict", why))
            });
            let stopping = &spec.early_stopping;
            let keys =
                [("patience", stopping.patience.is_some()), ("keep_best", stopping.keep_best)];
            let has_dev = spec.corpora.iter().any(|&at| corpora[at].dev.is_some());
            let has_metric = !spec.config.metrics().is_empty();
            let why = match (has_dev, has_metric) {
                (false, _) => Some("no corpus of the objective has a dev split; set `dev`"),
                (true, false) => Some("the objective has no metric; remove it"),
                (true, true) => None,
            };
            let unscored = keys.into_iter().filter(|(_, is_set)| *is_set);
            let unscored = unscored.filter_map(move |(key, _)| Some(warning(key, why?)));
            conflict.into_iter().chain(unscored).collect::<Vec<_>>()
        };
        self.objectives.iter().flat_map(of_objective).collect()
    }
}
