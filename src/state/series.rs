//! A curve that thins itself: bounded however long the run, and no spike is ever lost.
//!
//! Points fall into buckets of equally many steps, and a bucket keeps its least and greatest
//! value. When there are too many buckets, each two neighbours become one of twice the width.
//! The width can double 64 times at most, so a point costs constant time over a run.

use crate::protocol::Step;

/// Buckets that a series holds at most; more than any terminal has columns.
const MOST_BUCKETS: usize = 4096;

/// One number over the steps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    buckets: Vec<Bucket>,
    /// A bucket holds the steps of equal `step >> width_log2`.
    width_log2: u32,
}

/// What is known of a few steps in a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    /// The first step with a point in it.
    pub first: Step,
    /// The last one.
    pub last: Step,
    /// The least value.
    pub min: f32,
    /// The greatest.
    pub max: f32,
    sum: f64,
    count: u64,
}

impl Bucket {
    /// The mean of its points.
    pub fn mean(&self) -> f32 {
        (self.sum / self.count as f64) as f32
    }

    fn merge(&mut self, later: &Self) {
        self.last = later.last;
        self.min = self.min.min(later.min);
        self.max = self.max.max(later.max);
        self.sum += later.sum;
        self.count += later.count;
    }
}

impl Series {
    /// The curve, oldest first.
    pub fn buckets(&self) -> &[Bucket] {
        &self.buckets
    }

    /// Steps that a bucket spans.
    pub fn width(&self) -> u64 {
        1 << self.width_log2
    }

    pub(super) fn push(&mut self, step: Step, value: f32) {
        let sum = f64::from(value);
        self.put(Bucket { first: step, last: step, min: value, max: value, sum, count: 1 });
        while self.buckets.len() > MOST_BUCKETS {
            self.width_log2 += 1;
            for bucket in std::mem::take(&mut self.buckets) {
                self.put(bucket);
            }
        }
    }

    /// Drops what came after a step. A bucket that had begun by then stays whole, since its
    /// points are no longer told apart.
    pub(super) fn rewind(&mut self, to: Step) {
        self.buckets.retain(|bucket| bucket.first <= to);
        if let Some(bucket) = self.buckets.last_mut() {
            bucket.last = bucket.last.min(to);
        }
    }

    /// Steps come in order; one that does not is kept with the latest.
    fn put(&mut self, bucket: Bucket) {
        match self.buckets.last_mut() {
            Some(last) if bucket.first.0 >> self.width_log2 <= last.first.0 >> self.width_log2 => {
                last.merge(&bucket);
            }
            _ => self.buckets.push(bucket),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_short_curve_keeps_every_point() {
        let mut series = Series::default();
        (1..=4096).for_each(|step| series.push(Step(step), step as f32));
        assert_eq!((series.buckets().len(), series.width()), (4096, 1));
        series.push(Step(4097), 1.0);
        assert_eq!(series.width(), 2);
        let bucket = &series.buckets()[1];
        assert_eq!((bucket.first, bucket.last), (Step(2), Step(3)));
        let values = [bucket.min, bucket.mean(), bucket.max];
        assert_eq!(values.map(f32::to_bits), [2.0, 2.5, 3.0].map(f32::to_bits));
    }

    #[test]
    fn steps_far_apart_stay_bounded_too() {
        let mut series = Series::default();
        (0..10_000).for_each(|point| series.push(Step(point << 40), 1.0));
        assert!(series.buckets().len() <= MOST_BUCKETS);
    }

    #[test]
    fn rewinding_drops_what_came_later() {
        let mut series = Series::default();
        (1..=10).for_each(|step| series.push(Step(step), step as f32));
        series.rewind(Step(4));
        assert_eq!(series.buckets().len(), 4);
        series.push(Step(5), 50.0);
        assert_eq!(series.buckets().last().map(|bucket| bucket.max), Some(50.0));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn a_spike_never_vanishes(n_points in 1u64..40_000, spike in 0u64..40_000) {
            let spike = spike % n_points;
            let mut series = Series::default();
            for point in 0..n_points {
                series.push(Step(point), if point == spike { 99.0 } else { 1.0 });
            }
            prop_assert!(series.buckets().len() <= MOST_BUCKETS);
            let spiked: Vec<_> = series.buckets().iter().filter(|b| b.max > 98.0).collect();
            prop_assert_eq!(spiked.len(), 1);
            prop_assert!(spiked[0].first.0 <= spike && spike <= spiked[0].last.0);
            let count: u64 = series.buckets().iter().map(|bucket| bucket.count).sum();
            prop_assert_eq!(count, n_points);
        }
    }
}
