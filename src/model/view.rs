//! Views of a layer's rows, without parameters.

use candle_core::{Result, Tensor};

use super::tap::View;
use crate::{data::Packing, kernel};

/// The rows of a layer (rows, width) as a view shows them: (rows, width), (rows, width / 2), or
/// (sequences, width). `halves` says whether the layer has a forward and a backward half.
pub fn view(rows: &Tensor, view: View, directions: bool, packing: &Packing) -> Result<Tensor> {
    let half = rows.dim(1)? / 2;
    match view {
        View::Whole => Ok(rows.clone()),
        View::Forward => rows.narrow(1, 0, half),
        View::Backward => rows.narrow(1, half, half),
        View::Last if directions => kernel::ends(rows, packing),
        View::Last => kernel::gather(rows, last_rows(packing)),
        View::Mean => kernel::mean_over_tokens(rows, packing),
        View::Max => kernel::max_over_tokens(rows, packing),
    }
}

fn last_rows(packing: &Packing) -> Vec<u32> {
    let lengths = packing.lengths().iter().enumerate();
    lengths.map(|(b, length)| packing.row(b, length - 1) as u32).collect()
}
