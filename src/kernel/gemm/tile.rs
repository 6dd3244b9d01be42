//! Register tiles: the only place where the numbers of matrices are read and copied by pointers.
//!
//! A tile of the product (8 rows of three vectors where there are 32 vector registers, 6 of two where there
//! are 16) stays in registers while k runs from first to last, so every number is one sum in one
//! order, whatever the split. The first tile that reads a right operand can pack it: the copy takes less time than the
//! multiply-adds beside it. `.ci/run` has the tests of products run under valgrind.

use std::ops::Range;

use pulp::Simd;

use super::{Accumulate, Target};
use crate::kernel::vector::multiply_add;

/// Rows of an edge tile.
pub(super) const EDGE_MR: usize = 4;

/// Lines of a right operand that are fetched in advance of the one that is packed.
pub(super) const AHEAD: usize = 8;

/// A left operand as tiles read it: the number of row r, column l at `row_stride`·r + `column_stride`·l.
#[derive(Clone, Copy)]
pub(super) struct LeftTile<'a> {
    pub(super) data: &'a [f32],
    pub(super) row_stride: usize,
    pub(super) column_stride: usize,
}

/// A right operand's columns under one tile: k lines of whole vectors, `stride` apart.
#[derive(Clone, Copy)]
pub(super) struct Panel<'a> {
    pub(super) rows: &'a [f32],
    pub(super) stride: usize,
    pub(super) k: usize,
}

/// Prefetches rows of `width` elements, `stride` apart.
#[inline(always)]
pub(super) fn prefetch(data: &[f32], stride: usize, rows: Range<usize>, width: usize) {
    for row in rows {
        prefetch_line(data.as_ptr().wrapping_add(row * stride), width);
    }
}

/// Prefetches `width` elements at any address.
#[inline(always)]
#[cfg_attr(not(target_arch = "x86_64"), expect(unused_variables, reason = "nothing is asked for"))]
#[cfg_attr(target_arch = "x86_64", expect(unsafe_code, reason = "a hint about any address"))]
fn prefetch_line(line: *const f32, width: usize) {
    #[cfg(target_arch = "x86_64")]
    for at in (0..width).step_by(16).chain([width - 1]) {
        let place = line.wrapping_add(at).cast();
        // SAFETY: a hint reads nothing, whatever the address.
        unsafe { std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(place) };
    }
}

/// The part of a product that a tile computes.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// Its first row.
    pub(super) row: usize,
    /// At most as many as the tile has.
    pub(super) n_rows: usize,
    /// Its first column.
    pub(super) column: usize,
    /// At most as many as the tile has.
    pub(super) n_columns: usize,
}

/// Computes a part of the product, of at most `ROWS` rows, and writes it. `a` begins with the first of these rows.
#[inline(always)]
pub(super) fn multiply_tile<S: Simd, const ROWS: usize, const N: usize>(
    simd: S,
    a: LeftTile<'_>,
    b: Panel<'_>,
    accumulate: Accumulate<'_>,
    place: Place,
    out: &mut Target<'_>,
) {
    multiply::<S, ROWS, N, false>(simd, a, b, &mut [], accumulate, place, out);
}

/// The same; the lines of `b` are copied to `packed`, one after the other.
#[inline(always)]
pub(super) fn multiply_and_pack<S: Simd, const ROWS: usize, const N: usize>(
    simd: S,
    a: LeftTile<'_>,
    b: Panel<'_>,
    packed: &mut [f32],
    accumulate: Accumulate<'_>,
    place: Place,
    out: &mut Target<'_>,
) {
    multiply::<S, ROWS, N, true>(simd, a, b, packed, accumulate, place, out);
}

#[inline(always)]
#[expect(unsafe_code, reason = "a tile reads and copies by pointers; every bound is asserted here")]
fn multiply<S: Simd, const ROWS: usize, const N: usize, const PACKS: bool>(
    simd: S,
    a: LeftTile<'_>,
    b: Panel<'_>,
    packed: &mut [f32],
    accumulate: Accumulate<'_>,
    Place { row, n_rows, column: from, n_columns: width }: Place,
    out: &mut Target<'_>,
) {
    let k = b.k;
    assert!((1..=ROWS).contains(&n_rows) && k > 0, "a tile with rows and columns");
    assert!(!PACKS || packed.len() == k * N * S::F32_LANES, "space for each packed line");
    assert!(
        (n_rows - 1) * a.row_stride + (k - 1) * a.column_stride < a.data.len(),
        "rows and columns within the left operand"
    );
    assert!(
        (k - 1) * b.stride + N * S::F32_LANES <= b.rows.len(),
        "lines within the right operand"
    );
    // Rows that are not there are the last one again, and are not written.
    let mut rows = [0; ROWS];
    for (i, start) in rows.iter_mut().enumerate() {
        *start = i.min(n_rows - 1) * a.row_stride;
    }
    // SAFETY: both operands hold what a tile reads, and `packed` has space for what it copies (asserted above; no row start
    // is beyond that of the last row).
    let sums = unsafe { tile::<S, ROWS, N, PACKS>(simd, a, rows, b, packed.as_mut_ptr()) };
    if width == N * S::F32_LANES {
        let bias = match accumulate {
            Accumulate::AddBias(bias) => Some(&bias[from..][..width]),
            Accumulate::Add | Accumulate::Overwrite => None,
        };
        let (stride, add) = (out.stride(), matches!(accumulate, Accumulate::Add));
        let first = out.tile(row, n_rows, from, width);
        // SAFETY: the target may write n_rows rows of N vectors there, `stride` apart; the bias has N vectors.
        unsafe { write_whole::<S, ROWS, N>(simd, sums, add, bias, n_rows, first, stride) };
        return;
    }
    // By way of a copy that is made by fixed places only: an array that is indexed by a number found at
    // run time lives in memory, and each of the tile's sums would be stored there at each step of k.
    let mut kept = [[simd.splat_f32s(0.0); N]; ROWS];
    for i in 0..ROWS {
        for j in 0..N {
            kept[i][j] = sums[i][j];
        }
    }
    for (i, sums) in kept.into_iter().enumerate().take(n_rows) {
        write::<S, N>(simd, accumulate, sums, from, out.row(row + i, from, width));
    }
}

