//! Products divided among the threads by columns.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::{
    Accumulate, Left, Matrix, Packed, PackedLeft, Panel, Place, Product, Right, Target, Tiles,
    has_32_registers, multiply_in_blocks,
    pack::{PackPanel, panel_width},
    run_left,
    tile::multiply_and_pack,
};
use crate::kernel::{arch::with, buffer::Buffer};

/// Panels from which on a product is divided by columns: fewer cannot occupy the threads.
const MANY_PANELS: usize = 8;

/// Elements of a left operand that all panels are multiplied by before the next rows: a core's own cache holds about so many.
const LEFT: usize = 1 << 18;

/// One of the products of a right operand.
struct Part<'a> {
    left: Left<'a>,
    accumulate: Accumulate<'a>,
    out: Target<'a>,
}

/// The products of some left operands with one right operand overwrite their targets, on all threads; the sum of the right
/// operand's rows, in their order, overwrites `sums`.
///
/// Each panel of the right operand is packed once, by the thread that multiplies by it, and stays in that core's cache for
/// all left operands. By rows, every thread would read the whole of it: more than the cache holds where k is large.
pub fn multiply_by_panels<const N: usize>(
    products: [(&PackedLeft, Target<'_>); N],
    b: Matrix<'_>,
    sums: &mut [f32],
) {
    assert_eq!(sums.len(), b.columns, "a sum for each column");
    let part =
        |(left, out)| Part { left: Left::Packed(left), accumulate: Accumulate::Overwrite, out };
    run(products.map(part), b, Some(sums));
}

/// a · b on all threads, for a right operand that serves this product alone: many columns are packed on the way.
///
/// # Panics
///
/// If a is stored column after column.
pub fn multiply_on_all_threads(
    a: Matrix<'_>,
    b: Matrix<'_>,
    accumulate: Accumulate<'_>,
    product: Target<'_>,
) {
    assert!(!a.transposed, "the left operand is read in place");
    if b.columns.div_ceil(panel_width()) < MANY_PANELS {
        multiply_in_blocks(a, &Packed::by_all_threads(b), accumulate, product);
    } else if a.rows > 0 {
        let rows = (LEFT / a.columns.max(1)).next_multiple_of(64).min(a.rows);
        let outs = product.by_rows(rows, a.rows.div_ceil(rows));
        for (block, out) in outs.into_iter().enumerate() {
            let (first, rest) = (block * rows, a.rows - block * rows);
            let left = Left::Rows(a.some_rows(first, rows.min(rest)));
            run([Part { left, accumulate, out }], b, None);
        }
    }
}

fn run<const N: usize>(parts: [Part<'_>; N], b: Matrix<'_>, sums: Option<&mut [f32]>) {
    let (n, width) = (b.columns, panel_width());
    let n_panels = n.div_ceil(width);
    let mut by_panel: Vec<Vec<Part<'_>>> = Vec::new();
    by_panel.resize_with(n_panels, || Vec::with_capacity(N));
    for Part { left, accumulate, out } in parts {
        let outs = out.by_columns(n, width);
        for (at, (parts, out)) in by_panel.iter_mut().zip(outs).enumerate() {
            let accumulate = match accumulate {
                Accumulate::AddBias(bias) => {
                    Accumulate::AddBias(&bias[at * width..n.min((at + 1) * width)])
                }
                other => other,
            };
            parts.push(Part { left, accumulate, out });
        }
    }
    let mut sums: Vec<&mut [f32]> = match sums {
        Some(sums) => sums.chunks_mut(width).collect(),
        None => (0..n_panels).map(|_| &mut [][..]).collect(),
    };
    let panels = by_panel.into_par_iter().zip(sums.par_iter_mut()).enumerate();
    panels.for_each(|(at, (parts, sums))| {
        let columns = width.min(n - at * width);
        let b = b.some_columns(at * width, columns);
        if b.rows > 0 {
            return with(OnePanel { parts, b, sums });
        }
        sums.fill(0.0);
        let nothing = Packed::new(b);
        for Part { left, accumulate, out } in parts {
            run_left(left, Right::Packed(&nothing), columns, accumulate, out);
        }
    });
}

/// The products with the columns of one panel, and the sums of these columns unless there are none.
struct OnePanel<'a> {
    parts: Vec<Part<'a>>,
    b: Matrix<'a>,
    sums: &'a mut [f32],
}

impl WithSimd for OnePanel<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // The sizes of a product's tiles.
        if has_32_registers::<S>() {
            self.run::<S, 8, 3>(simd);
        } else {
            self.run::<S, 6, 2>(simd);
        }
    }
}

