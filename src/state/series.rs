//! A curve that is downsampled with age: its memory is bounded for any length of run, and no spike
//! is lost.
//!
//! Points are aggregated into buckets of equally many steps; a bucket has the minimum, the maximum
//! and the smoothed values at its end. There is one level per power of two: the buckets of level k
//! span 2^k steps, and a level keeps its latest 4096. So the last 4096 steps are kept point by
//! point, and the whole run at every bucket width from the smallest at which it fits up to that of
//! a few hundred buckets. A point costs one merge per level.
//!
//! Smoothing includes every point, before downsampling, for each of [`ALPHAS`].

use std::collections::VecDeque;

use super::Smoothed;
use crate::protocol::Step;

/// The maximum number of buckets in a level; more than any terminal has columns.
const MOST_BUCKETS: usize = 4096;

/// The maximum number of buckets in the widest level. A chart of the whole run has at most this
/// many columns, and should not have to process more.
const FEW_BUCKETS: usize = 512;

/// The smoothing coefficients; the first one gives the raw values.
pub const ALPHAS: [f64; 4] = [1.0, 0.1, 0.02, 0.005];

/// The index of the fast moving average.
pub const QUICK: usize = 1;

/// The index of the one used in reports and strips.
pub const USUAL: usize = 2;

const _: () = assert!(ALPHAS[USUAL] == Smoothed::ALPHA);

/// One quantity over the steps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    levels: Vec<Level>,
    smoothed: [Smoothed; ALPHAS.len()],
    /// The number of points, and the step of the first one: they give the usual distance.
    count: u64,
    first: Step,
    /// There is a gap before the next point.
    is_broken: bool,
}

/// The buckets of one width, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
struct Level {
    buckets: VecDeque<Bucket>,
}

/// The aggregate of a range of steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    /// The first step that has a point.
    pub first: Step,
    /// The last step that has a point.
    pub last: Step,
    /// The minimum.
    pub min: f32,
    /// The maximum.
    pub max: f32,
    /// The smoothed values after its last point, in the order of [`ALPHAS`].
    pub smoothed: [f32; ALPHAS.len()],
    /// There is a gap before its first point: a loss was non-finite, or the strip was muted.
    pub after_gap: bool,
    /// There is a gap inside.
    pub has_gap: bool,
}

impl Bucket {
    fn merge(&mut self, later: &Self) {
        self.last = self.last.max(later.last);
        self.min = self.min.min(later.min);
        self.max = self.max.max(later.max);
        self.smoothed = later.smoothed;
        self.has_gap |= later.after_gap | later.has_gap;
    }
}

impl Series {
    /// The buckets of steps in `[from, to]`, oldest first, with the finest width that is kept for
    /// the whole range, but at least `width` steps.
    pub fn buckets(
        &self,
        from: Step,
        to: Step,
        width: u64,
    ) -> impl DoubleEndedIterator<Item = &Bucket> {
        let finest = width.max(1).ilog2() as usize;
        let from = from.max(self.first);
        let level = (finest..self.levels.len())
            .find(|&level| self.levels[level].reaches(from))
            .or_else(|| self.levels.len().checked_sub(1));
        let buckets = level.map(|level| &self.levels[level].buckets);
        let start = buckets.map_or(0, |buckets| buckets.partition_point(|b| b.last < from));
        let end = buckets.map_or(0, |buckets| buckets.partition_point(|b| b.first <= to));
        buckets.into_iter().flat_map(move |buckets| buckets.range(start..end.max(start)))
    }

    /// The bucket that contains a step, or the last one before it, at the finest width that is
    /// kept.
    pub fn at(&self, step: Step) -> Option<&Bucket> {
        self.levels.iter().find_map(|level| {
            let place = level.buckets.partition_point(|bucket| bucket.first <= step);
            level.buckets.get(place.checked_sub(1)?)
        })
    }

    /// The step of the last point.
    pub fn last_step(&self) -> Option<Step> {
        self.levels.first()?.buckets.back().map(|bucket| bucket.last)
    }

    /// The usual number of steps between points.
    pub fn spacing(&self) -> f32 {
        let span = self.last_step().map_or(0, |last| last.0.saturating_sub(self.first.0));
        if self.count > 1 { span as f32 / (self.count - 1) as f32 } else { 1.0 }
    }

