//! Samples of an evaluation on dev: a few examples of each objective with gold and prediction.
//!
//! Which examples these are depends on the seed and the corpus alone, so that they are the same at
//! each evaluation; or they are those with the largest losses.

mod rows;

use std::collections::BTreeMap;

use candle_core::Result;

use super::score::Observed;
use crate::{
    data::{
        Corpus, Lexicon, Purpose,
        draw::{draw, shuffle},
    },
    kernel,
    metric::Gold,
    protocol::{Loss, event::Sample},
};
use rows::Shown;

/// The samples of an evaluation so far.
pub(super) struct Samples {
    seed: u64,
    /// How many of each objective.
    n: usize,
    /// Whether those with the largest losses are taken.
    worst: bool,
    /// The place of each example of a corpus in the order in which they are drawn, by the index of
    /// the corpus. The first ones with a label are taken, which differ between objectives.
    places: BTreeMap<usize, Vec<usize>>,
    /// By the objective's index.
    taken: BTreeMap<usize, Taken>,
}

/// The samples of one objective.
#[derive(Default)]
struct Taken {
    /// The names of its classes, once it has a sample.
    names: Option<Lexicon>,
    samples: Vec<Ranked>,
}

/// A sample with its rank: the smallest first.
struct Ranked {
    rank: (f64, usize, usize),
    sample: Sample,
}

impl Samples {
    pub(super) fn new(seed: u64, n: u64, worst: bool) -> Self {
        let n = usize::try_from(n).unwrap_or(usize::MAX);
        Self { seed, n, worst, places: BTreeMap::new(), taken: BTreeMap::new() }
    }

    /// Takes what is to be taken of a batch.
    pub(super) fn observe(&mut self, observed: &Observed<'_>) -> Result<()> {
        let Observed { corpus_idx, corpus, part, examples, evaluation, .. } = *observed;
        if self.n == 0 {
            return Ok(());
        }
        let (seed, n_all) = (self.seed, part.examples.len());
        let places = self.places.entry(corpus_idx).or_insert_with(|| places(seed, corpus, n_all));
        let losses = match &evaluation.loss {
            Some(loss) => Some(kernel::to_vec(&loss.per_example)?),
            None => None,
        };
        let taken = self.taken.entry(observed.objective_idx).or_default();
        let pairs = evaluation.gold.iter().zip(&evaluation.predictions);
        for (at, (&example_idx, (gold, prediction))) in examples.iter().zip(pairs).enumerate() {
            let loss = losses.as_ref().map(|losses| losses[at]);
            let rank = if self.worst { -order_of(loss) } else { places[example_idx] as f64 };
            let rank = (rank, corpus_idx, example_idx);
            if *gold == Gold::None || !taken.has_room(rank, self.n) {
                continue;
            }
            let names = taken.names.get_or_insert_with(|| observed.objective.class_names());
            let example = &part.examples[example_idx];
            let shown = Shown { corpus, example, names, field: observed.field };
            let Some((form, rows)) = shown.rows(gold, prediction) else { continue };
            let sample = shown.sample(example_idx, loss.and_then(Loss::read), form, rows);
            taken.add(Ranked { rank, sample }, self.n);
        }
        Ok(())
    }

    /// The samples of each objective, by its index: in the order of dev, or those with the largest
    /// losses first.
    pub(super) fn finish(self) -> BTreeMap<usize, Vec<Sample>> {
        let of_objective = |(at, taken): (usize, Taken)| {
            let mut samples: Vec<Sample> =
                taken.samples.into_iter().map(|ranked| ranked.sample).collect();
            if !self.worst {
                samples.sort_by(|a, b| (&a.corpus, a.example).cmp(&(&b.corpus, b.example)));
            }
            (at, samples)
        };
        self.taken.into_iter().map(of_objective).collect()
    }
}

/// The place of each of `n` examples of a corpus in the order of a draw.
fn places(seed: u64, corpus: &Corpus, n: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    shuffle(&mut order, &mut draw(seed, Purpose::Samples, &corpus.name, 0));
    let mut places = vec![0; n];
    for (place, example) in order.into_iter().enumerate() {
        places[example] = place;
    }
    places
}

/// A loss for the order by losses: without a label below all others, not finite above them.
fn order_of(loss: Option<f32>) -> f64 {
    match loss {
        None => f64::NEG_INFINITY,
        Some(loss) if loss.is_finite() => f64::from(loss),
        Some(_) => f64::INFINITY,
    }
}

impl Taken {
    fn has_room(&self, rank: (f64, usize, usize), n: usize) -> bool {
        self.samples.len() < n || self.samples.last().is_some_and(|last| rank < last.rank)
    }

    fn add(&mut self, new: Ranked, n: usize) {
        let place = self.samples.partition_point(|old| old.rank <= new.rank);
        self.samples.insert(place, new);
        self.samples.truncate(n);
    }
}
