//! The chart's y axis: the row of each value, and the labels of the rows.
//!
//! The limits are rounded outwards to a grid that depends on their distance, so that they do not
//! move while values change a little. Computed in `f64`, in which the distance of any two `f32` is
//! finite.

use super::number;

/// log10(2).
const DECADES: f64 = std::f64::consts::LOG10_2;

/// The maximum width of a label, in columns.
pub(super) const LABEL: usize = 5;

/// Maps values to rows; row 0 is at the top.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    is_log: bool,
    /// The limits: values, or their decimal logarithms.
    lo: f64,
    hi: f64,
    rows: usize,
    /// Rows per unit.
    rows_per: f64,
}

impl Scale {
    /// A scale of `rows` rows for values from `least` to `largest`, which are positive if it is
    /// logarithmic.
    pub(super) fn new(is_log: bool, least: f32, largest: f32, rows: usize) -> Self {
        let [least, largest] = [least.min(largest), largest.max(least)];
        let (lo, hi) = if is_log { log_ends(least, largest) } else { ends(least, largest) };
        let rows = rows.max(1);
        Self { is_log, lo, hi, rows, rows_per: (rows - 1) as f64 / (hi - lo) }
    }

    /// The row of a value; values beyond the limits are in the row at the edge. On a logarithmic
    /// scale, values without a logarithm are below the bottom.
    pub(super) fn row(&self, value: f32) -> usize {
        self.row_at(self.at(value).max(self.lo))
    }

    /// Whether a value is above the upper limit.
    pub(super) fn is_above(&self, value: f32) -> bool {
        self.at(value) > self.hi
    }

    /// Whether a value is below the lower limit.
    pub(super) fn is_below(&self, value: f32) -> bool {
        self.at(value) < self.lo
    }

    /// A value, or its decimal logarithm.
    fn at(&self, value: f32) -> f64 {
        match self.is_log {
            true if value <= 0.0 => f64::NEG_INFINITY,
            true => f64::from(value.log2()) * DECADES,
            false => f64::from(value),
        }
    }

    fn row_at(&self, at: f64) -> usize {
        // Rounds to the nearest row; the cast turns values above the top into row 0.
        let row = ((self.hi - at) * self.rows_per + 0.5) as usize;
        row.min(self.rows - 1)
    }

    /// Round values to label, with their rows from the top; there are `per` rows per cell, and
    /// labels are at least `apart` cells apart. As many as fit, evenly spaced.
    pub(super) fn ticks(&self, per: usize, apart: usize) -> Vec<(usize, String)> {
        let mut best = Vec::new();
        for candidates in self.candidates() {
            let ticks = self.placed(&candidates, per);
            let is_loose = ticks.windows(2).all(|pair| pair[0].0 >= pair[1].0 + apart);
            let is_short = ticks.iter().all(|tick| tick.1.len() <= LABEL);
            if is_loose && is_short && ticks.len() > best.len() {
                best = ticks;
            }
        }
        best
    }

    fn placed(&self, candidates: &[(i64, i32)], per: usize) -> Vec<(usize, String)> {
        let place = |&(m, e): &(i64, i32)| {
            let value = m as f64 * 10f64.powi(e);
            let at = if self.is_log { value.log10() } else { value };
            let slack = (self.hi - self.lo) * 1e-9;
            let is_inside = at >= self.lo - slack && at <= self.hi + slack;
            is_inside.then(|| (self.row_at(at) / per, number::round(m, e)))
        };
        candidates.iter().filter_map(place).collect()
    }

    /// Sets of round values, `m × 10^e`, in ascending order; the best set comes first.
    fn candidates(&self) -> Vec<Vec<(i64, i32)>> {
        let mut sets = Vec::new();
        if self.is_log {
            let decades = self.lo.floor() as i32..=self.hi.ceil() as i32;
            for times in [&[1, 2, 3, 4, 5, 6, 7, 8, 9][..], &[1, 2, 5], &[1, 3], &[1]] {
                let of_decade = |e: i32| times.iter().map(move |&m| (m, e));
                sets.push(decades.clone().flat_map(of_decade).collect());
            }
            for every in [2, 3, 5, 10, 20] {
                let is_kept = |e: &i32| e.rem_euclid(every) == 0;
                sets.push(decades.clone().filter(is_kept).map(|e| (1, e)).collect());
            }
            if self.hi - self.lo > 1.0 {
                return sets;
            }
        }
        let [lo, hi] = [self.lo, self.hi].map(|at| if self.is_log { 10f64.powf(at) } else { at });
        let (times, e) = round_step((hi - lo) / 20.0);
        let finer = [(1, 0), (2, 0), (5, 0), (1, 1), (2, 1), (5, 1), (1, 2)];
        for (m, more) in finer.into_iter().skip_while(|&(m, _)| m != times).take(5) {
            let step = m as f64 * 10f64.powi(e + more);
            let ks = (lo / step).ceil() as i64..=(hi / step).floor() as i64;
            sets.push(ks.take(64).map(|k| (k.saturating_mul(m), e + more)).collect());
        }
        sets
    }
}

