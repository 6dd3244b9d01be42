//! Operands copied into the order in which tiles read them.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::{
    Matrix, Tiles, has_32_registers, nr,
    tile::{AHEAD, prefetch},
};
use crate::kernel::{arch::with, buffer::Buffer};

/// Lines of a panel that are written together where the operand is stored column after column: they stay in the cache while
/// each column writes one element of all of them.
const LINES: usize = 32;

/// A right operand in panels: k rows of a tile's width each, the last panel as narrow as whole
/// vectors allow and filled up with 0. It serves many products, and hides large strides.
pub struct Packed {
    pub(super) panels: Buffer,
    pub(super) k: usize,
    pub(super) n: usize,
}

impl Packed {
    /// A copy of the whole operand.
    pub fn new(b: Matrix<'_>) -> Self {
        with(PackB(b))
    }

    /// The same, made by all threads.
    pub fn by_all_threads(b: Matrix<'_>) -> Self {
        let (k, n) = (b.rows, b.columns);
        let (full, vector) = with(Widths);
        let mut panels = Buffer::new(k * n.next_multiple_of(vector));
        if k > 0 {
            panels
                .par_chunks_mut(k * full)
                .enumerate()
                .for_each(|(at, panel)| with(PackPanel { b, from: at * full, panel }));
        }
        Self { panels, k, n }
    }
}

/// The columns of a panel.
pub(super) fn panel_width() -> usize {
    with(Widths).0
}

struct Widths;

impl WithSimd for Widths {
    type Output = (usize, usize);

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> (usize, usize) {
        (nr::<S>(), S::F32_LANES)
    }
}

pub(super) struct PackB<'a>(pub(super) Matrix<'a>);

impl WithSimd for PackB<'_> {
    type Output = Packed;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Packed {
        let b = self.0;
        let (k, n) = (b.rows, b.columns);
        let mut panels = Buffer::new(k * n.next_multiple_of(S::F32_LANES));
        if k > 0 {
            let panels = panels.chunks_mut(k * nr::<S>()).enumerate();
            panels.for_each(|(at, panel)| {
                PackPanel { b, from: at * nr::<S>(), panel }.with_simd(simd);
            });
        }
        Packed { panels, k, n }
    }
}

/// The panel of a matrix from column `from` on, as many as it has lines for.
pub(super) struct PackPanel<'a> {
    pub(super) b: Matrix<'a>,
    pub(super) from: usize,
    pub(super) panel: &'a mut [f32],
}

impl WithSimd for PackPanel<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Self { b, from, panel } = self;
        let stride = panel.len() / b.rows;
        let width = stride.min(b.columns - from);
        if b.transposed {
            for (first, lines) in (0..).step_by(LINES).zip(panel.chunks_mut(LINES * stride)) {
                let n_lines = lines.len() / stride;
                for column in 0..stride {
                    let to = lines[column..].iter_mut().step_by(stride);
                    if column < width {
                        let data = b.contiguous(from + column, first, n_lines);
                        to.zip(data).for_each(|(to, x)| *to = *x);
                    } else {
                        to.for_each(|to| *to = 0.0);
                    }
                }
            }
        } else if width == nr::<S>() {
            for (row, to) in panel.chunks_exact_mut(stride).enumerate() {
                // Rows far apart are fetched one by one otherwise.
                prefetch(&b.data[from..], b.stride, row + AHEAD..row + AHEAD + 1, stride);
                copy::<S>(b.contiguous(row, from, stride), to);
            }
        } else {
            for (row, to) in panel.chunks_exact_mut(stride).enumerate() {
                to[..width].copy_from_slice(b.contiguous(row, from, width));
                to[width..].fill(0.0);
            }
        }
    }
}

/// Copies whole vectors; a call to copy so few bytes takes longer than the copy.
#[inline(always)]
fn copy<S: Simd>(from: &[f32], to: &mut [f32]) {
    let (from, to) = (S::as_simd_f32s(from).0, S::as_mut_simd_f32s(to).0);
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

/// A transposed left operand, tile by tile: for each of the k columns the elements of the tile's rows.
pub struct PackedLeft {
    pub(super) tiles: Buffer,
    pub(super) rows: usize,
    pub(super) k: usize,
}

impl PackedLeft {
    /// A copy of a matrix that is stored column after column.
    ///
    /// # Panics
    ///
    /// If it is stored row after row: products read such a one in place.
    pub fn new(a: Matrix<'_>) -> Self {
        assert!(a.transposed, "rows that are stored together are read in place");
        Self { tiles: with(PackA(a)), rows: a.rows, k: a.columns }
    }

    /// Its number of rows.
    pub fn n_rows(&self) -> usize {
        self.rows
    }
}

struct PackA<'a>(Matrix<'a>);

impl WithSimd for PackA<'_> {
    type Output = Buffer;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> Buffer {
        // The heights of a product's tiles.
        if has_32_registers::<S>() { pack_a::<8>(self.0) } else { pack_a::<6>(self.0) }
    }
}

#[inline(always)]
fn pack_a<const MR: usize>(a: Matrix<'_>) -> Buffer {
    let (k, tiles) = (a.columns, Tiles::new::<MR>(a.rows));
    let mut packed = Buffer::new(tiles.n_rows() * k);
    for (row, height) in tiles.iter::<MR>() {
        let n_rows = height.min(a.rows - row);
        let tile = &mut packed[row * k..][..height * k];
        if n_rows == MR {
            for (column, to) in tile.as_chunks_mut::<MR>().0.iter_mut().enumerate() {
                // An array, as a call to copy so few bytes takes longer than the copy.
                *to = *a
                    .contiguous(column, row, MR)
                    .first_chunk()
                    .expect("a line of the tile's height");
            }
        } else {
            for (column, to) in tile.chunks_exact_mut(height).enumerate() {
                let from = a.contiguous(column, row, n_rows);
                for (at, to) in to.iter_mut().enumerate() {
                    *to = if at < n_rows { from[at] } else { 0.0 };
                }
            }
        }
    }
    packed
}
