//! Linear-chain conditional random field (Lafferty et al. 2001) over a packed batch.
//!
//! score(y) = start(y_1) + Σ_t emission_t(y_t) + Σ_t transition(y_{t−1}, y_t) + end(y_n);
//! each = ln Σ over all y of e^score(y) − score(gold), the sum over every tag sequence. Its gradient
//! is expected minus observed counts, by forward and backward sums in the log domain. Each step's
//! sums are taken off their greatest value, so that no length and no logit is too large.

use std::sync::OnceLock;

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::{
    slices,
    vector::{exp, log_sum_exp},
};
use crate::data::Packing;

/// The loss of each sequence with its gold tags: (sequences).
///
/// `emissions` is (rows, tags). `transitions` is (tags + 2, tags): row i holds the scores from tag i,
/// the row after those the scores of starting, and the last one the scores of ending. `gold` has a
/// tag for each row.
pub fn crf(
    emissions: &Tensor,
    transitions: &Tensor,
    gold: Vec<u32>,
    packing: &Packing,
) -> Result<Tensor> {
    let op = Crf { packing: packing.clone(), gold, saved: OnceLock::new() };
    emissions.contiguous()?.apply_op2(transitions, op)
}

struct Crf {
    packing: Packing,
    gold: Vec<u32>,
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
struct Transitions<'a> {
    tags: usize,
    scores: &'a [f32],
}

impl<'a> Transitions<'a> {
    fn from(self, tag: usize) -> &'a [f32] {
        &self.scores[tag * self.tags..][..self.tags]
    }

    fn start(self) -> &'a [f32] {
        self.from(self.tags)
    }

    fn end(self) -> &'a [f32] {
        self.from(self.tags + 1)
    }
}

/// One sequence's loss and gradient. `emission(t)` is a row of scores.
fn sequence<'a>(
    emission: impl Fn(usize) -> &'a [f32],
    gold: &[usize],
    transitions: Transitions<'_>,
) -> (f32, Saved) {
    let (n, tags) = (gold.len(), transitions.tags);
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
        for i in 0..tags {
            for ((score, w), a) in scores.iter_mut().zip(transitions.from(i)).zip(&after) {
                *score = w + a;
            }
            beta[i] = log_sum_exp(&scores);
        }
        // Expected counts of transitions: α(i)·w(i, j)·after(j) over the same sum.
        let mut joint = scores.clone();
        for ((joint, a), b) in joint.iter_mut().zip(alpha_before).zip(&beta) {
            *joint = a + b;
        }
        let log_sum = log_sum_exp(&joint);
        for i in 0..tags {
            let base = alpha_before[i] - log_sum;
            let by_transition = &mut saved.by_transitions[i * tags..][..tags];
            for ((by, w), a) in by_transition.iter_mut().zip(transitions.from(i)).zip(&after) {
                *by += exp_or_zero(base + w + a);
            }
        }
    }

    let mut score = f64::from(transitions.start()[gold[0]] + transitions.end()[gold[n - 1]]);
    saved.by_transitions[tags * tags + gold[0]] -= 1.0;
    saved.by_transitions[(tags + 1) * tags + gold[n - 1]] -= 1.0;
    for (t, &tag) in gold.iter().enumerate() {
        score += f64::from(emission(t)[tag]);
        saved.by_emissions[t * tags + tag] -= 1.0;
        if t > 0 {
            score += f64::from(transitions.from(gold[t - 1])[tag]);
            saved.by_transitions[gold[t - 1] * tags + tag] -= 1.0;
        }
    }
    ((log_z - score) as f32, saved)
}

/// eˣ, and 0 where that is below what `exp` clamps to.
#[inline(always)]
fn exp_or_zero(x: f32) -> f32 {
    if x < -86.0 { 0.0 } else { exp(x) }
}

/// Takes the greatest value off every score and gives it back.
fn take_off_greatest(scores: &mut [f32]) -> f32 {
    let greatest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if !greatest.is_finite() {
        return greatest;
    }
    for score in scores {
        *score -= greatest;
    }
    greatest
}

