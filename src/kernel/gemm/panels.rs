//! Products divided among the threads by panels: the columns of a register tile.
//!
//! Each panel of the right operand is packed by the thread that multiplies by it, and stays in that core's cache for all left
//! operands. By rows, every thread would read the whole of it: more than the cache holds where k is large.

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

/// Panels from which on a product is divided by them: fewer cannot occupy the threads.
const MANY_PANELS: usize = 8;

/// The most elements of a left operand that is multiplied by all panels before the next rows: 512 KiB, which the L2 cache of
/// most machines holds beside a panel.
const MAX_LEFT: usize = 1 << 17;

/// A multiple of the rows of a register tile for every instruction set.
const TILE_ROWS: usize = 24;

/// A product with the columns of one panel.
struct PanelProduct<'a> {
    left: Left<'a>,
    accumulate: Accumulate<'a>,
    out: Target<'a>,
}

/// The products of some left operands with one right operand overwrite their targets, on all threads; the sum of the right
/// operand's rows, in their order, overwrites `sums`.
pub fn multiply_by_panels<const N: usize>(
    products: [(&PackedLeft, Target<'_>); N],
    b: Matrix<'_>,
    sums: &mut [f32],
) {
    assert_eq!(sums.len(), b.columns, "a sum for each column");
    let width = panel_width();
    let mut by_panel: Vec<Vec<PanelProduct<'_>>> = Vec::new();
    by_panel.resize_with(b.columns.div_ceil(width), Vec::new);
    for (left, target) in products {
        let (left, accumulate) = (Left::Packed(left), Accumulate::Overwrite);
        for (products, out) in by_panel.iter_mut().zip(target.by_columns(b.columns, width)) {
            products.push(PanelProduct { left, accumulate, out });
        }
    }
    let panels = by_panel.into_par_iter().zip(sums.par_chunks_mut(width)).enumerate();
    panels.for_each(|(at, (products, sums))| {
        let b = b.some_columns(at * width, sums.len());
        multiply_one_panel(products, b, Some(sums));
    });
}

/// a · b on all threads, for a right operand that serves this product alone. One of many panels is packed by the tasks that
/// multiply by them; one of few is packed first, and the product is divided by rows.
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
    multiply_rows(a, b, accumulate, product, MAX_LEFT);
}

/// The same; so many elements of a are multiplied by all panels before the next rows.
fn multiply_rows(
    a: Matrix<'_>,
    b: Matrix<'_>,
    accumulate: Accumulate<'_>,
    product: Target<'_>,
    max_left: usize,
) {
    assert!(!a.transposed, "the left operand is read in place");
    let (m, width) = (a.rows, panel_width());
    if b.columns.div_ceil(width) < MANY_PANELS {
        return multiply_in_blocks(a, &Packed::by_all_threads(b), accumulate, product);
    }
    if m == 0 {
        return;
    }
    let n_blocks = (m * a.columns).div_ceil(max_left).max(1);
    let rows = m.div_ceil(n_blocks).next_multiple_of(TILE_ROWS);
    let mut packed: Vec<Packed> = Vec::new();
    for (block, out) in product.by_rows(rows, m.div_ceil(rows)).into_iter().enumerate() {
        let first = block * rows;
        let left = Left::Rows(a.some_rows(first, rows.min(m - first)));
        let products = out.by_columns(b.columns, width).into_par_iter().enumerate();
        let products = products.map(|(at, out)| {
            let from = at * width;
            let n = width.min(b.columns - from);
            let accumulate = match accumulate {
                Accumulate::AddBias(bias) => Accumulate::AddBias(&bias[from..][..n]),
                other => other,
            };
            (b.some_columns(from, n), PanelProduct { left, accumulate, out })
        });
        if block == 0 {
            let first = products.map(|(b, product)| multiply_one_panel(vec![product], b, None));
            packed = first.collect();
            continue;
        }
        products.zip(&packed).for_each(|((_, PanelProduct { left, accumulate, out }), packed)| {
            run_left(left, Right::Packed(packed), packed.n, accumulate, out);
        });
    }
}

/// Packs a right operand of at most one panel, computes the products with it, and the sum of its rows where that is wanted.
fn multiply_one_panel(
    products: Vec<PanelProduct<'_>>,
    b: Matrix<'_>,
    sums: Option<&mut [f32]>,
) -> Packed {
    for PanelProduct { left, .. } in &products {
        assert_eq!(left.k(), b.rows, "columns of the left are rows of the right");
    }
    if b.rows > 0 {
        return with(OnePanel { products, b, sums });
    }
    if let Some(sums) = sums {
        sums.fill(0.0);
    }
    for PanelProduct { left, accumulate, out } in products {
        run_left(left, Right::Rows(b), b.columns, accumulate, out);
    }
    Packed::new(b)
}

struct OnePanel<'a> {
    products: Vec<PanelProduct<'a>>,
    b: Matrix<'a>,
    sums: Option<&'a mut [f32]>,
}

