//! Linear-chain conditional random field (Lafferty et al. 2001) over a packed batch.
//!
//! score(y) = start(y_1) + Σ_t emission_t(y_t) + Σ_t transition(y_{t−1}, y_t) + end(y_n);
//! each = ln Σ over all y of e^score(y) − score(gold), the sum over every tag sequence. Its gradient
//! is expected minus observed counts, by forward and backward sums, scaled at each step so that no
//! length and no logit is too large. The sums are of products where the transitions lie near enough
//! to each other, else of logarithms.

use std::sync::OnceLock;

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::{
    arch::fast,
    buffer::Buffer,
    slices,
    vector::{exp, exp_or_zero, greatest, log_sum_exp},
    weight::{Gradient, Weight},
};
use crate::data::Packing;

/// The loss of each sequence with its gold tags: (sequences).
///
/// `emissions` is (rows, tags). `transitions` is (tags + 2, tags): row i holds the scores from tag i,
/// the row after those the scores of starting, and the last one the scores of ending. `gold` has a
/// tag for each row.
pub fn crf(
    emissions: &Tensor,
    transitions: &Weight,
    gold: Vec<u32>,
    packing: &Packing,
) -> Result<Tensor> {
    let (transitions, packing) = (transitions.clone(), packing.clone());
    let learns = emissions.track_op();
    let op = Crf { transitions, packing, gold, learns, saved: OnceLock::new() };
    emissions.contiguous()?.apply_op1(op)
}

struct Crf {
    transitions: Weight,
    packing: Packing,
    gold: Vec<u32>,
    learns: bool,
    saved: OnceLock<Vec<Saved>>,
}

/// The gradient of one sequence's loss.
struct Saved {
    /// By its emissions, token after token: (length, tags).
    by_emissions: Vec<f32>,
    /// By all transitions: (tags + 2, tags).
    by_transitions: Vec<f32>,
}

/// The scores of transitions, by what they are.
#[derive(Clone, Copy)]
pub(super) struct Transitions<'a> {
    pub(super) tags: usize,
    pub(super) scores: &'a [f32],
}

impl<'a> Transitions<'a> {
    pub(super) fn from(self, tag: usize) -> &'a [f32] {
        &self.scores[tag * self.tags..][..self.tags]
    }

    pub(super) fn start(self) -> &'a [f32] {
        self.from(self.tags)
    }

    pub(super) fn end(self) -> &'a [f32] {
        self.from(self.tags + 1)
    }
}

/// One sequence's loss, and its gradient if something learns. `emission(t)` is a row of scores.
#[inline(always)]
fn sequence<'a>(
    emission: impl Fn(usize) -> &'a [f32] + Copy,
    gold: &[usize],
    transitions: Transitions<'_>,
    factors: Option<&Factors>,
    learns: bool,
) -> (f32, Option<Saved>) {
    let (n, tags) = (gold.len(), transitions.tags);
    let (log_z, mut saved) = match factors {
        Some(factors) => expected_by_products(emission, n, factors, learns),
        None => expected_by_logarithms(emission, n, transitions, learns),
    };
    let last = gold[n - 1];
    let mut score = f64::from(transitions.start()[gold[0]]) + f64::from(transitions.end()[last]);
    for (t, &tag) in gold.iter().enumerate() {
        score += f64::from(emission(t)[tag]);
        if t > 0 {
            score += f64::from(transitions.from(gold[t - 1])[tag]);
        }
    }
    if let Some(Saved { by_emissions, by_transitions }) = &mut saved {
        by_transitions[tags * tags + gold[0]] -= 1.0;
        by_transitions[(tags + 1) * tags + last] -= 1.0;
        for (t, &tag) in gold.iter().enumerate() {
            by_emissions[t * tags + tag] -= 1.0;
            if t > 0 {
                by_transitions[gold[t - 1] * tags + tag] -= 1.0;
            }
        }
    }
    // Never below 0 but by rounding. Not `max`, which would make 0 of NaN.
    let each = log_z - score;
    (if each < 0.0 { 0.0 } else { each as f32 }, saved)
}

