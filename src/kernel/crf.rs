//! Linear-chain conditional random field (Lafferty et al. 2001) over a packed batch.
//!
//! score(y) = start(y_1) + Σ_t emission_t(y_t) + Σ_t transition(y_{t−1}, y_t) + end(y_n); each = ln
//! Σ over all tag sequences y of e^score(y) − score(gold). The gradient is the expected minus the
//! observed counts, computed by the forward-backward algorithm, which rescales at each step so that
//! no length and no logit overflows. The sums are computed over products where the transition
//! scores differ little enough from each other, and in the log domain otherwise.

mod logarithms;
mod products;

use std::sync::OnceLock;

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::{
    arch::{fast, is_fused},
    buffer::Buffer,
    leaf,
    parameter::{Gradient, ParamRef},
    plain, slices,
};
use crate::data::Packing;

/// The loss of each sequence with its gold tags: (sequences).
///
/// `emissions` is (rows, tags). `transitions` is (tags + 2, tags): row i holds the scores of
/// transitions from tag i, the next row the start scores and the last row the end scores. `gold`
/// has one tag per row.
pub fn crf(
    emissions: &Tensor,
    transitions: &ParamRef,
    gold: Vec<u32>,
    packing: &Packing,
) -> Result<Tensor> {
    check(emissions, transitions, &gold, packing)?;
    if !is_fused(emissions.device()) {
        return plain::crf(emissions, transitions, gold, packing);
    }
    let (transitions, packing) = (transitions.clone(), packing.clone());
    let requires_grad = emissions.track_op();
    let op = Crf { transitions, packing, gold, requires_grad, saved: OnceLock::new() };
    emissions.contiguous()?.apply_op1(op)
}

fn check(
    emissions: &Tensor,
    transitions: &ParamRef,
    gold: &[u32],
    packing: &Packing,
) -> Result<()> {
    let (rows, tags) = emissions.dims2()?;
    if rows != packing.n_rows() || rows != gold.len() {
        bail!("crf: {rows} rows of scores, {} gold tags", gold.len());
    }
    if transitions.var().dims2()? != (tags + 2, tags) {
        bail!("crf: {tags} tags, transitions {:?}", transitions.var().shape());
    }
    if tags == 0 {
        bail!("crf: no tags in the head; expected at least 1");
    }
    if let Some(tag) = gold.iter().find(|&&tag| tag as usize >= tags) {
        bail!("crf: {tags} tags in the head, but tag {tag}");
    }
    Ok(())
}

struct Crf {
    transitions: ParamRef,
    packing: Packing,
    gold: Vec<u32>,
    requires_grad: bool,
    saved: OnceLock<Vec<Saved>>,
}

/// The gradient of one sequence's loss.
struct Saved {
    /// With respect to its emissions, token after token: (length, tags).
    grad_emissions: Vec<f32>,
    /// With respect to all transitions: (tags + 2, tags).
    grad_transitions: Vec<f32>,
}

/// The transition scores, by row.
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

/// The loss of one sequence, and its gradient if gradients are required. `emission(t)` is a row of
/// scores.
#[inline(always)]
fn sequence<'a>(
    emission: impl Fn(usize) -> &'a [f32] + Copy,
    gold: &[usize],
    transitions: Transitions<'_>,
    factors: Option<&products::Factors>,
    requires_grad: bool,
) -> (f32, Option<Saved>) {
    let (n, tags) = (gold.len(), transitions.tags);
    let (log_z, mut saved) = match factors {
        Some(factors) => products::expected(emission, n, factors, requires_grad),
        None => logarithms::expected(emission, n, transitions, requires_grad),
    };
    let last = gold[n - 1];
    let mut score = f64::from(transitions.start()[gold[0]]) + f64::from(transitions.end()[last]);
    for (t, &tag) in gold.iter().enumerate() {
        score += f64::from(emission(t)[tag]);
        if t > 0 {
            score += f64::from(transitions.from(gold[t - 1])[tag]);
        }
    }
    if let Some(Saved { grad_emissions, grad_transitions }) = &mut saved {
        grad_transitions[tags * tags + gold[0]] -= 1.0;
        grad_transitions[(tags + 1) * tags + last] -= 1.0;
        for (t, &tag) in gold.iter().enumerate() {
            grad_emissions[t * tags + tag] -= 1.0;
            if t > 0 {
                grad_transitions[gold[t - 1] * tags + tag] -= 1.0;
            }
        }
    }
    // Negative by rounding only. Not `max`, which would replace NaN by 0.
    let each = log_z - score;
    (if each < 0.0 { 0.0 } else { each as f32 }, saved)
}

impl CustomOp1 for Crf {
    fn name(&self) -> &'static str {
        "crf"
    }

    fn cpu_fwd(&self, emissions: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (_, tags) = layout.shape().dims2()?;
        let packing = &self.packing;
        let emissions = slices::of(emissions, layout)?;
        let (each, saved): (Vec<f32>, Vec<Option<Saved>>) = self.transitions.read(|scores| {
            let transitions = Transitions { tags, scores };
            let factors = products::Factors::new(transitions);
            (0..packing.n_sequences())
                .into_par_iter()
                .map(|b| {
                    let gold: Vec<usize> =
                        packing.rows(b).map(|row| self.gold[row] as usize).collect();
                    let emission = |t| &emissions[packing.row(b, t) * tags..][..tags];
                    fast(
                        #[inline(always)]
                        || {
                            sequence(
                                emission,
                                &gold,
                                transitions,
                                factors.as_ref(),
                                self.requires_grad,
                            )
                        },
                    )
                })
                .unzip()
        })?;
        if let Some(saved) = saved.into_iter().collect() {
            // A second forward pass of the same op would compute the same values.
            let _ = self.saved.set(saved);
        }
        let n = each.len();
        Ok((CpuStorage::F32(each), n.into()))
    }

    fn bwd(&self, emissions: &Tensor, _each: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let tags = emissions.dim(1)?;
        let saved =
            self.saved.get().expect("backward comes after a forward that requires gradients");
        let mut grad_emissions = vec![0.0; emissions.elem_count()];
        let mut grad_transitions = Buffer::zeros(self.transitions.var().elem_count());
        for (b, (saved, g)) in saved.iter().zip(slices::to_vec(gradient)?).enumerate() {
            for (row, by) in self.packing.rows(b).zip(saved.grad_emissions.chunks_exact(tags)) {
                for (sum, by) in grad_emissions[row * tags..].iter_mut().zip(by) {
                    *sum = g * by;
                }
            }
            for (sum, by) in grad_transitions.iter_mut().zip(&saved.grad_transitions) {
                *sum += g * by;
            }
        }
        self.transitions.accumulate(Gradient::Dense(grad_transitions))?;
        leaf::gradient(emissions, grad_emissions)
    }
}
