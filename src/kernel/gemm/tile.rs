//! Register tiles: the only place where the numbers of matrices are read by pointers.
//!
//! A tile of the product (8 rows of three vectors where there are 32 vector registers, 6 of two where there
//! are 16) stays in registers while k runs from first to last, so every number is one sum in one
//! order, whatever the split. `.ci/run` has the tests of products run under valgrind.

use pulp::Simd;

use super::{Into, Target};

/// Rows of the lower kind of tile.
pub(super) const LOW: usize = 4;

/// A left operand as tiles read it: the number of row r, column l at `row_stride`·r + `column_stride`·l.
#[derive(Clone, Copy)]
pub(super) struct Left<'a> {
    pub(super) numbers: &'a [f32],
    pub(super) row_stride: usize,
    pub(super) column_stride: usize,
}

/// A right operand's columns under one tile: k lines of whole vectors, `stride` apart.
#[derive(Clone, Copy)]
pub(super) struct Panel<'a> {
    pub(super) lines: &'a [f32],
    pub(super) stride: usize,
}

/// Computes `n_rows` rows of the product, at most `ROWS`, from row `row` and column `from` on, so many
/// columns wide, and writes them. `a` begins with the first of these rows.
#[inline(always)]
#[expect(unsafe_code, reason = "a tile reads by pointers; every bound is asserted here")]
#[expect(clippy::needless_range_loop, reason = "by fixed places only: see below")]
pub(super) fn multiply_tile<S: Simd, const ROWS: usize, const N: usize>(
    simd: S,
    k: usize,
    a: Left<'_>,
    b: Panel<'_>,
    into: Into<'_>,
    (row, n_rows): (usize, usize),
    (from, width): (usize, usize),
    out: &mut Target<'_>,
) {
    assert!((1..=ROWS).contains(&n_rows) && k > 0, "a tile with rows and columns");
    assert!(
        (n_rows - 1) * a.row_stride + (k - 1) * a.column_stride < a.numbers.len(),
        "rows and columns within the left operand"
    );
    assert!((k - 1) * b.stride + N * S::F32_LANES <= b.lines.len(), "lines within the right operand");
    // Rows that are not there are the last one again, and are not written.
    let mut rows = [0; ROWS];
    for (i, start) in rows.iter_mut().enumerate() {
        *start = i.min(n_rows - 1) * a.row_stride;
    }
    // SAFETY: both operands hold what a tile reads (asserted above; no row start is beyond that of the
    // last row).
    let sums = unsafe { tile::<S, ROWS, N>(simd, k, a, rows, b) };
    // By fixed places only: an array that is indexed by a number found at run time lives in memory, and
    // its tile with it.
    for i in 0..ROWS {
        if i < n_rows {
            write::<S, N>(simd, into, sums[i], from, out.part(row + i, from, width));
        }
    }
}

/// Σ over k of a number of `a` for each row times the vectors of `b`. There is no check in its loop,
/// as one that could panic keeps the sums in memory.
///
/// # Safety
///
/// For each row start s: s + (k − 1)·`column_stride` is within `a`; (k − 1)·`stride` + N vectors are
/// within `b`.
#[inline(always)]
#[expect(unsafe_code, reason = "checks in the loop cost more than its products")]
#[expect(clippy::needless_range_loop, reason = "sums are in registers by fixed places only")]
unsafe fn tile<S: Simd, const ROWS: usize, const N: usize>(
    simd: S,
    k: usize,
    a: Left<'_>,
    rows: [usize; ROWS],
    b: Panel<'_>,
) -> [[S::f32s; N]; ROWS] {
    let mut sums = [[simd.splat_f32s(0.0); N]; ROWS];
    let (mut left, mut right) = (a.numbers.as_ptr(), b.lines.as_ptr());
    for _ in 0..k {
        let mut vectors = [simd.splat_f32s(0.0); N];
        for j in 0..N {
            // SAFETY: within the line, as the caller says; read_unaligned asks for nothing more.
            vectors[j] = unsafe { right.add(j * S::F32_LANES).cast::<S::f32s>().read_unaligned() };
        }
        for i in 0..ROWS {
            // SAFETY: within the left operand, as the caller says.
            let x = simd.splat_f32s(unsafe { *left.add(rows[i]) });
            for j in 0..N {
                sums[i][j] = multiply_add(simd, x, vectors[j], sums[i][j]);
            }
        }
        (left, right) = (left.wrapping_add(a.column_stride), right.wrapping_add(b.stride));
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

/// Writes the sums of a row of a tile, whose first column is `from`, over its numbers in the product.
#[inline(always)]
#[expect(clippy::needless_range_loop, reason = "sums are in registers by fixed places only")]
fn write<S: Simd, const N: usize>(
    simd: S,
    into: Into<'_>,
    sums: [S::f32s; N],
    from: usize,
    out: &mut [f32],
) {
    let width = out.len();
    let (whole, rest) = S::as_mut_simd_f32s(out);
    // What is added to the sums, if anything: the numbers that were there, or the biases.
    let (bias, bias_rest) = match into {
        Into::Bias(bias) => S::as_simd_f32s(&bias[from..][..width]),
        Into::Add | Into::Replace => (&[][..], &[][..]),
    };
    for at in 0..N {
        if let Some(out) = whole.get_mut(at) {
            *out = match into {
                Into::Replace => sums[at],
                Into::Add => simd.add_f32s(*out, sums[at]),
                Into::Bias(_) => simd.add_f32s(bias[at], sums[at]),
            };
        }
    }
    if !rest.is_empty() {
        let sum = sums[N - 1];
        let sum = match into {
            Into::Replace => sum,
            Into::Add => simd.add_f32s(simd.partial_load_f32s(rest), sum),
            Into::Bias(_) => simd.add_f32s(simd.partial_load_f32s(bias_rest), sum),
        };
        simd.partial_store_f32s(rest, sum);
    }
}
