//! Matrix products over slices: C = A·B, C += A·B, or A·B with a row of biases added to each row.
//!
//! Every element of a product is one sum over k in a fixed order, for any split into tiles, blocks and threads; an element of
//! an edge column ([`multiply_edge_columns`]) is the sum of one such sum for each lane of a vector.
//! The left operand is read by elements, in place, or packed if it is transposed; the right operand by SIMD
//! vectors, in place or from [`Packed`] panels. Names are those of BLIS: MR × NR register tiles, `pack_a`.

mod edge_columns;
mod pack;
mod panels;
mod target;
mod tile;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

pub use edge_columns::{multiply_edge_columns, n_edge_columns};
use pack::PackB;
pub use pack::{Packed, PackedLeft};
pub use panels::{multiply_by_panels, multiply_on_all_threads};
pub use target::{Accumulate, Target};
use tile::{EDGE_MR, LeftTile, Panel, Place, multiply_tile, prefetch};

use super::arch::with;

/// A matrix over a slice, stored row after row or column after column.
#[derive(Clone, Copy)]
pub struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    /// From one row to the next, or from one column to the next where `transposed`.
    stride: usize,
    transposed: bool,
}

impl<'a> Matrix<'a> {
    /// A matrix stored row after row, without gaps.
    pub fn new(data: &'a [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(data.len(), rows * columns, "a matrix of {rows} x {columns}");
        Self { data, rows, columns, stride: columns, transposed: false }
    }

    /// The transposed view of the same data.
    #[must_use]
    pub fn transposed(self) -> Self {
        Self { rows: self.columns, columns: self.rows, transposed: !self.transposed, ..self }
    }

    /// The number of rows.
    pub fn n_rows(&self) -> usize {
        self.rows
    }

    /// The number of columns.
    pub fn n_columns(&self) -> usize {
        self.columns
    }

    /// `n` of its rows, from row `from` on.
    #[must_use]
    pub fn some_rows(self, from: usize, n: usize) -> Self {
        assert!(from + n <= self.rows, "rows {from} to {} of {}", from + n, self.rows);
        let skipped = if self.transposed { from } else { from * self.stride };
        Self { data: self.data.get(skipped..).unwrap_or_default(), rows: n, ..self }
    }

    /// `n` of its columns, from column `from` on.
    #[must_use]
    pub fn some_columns(self, from: usize, n: usize) -> Self {
        self.transposed().some_rows(from, n).transposed()
    }

    /// A row of a matrix that is stored row after row.
    #[inline(always)]
    pub fn row(&self, row: usize) -> &'a [f32] {
        assert!(!self.transposed, "rows are stored together");
        self.contiguous(row, 0, self.columns)
    }

    /// An element.
    #[inline(always)]
    pub fn get(&self, row: usize, column: usize) -> f32 {
        let (line, at) = if self.transposed { (column, row) } else { (row, column) };
        self.data[line * self.stride + at]
    }

    /// A contiguous run of `n` elements: of a row, or of a column if transposed.
    #[inline(always)]
    fn contiguous(&self, row: usize, at: usize, n: usize) -> &'a [f32] {
        &self.data[row * self.stride + at..][..n]
    }
}

/// Whether there are 32 vector registers, not 16.
#[inline(always)]
fn has_32_registers<S: Simd>() -> bool {
    S::F32_LANES == 16 || cfg!(target_arch = "aarch64")
}

/// NR: the number of columns of a register tile.
#[inline(always)]
fn nr<S: Simd>() -> usize {
    if has_32_registers::<S>() { 3 * S::F32_LANES } else { 2 * S::F32_LANES }
}

/// Rows divided into full tiles of MR rows and then edge tiles of fewer, with as little padding as possible.
#[derive(Clone, Copy)]
struct Tiles {
    full: usize,
    edge: usize,
    rows: usize,
}

