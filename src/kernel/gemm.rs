//! Matrix products over slices: a safe face for the `gemm` crate.
//!
//! `gemm` picks its kernel for the machine at run time (AVX-512, AVX2, NEON, plain). It is always
//! called on one thread; callers split work into fixed blocks. `.ci/run` has the tests of this file run
//! under valgrind.

use std::sync::atomic::{AtomicPtr, Ordering};

use gemm::Parallelism;
use rayon::prelude::*;

/// A matrix over a slice.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// A matrix stored row after row, without gaps.
    pub(super) fn new(data: &'a [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(data.len(), rows * columns, "a matrix of {rows} x {columns}");
        Self { data, rows, columns, row_stride: columns, column_stride: 1 }
    }

    /// The same numbers, rows and columns changed over.
    pub(super) fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }

    /// Some of its rows.
    fn some_rows(self, from: usize, n: usize) -> Self {
        Self { data: self.data.get(from * self.row_stride..).unwrap_or_default(), rows: n, ..self }
    }

    /// How many rows it has.
    pub(super) fn n_rows(&self) -> usize {
        self.rows
    }

    /// Some of its columns.
    pub(super) fn some_columns(self, from: usize, n: usize) -> Self {
        let data = self.data.get(from * self.column_stride..).unwrap_or_default();
        Self { data, columns: n, ..self }
    }

    /// Whether every element lies within the slice.
    fn is_within(&self) -> bool {
        self.rows == 0
            || self.columns == 0
            || (self.rows - 1) * self.row_stride + (self.columns - 1) * self.column_stride
                < self.data.len()
    }
}

/// What becomes of the numbers that the product is written over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Into {
    /// They are replaced.
    Replace,
    /// The product is added to them.
    Add,
}

/// a · b into `product`, a matrix of a's rows and b's columns stored row after row.
#[expect(unsafe_code, reason = "the gemm crate takes pointers; every bound is asserted here")]
pub(super) fn multiply(a: Matrix<'_>, b: Matrix<'_>, into: Into, product: &mut [f32]) {
    assert_eq!(product.len(), a.rows * b.columns, "a product of {} x {}", a.rows, b.columns);
    if a.columns == 0 {
        if into == Into::Replace {
            product.fill(0.0);
        }
        return;
    }
    // SAFETY: `product` holds a's rows of b's columns (asserted above), and is borrowed mutably.
    unsafe { multiply_at(a, b, into, product.as_mut_ptr(), b.columns) }
}

/// a · b into the matrix of a's rows and b's columns that starts at `product`, its rows
/// `row_stride` apart.
///
/// # Safety
///
/// Every element of that matrix may be written, and nothing else reads or writes one meanwhile.
#[expect(unsafe_code, reason = "the gemm crate takes pointers")]
unsafe fn multiply_at(
    a: Matrix<'_>,
    b: Matrix<'_>,
    into: Into,
    product: *mut f32,
    row_stride: usize,
) {
    let (m, n, k) = (a.rows, b.columns, a.columns);
    assert_eq!(k, b.rows, "{m} x {k} times {} x {n}", b.rows);
    assert!(a.is_within() && b.is_within(), "a matrix reaches beyond its slice");
    // SAFETY: a and b lie within their slices (asserted above), the caller answers for `product`,
    // and gemm reads and writes nothing else.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            product,
            1,
            row_stride as isize,
            into == Into::Add,
            a.data.as_ptr(),
            a.column_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.column_stride as isize,
            b.row_stride as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

/// The size of a block of [`multiply_in_blocks`]: about an eighth of the side, in whole register
/// tiles; a function of the side alone, never of the threads.
fn block_size(side: usize, tile: usize) -> usize {
    side.div_ceil(8).next_multiple_of(tile)
}

/// The same as [`multiply`] with `Into::Replace`, on all threads, in fixed blocks of the product's
/// longer side. (Of the shorter one they would be too few, and each would pack all of the longer
/// operand again.)
pub(super) fn multiply_in_blocks(a: Matrix<'_>, b: Matrix<'_>, product: &mut [f32]) {
    let (m, n) = (a.rows, b.columns);
    if n == 0 || m == 0 {
        return;
    }
    if n > m && a.columns > 0 {
        return multiply_in_columns(a, b, product);
    }
    let rows = block_size(m, 16);
    product.par_chunks_mut(rows * n).enumerate().for_each(|(block, product)| {
        let a = a.some_rows(block * rows, product.len() / n);
        multiply(a, b, Into::Replace, product);
    });
}

#[expect(unsafe_code, reason = "columns of one matrix are no slices of it")]
fn multiply_in_columns(a: Matrix<'_>, b: Matrix<'_>, product: &mut [f32]) {
    let n = b.columns;
    assert_eq!(product.len(), a.rows * n, "a product of {} x {n}", a.rows);
    let columns = block_size(n, 48);
    // Nothing is atomic here: it is a pointer that threads may share.
    let start = AtomicPtr::new(product.as_mut_ptr());
    (0..n.div_ceil(columns)).into_par_iter().for_each(|block| {
        let from = block * columns;
        let b = b.some_columns(from, columns.min(n - from));
        // SAFETY: `product` is borrowed mutably and holds a's rows of n numbers (asserted above); a
        // block writes the columns from `from` on, at most to n, and no other block has any of them.
        unsafe {
            let product = start.load(Ordering::Relaxed).add(from);
            multiply_at(a, b, Into::Replace, product, n);
        }
    });
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "products of whole numbers are exact")]
mod tests {
    use super::*;

