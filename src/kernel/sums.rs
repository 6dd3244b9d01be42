//! Sums over the rows of a matrix.

use rayon::prelude::*;

use super::{arch::fast, buffer::Buffer, gemm::Matrix};

/// Columns that one thread sums at a time.
const BLOCK: usize = 128;

/// Σ over the rows of a matrix that is stored row after row, in their order: (columns).
pub(super) fn sum_of_rows(x: Matrix<'_>) -> Buffer {
    let mut sums = Buffer::zeros(x.n_columns());
    sums.par_chunks_mut(BLOCK).enumerate().for_each(|(block, sums)| {
        fast(
            #[inline(always)]
            || {
                for row in 0..x.n_rows() {
                    for (sum, x) in sums.iter_mut().zip(&x.row(row)[block * BLOCK..]) {
                        *sum += x;
                    }
                }
            },
        );
    });
    sums
}
