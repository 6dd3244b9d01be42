//! Mean and maximum over the tokens of each sequence.

use candle_core::{Result, Tensor};

use super::{fold, ids};
use crate::data::Packing;

/// The mean over each sequence's rows.
pub(in crate::kernel) fn mean_over_tokens(x: &Tensor, packing: &Packing) -> Result<Tensor> {
    let (rows, width) = x.dims2()?;
    let (sequences, lengths): (Vec<u32>, Vec<f32>) =
        packing.positions().map(|(b, _)| (b as u32, packing.lengths()[b] as f32)).unzip();
    let parts = x.broadcast_div(&Tensor::from_vec(lengths, (rows, 1), x.device())?)?;
    let sums = Tensor::zeros((packing.n_sequences(), width), x.dtype(), x.device())?;
    sums.index_add(&ids(sequences, x)?, &parts, 0)
}

/// The maximum over each sequence's rows; the gradient goes to the first of equal values.
pub(in crate::kernel) fn max_over_tokens(x: &Tensor, packing: &Packing) -> Result<Tensor> {
    fold(&x.contiguous()?, packing, |largest, rows| match largest {
        None => Ok(rows),
        Some(largest) => rows.gt(&largest)?.where_cond(&rows, &largest),
    })
}
