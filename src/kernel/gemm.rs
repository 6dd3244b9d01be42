//! Matrix products over slices: a safe face for the `gemm` crate.
//!
//! `gemm` picks its kernel for the machine at run time (AVX-512, AVX2, NEON, plain). It is always
//! called on one thread; callers split work into fixed blocks.

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
    let (m, n, k) = (a.rows, b.columns, a.columns);
    assert_eq!(k, b.rows, "{m} x {k} times {} x {n}", b.rows);
    assert_eq!(product.len(), m * n, "a product of {m} x {n}");
    assert!(a.is_within() && b.is_within(), "a matrix reaches beyond its slice");
    if k == 0 {
        if into == Into::Replace {
            product.fill(0.0);
        }
        return;
    }
    // SAFETY: the three matrices lie within their slices (asserted above), `product` is borrowed
    // mutably and so overlaps neither of the others, and gemm reads and writes nothing else.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            product.as_mut_ptr(),
            1,
            n as isize,
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

/// Rows in a block of [`multiply_in_blocks`]: a function of the rows alone, never of the threads.
fn block_rows(rows: usize) -> usize {
    rows.div_ceil(8).next_multiple_of(16)
}

/// The same as [`multiply`] with `Into::Replace`, in fixed blocks of rows on all threads.
pub(super) fn multiply_in_blocks(a: Matrix<'_>, b: Matrix<'_>, product: &mut [f32]) {
    let n = b.columns;
    if n == 0 || a.rows == 0 {
        return;
    }
    let rows = block_rows(a.rows);
    product.par_chunks_mut(rows * n).enumerate().for_each(|(block, product)| {
        let a = a.some_rows(block * rows, product.len() / n);
        multiply(a, b, Into::Replace, product);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(n: usize, salt: usize) -> Vec<f32> {
        (0..n).map(|at| ((at * 7 + salt * 13) % 11) as f32 - 5.0).collect()
    }

    #[test]
    fn products_are_as_the_definition_says() {
        for (m, n, k) in [(1, 1, 1), (3, 5, 2), (17, 33, 9), (40, 7, 1), (5, 4, 0), (130, 3, 20)] {
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
}