impl Tiles {
    #[inline(always)]
    fn new<const MR: usize>(rows: usize) -> Self {
        let (full, rest) = (rows / MR, rows % MR);
        let (full, edge) = match rest {
            0 => (full, 0),
            // Two low ones for a high one and a rest.
            _ if full > 0 && MR + rest <= 2 * EDGE_MR => (full - 1, 2),
            _ if rest <= EDGE_MR => (full, 1),
            _ => (full + 1, 0),
        };
        Self { full, edge, rows: full * MR + edge * EDGE_MR }
    }

    /// Rows of all tiles.
    #[inline(always)]
    fn n_rows(self) -> usize {
        self.rows
    }

    /// Each tile's first row and height.
    #[inline(always)]
    fn iter<const MR: usize>(self) -> impl Iterator<Item = (usize, usize)> {
        let full = (0..self.full).map(|at| (at * MR, MR));
        full.chain((0..self.edge).map(move |at| (self.full * MR + at * EDGE_MR, EDGE_MR)))
    }
}

/// A left operand.
#[derive(Clone, Copy)]
enum Left<'a> {
    Packed(&'a PackedLeft),
    /// Stored row after row.
    Rows(Matrix<'a>),
}

impl Left<'_> {
    #[inline(always)]
    fn n_rows(self) -> usize {
        match self {
            Self::Packed(packed) => packed.rows,
            Self::Rows(a) => a.rows,
        }
    }

    #[inline(always)]
    fn k(self) -> usize {
        match self {
            Self::Packed(packed) => packed.k,
            Self::Rows(a) => a.columns,
        }
    }

    /// The tile of `height` rows from row `row` on.
    #[inline(always)]
    fn tile(&self, row: usize, height: usize) -> LeftTile<'_> {
        match self {
            Self::Packed(packed) => {
                let data = &packed.tiles[row * packed.k..][..height * packed.k];
                LeftTile { data, row_stride: 1, column_stride: height }
            }
            Self::Rows(a) => {
                let data = &a.data[row * a.stride..];
                LeftTile { data, row_stride: a.stride, column_stride: 1 }
            }
        }
    }
}

/// A right operand.
#[derive(Clone, Copy)]
enum Right<'a> {
    Packed(&'a Packed),
    /// Stored row after row.
    Rows(Matrix<'a>),
}

impl Right<'_> {
    fn k(self) -> usize {
        match self {
            Self::Packed(packed) => packed.k,
            Self::Rows(b) => b.rows,
        }
    }
}

struct Product<'a> {
    a: Left<'a>,
    b: Right<'a>,
    n: usize,
    accumulate: Accumulate<'a>,
    out: Target<'a>,
    /// The number of tiles, from the top of each panel, that are computed already.
    n_computed: usize,
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // With the width of `nr`, as many sums as the registers hold beside the operands.
        if has_32_registers::<S>() { self.run::<S, 8>(simd) } else { self.run::<S, 6>(simd) }
    }
}

impl Product<'_> {
    #[inline(always)]
    fn run<S: Simd, const MR: usize>(mut self, simd: S) {
        let tiles = Tiles::new::<MR>(self.a.n_rows());
        for from in (0..self.n).step_by(nr::<S>()) {
            let width = nr::<S>().min(self.n - from);
            match width.div_ceil(S::F32_LANES) {
                3 => self.panel::<S, MR, 3>(simd, tiles, from, width),
                2 => self.panel::<S, MR, 2>(simd, tiles, from, width),
                _ => self.panel::<S, MR, 1>(simd, tiles, from, width),
            }
        }
    }

    /// The product's columns from `from` on.
    #[inline(always)]
    fn panel<S: Simd, const MR: usize, const N: usize>(
        &mut self,
        simd: S,
        tiles: Tiles,
        from: usize,
        width: usize,
    ) {
        let k = self.a.k();
        let stride = N * S::F32_LANES;
        let copied;
        let mut next = None;
        let panel = match self.b {
            Right::Packed(packed) => {
                Panel { rows: &packed.panels[k * from..][..k * stride], stride, k }
            }
            Right::Rows(b) if width == stride => {
                // Lines far apart come one by one from the caches below: the next panel's are asked for
                // while this one is multiplied, some with each tile.
                next = b.data.get(from + width..).filter(|_| from + width < self.n);
                Panel { rows: &b.data[from..], stride: b.stride, k }
            }
            // Its last vectors would reach beyond the row.
            Right::Rows(b) => {
                copied = PackB(b.some_columns(from, width)).with_simd(simd);
                Panel { rows: &copied.panels, stride, k }
            }
        };
        let (n_tiles, following) = (tiles.full + tiles.edge, width.min(self.n - from - width));
        for (at, (row, height)) in tiles.iter::<MR>().enumerate().skip(self.n_computed) {
            if let (Some(next), Right::Rows(b)) = (next, self.b) {
                let rows = at * k / n_tiles..(at + 1) * k / n_tiles;
                prefetch(next, b.stride, rows, following);
            }
            let n_rows = height.min(self.a.n_rows() - row);
            let place = Place { row, n_rows, column: from, n_columns: width };
            let (left, accumulate) = (self.a.tile(row, height), self.accumulate);
            let out = &mut self.out;
            if height == MR {
                multiply_tile::<S, MR, N>(simd, left, panel, accumulate, place, out);
            } else {
                multiply_tile::<S, EDGE_MR, N>(simd, left, panel, accumulate, place, out);
            }
        }
    }
}

