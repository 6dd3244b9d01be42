//! The losses of one objective, aggregated by column of the plot. The cost depends on the number of
//! columns, not on the length of the run.

use super::axis::Axis;
use crate::{
    protocol::Step,
    state::{Bucket, Series},
};

/// Points further apart than this multiple of the usual distance are not connected.
pub(super) const FAR: f32 = 12.0;

/// Buckets are at least this many times finer than columns, where such fine buckets are kept. A
/// bucket that crosses an edge counts in both columns.
const FINER: u64 = 2;

/// The values of one curve in a column.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Column {
    /// The minimum and maximum loss.
    pub(super) range: Option<(f32, f32)>,
    /// The smoothed value at the last step.
    pub(super) point: Option<f32>,
    /// No line connects this column to an earlier one.
    pub(super) starts: bool,
    /// The curve has a gap in this column, or just before it: the column has no line.
    pub(super) is_broken: bool,
}

impl Column {
    fn add(&mut self, bucket: &Bucket) {
        self.widen(bucket.min, bucket.max);
        self.is_broken |= bucket.has_gap;
    }

    fn widen(&mut self, min: f32, max: f32) {
        let (least, largest) = self.range.unwrap_or((min, max));
        let least = if min < least { min } else { least };
        let largest = if max > largest { max } else { largest };
        self.range = Some((least, largest));
    }
}

/// Fills `columns` with the values of a few steps, oldest first: each column has its last one.
pub(super) fn fill_points(
    columns: &mut [Column],
    points: impl Iterator<Item = (Step, f32)>,
    axis: &Axis,
) {
    for (step, value) in points {
        if let Some(column) = axis.column(step).and_then(|at| columns.get_mut(at)) {
            column.widen(value, value);
            column.point = Some(value);
        }
    }
}

/// Fills `columns`, one per column of the axis, with a curve smoothed by the entry `smoothing` of
/// [`ALPHAS`](crate::state::ALPHAS).
pub(super) fn fill(columns: &mut [Column], series: &Series, axis: &Axis, smoothing: usize) {
    let n = axis.n_columns();
    let edges = axis.edges();
    if n == 0 {
        return;
    }
    let (from, to) = axis.ends();
    let width = (to.0 - from.0) / (n as u64 * FINER);
    let far = series.spacing() * FAR;
    // The last column is unbounded: a bucket that extends beyond it counts in it.
    let end_of = |column: usize| if column + 1 < n { edges[column + 1] } else { u64::MAX };
    let (mut column, mut next) = (0, end_of(0));
    // The last step of the previous bucket, and its column.
    let mut before: Option<(u64, usize)> = None;
    // `for_each` is considerably faster than `for` over such a chain of iterators, and every frame
    // has thousands of buckets.
    series.buckets(from, to, width).for_each(|bucket| {
        while next <= bucket.first.0 && column + 1 < n {
            column += 1;
            next = end_of(column);
        }
        let first = column;
        columns[column].add(bucket);
        while next <= bucket.last.0 && column + 1 < n {
            column += 1;
            next = end_of(column);
            columns[column].add(bucket);
        }
        let here = &mut columns[column];
        here.point = bucket.smoothed.get(smoothing).copied().filter(|x| x.is_finite());
        if let Some((step, there)) = before {
            let is_far = bucket.first.0.saturating_sub(step) as f32 > far && first > there + 2;
            if bucket.after_gap || is_far {
                here.starts = true;
                // A short gap is shown too.
                here.is_broken |= bucket.after_gap && column - there <= axis.per();
            }
        }
        before = Some((bucket.last.0, column));
    });
    for cell in columns.chunks_mut(axis.per()) {
        if cell.iter().any(|column| column.is_broken) {
            for column in cell {
                column.is_broken = true;
            }
        }
    }
}
