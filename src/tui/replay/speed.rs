//! Playback speeds.

/// The available speeds, each about twice the previous one. All but the two slow ones are integers.
const SPEEDS: [f32; 13] =
    [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 125.0, 250.0, 500.0, 1000.0];

/// A playback speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speed(usize);

impl Speed {
    /// The run's own speed.
    pub const ONE: Self = Self(2);

    /// The playback speed as a multiple of that of the run.
    pub fn times(self) -> f32 {
        SPEEDS[self.0]
    }

    /// The speed with the smallest ratio to a number; `None` if the number is not positive.
    pub fn nearest(times: f32) -> Option<Self> {
        if !(times.is_finite() && times > 0.0) {
            return None;
        }
        let distance = |speed_idx: &usize| (SPEEDS[*speed_idx] / times).ln().abs();
        (0..SPEEDS.len()).min_by(|a, b| distance(a).total_cmp(&distance(b))).map(Self)
    }

    /// The next higher speed, if there is one.
    #[must_use]
    pub fn faster(self) -> Self {
        Self((self.0 + 1).min(SPEEDS.len() - 1))
    }

    /// The next lower speed, if there is one.
    #[must_use]
    pub fn slower(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_stop_at_both_ends() {
        let ends = [Speed::slower, Speed::faster]
            .map(|next| (0..20).fold(Speed::ONE, |speed, _| next(speed)).times());
        assert_eq!(ends, [0.25, 1000.0]);
        assert_eq!(Speed::ONE.times(), 1.0);
    }

    #[test]
    fn any_positive_number_has_a_nearest_speed() {
        let near = |times| Speed::nearest(times).map(Speed::times);
        assert_eq!(near(1.0), Some(1.0));
        assert_eq!(near(100.0), Some(125.0));
        assert_eq!((near(1e-30), near(1e30)), (Some(0.25), Some(1000.0)));
        assert_eq!([near(0.0), near(-1.0), near(f32::NAN), near(f32::INFINITY)], [None; 4]);
    }
}
