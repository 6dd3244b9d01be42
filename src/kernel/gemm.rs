//! Matrix products over slices.
//!
//! A tile of the product (8 rows of three vectors with AVX-512, 4 of three elsewhere) stays in registers
//! while k runs from first to last, so every number is one sum in one order, whatever the split. The
//! left operand is read where it lies, a number at a time; the right one a vector at a time, from where
//! it lies or from [`Packed`] panels, which serve many products and hide large strides. `.ci/run` has the
//! tests of this file run under valgrind.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::arch::with;

/// A matrix over a slice, stored row after row or column after column.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    /// From one row to the next, or from one column to the next where `turned`.
    stride: usize,
    turned: bool,
}

impl<'a> Matrix<'a> {
    /// A matrix stored row after row, without gaps.
    pub(super) fn new(data: &'a [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(data.len(), rows * columns, "a matrix of {rows} x {columns}");
        Self { data, rows, columns, stride: columns, turned: false }
    }

    /// The same numbers, rows and columns changed over.
    pub(super) fn transposed(self) -> Self {
        Self { rows: self.columns, columns: self.rows, turned: !self.turned, ..self }
    }

    /// How many rows it has.
    pub(super) fn n_rows(&self) -> usize {
        self.rows
    }

    /// Some of its rows.
    pub(super) fn some_rows(self, from: usize, n: usize) -> Self {
        let skipped = if self.turned { from } else { from * self.stride };
        Self { data: self.data.get(skipped..).unwrap_or_default(), rows: n, ..self }
    }

    /// Some of its columns.
    pub(super) fn some_columns(self, from: usize, n: usize) -> Self {
        self.transposed().some_rows(from, n).transposed()
    }

    /// From `at` on, what is stored together: a row, or a column where turned.
    #[inline(always)]
    fn line(&self, line: usize, at: usize, n: usize) -> &'a [f32] {
        &self.data[line * self.stride + at..][..n]
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

/// Vectors in a row of a full tile.
const VECTORS: usize = 3;

/// A right operand in panels: k rows of three vectors' width each, the last panel as narrow as whole
/// vectors allow and filled up with 0.
pub(super) struct Packed {
    panels: Vec<f32>,
    k: usize,
    n: usize,
}

impl Packed {
    pub(super) fn new(b: Matrix<'_>) -> Self {
        with(Pack(b))
    }
}

struct Pack<'a>(Matrix<'a>);

impl WithSimd for Pack<'_> {
    type Output = Packed;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> Packed {
        let (k, n) = (self.0.rows, self.0.columns);
        let mut panels = vec![0.0; k * n.next_multiple_of(S::F32_LANES)];
        let full = VECTORS * S::F32_LANES;
        let mut start = 0;
        for from in (0..n).step_by(full) {
            let width = full.min(n - from);
            let stride = width.next_multiple_of(S::F32_LANES);
            let panel = &mut panels[start..][..k * stride];
            start += panel.len();
            if self.0.turned {
                for column in 0..width {
                    let from = self.0.line(from + column, 0, k);
                    let column = panel[column..].iter_mut().step_by(stride);
                    column.zip(from).for_each(|(to, x)| *to = *x);
                }
            } else {
                for (row, to) in panel.chunks_exact_mut(stride).enumerate() {
                    to[..width].copy_from_slice(self.0.line(row, from, width));
                }
            }
        }
        Packed { panels, k, n }
    }
}

/// A right operand.
#[derive(Clone, Copy)]
enum Right<'a> {
    Packed(&'a Packed),
    /// Stored row after row.
    Rows(Matrix<'a>),
}

struct Product<'a> {
    a: Matrix<'a>,
    b: Right<'a>,
    n: usize,
    into: Into,
    out: &'a mut [f32],
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if S::F32_LANES == 16 { self.run::<S, 8>(simd) } else { self.run::<S, 4>(simd) }
    }
}

