//! The kernels' functions as compositions of candle's operations and candle-nn's layers, for all
//! devices but the CPU, and for the CPU with `AUXDESK_KERNEL=plain`.
//!
//! Their values agree with those of the fused operations to rounding. candle alone computes the
//! gradients: those with respect to parameters are then in candle's store, not in ours. They are
//! meant to be correct on any device; nothing here is tuned. Loops go over the time steps of a
//! batch, all sequences at once. The caller has checked shapes and ids, as a device may read beyond
//! the end of a table without an error.
//!
//! Linear layers, embeddings, log-softmax and the sigmoid are candle-nn's. The rest of candle-nn does not fit:
//! - its losses return the mean over a batch, not one loss per row, and its binary cross-entropy takes
//!   ln σ(z), which is −∞ for a confident wrong logit;
//! - its dropout draws the mask from a generator without a seed;
//! - its LSTM and GRU multiply each time step's input by itself and take sequences of one length. The
//!   tests compare ours with them.

mod ctc;
mod decoder;
mod groups;
mod loss;
mod pool;
mod recurrent;
mod rows;
mod tokens;

use candle_core::{Result, Tensor};

pub(super) use ctc::ctc;
pub(super) use decoder::{PaddedMemory, decode, decoder_step};
pub(super) use groups::{biaffine_label_scores, log_softmax_by_group, pair_products};
pub(super) use loss::{
    binary_cross_entropy, crf, cross_entropy, cross_entropy_of_logits, cross_entropy_tied,
};
pub(super) use pool::{max_over_tokens, mean_over_tokens};
pub(super) use recurrent::{gru, lstm};
pub(super) use rows::{
    columns, dropout, embedding, ends, gather, linear, linear_tied, reverse, seed_gradient,
    squared_distance, sum, sum_by_group, tanh,
};
pub(super) use tokens::{attend, sum_bags, windows};

use super::parameter::ParamRef;
use crate::data::Packing;

/// A parameter as an operand: tracked if x is, as a fused operation also has a gradient only then.
fn parameter(weight: &ParamRef, x: &Tensor) -> Tensor {
    if x.track_op() { weight.var().as_tensor().clone() } else { weight.var().as_detached_tensor() }
}

/// Ids on the device of x.
fn ids(ids: Vec<u32>, x: &Tensor) -> Result<Tensor> {
    let n = ids.len();
    Tensor::from_vec(ids, n, x.device())
}

/// The state after each sequence's last row: (sequences, ..). `next` computes the state of a time
/// step from the previous one (`None` at the first) and the rows of x at this time step.
fn fold(
    x: &Tensor,
    packing: &Packing,
    mut next: impl FnMut(Option<Tensor>, Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    let mut before = None;
    let mut ends = Vec::new();
    for t in 0..packing.max_len() {
        let rows = packing.rows_at(t);
        let n_continuing = if t + 1 < packing.max_len() { packing.rows_at(t + 1).len() } else { 0 };
        let now = next(before.take(), x.narrow(0, rows.start, rows.len())?)?;
        // Tensors without rows are never created: some devices cannot.
        if n_continuing < rows.len() {
            ends.push(now.narrow(0, n_continuing, rows.len() - n_continuing)?);
        }
        if n_continuing > 0 {
            before = Some(now.narrow(0, 0, n_continuing)?);
        }
    }
    // The longest sequences come first.
    ends.reverse();
    if ends.is_empty() { Ok(x.clone()) } else { Tensor::cat(&ends, 0) }
}
