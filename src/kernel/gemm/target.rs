//! Where products are written. Threads that compute different columns of one matrix write to the same rows, which slices
//! cannot express: a target is a pointer with the columns that it may write.

use std::marker::PhantomData;

/// How a product is combined with the previous contents of its target.
#[derive(Clone, Copy)]
pub enum Accumulate<'a> {
    /// The product overwrites them.
    Overwrite,
    /// The product is added to them.
    Add,
    /// The product plus this row of biases, added to each of its rows, overwrites them.
    AddBias(&'a [f32]),
}

/// Where a product is written: its rows lie `stride` apart, as some columns of a wider matrix do.
///
/// **Invariant:** the elements that it may write, start + row·stride + column for column < columns below `len`, lie in one
/// slice, and no other target, slice or reference reaches them.
pub struct Target<'a> {
    /// The first row's first column.
    start: *mut f32,
    /// Elements from there to the end of the slice, or to the next part of its rows.
    len: usize,
    stride: usize,
    columns: usize,
    slice: PhantomData<&'a mut [f32]>,
}

// SAFETY: by the invariant it is what a `&mut` slice of its elements would be.
#[expect(unsafe_code, reason = "a pointer is not sent by itself")]
unsafe impl Send for Target<'_> {}

impl<'a> Target<'a> {
    /// A matrix of so many columns, or its columns from 0 on; for later ones `data` begins there.
    pub fn new(data: &'a mut [f32], stride: usize) -> Self {
        let (start, len) = (data.as_mut_ptr(), data.len());
        Self { start, len, stride, columns: stride, slice: PhantomData }
    }

    /// From one row to the next.
    #[inline(always)]
    pub(super) fn stride(&self) -> usize {
        self.stride
    }

    /// Its first n columns in parts of `width` columns, the last of which may have fewer.
    pub fn by_columns(self, n: usize, width: usize) -> Vec<Self> {
        assert!(n <= self.columns, "{n} of {} columns", self.columns);
        let part = |from: usize| {
            let columns = width.min(n - from);
            let len = self.len.saturating_sub(from);
            Self { start: self.start.wrapping_add(from), len, columns, ..self }
        };
        (0..n).step_by(width).map(part).collect()
    }

    /// Its rows in `n_parts` parts of so many rows, the last of which may have fewer.
    pub(super) fn by_rows(self, rows: usize, n_parts: usize) -> Vec<Self> {
        let size = rows * self.stride;
        let part = |part: usize| {
            let rest = self.len.saturating_sub(part * size);
            let len = if part + 1 < n_parts { rest.min(size) } else { rest };
            Self { start: self.start.wrapping_add(part * size), len, ..self }
        };
        (0..n_parts).map(part).collect()
    }

    /// Some columns of a row.
    #[inline(always)]
    #[expect(unsafe_code, reason = "columns of a row that other threads write to")]
    pub(super) fn row(&mut self, row: usize, from: usize, width: usize) -> &mut [f32] {
        let start = self.tile(row, 1, from, width);
        // SAFETY: within the slice (asserted by `tile`), and nothing else reaches these columns (the invariant).
        unsafe { std::slice::from_raw_parts_mut(start, width) }
    }

    /// The first of some columns of at least one row, all of which it may write.
    #[inline(always)]
    pub(super) fn tile(
        &mut self,
        row: usize,
        n_rows: usize,
        from: usize,
        width: usize,
    ) -> *mut f32 {
        assert!(from + width <= self.columns, "columns of the target");
        assert!((row + n_rows - 1) * self.stride + from + width <= self.len, "rows of the target");
        self.start.wrapping_add(row * self.stride + from)
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "whole numbers are exact")]
mod tests {
    use rayon::prelude::*;

    use super::*;

    /// Writes 10 × row + column, counted from `from`, to all columns of a target of three rows.
    fn fill(mut target: Target<'_>, from: usize, width: usize) {
        for row in 0..3 {
            for (column, to) in target.row(row, 0, width).iter_mut().enumerate() {
                *to = (10 * row + from + column) as f32;
            }
        }
    }

    #[test]
    fn parts_of_columns_are_written_at_the_same_time_and_no_others() {
        // Three rows of seven columns, of which the first five are written.
        let mut data = [-1.0; 21];
        let parts = Target::new(&mut data, 7).by_columns(5, 2);
        assert_eq!(parts.len(), 3);
        parts.into_par_iter().enumerate().for_each(|(at, part)| {
            fill(part, 2 * at, if at == 2 { 1 } else { 2 });
        });
        for (row, data) in data.chunks_exact(7).enumerate() {
            let first = (10 * row) as f32;
            assert_eq!(
                data,
                [0.0, 1.0, 2.0, 3.0, 4.0, -1.0 - first, -1.0 - first].map(|x| x + first)
            );
        }
    }

    #[test]
    fn parts_of_rows_end_where_the_next_one_begins() {
        let mut data = [0.0; 10];
        let mut parts = Target::new(&mut data, 2).by_rows(2, 3);
        parts[0].row(1, 0, 2).fill(1.0);
        parts[1].row(0, 1, 1).fill(2.0);
        parts[2].row(0, 0, 2).fill(3.0);
        assert_eq!(data, [0.0, 0.0, 1.0, 1.0, 0.0, 2.0, 0.0, 0.0, 3.0, 3.0]);
    }

    #[test]
    #[should_panic(expected = "rows of the target")]
    fn a_row_of_the_next_part_is_refused() {
        let mut data = [0.0; 10];
        Target::new(&mut data, 2).by_rows(2, 3)[0].row(2, 0, 1).fill(0.0);
    }

    #[test]
    #[should_panic(expected = "columns of the target")]
    fn a_column_of_the_next_part_is_refused() {
        let mut data = [0.0; 10];
        Target::new(&mut data, 5).by_columns(5, 2)[0].row(0, 2, 1).fill(0.0);
    }
}