impl Product<'_> {
    #[inline(always)]
    fn run<S: Simd, const ROWS: usize>(mut self, simd: S) {
        let full = VECTORS * S::F32_LANES;
        for from in (0..self.n).step_by(full) {
            let width = full.min(self.n - from);
            match width.div_ceil(S::F32_LANES) {
                3 => self.panel::<S, ROWS, 3>(simd, from, width),
                2 => self.panel::<S, ROWS, 2>(simd, from, width),
                _ => self.panel::<S, ROWS, 1>(simd, from, width),
            }
        }
    }

    /// The product's columns from `from` on.
    #[inline(always)]
    fn panel<S: Simd, const ROWS: usize, const N: usize>(
        &mut self,
        simd: S,
        from: usize,
        width: usize,
    ) {
        let k = self.a.columns;
        let stride = N * S::F32_LANES;
        match self.b {
            Right::Packed(packed) => {
                let panel = &packed.panels[k * from..][..k * stride];
                self.rows_of::<S, ROWS, N>(simd, from, width, panel, stride);
            }
            Right::Rows(b) if width == stride => {
                self.rows_of::<S, ROWS, N>(simd, from, width, &b.data[from..], b.stride);
            }
            // Its last vectors would reach beyond the row.
            Right::Rows(b) => {
                let packed = Pack(b.some_columns(from, width)).with_simd(simd);
                self.rows_of::<S, ROWS, N>(simd, from, width, &packed.panels, stride);
            }
        }
    }

    /// Tiles over all rows, with k lines of the right operand, each from its start on.
    #[inline(always)]
    #[expect(unsafe_code, reason = "a tile reads by pointers; every bound is asserted here")]
    #[expect(clippy::needless_range_loop, reason = "see below: by fixed places only")]
    fn rows_of<S: Simd, const ROWS: usize, const N: usize>(
        &mut self,
        simd: S,
        from: usize,
        width: usize,
        b: &[f32],
        b_stride: usize,
    ) {
        let (m, k) = (self.a.rows, self.a.columns);
        let (row_stride, column_stride) =
            if self.a.turned { (1, self.a.stride) } else { (self.a.stride, 1) };
        assert!((k - 1) * b_stride + N * S::F32_LANES <= b.len(), "lines within the right operand");
        assert!(
            (m - 1) * row_stride + (k - 1) * column_stride < self.a.data.len(),
            "rows and columns within the left operand"
        );
        for row in (0..m).step_by(ROWS) {
            let n_rows = ROWS.min(m - row);
            // Rows that are not there are the last one again, and are not written.
            let mut rows = [0; ROWS];
            for (i, start) in rows.iter_mut().enumerate() {
                *start = (row + i.min(n_rows - 1)) * row_stride;
            }
            // SAFETY: both operands hold what a tile reads (asserted above; no row start is beyond
            // that of row m - 1).
            let tile = unsafe {
                tile::<S, ROWS, N>(simd, k, self.a.data, rows, column_stride, b, b_stride)
            };
            // By fixed places only: an array that is indexed by a number found at run time lives in
            // memory, and its tile with it.
            for i in 0..ROWS {
                if i < n_rows {
                    let out = &mut self.out[(row + i) * self.n + from..][..width];
                    write::<S, N>(simd, self.into, tile[i], out);
                }
            }
        }
    }
}

/// Σ over k of a number of `a` for each row times the vectors of `b`. There is no check in its loop,
/// as one that could panic keeps the sums in memory.
///
/// # Safety
///
/// For each row start s: s + (k − 1)·`a_stride` is within `a`; (k − 1)·`b_stride` + N vectors are
/// within `b`.
#[inline(always)]
#[expect(unsafe_code, reason = "checks in the loop cost more than its products")]
#[expect(clippy::needless_range_loop, reason = "sums are in registers by fixed places only")]
unsafe fn tile<S: Simd, const ROWS: usize, const N: usize>(
    simd: S,
    k: usize,
    a: &[f32],
    rows: [usize; ROWS],
    a_stride: usize,
    b: &[f32],
    b_stride: usize,
) -> [[S::f32s; N]; ROWS] {
    let mut sums = [[simd.splat_f32s(0.0); N]; ROWS];
    let (mut a, mut b) = (a.as_ptr(), b.as_ptr());
    for _ in 0..k {
        let mut vectors = [simd.splat_f32s(0.0); N];
        for j in 0..N {
            // SAFETY: within the line, as the caller says; read_unaligned asks for nothing more.
            vectors[j] = unsafe { b.add(j * S::F32_LANES).cast::<S::f32s>().read_unaligned() };
        }
        for i in 0..ROWS {
            // SAFETY: within the left operand, as the caller says.
            let x = simd.splat_f32s(unsafe { *a.add(rows[i]) });
            for j in 0..N {
                sums[i][j] = multiply_add(simd, x, vectors[j], sums[i][j]);
            }
        }
        (a, b) = (a.wrapping_add(a_stride), b.wrapping_add(b_stride));
    }
    sums
}

