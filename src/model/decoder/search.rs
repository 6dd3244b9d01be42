//! Beam search, for all examples of a batch at once; with a beam of 1 it is greedy.
//!
//! Each example has at most `beam` open hypotheses. Of all their continuations, the best that do not end stay open;
//! one that ends is a result if it is among the best `beam`. An example is done when it has `beam` results, or when its
//! hypotheses have the maximum length, where they can only end. Results are ordered by a score with n the number of
//! symbols and the end, and a_tj the attention of step t to row j of the memory (Wu et al. 2016):
//!
//! ```text
//! score = ln p / ((5 + n)/6)^α + β·Σ_j ln min(Σ_t a_tj, 1)
//! ```

use candle_core::{Result, bail};

use super::{Decoding, EDGE, UNKNOWN};

/// The largest beam, of a recipe and of `predict`.
pub const MAX_BEAM: u8 = 100;

/// Scores that are compared with the worst of the best continuations at a time.
const CHUNK: usize = 64;

/// Log-probabilities that the hypotheses of a search have in memory at a time, if one example has no more.
const SCORES: usize = 1 << 23;

/// The number of examples to search at once.
pub fn searched_at_once(beam: usize, n_classes: usize) -> usize {
    (SCORES / beam.saturating_mul(n_classes).max(1)).max(1)
}

/// How texts are searched for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SearchOptions {
    /// The maximum number of open hypotheses of an example.
    pub beam: usize,
    /// α of the length penalty.
    pub length_penalty: f32,
    /// β of the coverage penalty.
    pub coverage_penalty: f32,
}

impl SearchOptions {
    /// The score of an ended hypothesis of n symbols, given the sum of its attention to each row.
    fn score(self, log_probability: f32, n_symbols: usize, coverage: &[f32]) -> f32 {
        let by_length = ((6.0 + n_symbols as f32) / 6.0).powf(self.length_penalty);
        // An attention of 0 would take a score out of all comparisons.
        let covered = coverage.iter().map(|sum| sum.clamp(f32::MIN_POSITIVE, 1.0).ln());
        log_probability / by_length + self.coverage_penalty * covered.sum::<f32>()
    }
}

/// A generated sequence.
#[derive(Clone, Debug, PartialEq)]
pub struct Hypothesis {
    /// Its classes, without the end.
    pub classes: Vec<u32>,
    /// ln p of the classes and the end.
    pub log_probability: f32,
    /// The log-probability after the length penalty, with the coverage penalty.
    pub score: f32,
}

/// An example of a batch, with the maximum length of its texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchedExample {
    /// Its index in the batch.
    pub example: u32,
    /// The maximum number of symbols of a text, without the end.
    pub max_len: usize,
}

/// The best sequences of each example, at most `beam`, from the best on. It is an error if a log-probability is not a
/// number, or if no continuation is possible.
pub fn search(
    decoding: &mut dyn Decoding,
    examples: &[SearchedExample],
    options: SearchOptions,
) -> Result<Vec<Vec<Hypothesis>>> {
    let mut found: Vec<Vec<Hypothesis>> = vec![Vec::new(); examples.len()];
    let indices: Vec<u32> = examples.iter().map(|searched| searched.example).collect();
    let is_covered = options.coverage_penalty > 0.0;
    if is_covered {
        decoding.keep_attention();
    }
    decoding.begin(&indices)?;
    let mut open: Vec<Open> =
        (0..examples.len()).map(|at| Open { at, from: at as u32, ..Open::default() }).collect();
    while !open.is_empty() {
        let from: Vec<u32> = open.iter().map(|open| open.from).collect();
        let last = |open: &Open| open.classes.last().copied().unwrap_or(EDGE);
        let classes: Vec<u32> = open.iter().map(last).collect();
        let scores = decoding.step(&from, &classes)?;
        if is_covered {
            open.iter_mut().zip(decoding.attention()).for_each(|(open, row)| open.attend(row));
        }
        let mut next = Vec::new();
        let mut first = 0;
        for of_step in open.chunk_by(|a, b| a.at == b.at) {
            let at = of_step[0].at;
            let n_classes = decoding.n_classes();
            let scores = &scores[first * n_classes..][..of_step.len() * n_classes];
            let of_example =
                OpenOfExample { open: of_step, first: first as u32, scores, n_classes };
            first += of_step.len();
            of_example.extend(examples[at].max_len, options, &mut found[at], &mut next)?;
        }
        open = next;
    }
    for found in &mut found {
        // Stable: of equal scores the one found first.
        found.sort_by(|a, b| b.score.total_cmp(&a.score));
        found.truncate(options.beam);
    }
    Ok(found)
}

