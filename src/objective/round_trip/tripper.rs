//! The objective with its decoders: translations that are sampled, their rewards, and the losses of both ways.

use std::{collections::BTreeMap, sync::Arc};

use candle_core::{Result, Tensor, bail};

use super::{Config, made::Attached};
use crate::{
    data::{Batch, Bigrams, Corpus, Purpose, Symbol, draw},
    kernel,
    metric::{Scorer, scorer::PerplexityScorer},
    model::{
        Decoder, Mode, Rows,
        decoder::{Choice, EDGE, SearchedExample, TargetIds, TargetRows, sample},
    },
    objective::{Evaluation, Objective, RawLoss, TapRunner},
};

/// The two decoders.
pub(super) struct RoundTripper {
    pub(super) name: String,
    pub(super) config: Config,
    pub(super) left: Arc<dyn Decoder>,
    pub(super) right: Arc<dyn Decoder>,
    /// P of a target.
    pub(super) language_model: Option<Bigrams>,
    pub(super) attached: BTreeMap<usize, Attached>,
}

/// A text of the batch with one of its translations.
struct Trip {
    /// The example of the text.
    example: u32,
    text: Vec<Symbol>,
    /// The classes of the translation, without its end.
    translation: Vec<u32>,
}

/// The two losses of the trips of a batch, each a sum over words: (trips).
struct Losses {
    /// −ln p(y | x).
    there: Tensor,
    /// −ln p(x | y).
    back: Tensor,
}

impl RoundTripper {
    /// The texts that have a memory, with their examples.
    fn texts(attached: &Attached, memory: &Rows, batch: &Batch) -> Vec<(u32, Vec<Symbol>)> {
        let (field, _) = attached.source;
        let symbols = batch.symbols(field);
        let text = |example: usize| {
            let rows = batch.rows_of(field, example).into_iter();
            let text: Vec<Symbol> = rows.map(|row| symbols[row]).collect::<Option<_>>()?;
            let has_memory = !memory.packing.rows_of_example(example).is_empty();
            (!text.is_empty() && has_memory).then_some((example as u32, text))
        };
        (0..batch.n_examples()).filter_map(text).collect()
    }

    /// So many translations of each text, one after the other.
    fn trips(
        &self,
        attached: &Attached,
        memory: &[Rows],
        (per_text, choice): (usize, Choice<'_>),
        batch: &Batch,
    ) -> Result<Vec<Trip>> {
        let texts = Self::texts(attached, &memory[0], batch);
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let texts = texts.iter().flat_map(|text| std::iter::repeat_n(text, per_text));
        let max_len = self.config.max_length;
        let sampled = texts.clone().map(|&(example, _)| SearchedExample { example, max_len });
        let sampled: Vec<SearchedExample> = sampled.collect();
        let mut decoding = self.left.start(memory, None)?;
        let translations = sample(decoding.as_mut(), &sampled, choice)?;
        let trip = |((example, text), translation): (&(u32, Vec<Symbol>), Vec<u32>)| Trip {
            example: *example,
            text: text.clone(),
            translation,
        };
        Ok(texts.zip(translations).map(trip).collect())
    }

    /// The losses of trips, which the encoders below the two decoders run on.
    fn losses(
        &self,
        attached: &Attached,
        trips: &[Trip],
        runner: &dyn TapRunner,
    ) -> Result<Losses> {
        let examples = trips.iter().map(|trip| attached.example(&trip.text, &trip.translation));
        let (rows, made) = runner.run(&attached.made, examples.collect())?;
        let of = |decoder: &dyn Decoder, rows: &Rows, field: usize, ids: &TargetIds| {
            let packing = &rows.packing;
            let targets = TargetRows::new(packing, &made, field, ids).targets();
            let per_row = decoder.cross_entropy(rows, targets, None)?;
            // From the order of the batch to that of the trips.
            let trips = packing.examples_of_rows().into_iter();
            let trips = trips.map(|example| made.examples[example as usize] as u32).collect();
            kernel::sum_by_group(&per_row, trips, made.n_examples())
        };
        Ok(Losses {
            there: of(self.left.as_ref(), &rows[0], attached.target.0, &attached.target_ids)?,
            back: of(self.right.as_ref(), &rows[1], attached.source.0, &attached.source_ids)?,
        })
    }

    /// r of each trip, given −ln p(x | y) of each.
    fn rewards(&self, trips: &[Trip], back: &[f32]) -> Vec<f64> {
        let a = self.config.of_language_model;
        let reward = |(trip, back): (&Trip, &f32)| {
            let of_model = self.language_model.as_ref().map_or(0.0, |model| {
                let classes = trip.translation.iter().copied();
                let classes: Vec<u32> = [EDGE].into_iter().chain(classes).chain([EDGE]).collect();
                let pairs = classes.windows(2);
                let sum: f64 = pairs.map(|pair| model.log_probability(pair[0], pair[1])).sum();
                sum / (trip.translation.len() + 1) as f64
            });
            a * of_model - (1.0 - a) * f64::from(*back) / (trip.text.len() + 1) as f64
        };
        trips.iter().zip(back).map(reward).collect()
    }

    /// The raw loss of trips, `per_text` of each text, from the loss of each trip: (trips).
    fn raw_loss(
        trips: &[Trip],
        per_trip: &Tensor,
        per_text: usize,
        batch: &Batch,
    ) -> Result<Option<RawLoss>> {
        let examples = trips.iter().map(|trip| trip.example).collect();
        let per_example = kernel::sum_by_group(per_trip, examples, batch.n_examples())?;
        let per_example = per_example.affine(1.0 / per_text as f64, 0.0)?;
        let n_words: usize = trips.iter().map(|trip| trip.text.len() + 1).sum();
        RawLoss::new(per_example, n_words / per_text).map(Some)
    }
}

/// r_k − b_k, where b_k is the mean of the others of the same text, K of each text one after the other.
fn advantages(rewards: &[f64], n_samples: usize) -> Vec<f32> {
    let of_text = |rewards: &[f64]| {
        let sum: f64 = rewards.iter().sum();
        let others = (n_samples - 1) as f64;
        rewards.iter().map(|r| (r - (sum - r) / others) as f32).collect::<Vec<_>>()
    };
    rewards.chunks_exact(n_samples).flat_map(of_text).collect()
}

impl Objective for RoundTripper {
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        let decoders = [self.left.as_ref(), self.right.as_ref()];
        let attached = Attached::new(corpus, &self.config.fields, decoders);
        self.attached.extend(attached.map(|attached| (corpus_idx, attached)));
    }

