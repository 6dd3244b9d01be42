//! Views of a layer's rows, without parameters.

use candle_core::Result;

use super::{Rows, tap::TapView};
use crate::{data::Packing, kernel};

/// The view of a layer's rows (rows, width): (rows, width), (rows, width / 2), or, in the packing
/// above, (rows above, width). `directions` says whether the layer has a forward and a backward
/// half.
pub fn view(rows: &Rows, view: TapView, directions: bool) -> Result<Rows> {
    let Rows { tensor, packing } = rows;
    let half = tensor.dim(1)? / 2;
    match view {
        TapView::Whole => Ok(rows.clone()),
        TapView::Forward => Ok(rows.with(kernel::columns(tensor, 0, half)?)),
        TapView::Backward => Ok(rows.with(kernel::columns(tensor, half, half)?)),
        TapView::Last if directions => Rows::pooled(packing, kernel::ends(tensor, packing)?),
        TapView::Last => Rows::pooled(packing, kernel::gather(tensor, last_rows(packing))?),
        TapView::Mean => Rows::pooled(packing, kernel::mean_over_tokens(tensor, packing)?),
        TapView::Max => Rows::pooled(packing, kernel::max_over_tokens(tensor, packing)?),
    }
}

fn last_rows(packing: &Packing) -> Vec<u32> {
    let lengths = packing.lengths().iter().enumerate();
    lengths.map(|(b, length)| packing.row(b, length - 1) as u32).collect()
}
