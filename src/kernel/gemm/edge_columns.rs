//! The last columns of a product, where they fill only a small part of a vector: as inner products, because a register tile
//! of one or two columns takes as long as one of a full vector.

use pulp::{Simd, WithSimd};

use super::{Matrix, Target};
use crate::kernel::{
    arch::with,
    vector::{load, multiply_add},
};

/// The most columns for which inner products take less time than a tile of one vector.
const MAX: usize = 2;

/// Rows whose inner products are summed at the same time.
const ROWS: usize = 4;

/// The number of edge columns of a product with n columns: those beyond full vectors, if they are at most two.
pub fn n_edge_columns(n: usize) -> usize {
    with(EdgeColumns(n))
}

struct EdgeColumns(usize);

impl WithSimd for EdgeColumns {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> usize {
        let rest = self.0 % S::F32_LANES;
        if rest <= MAX && rest < self.0 { rest } else { 0 }
    }
}

/// a · b for a matrix a (m, k) that is stored row after row, k at least 1, and columns of b, k elements each, that are stored
/// one after the other; overwrites the columns of the target from `from` on.
pub fn multiply_edge_columns(a: Matrix<'_>, columns: &[f32], from: usize, mut product: Target<'_>) {
    assert!(a.columns > 0 && columns.len().is_multiple_of(a.columns), "whole columns");
    with(Products { a, columns, from, product: &mut product });
}

struct Products<'a, 'b> {
    a: Matrix<'a>,
    columns: &'a [f32],
    from: usize,
    product: &'a mut Target<'b>,
}

impl WithSimd for Products<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { a, columns, from, product } = self;
        for (at, column) in columns.chunks_exact(a.columns).enumerate() {
            for first in (0..a.rows).step_by(ROWS) {
                // Beyond the last row, that row is repeated, and its products are not written.
                let row = |i: usize| a.row((first + i).min(a.rows - 1));
                let sums = inner_products(simd, [row(0), row(1), row(2), row(3)], column);
                for (row, sum) in (first..a.rows).zip(sums) {
                    product.row(row, from + at, 1)[0] = sum;
                }
            }
        }
    }
}

#[inline(always)]
fn inner_products<S: Simd>(simd: S, rows: [&[f32]; ROWS], column: &[f32]) -> [f32; ROWS] {
    let k = column.len();
    let mut sums = [simd.splat_f32s(0.0); ROWS];
    for at in (0..k).step_by(S::F32_LANES) {
        let x = load(simd, &column[at..]);
        for (sum, row) in sums.iter_mut().zip(rows) {
            *sum = multiply_add(simd, x, load(simd, &row[at..k]), *sum);
        }
    }
    // Not by `map`, which is compiled for the baseline instruction set.
    let mut products = [0.0; ROWS];
    for (product, sum) in products.iter_mut().zip(sums) {
        *product = simd.reduce_sum_f32s(sum);
    }
    products
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "products of whole numbers are exact")]
mod tests {
    use super::*;

    #[test]
    fn inner_products_follow_the_definition_and_leave_other_columns_alone() {
        for (m, n, k) in [(1, 1, 1), (4, 2, 16), (7, 2, 37), (9, 1, 480), (0, 2, 3)] {
            let a: Vec<f32> = (0..m * k).map(|at| (at * 7 % 11) as f32 - 5.0).collect();
            let columns: Vec<f32> = (0..n * k).map(|at| (at * 5 % 13) as f32 - 6.0).collect();
            let mut wide = vec![-0.5; m * (n + 3)];
            let a = Matrix::new(&a, m, k);
            multiply_edge_columns(a, &columns, 3, Target::new(&mut wide, n + 3));
            for (row, wide) in wide.chunks_exact(n + 3).enumerate() {
                assert_eq!(wide[..3], [-0.5; 3]);
                for (j, found) in wide[3..].iter().enumerate() {
                    let products = (0..k).map(|l| a.get(row, l) * columns[j * k + l]);
                    assert_eq!(*found, products.sum::<f32>(), "{m} x {k} x {n}");
                }
            }
        }
    }

    #[test]
    fn edge_columns_are_those_beyond_full_vectors() {
        assert_eq!(
            (n_edge_columns(48), n_edge_columns(50), n_edge_columns(49), n_edge_columns(1)),
            (0, 2, 1, 0)
        );
        assert_eq!(n_edge_columns(16 * 3 - 1), 0);
    }
}