    fn made_corpus(&self, corpus_idx: usize) -> Option<&Corpus> {
        self.attached.get(&corpus_idx).map(|attached| &attached.made)
    }

    fn loss(&self, _taps: &[Rows], _batch: &Batch) -> Result<Option<RawLoss>> {
        bail!("a round trip needs encoders to run on the texts that it makes")
    }

    fn evaluate(&self, _taps: &[Rows], _batch: &Batch) -> Result<Evaluation> {
        bail!("a round trip needs encoders to run on the texts that it makes")
    }

    fn loss_with(
        &self,
        taps: &[Rows],
        batch: &Batch,
        runner: &dyn TapRunner,
    ) -> Result<Option<RawLoss>> {
        let Some(attached) = self.attached.get(&batch.corpus) else { return Ok(None) };
        let n_samples = self.config.n_samples;
        let (seed, step) = match runner.mode() {
            Mode::Train { seed, step } => (seed, step),
            Mode::Eval | Mode::Trace => (0, 0),
        };
        let mut draw = draw(seed, Purpose::Texts, &format!("{}/{}", self.name, batch.corpus), step);
        let choice = Choice::Drawn(&mut draw);
        let trips = self.trips(attached, taps, (n_samples, choice), batch)?;
        if trips.is_empty() {
            return Ok(None);
        }
        let Losses { there, back } = self.losses(attached, &trips, runner)?;
        let rewards = self.rewards(&trips, &kernel::to_vec(&back)?);
        let advantages = advantages(&rewards, n_samples);
        let advantages = Tensor::from_vec(advantages, trips.len(), there.device())?;
        let surrogate = (there * advantages)?;
        let surrogate = (&surrogate - surrogate.detach())?;
        Self::raw_loss(&trips, &(back + surrogate)?, n_samples, batch)
    }

    fn evaluate_with(
        &self,
        taps: &[Rows],
        batch: &Batch,
        runner: &dyn TapRunner,
    ) -> Result<Evaluation> {
        let nothing = || Evaluation::of_loss(None, batch.n_examples());
        let Some(attached) = self.attached.get(&batch.corpus) else { return Ok(nothing()) };
        let trips = self.trips(attached, taps, (1, Choice::MostProbable), batch)?;
        if trips.is_empty() {
            return Ok(nothing());
        }
        let Losses { back, .. } = self.losses(attached, &trips, runner)?;
        Ok(Evaluation::of_loss(Self::raw_loss(&trips, &back, 1, batch)?, batch.n_examples()))
    }

    fn scorer(&self) -> Box<dyn Scorer> {
        Box::new(PerplexityScorer)
    }
}

#[cfg(test)]
mod tests;
