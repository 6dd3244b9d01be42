//! The kernels' functions as compositions of candle's own operations: what every device but the CPU
//! runs, and the CPU too with `AUXDESK_KERNEL=plain`.
//!
//! They give what the fused operations give, to rounding, and candle alone finds the gradients: those by
//! parameters are in its store then, not in the gradient store. This is for being right on any device; nothing
//! of it is tuned. Loops go over the steps of a batch, all sequences at once. Whoever calls has checked shapes
//! and ids, as a device may read beyond a table without a word.

mod loss;
mod pool;
mod recurrent;
mod rows;
mod tokens;

use candle_core::{Result, Tensor};

pub(super) use loss::{binary_cross_entropy, crf, cross_entropy};
pub(super) use pool::{max_over_tokens, mean_over_tokens};
pub(super) use recurrent::{gru, lstm};
pub(super) use rows::{
    dropout, embedding, gather, inject, linear, reverse, squared_distance, sum, sum_by_group, tanh,
};
pub(super) use tokens::{attend, sum_bags, windows};

use super::parameter::ParamRef;
use crate::data::Packing;

/// A parameter to compute with: tracked if x is, as a fused operation has a gradient only then.
fn parameter(weight: &ParamRef, x: &Tensor) -> Tensor {
    if x.track_op() { weight.var().as_tensor().clone() } else { weight.var().as_detached_tensor() }
}

/// Ids on the device that x is on.
fn ids(ids: Vec<u32>, x: &Tensor) -> Result<Tensor> {
    let n = ids.len();
    Tensor::from_vec(ids, n, x.device())
}

/// ln Σ e^x over one dimension, which goes. The greatest x is a constant in it, as the gradient by it
/// is 0.
fn log_sum_exp(x: &Tensor, dim: usize) -> Result<Tensor> {
    let most = x.detach().max_keepdim(dim)?;
    (x.broadcast_sub(&most)?.exp()?.sum_keepdim(dim)?.log()? + most)?.squeeze(dim)
}

/// What stands after each sequence's last row: (sequences, ..). `next` makes a step's rows from what stood
/// after the step before, `None` at the first, and the rows of x at this one.
fn fold(
    x: &Tensor,
    packing: &Packing,
    mut next: impl FnMut(Option<Tensor>, Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    let mut before = None;
    let mut ends = Vec::new();
    for t in 0..packing.n_steps() {
        let rows = packing.step(t);
        let n_going_on = if t + 1 < packing.n_steps() { packing.step(t + 1).len() } else { 0 };
        let now = next(before.take(), x.narrow(0, rows.start, rows.len())?)?;
        // No tensor is made of no rows: some devices can't.
        if n_going_on < rows.len() {
            ends.push(now.narrow(0, n_going_on, rows.len() - n_going_on)?);
        }
        if n_going_on > 0 {
            before = Some(now.narrow(0, 0, n_going_on)?);
        }
    }
    // The longest sequences stand first.
    ends.reverse();
    if ends.is_empty() { Ok(x.clone()) } else { Tensor::cat(&ends, 0) }
}