/// e^(w − the greatest w) of every transition.
struct Factors {
    tags: usize,
    /// The greatest transition.
    greatest: f32,
    /// As the transitions stand: (tags + 2, tags).
    from: Vec<f32>,
    /// Those between tags, by the tag that they lead to: (tags, tags).
    to: Vec<f32>,
}

impl Factors {
    /// How far apart transitions may be. A tag's likeliest way in or out is then within e⁻³⁰ of any
    /// other's, so what `exp_or_zero` leaves out, e⁻⁸⁶, is at most e^(30 + 30 − 86) of the sum that
    /// it is left out of, whatever the emissions are: beyond an f32's digits.
    const RANGE: f32 = 30.0;

    fn new(transitions: Transitions<'_>) -> Option<Self> {
        let (tags, scores) = (transitions.tags, transitions.scores);
        let greatest = greatest(scores);
        let least = scores.iter().copied().fold(f32::INFINITY, f32::min);
        // NaN and ±∞ are for the logarithms to tell.
        if !scores.iter().all(|w| w.is_finite()) || greatest - least > Self::RANGE {
            return None;
        }
        let from: Vec<f32> = scores.iter().map(|w| exp(w - greatest)).collect();
        let to = (0..tags * tags).map(|at| from[at % tags * tags + at / tags]).collect();
        Some(Self { tags, greatest, from, to })
    }
}

/// ln Σ over all y of e^score(y), and the expected counts if something learns.
#[inline(always)]
fn expected_by_products<'a>(
    emission: impl Fn(usize) -> &'a [f32],
    n: usize,
    factors: &Factors,
    learns: bool,
) -> (f64, Option<Saved>) {
    let tags = factors.tags;
    let (between, ends) = factors.from.split_at(tags * tags);
    let (start, end) = ends.split_at(tags);
    // What lies before and at a token, by its tag, and e^emission; each row is scaled.
    let mut alpha = vec![0.0; n * tags];
    let mut likely = vec![0.0; n * tags];
    let mut log_z = (n + 1) as f64 * f64::from(factors.greatest);
    for t in 0..n {
        let emission = emission(t);
        let most = greatest(emission);
        let likely = &mut likely[t * tags..][..tags];
        for (likely, e) in likely.iter_mut().zip(emission) {
            *likely = exp_or_zero(e - most);
        }
        let (before, now) = alpha.split_at_mut(t * tags);
        let now = &mut now[..tags];
        if t == 0 {
            now.copy_from_slice(start);
        } else {
            add_products(now, &before[(t - 1) * tags..], between);
        }
        times(now, likely);
        log_z += f64::from(most) + f64::from(scale(now).ln());
    }
    if !learns {
        let last = &alpha[(n - 1) * tags..];
        let sum: f32 = last.iter().zip(end).map(|(a, w)| a * w).sum();
        return (log_z + f64::from(sum.ln()), None);
    }

    let mut saved =
        Saved { by_emissions: vec![0.0; n * tags], by_transitions: vec![0.0; (tags + 2) * tags] };
    // What lies after a token, by its tag.
    let mut beta = end.to_vec();
    for t in (0..n).rev() {
        let expected = &mut saved.by_emissions[t * tags..][..tags];
        expected.copy_from_slice(&alpha[t * tags..][..tags]);
        times(expected, &beta);
        let sum = scale(expected);
        if t + 1 == n {
            saved.by_transitions[(tags + 1) * tags..].copy_from_slice(expected);
            log_z += f64::from(sum.ln());
        }
        if t == 0 {
            saved.by_transitions[tags * tags..][..tags].copy_from_slice(expected);
            break;
        }
        let after = &mut likely[t * tags..][..tags];
        times(after, &beta);
        scale(after);
        beta.fill(0.0);
        add_products(&mut beta, after, &factors.to);
        // Expected counts of transitions: α(i)·e^w(i, j)·after(j) over their sum; e^w comes last.
        let before = &alpha[(t - 1) * tags..][..tags];
        let sum: f32 = before.iter().zip(&beta).map(|(a, b)| a * b).sum();
        for (a, counts) in before.iter().zip(saved.by_transitions.chunks_exact_mut(tags)) {
            let a = a / sum;
            for (count, after) in counts.iter_mut().zip(&*after) {
                *count += a * after;
            }
        }
    }
    times(&mut saved.by_transitions[..tags * tags], between);
    (log_z, Some(saved))
}