impl WithSimd for OnePanel<'_> {
    type Output = Packed;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Packed {
        // The sizes of the tiles of a `Product`.
        if has_32_registers::<S>() { self.run::<S, 8, 3>(simd) } else { self.run::<S, 6, 2>(simd) }
    }
}

impl OnePanel<'_> {
    #[inline(always)]
    fn run<S: Simd, const MR: usize, const N: usize>(mut self, simd: S) -> Packed {
        let (b, k, n) = (self.b, self.b.rows, self.b.columns);
        let stride = n.next_multiple_of(S::F32_LANES);
        let mut packed = Packed { panels: Buffer::new(k * stride), k, n };
        let is_packed = self.pack_with_a_tile::<S, MR, N>(simd, &mut packed);
        if !is_packed {
            PackPanel { b, from: 0, panel: &mut packed.panels }.with_simd(simd);
        }
        if let Some(sums) = self.sums {
            sum_of_rows(&packed.panels, stride, sums);
        }
        let mut n_computed = usize::from(is_packed);
        for PanelProduct { left: a, accumulate, out } in self.products {
            let b = Right::Packed(&packed);
            Product { a, b, n, accumulate, out, n_computed }.run::<S, MR>(simd);
            n_computed = 0;
        }
        packed
    }

    /// Packs a panel of full width that is stored row after row while the first tile of the first product is computed, which
    /// takes longer than the copy. Returns whether that was possible.
    #[inline(always)]
    fn pack_with_a_tile<S: Simd, const MR: usize, const N: usize>(
        &mut self,
        simd: S,
        packed: &mut Packed,
    ) -> bool {
        let (b, width) = (self.b, N * S::F32_LANES);
        let Some(PanelProduct { left, accumulate, out }) = self.products.first_mut() else {
            return false;
        };
        if b.transposed || b.columns < width || Tiles::new::<MR>(left.n_rows()).full == 0 {
            return false;
        }
        let place = Place { row: 0, n_rows: MR.min(left.n_rows()), column: 0, n_columns: width };
        let panel = Panel { rows: b.data, stride: b.stride, k: b.rows };
        let (a, packed) = (left.tile(0, MR), &mut packed.panels[..]);
        multiply_and_pack::<S, MR, N>(simd, a, panel, packed, *accumulate, place, out);
        true
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

    /// With right operands of many panels and of few, as some columns of a wider matrix and transposed, in one block of rows
    /// and in several. The numbers have rounding errors, so that another order of a sum would show.
    #[test]
    fn a_product_on_all_threads_has_the_bits_of_that_of_one() {
        let data = |n: usize, salt: usize| -> Vec<f32> {
            (0..n).map(|at| ((at * 7 + salt * 13) % 101) as f32 / 37.0 - 1.3).collect()
        };
        for (m, n, k) in
            [(1, 1, 1), (50, 401, 3), (9, 390, 17), (7, 500, 40), (5, 600, 0), (0, 500, 4)]
        {
            let (a, b, bias) = (data(m * k, 1), data(k * (n + 5), 2), data(n, 3));
            let a = Matrix::new(&a, m, k);
            let wide = Matrix::new(&b, k, n + 5).some_columns(3, n);
            for b in [wide, Matrix::new(&b[..n * k], n, k).transposed()] {
                let bias = Accumulate::AddBias(&bias);
                for accumulate in [Accumulate::Overwrite, Accumulate::Add, bias] {
                    let mut expected = vec![1.0; m * n];
                    multiply(a, b, accumulate, Target::new(&mut expected, n));
                    for max_left in [MAX_LEFT, 30 * k.max(1)] {
                        let mut found = vec![1.0; m * n];
                        let target = Target::new(&mut found, n);
                        multiply_rows(a, b, accumulate, target, max_left);
                        assert_eq!(found, expected, "{m} x {k} x {n}, {max_left}");
                    }
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "columns of the left are rows of the right")]
    fn operands_that_do_not_fit_are_refused() {
        let (a, b, mut product) = ([1.0; 30], [1.0; 2_000], vec![0.0; 5_000]);
        let (a, b) = (Matrix::new(&a, 10, 3), Matrix::new(&b, 4, 500));
        let target = Target::new(&mut product, 500);
        multiply_on_all_threads(a, b, Accumulate::Overwrite, target);
    }
}
