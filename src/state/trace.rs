//! A quantity over the steps in few points: where they become too many, neighbors are merged into their mean. Unlike a
//! [`Series`](super::Series) it takes a few kilobytes, so that there can be one for each pair of objectives, and for each
//! objective under each rule.

use crate::protocol::Step;

/// The largest number of points: more than a panel has columns.
const MOST_POINTS: usize = 256;

/// See the module documentation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    points: Vec<TracePoint>,
    /// The number of values in each point but the last, a power of two.
    width: u64,
    last: Option<f32>,
}

/// The mean of some consecutive values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TracePoint {
    /// The step of the last of them.
    pub step: Step,
    /// Their mean.
    pub mean: f32,
    /// Their number.
    pub n_values: u64,
}

impl TracePoint {
    fn merge(&mut self, later: Self) {
        let n_values = self.n_values + later.n_values;
        let part = later.n_values as f32 / n_values as f32;
        self.mean += (later.mean - self.mean) * part;
        (self.step, self.n_values) = (later.step, n_values);
    }
}

impl Trace {
    /// The points, oldest first.
    pub fn points(&self) -> &[TracePoint] {
        &self.points
    }

    /// The last value.
    pub fn last(&self) -> Option<f32> {
        self.last
    }

    /// The number of values.
    pub fn count(&self) -> u64 {
        self.points.iter().map(|point| point.n_values).sum()
    }

    /// The mean of all values; `None` before the first.
    pub fn mean(&self) -> Option<f32> {
        let sum: f64 =
            self.points.iter().map(|point| f64::from(point.mean) * point.n_values as f64).sum();
        (self.count() > 0).then(|| (sum / self.count() as f64) as f32)
    }

    pub(super) fn push(&mut self, step: Step, value: f32) {
        self.last = Some(value);
        let point = TracePoint { step, mean: value, n_values: 1 };
        match self.points.last_mut() {
            Some(last) if last.n_values < self.width => last.merge(point),
            _ => self.points.push(point),
        }
        if self.points.len() > MOST_POINTS {
            let pair = |pair: &[TracePoint]| {
                let mut merged = pair[0];
                pair[1..].iter().for_each(|later| merged.merge(*later));
                merged
            };
            self.points = self.points.chunks(2).map(pair).collect();
            self.width = self.width.max(1).saturating_mul(2);
        }
    }

    /// Removes the points with values after a step.
    pub(super) fn rewind(&mut self, to: Step) {
        self.points.retain(|point| point.step <= to);
        self.last = self.points.last().map(|point| point.mean);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn points_are_few_and_their_mean_is_that_of_all_values(values in prop::collection::vec(-1.0..1.0f32, 1..3000)) {
            let mut trace = Trace::default();
            for (step, value) in (1..).zip(&values) {
                trace.push(Step(step), *value);
            }
            prop_assert!(trace.points().len() <= MOST_POINTS);
            prop_assert_eq!(trace.count(), values.len() as u64);
            prop_assert_eq!(trace.last(), values.last().copied());
            prop_assert_eq!(trace.points().last().unwrap().step, Step(values.len() as u64));
            let mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / values.len() as f64;
            prop_assert!((f64::from(trace.mean().unwrap()) - mean).abs() < 1e-5);
            prop_assert!(trace.points().windows(2).all(|pair| pair[0].step < pair[1].step));
        }
    }

    #[test]
    fn rewinding_removes_later_points() {
        let mut trace = Trace::default();
        (1..=9).for_each(|step| trace.push(Step(step), step as f32));
        trace.rewind(Step(4));
        assert_eq!((trace.count(), trace.last(), trace.mean()), (4, Some(4.0), Some(2.5)));
        trace.rewind(Step(0));
        assert_eq!((trace.last(), trace.mean()), (None, None));
    }
}