impl OnePanel<'_> {
    #[inline(always)]
    fn run<S: Simd, const MR: usize, const N: usize>(mut self, simd: S) {
        let (b, k, n) = (self.b, self.b.rows, self.b.columns);
        let stride = n.next_multiple_of(S::F32_LANES);
        let mut packed = Packed { panels: Buffer::new(k * stride), k, n };
        let mut done = self.pack_with_a_tile::<S, MR, N>(simd, &mut packed);
        if done == 0 {
            PackPanel { b, from: 0, panel: &mut packed.panels }.with_simd(simd);
        }
        if !self.sums.is_empty() {
            sum_of_rows(&packed.panels, stride, self.sums);
        }
        for Part { left: a, accumulate, out } in self.parts {
            let b = Right::Packed(&packed);
            Product { a, b, n, accumulate, out, done }.run::<S, MR>(simd);
            done = 0;
        }
    }

    /// Packs a panel of full width that is stored row after row while the first tile is multiplied by it, which hides the
    /// copy; returns the number of tiles that this computes.
    #[inline(always)]
    fn pack_with_a_tile<S: Simd, const MR: usize, const N: usize>(
        &mut self,
        simd: S,
        packed: &mut Packed,
    ) -> usize {
        let (b, width) = (self.b, N * S::F32_LANES);
        let Some(Part { left, accumulate, out }) = self.parts.first_mut() else { return 0 };
        if b.transposed || b.columns < width || Tiles::new::<MR>(left.n_rows()).full == 0 {
            return 0;
        }
        let place = Place { row: 0, n_rows: MR.min(left.n_rows()), from: 0, width };
        let panel = Panel { rows: b.data, stride: b.stride, k: b.rows };
        let (a, packed) = (left.tile(0, MR), &mut packed.panels[..]);
        multiply_and_pack::<S, MR, N>(simd, a, panel, packed, *accumulate, place, out);
        1
    }
}

/// The sum of the rows of a panel.
#[inline(always)]
fn sum_of_rows(panel: &[f32], stride: usize, sums: &mut [f32]) {
    sums.fill(0.0);
    for row in panel.chunks_exact(stride) {
        for (sum, x) in sums.iter_mut().zip(row) {
            *sum += x;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::gemm::multiply;

    #[test]
    fn panels_give_the_products_and_the_sums() {
        let data = |n: usize, salt: usize| -> Vec<f32> {
            (0..n).map(|at| ((at * 7 + salt * 13) % 11) as f32 - 5.0).collect()
        };
        for (m, n, k) in [(1, 1, 1), (3, 130, 2), (17, 33, 9), (20, 96, 130), (5, 7, 0), (0, 9, 4)]
        {
            let (a, other, b) = (data(m * k, 1), data(2 * k, 2), data(k * n, 3));
            let (a, other) = (Matrix::new(&a, k, m), Matrix::new(&other, k, 2));
            let (a, other) = (a.transposed(), other.transposed());
            let b = Matrix::new(&b, k, n);
            // The first product is some columns of a wider matrix.
            let (mut wide, mut narrow) = (vec![f32::NAN; m * (n + 3)], vec![f32::NAN; 2 * n]);
            let mut sums = vec![f32::NAN; n];
            let first = 3.min(wide.len());
            multiply_by_panels(
                [
                    (&PackedLeft::new(a), Target::new(&mut wide[first..], n + 3)),
                    (&PackedLeft::new(other), Target::new(&mut narrow, n)),
                ],
                b,
                &mut sums,
            );
            let expected = |left: Matrix<'_>, m: usize| {
                let mut expected = vec![f32::NAN; m * n];
                multiply(left, b, Accumulate::Overwrite, Target::new(&mut expected, n));
                expected
            };
            for (row, expected) in wide.chunks_exact(n + 3).zip(expected(a, m).chunks_exact(n)) {
                assert!(row[..3].iter().all(|x| x.is_nan()), "other columns are not written");
                assert_eq!(row[3..], *expected, "{m} x {k} x {n}");
            }
            assert_eq!(narrow, expected(other, 2));
            let column = |j: usize| (0..k).map(|row| b.get(row, j)).sum::<f32>();
            assert_eq!(sums, (0..n).map(column).collect::<Vec<_>>());
        }
    }

    /// With right operands of many panels, which are packed on the way, and of few; stored in both orders.
    #[test]
    fn a_product_on_all_threads_equals_that_of_one() {
        let data = |n: usize, salt: usize| -> Vec<f32> {
            (0..n).map(|at| ((at * 7 + salt * 13) % 11) as f32 - 5.0).collect()
        };
        for (m, n, k) in
            [(1, 1, 1), (8, 500, 3), (9, 401, 17), (7, 390, 130), (5, 600, 0), (0, 500, 4)]
        {
            let (a, b, bias) = (data(m * k, 1), data(k * n, 2), data(n, 3));
            let a = Matrix::new(&a, m, k);
            for b in [Matrix::new(&b, k, n), Matrix::new(&b, n, k).transposed()] {
                for accumulate in
                    [Accumulate::Overwrite, Accumulate::Add, Accumulate::AddBias(&bias)]
                {
                    let (mut found, mut expected) = (vec![1.0; m * n], vec![1.0; m * n]);
                    multiply(a, b, accumulate, Target::new(&mut expected, n));
                    multiply_on_all_threads(a, b, accumulate, Target::new(&mut found, n));
                    assert_eq!(found, expected, "{m} x {k} x {n}");
                }
            }
        }
    }
}
