//! The batches of a run: the groups that a step draws, and the examples of their corpora.

use std::collections::{BTreeMap, BTreeSet};

use super::{Plan, Settings};
use crate::{
    data::{
        Batch,
        sampler::{Sampler, SamplingMemory},
        stream::{BatchStream, Position},
    },
    protocol::Step,
    recipe::Group,
};

/// The position of each corpus, in the recipe's order, and the memory of the sampling rule.
pub(super) struct Batches {
    streams: Vec<BatchStream>,
    pub(super) sampling: SamplingMemory,
}

/// A batch, and the name of the group that it was drawn for.
pub(super) type Draw = (String, Batch);

impl Batches {
    /// Every corpus at its position, by name; at its start if it has none.
    pub(super) fn new(
        plan: &Plan,
        positions: &BTreeMap<String, Position>,
        sampling: SamplingMemory,
    ) -> Self {
        let seed = plan.recipe.train.seed;
        let position = |name: &String| positions.get(name).copied().unwrap_or_default();
        let streams =
            plan.corpora.iter().map(|corpus| BatchStream::new(seed, position(&corpus.name)));
        Self { streams: streams.collect(), sampling }
    }

    /// The position of the corpus with that index.
    pub(super) fn position(&self, corpus_idx: usize) -> Position {
        self.streams[corpus_idx].position()
    }

    /// Complete epochs of each objective's corpus, of the first one if it has several.
    pub(super) fn epochs(&self, plan: &Plan) -> Vec<u64> {
        let epoch = |corpora: &[usize]| self.position(corpora[0]).epoch;
        plan.recipe.objectives.iter().map(|spec| epoch(&spec.corpora)).collect()
    }

    /// The position of each corpus, by name.
    pub(super) fn positions(&self, plan: &Plan) -> BTreeMap<String, Position> {
        let names = plan.corpora.iter().map(|corpus| corpus.name.clone());
        names.zip(self.streams.iter().map(BatchStream::position)).collect()
    }

    /// The batches of the step after `done` others, from the groups of active objectives.
    pub(super) fn draw(
        &mut self,
        plan: &Plan,
        settings: &Settings,
        groups: &[Group],
        done: Step,
    ) -> Vec<Draw> {
        let mut draws = Vec::new();
        let drawn = self.sampler(plan, settings, groups).draw(done);
        for group in drawn {
            let Group { name, corpora, .. } = &groups[group];
            for &at in corpora {
                let corpus = &plan.corpora[at];
                let examples = self.streams[at].next(corpus, plan.recipe.batch_size(at));
                draws.push((name.clone(), Batch::new(at, corpus, &corpus.train, &examples)));
            }
        }
        draws
    }

    /// The sampler over these groups.
    pub(super) fn sampler<'a>(
        &'a self,
        plan: &Plan,
        settings: &'a Settings,
        groups: &[Group],
    ) -> Sampler<'a> {
        Sampler::new(plan.recipe.train.seed, &settings.sampling, plan.sampled(groups))
            .following(&self.sampling, settings.measure_gradients_every)
    }
}

/// Examples drawn, by corpus.
pub(super) fn examples_drawn(plan: &Plan, draws: &[Draw]) -> BTreeMap<String, u64> {
    let corpora: BTreeSet<usize> = draws.iter().map(|(_, batch)| batch.corpus).collect();
    let count = |at: usize| {
        let drawn = draws.iter().filter(|(_, batch)| batch.corpus == at);
        drawn.map(|(_, batch)| batch.examples.len() as u64).sum()
    };
    corpora.into_iter().map(|at| (plan.corpora[at].name.clone(), count(at))).collect()
}