/// Σ over k of a number of `a` for each row times the vectors of `b`. There is no check in its loop,
/// as one that could panic keeps the sums in memory. With `PACKS`, the vectors are copied to `packed`, line after line.
///
/// # Safety
///
/// For each row start s: s + (k − 1)·`column_stride` is within `a`; (k − 1)·`stride` + N vectors are
/// within `b`; with `PACKS`, k·N vectors can be written at `packed`, which nothing else reaches.
#[inline(always)]
#[expect(unsafe_code, reason = "checks in the loop cost more than its products")]
#[expect(clippy::needless_range_loop, reason = "sums are in registers by fixed places only")]
unsafe fn tile<S: Simd, const ROWS: usize, const N: usize, const PACKS: bool>(
    simd: S,
    a: LeftTile<'_>,
    rows: [usize; ROWS],
    b: Panel<'_>,
    mut packed: *mut f32,
) -> [[S::f32s; N]; ROWS] {
    let mut sums = [[simd.splat_f32s(0.0); N]; ROWS];
    let (mut left, mut right) = (a.data.as_ptr(), b.rows.as_ptr());
    for _ in 0..b.k {
        let mut vectors = [simd.splat_f32s(0.0); N];
        for j in 0..N {
            // SAFETY: within the line, as the caller says; read_unaligned asks for nothing more.
            vectors[j] = unsafe { right.add(j * S::F32_LANES).cast::<S::f32s>().read_unaligned() };
        }
        if PACKS {
            prefetch_line(right.wrapping_add(AHEAD * b.stride), N * S::F32_LANES);
            for j in 0..N {
                // SAFETY: there is space for the vectors of each line, as the caller says.
                unsafe {
                    packed.add(j * S::F32_LANES).cast::<S::f32s>().write_unaligned(vectors[j]);
                };
            }
            packed = packed.wrapping_add(N * S::F32_LANES);
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

/// Writes a tile whose rows are whole vectors. They are added to what was there, or the bias to them.
///
/// # Safety
///
/// At `out` are `n_rows` rows of N vectors, `stride` apart, that nothing else reaches; `bias` has N vectors.
#[inline(always)]
#[expect(unsafe_code, reason = "checks for each row cost as much as a third of a short product")]
#[expect(clippy::needless_range_loop, reason = "sums are in registers by fixed places only")]
unsafe fn write_whole<S: Simd, const ROWS: usize, const N: usize>(
    simd: S,
    sums: [[S::f32s; N]; ROWS],
    add: bool,
    bias: Option<&[f32]>,
    n_rows: usize,
    out: *mut f32,
    stride: usize,
) {
    let vector = |j: usize| j * S::F32_LANES;
    let mut biases = [simd.splat_f32s(0.0); N];
    if let Some(bias) = bias {
        for j in 0..N {
            // SAFETY: the bias has N vectors, as the caller says.
            biases[j] = unsafe { bias.as_ptr().add(vector(j)).cast::<S::f32s>().read_unaligned() };
        }
    }
    for i in 0..ROWS {
        if i < n_rows {
            for j in 0..N {
                // SAFETY: the row has N vectors, as the caller says.
                unsafe {
                    let at = out.add(i * stride + vector(j)).cast::<S::f32s>();
                    let more = if add { at.read_unaligned() } else { biases[j] };
                    at.write_unaligned(simd.add_f32s(sums[i][j], more));
                }
            }
        }
    }
}

/// Writes the sums of a row of a tile, whose first column is `from`, over its numbers in the product.
#[inline(always)]
fn write<S: Simd, const N: usize>(
    simd: S,
    accumulate: Accumulate<'_>,
    sums: [S::f32s; N],
    from: usize,
    out: &mut [f32],
) {
    let width = out.len();
    let (whole, rest) = S::as_mut_simd_f32s(out);
    // What is added to the sums, if anything: the numbers that were there, or the biases.
    let (bias, bias_rest) = match accumulate {
        Accumulate::AddBias(bias) => S::as_simd_f32s(&bias[from..][..width]),
        Accumulate::Add | Accumulate::Overwrite => (&[][..], &[][..]),
    };
    for at in 0..N {
        if let Some(out) = whole.get_mut(at) {
            *out = match accumulate {
                Accumulate::Overwrite => sums[at],
                Accumulate::Add => simd.add_f32s(*out, sums[at]),
                Accumulate::AddBias(_) => simd.add_f32s(bias[at], sums[at]),
            };
        }
    }
    if !rest.is_empty() {
        let sum = sums[N - 1];
        let sum = match accumulate {
            Accumulate::Overwrite => sum,
            Accumulate::Add => simd.add_f32s(simd.partial_load_f32s(rest), sum),
            Accumulate::AddBias(_) => simd.add_f32s(simd.partial_load_f32s(bias_rest), sum),
        };
        simd.partial_store_f32s(rest, sum);
    }
}
