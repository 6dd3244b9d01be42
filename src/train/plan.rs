//! The fixed inputs of a run: the recipe, its corpora and the values fitted to them.

use std::collections::BTreeMap;

use crate::{
    data::{Corpus, sampler},
    protocol::{
        ObjectiveId,
        event::{VectorCoverage, WarmStarted},
    },
    recipe::{FittedByOwner, Group, Recipe},
};

/// The fixed inputs; see the module.
pub(super) struct Plan {
    pub(super) recipe: Recipe,
    /// The recipe's corpora, in its order.
    pub(super) corpora: Vec<Corpus>,
    /// The number of batches in an epoch of each of them, at least 1.
    pub(super) n_batches: Vec<u64>,
    pub(super) fitted: FittedByOwner,
    /// A digest of each corpus file, by its key in the recipe.
    pub(super) digests: BTreeMap<String, String>,
    /// The digests of the stored vectors files, by encoder.
    pub(super) vectors: BTreeMap<String, String>,
    /// The coverage of the corpora by pretrained vectors.
    pub(super) coverage: Vec<VectorCoverage>,
    /// The encoders that start from another run.
    pub(super) warm_starts: Vec<WarmStarted>,
}

impl Plan {
    /// The name of the objective with that index in the recipe.
    pub(super) fn name(&self, objective_idx: usize) -> ObjectiveId {
        self.recipe.objectives[objective_idx].name.clone()
    }

    /// The index of the main objective's corpus, whose epochs are the run's.
    pub(super) fn main_corpus(&self) -> usize {
        self.recipe.objectives[self.recipe.main()].corpora[0]
    }

    /// The number of batches in an epoch of that corpus.
    pub(super) fn batches_per_epoch(&self) -> u64 {
        self.n_batches[self.main_corpus()]
    }

    /// These groups with their sizes in training examples, as input of a sampler.
    pub(super) fn sampled(&self, groups: &[Group]) -> Vec<sampler::CorpusGroup> {
        let size = |&at: &usize| self.corpora[at].train.examples.len() as u64;
        let sampled = groups.iter().map(|group| sampler::CorpusGroup {
            name: group.name.clone(),
            size: group.corpora.iter().map(size).sum(),
            n_batches: group.corpora.iter().map(|&at| self.n_batches[at]).max().unwrap_or(1),
            corpora: group.corpora.clone(),
            has_main: self.recipe.is_main_group(group),
        });
        sampled.collect()
    }
}