/// Adds to `sums` the rows of a matrix, each times its number.
#[inline(always)]
fn add_products(sums: &mut [f32], numbers: &[f32], matrix: &[f32]) {
    for (x, row) in numbers.iter().zip(matrix.chunks_exact(sums.len())) {
        for (sum, y) in sums.iter_mut().zip(row) {
            *sum += x * y;
        }
    }
}

/// Multiplies numbers by others, place by place.
#[inline(always)]
fn times(numbers: &mut [f32], others: &[f32]) {
    for (x, y) in numbers.iter_mut().zip(others) {
        *x *= y;
    }
}

/// Divides numbers by their sum and gives it back.
#[inline(always)]
fn scale(numbers: &mut [f32]) -> f32 {
    let sum: f32 = numbers.iter().sum();
    for x in numbers {
        *x /= sum;
    }
    sum
}

/// The same as [`expected_by_products`] in the log domain, for transitions of any size.
#[inline(always)]
fn expected_by_logarithms<'a>(
    emission: impl Fn(usize) -> &'a [f32],
    n: usize,
    transitions: Transitions<'_>,
    learns: bool,
) -> (f64, Option<Saved>) {
    let tags = transitions.tags;
    // Transitions by the tag they lead to, so that sums over the tag before read on.
    let mut to = vec![0.0; tags * tags];
    for i in 0..tags {
        for j in 0..tags {
            to[j * tags + i] = transitions.from(i)[j];
        }
    }
    let mut alpha = vec![0.0; n * tags];
    let mut log_z = 0.0f64;
    let mut scores = vec![0.0; tags];
    for t in 0..n {
        let (before, now) = alpha.split_at_mut(t * tags);
        let now = &mut now[..tags];
        for j in 0..tags {
            now[j] = emission(t)[j]
                + if t == 0 {
                    transitions.start()[j]
                } else {
                    let before = &before[(t - 1) * tags..];
                    for ((score, a), w) in scores.iter_mut().zip(before).zip(&to[j * tags..]) {
                        *score = a + w;
                    }
                    log_sum_exp(&scores)
                };
        }
        log_z += f64::from(take_off_greatest(now));
    }
    for ((score, a), w) in scores.iter_mut().zip(&alpha[(n - 1) * tags..]).zip(transitions.end()) {
        *score = a + w;
    }
    let last = log_sum_exp(&scores);
    log_z += f64::from(last);
    if !learns {
        return (log_z, None);
    }

    let mut saved =
        Saved { by_emissions: vec![0.0; n * tags], by_transitions: vec![0.0; (tags + 2) * tags] };
    let mut beta = transitions.end().to_vec();
    let mut after = vec![0.0; tags];
    for t in (0..n).rev() {
        // Expected counts of tags: α·β, normalised by their own sum.
        let alpha_t = &alpha[t * tags..][..tags];
        for ((score, a), b) in scores.iter_mut().zip(alpha_t).zip(&beta) {
            *score = a + b;
        }
        let log_sum = log_sum_exp(&scores);
        let by_emission = &mut saved.by_emissions[t * tags..][..tags];
        for (by_emission, &score) in by_emission.iter_mut().zip(&scores) {
            *by_emission = exp_or_zero(score - log_sum);
        }
        if t + 1 == n {
            saved.by_transitions[(tags + 1) * tags..].copy_from_slice(by_emission);
        }
        if t == 0 {
            saved.by_transitions[tags * tags..][..tags].copy_from_slice(by_emission);
            break;
        }
        for ((after, e), b) in after.iter_mut().zip(emission(t)).zip(&beta) {
            *after = e + b;
        }
        take_off_greatest(&mut after);
        let alpha_before = &alpha[(t - 1) * tags..][..tags];
        for (i, beta) in beta.iter_mut().enumerate() {
            for ((score, w), a) in scores.iter_mut().zip(transitions.from(i)).zip(&after) {
                *score = w + a;
            }
            *beta = log_sum_exp(&scores);
        }
        // Expected counts of transitions: α(i)·w(i, j)·after(j) over the same sum.
        let mut joint = scores.clone();
        for ((joint, a), b) in joint.iter_mut().zip(alpha_before).zip(&beta) {
            *joint = a + b;
        }
        let log_sum = log_sum_exp(&joint);
        for (i, a) in alpha_before.iter().enumerate() {
            let base = a - log_sum;
            let by_transition = &mut saved.by_transitions[i * tags..][..tags];
            for ((by, w), a) in by_transition.iter_mut().zip(transitions.from(i)).zip(&after) {
                *by += exp_or_zero(base + w + a);
            }
        }
    }

    (log_z, Some(saved))
}