    /// The smoothed values after the last point; `None` before the first.
    pub fn last_smoothed(&self) -> Option<[f32; ALPHAS.len()]> {
        (self.count > 0).then(|| self.smoothed.map(Smoothed::mean))
    }

    /// Begins a gap: the next point is not connected to the previous one.
    pub(super) fn interrupt(&mut self) {
        self.is_broken = self.count > 0;
    }

    pub(super) fn push(&mut self, step: Step, value: f32) {
        for (smoothed, alpha) in self.smoothed.iter_mut().zip(ALPHAS) {
            smoothed.push(value, alpha);
        }
        if self.count == 0 {
            self.first = step;
        }
        self.count = self.count.saturating_add(1);
        let after_gap = std::mem::take(&mut self.is_broken);
        let smoothed = self.smoothed.map(Smoothed::mean);
        let (first, last, min, max) = (step, step, value, value);
        let bucket = Bucket { first, last, min, max, smoothed, after_gap, has_gap: false };
        if self.levels.is_empty() {
            self.levels.push(Level::default());
        }
        for (level, width_log2) in self.levels.iter_mut().zip(0..) {
            level.put(bucket, width_log2);
        }
        // The widest level is never trimmed, so that it has the whole curve.
        let has_many = |level: &&Level| level.buckets.len() > FEW_BUCKETS;
        while let Some(widest) = self.levels.last().filter(has_many) {
            let wider = widest.widened(self.levels.len() as u32);
            self.levels.push(wider);
        }
    }

    /// Removes points after a step. A bucket that begins at or before it is kept as a whole, since
    /// its points can no longer be separated.
    pub(super) fn rewind(&mut self, to: Step) {
        for level in &mut self.levels {
            level.buckets.truncate(level.buckets.partition_point(|bucket| bucket.first <= to));
            if let Some(bucket) = level.buckets.back_mut() {
                bucket.last = bucket.last.min(to);
            }
        }
        let Some(last) = self.at(to).copied() else {
            *self = Self::default();
            return;
        };
        // The smoothed values continue from there as if with a long history.
        self.smoothed = last.smoothed.map(Smoothed::at);
        let spacing = self.spacing();
        let n_intervals = (last.last.0 - self.first.0) as f32 / spacing.max(1.0);
        self.count = (n_intervals as u64).saturating_add(1);
        self.is_broken = false;
    }
}

impl Level {
    /// Steps are in ascending order; a point that is not is merged into the latest bucket.
    fn put(&mut self, bucket: Bucket, width_log2: u32) {
        match self.buckets.back_mut() {
            Some(last) if bucket.first.0 >> width_log2 <= last.first.0 >> width_log2 => {
                last.merge(&bucket);
            }
            _ => {
                // Removed first: pushing to a full queue would double its capacity.
                if self.buckets.len() == MOST_BUCKETS {
                    self.buckets.pop_front();
                }
                self.buckets.push_back(bucket);
            }
        }
    }

    fn widened(&self, width_log2: u32) -> Self {
        let mut wider = Self::default();
        for bucket in &self.buckets {
            wider.put(*bucket, width_log2);
        }
        wider
    }