impl CustomOp2 for Crf {
    fn name(&self) -> &'static str {
        "crf"
    }

    fn cpu_fwd(
        &self,
        emissions: &CpuStorage,
        emissions_layout: &Layout,
        transitions: &CpuStorage,
        transitions_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (rows, tags) = emissions_layout.shape().dims2()?;
        let packing = &self.packing;
        if rows != packing.n_rows() || rows != self.gold.len() {
            bail!("crf: {rows} rows of scores, {} gold tags", self.gold.len());
        }
        if transitions_layout.shape().dims2()? != (tags + 2, tags) {
            bail!("crf: {tags} tags, transitions {:?}", transitions_layout.shape());
        }
        if let Some(tag) = self.gold.iter().find(|&&tag| tag as usize >= tags) {
            bail!("crf: {tags} tags in the head, but tag {tag}");
        }
        let emissions = slices::of(emissions, emissions_layout)?;
        let scores = slices::of(transitions, transitions_layout)?;
        let transitions = Transitions { tags, scores };
        let (each, saved): (Vec<f32>, Vec<Saved>) = (0..packing.n_sequences())
            .into_par_iter()
            .map(|b| {
                let gold: Vec<usize> = packing.rows(b).map(|row| self.gold[row] as usize).collect();
                let emission = |t| &emissions[packing.row(b, t) * tags..][..tags];
                sequence(emission, &gold, transitions)
            })
            .unzip();
        // A second forward of the same op would give the same numbers.
        let _ = self.saved.set(saved);
        let n = each.len();
        Ok((CpuStorage::F32(each), n.into()))
    }

    fn bwd(
        &self,
        emissions: &Tensor,
        transitions: &Tensor,
        _each: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let tags = emissions.dim(1)?;
        let saved = self.saved.get().expect("backward comes after forward");
        let mut by_emissions = vec![0.0; emissions.elem_count()];
        let mut by_transitions = vec![0.0; transitions.elem_count()];
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
        Ok((
            Some(Tensor::from_vec(by_emissions, emissions.shape(), emissions.device())?),
            Some(Tensor::from_vec(by_transitions, transitions.shape(), emissions.device())?),
        ))
    }
}

/// The best tags of each row, by Viterbi's algorithm (1967), among the allowed sequences.
///
/// `transitions` as in [`crf`]; `allowed(from, to)` says which tag may follow which, `None` standing
/// for the sequence's ends. Of equal scores the lower tag wins.
pub fn viterbi(
    emissions: &[f32],
    transitions: &[f32],
    packing: &Packing,
    allowed: &(dyn Fn(Option<usize>, Option<usize>) -> bool + Sync),
) -> Vec<u32> {
    let rows = packing.n_rows();
    let tags = emissions.len().checked_div(rows).unwrap_or(0);
    let masked: Vec<f32> = (0..tags + 2)
        .flat_map(|from| (0..tags).map(move |to| (from, to)))
        .map(|(from, to)| {
            let may = match from.checked_sub(tags) {
                None => allowed(Some(from), Some(to)),
                Some(0) => allowed(None, Some(to)),
                Some(_) => allowed(Some(to), None),
            };
            if may { transitions[from * tags + to] } else { f32::NEG_INFINITY }
        })
        .collect();
    let transitions = Transitions { tags, scores: &masked };
    let paths: Vec<Vec<u32>> = (0..packing.n_sequences())
        .into_par_iter()
        .map(|b| {
            let emission = |t| &emissions[packing.row(b, t) * tags..][..tags];
            best_path(emission, packing.lengths()[b], transitions)
        })
        .collect();
    let mut best = vec![0; rows];
    for (b, path) in paths.iter().enumerate() {
        for (row, &tag) in packing.rows(b).zip(path) {
            best[row] = tag;
        }
    }
    best
}

fn best_path<'a>(
    emission: impl Fn(usize) -> &'a [f32],
    n: usize,
    transitions: Transitions<'_>,
) -> Vec<u32> {
    let tags = transitions.tags;
    let mut scores: Vec<f32> =
        emission(0).iter().zip(transitions.start()).map(|(e, w)| e + w).collect();
    let mut from = Vec::with_capacity(n * tags);
    for t in 1..n {
        let mut next = vec![f32::NEG_INFINITY; tags];
        let mut best_from = vec![0; tags];
        for (i, &score) in scores.iter().enumerate() {
            for (j, w) in transitions.from(i).iter().enumerate() {
                if score + w > next[j] {
                    next[j] = score + w;
                    best_from[j] = i as u32;
                }
            }
        }
        for (score, e) in next.iter_mut().zip(emission(t)) {
            *score += e;
        }
        scores = next;
        from.extend_from_slice(&best_from);
    }
    let ends = scores.iter().zip(transitions.end()).map(|(score, w)| score + w);
    let (mut best, mut greatest) = (0, f32::NEG_INFINITY);
    for (tag, score) in ends.enumerate() {
        if score > greatest {
            (best, greatest) = (tag as u32, score);
        }
    }
    let mut path = vec![best; n];
    for t in (1..n).rev() {
        path[t - 1] = from[(t - 1) * tags + path[t] as usize];
    }
    path
}
