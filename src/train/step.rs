//! One step: what is drawn, what is lost, what is mixed, what is learnt.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use candle_core::Tensor;
use tracing::trace_span;

use super::{Gradients, Trainer, backward::Taps, probe};
use crate::{
    bus::Bus,
    data::{
        Batch,
        sampler::{self, Sampler},
    },
    mixer::Weight,
    model::Mode,
    objective::Term,
    protocol::{
        Loss, ObjectiveId, Step,
        event::{NonFiniteLoss, StepDone},
    },
    recipe::Group,
};

/// The terms of one objective, of every corpus it was drawn with.
pub(super) struct Lost {
    /// Its place in the recipe.
    pub(super) objective: usize,
    /// The raw loss, a scalar.
    pub(super) mean: Tensor,
    /// The raw loss, read.
    loss: f32,
}

impl Trainer {
    /// Draws, trains, tells. A step whose loss or gradient is not a number changes no parameter and
    /// is told as such; the draws go on.
    pub(super) fn one_step(&mut self, bus: &mut Bus) -> Result<()> {
        let _step = trace_span!("step").entered();
        let began_ms = self.clock.ms();
        let done = self.step.0;
        assert!(self.panic_at != Some(done + 1), "a panic was asked for at step {}", done + 1);
        let weights = self.faders.weights(self.recipe.train.weighting, done);
        let draws = trace_span!("draw").in_scope(|| self.draw(&weights));
        let (lost, taps) = trace_span!("forward").in_scope(|| self.lose(&draws, &weights))?;
        let rate = self.rate.at(done);
        let mut gradient_norm = 0.0;
        if !lost.is_empty() {
            let parameters = self.system.parameters();
            if let Some(broken) = lost.iter().find(|lost| !lost.loss.is_finite()) {
                let objective = self.recipe.objectives[broken.objective].name.clone();
                self.broke(Some(objective), bus);
                return Ok(());
            }
            let mut gradients = Gradients::none(parameters);
            let backs = trace_span!("backward").in_scope(|| {
                let backs = taps.heads(&lost, &weights, parameters, &mut gradients)?;
                let by_taps = backs.iter().flat_map(|back| &back.by_taps);
                taps.encoders(by_taps, parameters, &mut gradients)?;
                anyhow::Ok(backs)
            })?;
            gradient_norm = gradients.squared_norm(0..parameters.all().len()).sqrt();
            // As an event will say it: a norm beyond f32 is none that JSON has.
            if !(gradient_norm as f32).is_finite() {
                self.broke(None, bus);
                return Ok(());
            }
            if self.gradients_every > 0 && (done + 1).is_multiple_of(self.gradients_every) {
                let _measure = trace_span!("measure").entered();
                let shared = 0..self.system.n_shared();
                let products = probe::measure(&taps, &backs, &gradients, parameters, &shared)?;
                let (step, at_ms) = (self.step.next(), self.clock.ms());
                bus.tell(probe::event(&self.recipe, step, at_ms, &lost, &products));
            }
            let scale = match self.recipe.train.clip_norm {
                Some(most) if gradient_norm > most => (most / gradient_norm) as f32,
                _ => 1.0,
            };
            trace_span!("optimise")
                .in_scope(|| self.optimizer.step(parameters, &gradients, scale, rate))?;
        }
        self.broken_in_a_row = 0;
        self.step = self.step.next();
        let at_ms = self.clock.ms();
        let name = |at: usize| self.recipe.objectives[at].name.clone();
        bus.tell(StepDone {
            at_ms,
            step: self.step,
            losses: lost
                .iter()
                .filter_map(|lost| Some((name(lost.objective), Loss::read(lost.loss)?)))
                .collect(),
            weights: (0..weights.len()).map(|at| (name(at), weights[at].weight)).collect(),
            shares: (0..weights.len()).map(|at| (name(at), weights[at].share)).collect(),
            draws: self.counts(&draws),
            gradient_norm: gradient_norm as f32,
            learning_rate: rate as f32,
            tokens: draws.iter().map(|(_, batch)| batch.n_tokens() as u64).sum(),
            step_ms: at_ms - began_ms,
            temperature: self.sampling.annealed(Step(done)).map(|temperature| temperature as f32),
        });
        Ok(())
    }

    /// Tells of a loss, or of the gradient, that is not a number.
    fn broke(&mut self, objective: Option<ObjectiveId>, bus: &mut Bus) {
        self.broken_in_a_row += 1;
        bus.tell(NonFiniteLoss { at_ms: self.clock.ms(), step: self.step.next(), objective });
    }

