//! The sum over the rows of a matrix.

use rayon::prelude::*;

use super::{arch::fast, buffer::Buffer, gemm::Matrix};

/// Columns per task.
const BLOCK: usize = 128;

/// Σ over the rows of a row-major matrix, in their order: (columns).
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_summed_column_by_column() {
        let x: Vec<f32> = (0..3 * 300).map(|at| at as f32).collect();
        let sums = sum_of_rows(Matrix::new(&x, 3, 300));
        assert!(sums.iter().enumerate().all(|(at, &sum)| sum == (900 + 3 * at) as f32));
    }
}