/// x·y + z, in one rounding where there is an instruction for it. The portable family has none on most
/// machines, and `pulp` would call a function of the C library for every number.
#[inline(always)]
fn multiply_add<S: Simd>(simd: S, x: S::f32s, y: S::f32s, z: S::f32s) -> S::f32s {
    let is_portable = S::F32_LANES == 4 && !cfg!(target_arch = "aarch64");
    if is_portable { simd.add_f32s(simd.mul_f32s(x, y), z) } else { simd.mul_add_e_f32s(x, y, z) }
}

/// Writes the sums of a row of a tile over its numbers in the product, or adds them.
#[inline(always)]
#[expect(clippy::needless_range_loop, reason = "sums are in registers by fixed places only")]
fn write<S: Simd, const N: usize>(simd: S, into: Into, sums: [S::f32s; N], out: &mut [f32]) {
    let (whole, rest) = S::as_mut_simd_f32s(out);
    let add = into == Into::Add;
    for at in 0..N {
        if let Some(out) = whole.get_mut(at) {
            *out = if add { simd.add_f32s(*out, sums[at]) } else { sums[at] };
        }
    }
    if !rest.is_empty() {
        let mut sum = sums[N - 1];
        if add {
            sum = simd.add_f32s(simd.partial_load_f32s(rest), sum);
        }
        simd.partial_store_f32s(rest, sum);
    }
}

/// a · b into `product`, a matrix of a's rows and b's columns stored row after row.
pub(super) fn multiply(a: Matrix<'_>, b: Matrix<'_>, into: Into, product: &mut [f32]) {
    // A few lines are read where they lie; many would be on more pages than a core keeps at hand.
    if b.turned || b.rows > 64 {
        multiply_packed(a, &Packed::new(b), into, product);
    } else {
        assert_eq!(a.columns, b.rows, "columns of the left are rows of the right");
        run(a, Right::Rows(b), b.columns, into, product);
    }
}

/// The same with a right operand that was packed before.
pub(super) fn multiply_packed(a: Matrix<'_>, b: &Packed, into: Into, product: &mut [f32]) {
    assert_eq!(a.columns, b.k, "columns of the left are rows of the right");
    run(a, Right::Packed(b), b.n, into, product);
}

fn run(a: Matrix<'_>, b: Right<'_>, n: usize, into: Into, product: &mut [f32]) {
    assert_eq!(product.len(), a.rows * n, "a product of {} x {n}", a.rows);
    if a.columns > 0 && a.rows > 0 {
        with(Product { a, b, n, into, out: product });
    } else if into == Into::Replace {
        product.fill(0.0);
    }
}

/// The same as [`multiply`] with `Into::Replace`, on all threads, in fixed blocks of the product's
/// rows.
pub(super) fn multiply_in_blocks(a: Matrix<'_>, b: Matrix<'_>, product: &mut [f32]) {
    let (m, n) = (a.rows, b.columns);
    if n == 0 || m == 0 {
        return;
    }
    let b = Packed::new(b);
    // About an eighth of the rows, in whole tiles: a function of the side alone, never of the threads.
    let rows = m.div_ceil(8).next_multiple_of(8);
    product.par_chunks_mut(rows * n).enumerate().for_each(|(block, product)| {
        let a = a.some_rows(block * rows, product.len() / n);
        multiply_packed(a, &b, Into::Replace, product);
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
