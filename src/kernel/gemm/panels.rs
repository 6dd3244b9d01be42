//! Products divided among the threads by columns.

use rayon::prelude::*;

use super::{
    Accumulate, Left, Matrix, Packed, PackedLeft, Right, Target, pack::panel_width, run_left,
};
use crate::kernel::arch::fast;

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
    let (n, width) = (b.columns, panel_width());
    assert_eq!(sums.len(), n, "a sum for each column");
    let mut by_panel: Vec<Vec<(&PackedLeft, Target<'_>)>> = Vec::new();
    by_panel.resize_with(n.div_ceil(width), Vec::new);
    for (left, target) in products {
        for (panel, target) in by_panel.iter_mut().zip(target.by_columns(n, width)) {
            panel.push((left, target));
        }
    }
    let panels = by_panel.into_par_iter().zip(sums.par_chunks_mut(width)).enumerate();
    panels.for_each(|(at, (products, sums))| {
        let panel = Packed::new(b.some_columns(at * width, sums.len()));
        sum_of_rows(&panel, sums);
        for (left, target) in products {
            let (left, right) = (Left::Packed(left), Right::Packed(&panel));
            run_left(left, right, sums.len(), Accumulate::Overwrite, target);
        }
    });
}

/// The sum of the rows of a matrix of one panel.
fn sum_of_rows(panel: &Packed, sums: &mut [f32]) {
    sums.fill(0.0);
    if panel.k == 0 {
        return;
    }
    let stride = panel.panels.len() / panel.k;
    fast(
        #[inline(always)]
        || {
            for row in panel.panels.chunks_exact(stride) {
                for (sum, x) in sums.iter_mut().zip(row) {
                    *sum += x;
                }
            }
        },
    );
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
}