/// a · b into `product`, a matrix of a's rows and b's columns.
pub fn multiply(a: Matrix<'_>, b: Matrix<'_>, accumulate: Accumulate<'_>, product: Target<'_>) {
    // A few rows are read in place; many would touch more pages than the TLB holds.
    if b.transposed || b.rows > 128 {
        multiply_packed(a, &Packed::new(b), accumulate, product);
    } else {
        run(a, Right::Rows(b), b.columns, accumulate, product);
    }
}

/// The same with a right operand that was packed before.
pub fn multiply_packed(a: Matrix<'_>, b: &Packed, accumulate: Accumulate<'_>, product: Target<'_>) {
    run(a, Right::Packed(b), b.n, accumulate, product);
}

fn run(a: Matrix<'_>, b: Right<'_>, n: usize, accumulate: Accumulate<'_>, out: Target<'_>) {
    if a.transposed {
        let packed = PackedLeft::new(a);
        run_left(Left::Packed(&packed), b, n, accumulate, out);
    } else {
        run_left(Left::Rows(a), b, n, accumulate, out);
    }
}

fn run_left(a: Left<'_>, b: Right<'_>, n: usize, accumulate: Accumulate<'_>, mut out: Target<'_>) {
    assert_eq!(a.k(), b.k(), "columns of the left are rows of the right");
    if a.k() > 0 {
        return with(Product { a, b, n, accumulate, out, n_computed: 0 });
    }
    let rows = 0..a.n_rows();
    // Not matched for each row: the compiler would check the length of a bias before the loop, also where there is none.
    match accumulate {
        Accumulate::Add => {}
        Accumulate::Overwrite => {
            for row in rows {
                out.row(row, 0, n).fill(0.0);
            }
        }
        Accumulate::AddBias(bias) => {
            for row in rows {
                out.row(row, 0, n).copy_from_slice(bias);
            }
        }
    }
}

/// The same as [`multiply_packed`] on all threads, in fixed blocks of the product's rows.
pub fn multiply_in_blocks(
    a: Matrix<'_>,
    b: &Packed,
    accumulate: Accumulate<'_>,
    product: Target<'_>,
) {
    let m = a.rows;
    if b.n == 0 || m == 0 {
        return;
    }
    // About an eighth of the rows, in low tiles: a function of the side alone, never of the threads.
    let rows = m.div_ceil(8).next_multiple_of(EDGE_MR);
    product.by_rows(rows, m.div_ceil(rows)).into_par_iter().enumerate().for_each(|(block, out)| {
        let first = block * rows;
        multiply_packed(a.some_rows(first, rows.min(m - first)), b, accumulate, out);
    });
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "products of whole numbers are exact")]
mod tests {
    use super::*;

    fn data(n: usize, salt: usize) -> Vec<f32> {
        (0..n).map(|at| ((at * 7 + salt * 13) % 11) as f32 - 5.0).collect()
    }

