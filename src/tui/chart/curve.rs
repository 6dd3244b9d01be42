//! One objective's losses, thrown into the columns of a plot. Costs what the columns cost, however
//! long the run is.

use super::axis::Axis;
use crate::state::{Bucket, Series};

/// Points further apart than so many times the usual distance are not connected.
pub(super) const FAR: f32 = 12.0;

/// Buckets are at least so many times finer than columns, where they are kept so fine. One that lies
/// across an edge is in both columns.
const FINER: u64 = 2;

/// What a column has of one curve.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Column {
    /// The minimum and maximum loss.
    pub(super) range: Option<(f32, f32)>,
    /// The smoothed curve at the last step.
    pub(super) point: Option<f32>,
    /// The line does not come here from an earlier column.
    pub(super) starts: bool,
    /// The curve is interrupted within, or just before: the line leaves this column out.
    pub(super) is_broken: bool,
}

impl Column {
    fn add(&mut self, bucket: &Bucket) {
        let (least, largest) = self.range.unwrap_or((bucket.min, bucket.max));
        let least = if bucket.min < least { bucket.min } else { least };
        let largest = if bucket.max > largest { bucket.max } else { largest };
        self.range = Some((least, largest));
        self.is_broken |= bucket.has_gap;
    }
}

/// Fills `columns`, one for each of the axis, with a curve smoothed by a place of
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
    // The last column has no end: a bucket that goes beyond it is in there.
    let end_of = |column: usize| if column + 1 < n { edges[column + 1] } else { u64::MAX };
    let (mut column, mut next) = (0, end_of(0));
    // The last step of the bucket before, and its column.
    let mut before: Option<(u64, usize)> = None;
    // Not a `for`: a chain of iterators that is driven from within is a good deal faster, and some
    // thousand buckets go by here in every frame.
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
                // What was interrupted for a moment only still has a hole.
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