    /// Whether no bucket from this step on has been trimmed.
    fn reaches(&self, from: Step) -> bool {
        self.buckets.front().is_some_and(|oldest| oldest.first <= from)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn series(steps: impl IntoIterator<Item = u64>, value: impl Fn(u64) -> f32) -> Series {
        let mut series = Series::default();
        steps.into_iter().for_each(|step| series.push(Step(step), value(step)));
        series
    }

    fn between(series: &Series, from: u64, to: u64, width: u64) -> Vec<Bucket> {
        series.buckets(Step(from), Step(to), width).copied().collect()
    }

    #[test]
    fn a_short_curve_keeps_every_point_and_widths_are_powers_of_two() {
        let series = series(1..=4097, |step| step as f32);
        assert_eq!(between(&series, 2, 4097, 1).len(), 4096);
        let pairs = between(&series, 0, 9999, 3);
        assert_eq!((pairs[1].first, pairs[1].last), (Step(2), Step(3)));
        assert_eq!((pairs[1].min, pairs[1].max), (2.0, 3.0));
        assert_eq!(pairs[1].smoothed[0], 3.0);
    }

    #[test]
    fn older_buckets_are_wider() {
        let series = series(0..100_000, |step| step as f32);
        assert_eq!(between(&series, 99_000, 99_009, 1).len(), 10);
        assert_eq!(between(&series, 96_000, 96_009, 1).len(), 10);
        let old = between(&series, 0, 100, 1);
        assert_eq!((old[0].first, old[0].last), (Step(0), Step(31)));
        assert!(between(&series, 0, 99_999, 1).len() <= MOST_BUCKETS);
        assert!(between(&series, 0, 99_999, 1000).len() <= FEW_BUCKETS);
        assert_eq!(series.at(Step(99_500)).unwrap().max, 99_500.0);
        assert_eq!(series.at(Step(0)).unwrap().min, 0.0);
    }

    #[test]
    fn distant_steps_are_bounded_too() {
        let series = series((0..10_000).map(|point| point << 40), |_| 1.0);
        assert!(between(&series, 0, u64::MAX, 1).len() <= MOST_BUCKETS);
        assert!((series.spacing() / (1u64 << 40) as f32 - 1.0).abs() < 1e-3);
    }

    #[test]
    fn a_curve_records_its_gaps() {
        let mut series = series(1..=3, |_| 1.0);
        series.interrupt();
        (4..=6).for_each(|step| series.push(Step(step), 2.0));
        let gaps = |buckets: Vec<Bucket>| -> Vec<_> {
            buckets.iter().map(|bucket| (bucket.after_gap, bucket.has_gap)).collect()
        };
        let single = gaps(between(&series, 1, 6, 1));
        assert_eq!(single.iter().position(|gap| gap.0), Some(3));
        // A wider bucket that contains both sides: 2..3, 4..5, 6.
        (7..=5000).for_each(|step| series.push(Step(step), 2.0));
        assert_eq!(gaps(between(&series, 1, 6, 2))[2], (true, false));
        (5001..=9000).for_each(|step| series.push(Step(step), 2.0));
        assert_eq!(gaps(between(&series, 0, 8, 4))[..2], [(false, false), (true, false)]);
    }

    #[test]
    fn rewinding_drops_later_points() {
        let mut series = series(1..=10, |step| step as f32);
        series.rewind(Step(4));
        assert_eq!(between(&series, 0, 99, 1).len(), 4);
        series.push(Step(5), 50.0);
        assert_eq!(series.at(Step(9)).map(|bucket| bucket.max), Some(50.0));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// A trainer's steps ascend, except when rewound; a journal may have any order.
        #[test]
        fn steps_in_any_order_give_ordered_buckets(
            moves in prop::collection::vec(
                (prop_oneof![0u64..20, any::<u64>()], any::<bool>()),
                0..40,
            ),
        ) {
            let mut series = Series::default();
            for (step, is_rewind) in moves {
                if is_rewind {
                    series.rewind(Step(step));
                } else {
                    series.push(Step(step), 1.0);
                }
                let buckets = between(&series, 0, u64::MAX, 1);
                prop_assert!(buckets.iter().all(|bucket| bucket.first <= bucket.last));
                prop_assert!(buckets.windows(2).all(|pair| pair[0].last < pair[1].first));
                prop_assert!(series.spacing() >= 0.0);
            }
        }

        #[test]
        fn a_spike_never_vanishes(n_points in 1u64..40_000, spike in 0u64..40_000, width in 1u64..600) {
            let spike = spike % n_points;
            let series = series(0..n_points, |step| if step == spike { 99.0 } else { 1.0 });
            let buckets = between(&series, 0, n_points, width);
            prop_assert!(buckets.len() <= MOST_BUCKETS);
            let spiked: Vec<_> = buckets.iter().filter(|b| b.max > 98.0).collect();
            prop_assert_eq!(spiked.len(), 1);
            prop_assert!(spiked[0].first.0 <= spike && spike <= spiked[0].last.0);
            let steps: u64 = buckets.iter().map(|b| b.last.0 - b.first.0 + 1).sum();
            prop_assert_eq!(steps, n_points);
        }
    }
}