/// The limits as decimal logarithms.
fn log_ends(least: f32, largest: f32) -> (f64, f64) {
    let [lo, hi] = [least, largest].map(|end| f64::from(end.max(f32::MIN_POSITIVE)).log10());
    let pad = if hi - lo < 0.02 { 0.1 } else { (hi - lo) * 0.01 };
    let (lo, hi) = (lo - pad, hi + pad);
    let span = hi - lo;
    let grid = match span {
        span if span > 8.0 => 1.0,
        span if span > 3.0 => 0.25,
        span => (span / 16.0).log2().floor().exp2(),
    };
    ((lo / grid).floor() * grid, (hi / grid).ceil() * grid)
}

fn ends(least: f32, largest: f32) -> (f64, f64) {
    let [lo, hi] = [least, largest].map(f64::from);
    let pad = match hi - lo {
        span if span <= lo.abs().max(hi.abs()) * 1e-6 => {
            if hi == 0.0 {
                1.0
            } else {
                hi.abs() * 0.1
            }
        }
        span => span * 0.01,
    };
    // The axis of losses that are never negative is not either.
    let floor = if lo >= 0.0 { (lo - pad).max(0.0) } else { lo - pad };
    let (times, e) = round_step((hi + pad - floor) / 16.0);
    let grid = times as f64 * 10f64.powi(e);
    ((floor / grid).floor() * grid, ((hi + pad) / grid).ceil() * grid)
}

/// The smallest of 1, 2 and 5 times a power of ten that is at least `least`, which is positive.
fn round_step(least: f64) -> (i64, i32) {
    let e = least.log10().floor() as i32;
    let part = least / 10f64.powi(e);
    match [1, 2, 5].into_iter().find(|&m| m as f64 >= part) {
        Some(m) => (m, e),
        None => (1, e + 1),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(scale: Scale, per: usize, apart: usize) -> Vec<String> {
        scale.ticks(per, apart).into_iter().map(|tick| tick.1).collect()
    }

    #[test]
    fn limits_are_rounded_outwards() {
        let scale = Scale::new(false, 0.12, 1.9, 41);
        assert_eq!((scale.lo, scale.hi), (0.0, 2.0));
        assert_eq!([2.0, 1.0, 0.0, -5.0, 9.0].map(|v| scale.row(v)), [0, 20, 40, 40, 0]);
        let scale = Scale::new(true, 0.1, 10.0, 21);
        assert!(scale.lo >= -1.13 && scale.hi <= 1.13, "{scale:?}");
        assert_eq!([scale.row(1.0), scale.row(0.0), scale.row(-1.0)], [10, 20, 20]);
    }

    #[test]
    fn a_slightly_larger_range_keeps_the_limits() {
        for is_log in [false, true] {
            let scale = Scale::new(is_log, 0.22, 2.02, 80);
            assert_eq!(scale, Scale::new(is_log, 0.223, 2.05, 80));
        }
    }

    #[test]
    fn one_value_is_in_the_middle() {
        for value in [0.7, -3.0, 3e38] {
            let scale = Scale::new(false, value, value, 80);
            assert!((20..60).contains(&scale.row(value)), "{value}: {scale:?}");
        }
        let scale = Scale::new(true, 0.7, 0.7, 80);
        assert!((20..60).contains(&scale.row(0.7)), "{scale:?}");
    }

    #[test]
    fn as_many_round_labels_are_shown_as_fit() {
        let log = Scale::new(true, 0.06, 3.9, 80);
        assert_eq!(labels(log, 4, 2), ["0.1", "0.2", "0.5", "1", "2"]);
        assert_eq!(labels(log, 4, 8), ["0.1", "1"]);
        let narrow = Scale::new(true, 0.32, 0.44, 40);
        assert_eq!(labels(narrow, 4, 2), ["0.35", "0.4"]);
        let linear = Scale::new(false, 0.0, 4.0, 40);
        assert_eq!(labels(linear, 4, 2), ["0", "1", "2", "3", "4"]);
        let huge = Scale::new(false, -3e38, 3e38, 40);
        assert!(labels(huge, 4, 2).contains(&"2e38".to_owned()), "{:?}", labels(huge, 4, 2));
        let wide = Scale::new(true, 1e-38, 3e38, 40);
        assert!(labels(wide, 4, 2).contains(&"1e20".to_owned()), "{:?}", labels(wide, 4, 2));
    }

    proptest! {
        #[test]
        fn any_two_values_have_a_scale(
            a in proptest::num::f32::NORMAL | proptest::num::f32::SUBNORMAL | proptest::num::f32::ZERO,
            b in proptest::num::f32::NORMAL,
            is_log: bool,
            rows in 0usize..200,
        ) {
            let [a, b] = if is_log { [a.abs(), b.abs()] } else { [a, b] };
            let scale = Scale::new(is_log, a, b, rows);
            prop_assert!(scale.lo.is_finite() && scale.hi.is_finite() && scale.lo < scale.hi);
            prop_assert!(scale.row(a.min(b)) >= scale.row(a.max(b)));
            for (row, text) in scale.ticks(4, 2) {
                prop_assert!(row <= rows / 4 && text.len() <= LABEL);
            }
        }
    }
}