/// Takes the greatest value off every score and gives it back.
#[inline(always)]
fn take_off_greatest(scores: &mut [f32]) -> f32 {
    let greatest = greatest(scores);
    if !greatest.is_finite() {
        return greatest;
    }
    for score in scores {
        *score -= greatest;
    }
    greatest
}

impl CustomOp1 for Crf {
    fn name(&self) -> &'static str {
        "crf"
    }

    fn cpu_fwd(&self, emissions: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (rows, tags) = layout.shape().dims2()?;
        let packing = &self.packing;
        if rows != packing.n_rows() || rows != self.gold.len() {
            bail!("crf: {rows} rows of scores, {} gold tags", self.gold.len());
        }
        if self.transitions.var().dims2()? != (tags + 2, tags) {
            bail!("crf: {tags} tags, transitions {:?}", self.transitions.var().shape());
        }
        if tags == 0 {
            bail!("crf: no tags in the head; wanted at least 1");
        }
        if let Some(tag) = self.gold.iter().find(|&&tag| tag as usize >= tags) {
            bail!("crf: {tags} tags in the head, but tag {tag}");
        }
        let emissions = slices::of(emissions, layout)?;
        let (each, saved): (Vec<f32>, Vec<Option<Saved>>) = self.transitions.read(|scores| {
            let transitions = Transitions { tags, scores };
            let factors = Factors::new(transitions);
            (0..packing.n_sequences())
                .into_par_iter()
                .map(|b| {
                    let gold: Vec<usize> =
                        packing.rows(b).map(|row| self.gold[row] as usize).collect();
                    let emission = |t| &emissions[packing.row(b, t) * tags..][..tags];
                    fast(
                        #[inline(always)]
                        || sequence(emission, &gold, transitions, factors.as_ref(), self.learns),
                    )
                })
                .unzip()
        })?;
        if let Some(saved) = saved.into_iter().collect() {
            // A second forward of the same op would give the same numbers.
            let _ = self.saved.set(saved);
        }
        let n = each.len();
        Ok((CpuStorage::F32(each), n.into()))
    }

    fn bwd(&self, emissions: &Tensor, _each: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let tags = emissions.dim(1)?;
        let saved = self.saved.get().expect("backward comes after a forward that learns");
        let mut by_emissions = vec![0.0; emissions.elem_count()];
        let mut by_transitions = Buffer::zeros(self.transitions.var().elem_count());
        for (b, (saved, g)) in saved.iter().zip(slices::to_vec(gradient)?).enumerate() {
            for (row, by) in self.packing.rows(b).zip(saved.by_emissions.chunks_exact(tags)) {
                for (sum, by) in by_emissions[row * tags..].iter_mut().zip(by) {
                    *sum = g * by;
                }
            }
            for (sum, by) in by_transitions.iter_mut().zip(&saved.by_transitions) {
                *sum += g * by;
            }
        }
        self.transitions.leave(Gradient::Dense(by_transitions))?;
        Tensor::from_vec(by_emissions, emissions.shape(), emissions.device()).map(Some)
    }
}