    #[test]
    fn products_follow_the_definition() {
        for (m, n, k) in [
            (1, 1, 1),
            (3, 5, 2),
            (17, 33, 9),
            (40, 7, 1),
            (5, 4, 0),
            (4, 5, 0),
            (130, 3, 20),
            (3, 400, 20),
            (9, 48, 7),
            (14, 96, 130),
        ] {
            let (a, b) = (data(m * k, 1), data(k * n, 2));
            let expected: Vec<f32> = (0..m * n)
                .map(|at| (0..k).map(|l| a[at / n * k + l] * b[l * n + at % n]).sum())
                .collect();
            let mut product = vec![f32::NAN; m * n];
            let (a, b) = (Matrix::new(&a, m, k), Matrix::new(&b, k, n));
            multiply(a, b, Accumulate::Overwrite, Target::new(&mut product, n));
            assert_eq!(product, expected, "{m} x {k} x {n}");
            multiply(a, b, Accumulate::Add, Target::new(&mut product, n));
            assert_eq!(product, expected.iter().map(|x| 2.0 * x).collect::<Vec<_>>());
            let bias = data(n, 3);
            multiply(a, b, Accumulate::AddBias(&bias), Target::new(&mut product, n));
            let biased = expected.iter().enumerate().map(|(at, x)| x + bias[at % n]);
            assert_eq!(product, biased.collect::<Vec<_>>());
            let b = Packed::by_all_threads(b);
            multiply_in_blocks(a, &b, Accumulate::Overwrite, Target::new(&mut product, n));
            assert_eq!(product, expected, "{m} x {k} x {n} in blocks");
        }
    }

    #[test]
    fn a_right_operand_that_is_stored_column_after_column_gives_the_same_product() {
        for (m, n, k) in [(3, 5, 33), (9, 50, 130), (2, 97, 64), (1, 1, 32)] {
            let (a, b) = (data(m * k, 1), data(n * k, 2));
            let expected: Vec<f32> = (0..m * n)
                .map(|at| (0..k).map(|l| a[at / n * k + l] * b[at % n * k + l]).sum())
                .collect();
            let b = Matrix::new(&b, n, k).transposed();
            for packed in [Packed::new(b), Packed::by_all_threads(b)] {
                let mut product = vec![f32::NAN; m * n];
                let target = Target::new(&mut product, n);
                multiply_packed(Matrix::new(&a, m, k), &packed, Accumulate::Overwrite, target);
                assert_eq!(product, expected, "{m} x {k} x {n}");
            }
        }
    }

    #[test]
    fn transposing_swaps_rows_and_columns() {
        let a = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let mut product = [0.0; 9];
        let a = Matrix::new(&a, 2, 3);
        multiply(a.transposed(), a, Accumulate::Overwrite, Target::new(&mut product, 3));
        assert_eq!(product, [17.0, 22.0, 27.0, 22.0, 29.0, 36.0, 27.0, 36.0, 45.0]);
        let b = Packed::by_all_threads(a);
        multiply_in_blocks(a.transposed(), &b, Accumulate::Overwrite, Target::new(&mut product, 3));
        assert_eq!(product[1], 22.0);
    }

    #[test]
    fn products_in_blocks_equal_the_whole_product() {
        for (m, n, k) in [(150, 9, 5), (9, 500, 5)] {
            let (a, b) = (data(m * k, 1), data(k * n, 2));
            let (a, b) = (Matrix::new(&a, k, m), Matrix::new(&b, n, k));
            let mut whole = vec![f32::NAN; m * n];
            let target = Target::new(&mut whole, n);
            multiply(a.transposed(), b.transposed(), Accumulate::Overwrite, target);
            let mut blocks = vec![f32::NAN; m * n];
            let target = Target::new(&mut blocks, n);
            let b = Packed::by_all_threads(b.transposed());
            multiply_in_blocks(a.transposed(), &b, Accumulate::Overwrite, target);
            assert_eq!(blocks, whole);
        }
    }
}