    fn numbers(n: usize, salt: usize) -> Vec<f32> {
        (0..n).map(|at| ((at * 7 + salt * 13) % 11) as f32 - 5.0).collect()
    }

    #[test]
    fn products_are_as_the_definition_says() {
        for (m, n, k) in [
            (1, 1, 1),
            (3, 5, 2),
            (17, 33, 9),
            (40, 7, 1),
            (5, 4, 0),
            (4, 5, 0),
            (130, 3, 20),
            (3, 400, 20),
        ] {
            let (a, b) = (numbers(m * k, 1), numbers(k * n, 2));
            let expected: Vec<f32> = (0..m * n)
                .map(|at| (0..k).map(|l| a[at / n * k + l] * b[l * n + at % n]).sum())
                .collect();
            let mut product = vec![f32::NAN; m * n];
            let (a, b) = (Matrix::new(&a, m, k), Matrix::new(&b, k, n));
            multiply(a, b, Into::Replace, &mut product);
            assert_eq!(product, expected, "{m} x {k} x {n}");
            multiply(a, b, Into::Add, &mut product);
            assert_eq!(product, expected.iter().map(|x| 2.0 * x).collect::<Vec<_>>());
            multiply_in_blocks(a, b, &mut product);
            assert_eq!(product, expected, "{m} x {k} x {n} in blocks");
        }
    }

    #[test]
    fn transposed_means_rows_and_columns_changed_over() {
        let a = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let mut product = [0.0; 9];
        let a = Matrix::new(&a, 2, 3);
        multiply(a.transposed(), a, Into::Replace, &mut product);
        assert_eq!(product, [17.0, 22.0, 27.0, 22.0, 29.0, 36.0, 27.0, 36.0, 45.0]);
        multiply_in_blocks(a.transposed(), a, &mut product);
        assert_eq!(product[1], 22.0);
    }

    #[test]
    fn blocks_of_transposed_matrices_are_the_whole() {
        for (m, n, k) in [(150, 9, 5), (9, 500, 5)] {
            let (a, b) = (numbers(m * k, 1), numbers(k * n, 2));
            let (a, b) = (Matrix::new(&a, k, m), Matrix::new(&b, n, k));
            let mut whole = vec![f32::NAN; m * n];
            multiply(a.transposed(), b.transposed(), Into::Replace, &mut whole);
            let mut blocks = vec![f32::NAN; m * n];
            multiply_in_blocks(a.transposed(), b.transposed(), &mut blocks);
            assert_eq!(blocks, whole);
        }
    }
}
