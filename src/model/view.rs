//! Views of a layer's rows, without parameters.

use candle_core::Result;

use super::{Rows, tap::View};
use crate::{data::Packing, kernel};

/// The rows of a layer (rows, width) as a view shows them: (rows, width), (rows, width / 2), or, on the
/// packing above, (rows above, width). `directions` says whether the layer has a forward and a backward half.
pub fn view(rows: &Rows, view: View, directions: bool) -> Result<Rows> {
    let Rows { tensor, packing } = rows;
    let half = tensor.dim(1)? / 2;
    match view {
        View::Whole => Ok(rows.clone()),
        View::Forward => Ok(rows.with(tensor.narrow(1, 0, half)?)),
        View::Backward => Ok(rows.with(tensor.narrow(1, half, half)?)),
        View::Last if directions => Rows::pooled(packing, kernel::ends(tensor, packing)?),
        View::Last => Rows::pooled(packing, kernel::gather(tensor, last_rows(packing))?),
        View::Mean => Rows::pooled(packing, kernel::mean_over_tokens(tensor, packing)?),
        View::Max => Rows::pooled(packing, kernel::max_over_tokens(tensor, packing)?),
    }
}

fn last_rows(packing: &Packing) -> Vec<u32> {
    let lengths = packing.lengths().iter().enumerate();
    lengths.map(|(b, length)| packing.row(b, length - 1) as u32).collect()
}