/// An open hypothesis.
#[derive(Default)]
struct Open {
    /// The place of its example among those that are searched.
    at: usize,
    /// Its index among the hypotheses of the step before.
    from: u32,
    classes: Vec<u32>,
    log_probability: f32,
    /// The sum of its attention to each row of the memory; empty without a coverage penalty.
    coverage: Vec<f32>,
}

impl Open {
    /// Adds the attention of a step.
    fn attend(&mut self, weights: &[f32]) {
        self.coverage.resize(weights.len(), 0.0);
        self.coverage.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += weight);
    }
}

/// The open hypotheses of one example.
struct OpenOfExample<'a> {
    open: &'a [Open],
    /// The index of the first of them among all of the step.
    first: u32,
    /// ln p of the classes after each.
    scores: &'a [f32],
    n_classes: usize,
}

/// A continuation: the place of its hypothesis, its class, and ln p of the whole.
#[derive(Clone, Copy)]
struct Continuation {
    place: usize,
    class: u32,
    log_probability: f32,
}

impl OpenOfExample<'_> {
    /// Adds to the results, and the hypotheses that stay open to those of the next step.
    fn extend(
        &self,
        max_len: usize,
        options: SearchOptions,
        found: &mut Vec<Hypothesis>,
        next: &mut Vec<Open>,
    ) -> Result<()> {
        // -∞ is ln 0. The first pass has no branch, so that it is vectorized.
        let is_broken = |score: f32| score.is_nan() || score == f32::INFINITY;
        let is_any_broken = self.scores.iter().fold(false, |any, score| any | is_broken(*score));
        if is_any_broken && let Some(score) = self.scores.iter().find(|score| is_broken(**score)) {
            bail!(
                "search: non-finite log-probabilities of a decoder: expected numbers of at most 0, found {score}; its \
                 parameters or its inputs are not finite"
            );
        }
        let beam = options.beam;
        let is_last = self.open[0].classes.len() >= max_len;
        let n_before = next.len();
        for (rank, continuation) in self.best(2 * beam, is_last).into_iter().enumerate() {
            let Continuation { place, class, log_probability } = continuation;
            let of = &self.open[place];
            if class == EDGE {
                if rank < beam || is_last {
                    let classes = of.classes.clone();
                    let score = options.score(log_probability, classes.len(), &of.coverage);
                    found.push(Hypothesis { classes, log_probability, score });
                }
            } else if next.len() - n_before < beam {
                let mut classes = of.classes.clone();
                classes.push(class);
                let from = self.first + place as u32;
                let coverage = of.coverage.clone();
                next.push(Open { at: of.at, from, classes, log_probability, coverage });
            }
        }
        if found.len() >= beam || is_last {
            next.truncate(n_before);
        }
        if next.len() == n_before && found.is_empty() {
            bail!(
                "search: every continuation of a text has probability 0: expected a log-probability above -inf of a \
                 known word or of the end, found none"
            );
        }
        Ok(())
    }

    /// The most probable continuations, from the best on; of equal ones the first. Only ends where hypotheses have
    /// their maximum length.
    fn best(&self, n: usize, only_ends: bool) -> Vec<Continuation> {
        let mut best: Vec<Continuation> = Vec::with_capacity(n.min(self.scores.len()) + 1);
        for (place, (open, scores)) in
            self.open.iter().zip(self.scores.chunks_exact(self.n_classes)).enumerate()
        {
            for (chunk, first) in scores.chunks(CHUNK).zip((0..).step_by(CHUNK)) {
                // Few chunks have a continuation that is among the best.
                if open.log_probability + largest(chunk) <= bound(&best, n) {
                    continue;
                }
                for (class, score) in (first..).zip(chunk) {
                    let is_possible = if only_ends { class == EDGE } else { class != UNKNOWN };
                    let log_probability = open.log_probability + score;
                    if is_possible && log_probability > bound(&best, n) {
                        let at = best.partition_point(|one| one.log_probability >= log_probability);
                        best.insert(at, Continuation { place, class, log_probability });
                        best.truncate(n);
                    }
                }
            }
        }
        best
    }
}

/// The log-probability that one of the n best continuations exceeds.
fn bound(best: &[Continuation], n: usize) -> f32 {
    best.get(n - 1).map_or(f32::NEG_INFINITY, |worst| worst.log_probability)
}

/// The largest score of a chunk, in lanes that are vectorized.
fn largest(chunk: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; 16];
    for scores in chunk.chunks(lanes.len()) {
        for (lane, &score) in lanes.iter_mut().zip(scores) {
            *lane = if score > *lane { score } else { *lane };
        }
    }
    lanes.into_iter().fold(f32::NEG_INFINITY, f32::max)
}

#[cfg(test)]
mod tests;