    /// The groups of what has a part in the sum. A muted objective leaves no trace in them.
    pub(super) fn sounding_groups(&self, weights: &[Weight]) -> Vec<Group> {
        self.recipe.groups_of(|at| weights[at].weight > 0.0)
    }

    /// What draws among these groups.
    pub(super) fn sampler(&self, groups: &[Group]) -> Sampler<'_> {
        let size = |&at: &usize| self.corpora[at].train.examples.len() as u64;
        let drawn = groups.iter().map(|group| sampler::CorpusGroup {
            name: group.name.clone(),
            size: group.corpora.iter().map(size).sum(),
            corpora: group.corpora.clone(),
        });
        Sampler::new(self.recipe.train.seed, &self.sampling, drawn.collect())
    }

    /// The batches of this step, each with the name of the group it was drawn for.
    fn draw(&mut self, weights: &[Weight]) -> Vec<(String, Batch)> {
        let groups = self.sounding_groups(weights);
        let mut draws = Vec::new();
        for group in self.sampler(&groups).draw(self.step) {
            let Group { name, corpora, .. } = &groups[group];
            for &at in corpora {
                let corpus = &self.corpora[at];
                let size = self.recipe.batch_size(at);
                let examples = self.streams[at].next(corpus, size);
                let batch = Batch::new(at, corpus, &corpus.train, &examples);
                draws.push((name.clone(), batch));
            }
        }
        draws
    }

    /// The losses of the sounding objectives over these batches, in the recipe's order, and the rows
    /// they were computed from.
    fn lose(&self, draws: &[(String, Batch)], weights: &[Weight]) -> Result<(Vec<Lost>, Taps)> {
        let pass = Mode::Train { seed: self.recipe.train.seed, step: self.step.0 };
        let mut terms: BTreeMap<usize, Vec<Term>> = BTreeMap::new();
        let mut cut = Taps::of(0..self.system.n_shared());
        for (group, batch) in draws {
            let objectives: Vec<usize> = (0..weights.len())
                .filter(|&at| {
                    let spec = &self.recipe.objectives[at];
                    // What reads several corpora belongs to no group and is always computed.
                    let drawn = spec.group.as_ref().is_none_or(|name| name == group);
                    weights[at].weight > 0.0 && drawn && spec.corpora.contains(&batch.corpus)
                })
                .collect();
            let taps = self.system.taps(&objectives, batch, pass)?;
            for (&at, taps) in objectives.iter().zip(&taps) {
                let taps: Vec<Tensor> =
                    taps.iter().map(|tap| cut.cut(tap)).collect::<candle_core::Result<_>>()?;
                if let Some(term) = self.system.objective(at).loss(&taps, batch)? {
                    terms.entry(at).or_default().push(term);
                }
            }
        }
        let means = terms.into_iter().map(|(at, terms)| Ok((at, mean(&terms)?)));
        let means: Vec<(usize, Tensor)> = means.collect::<Result<_>>()?;
        let losses = read(means.iter().map(|(_, mean)| mean))?;
        let lost = means.into_iter().zip(losses);
        let lost = lost.map(|((objective, mean), loss)| Lost { objective, mean, loss });
        Ok((lost.collect(), cut))
    }

    /// Examples drawn, by corpus.
    fn counts(&self, draws: &[(String, Batch)]) -> BTreeMap<String, u64> {
        let corpora: BTreeSet<usize> = draws.iter().map(|(_, batch)| batch.corpus).collect();
        let count = |at: usize| {
            let drawn = draws.iter().filter(|(_, batch)| batch.corpus == at);
            drawn.map(|(_, batch)| batch.examples.len() as u64).sum()
        };
        corpora.into_iter().map(|at| (self.recipe.corpora[at].name.clone(), count(at))).collect()
    }
}

/// Σ sum / Σ count over the terms of one objective.
fn mean(terms: &[Term]) -> Result<Tensor> {
    let [first, others @ ..] = terms else { unreachable!("an objective without a term is absent") };
    let mut sum = first.sum.clone();
    for term in others {
        sum = (sum + &term.sum)?;
    }
    let count: usize = terms.iter().map(|term| term.count).sum();
    Ok(sum.affine(1.0 / count as f64, 0.0)?)
}

/// Some scalars, by one read from the device.
fn read<'a>(scalars: impl Iterator<Item = &'a Tensor>) -> Result<Vec<f32>> {
    let scalars: Vec<&Tensor> = scalars.collect();
    if scalars.is_empty() {
        return Ok(Vec::new());
    }
    Ok(Tensor::stack(&scalars, 0)?.to_vec1()?)
}
