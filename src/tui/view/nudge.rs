//! How far a key press moves a fader.

use crate::tui::view::action::Nudge;

/// The smallest gain above 0 that keys reach: down from it is 0, and up from 0 is this gain.
pub const LEAST: f32 = 0.01;

/// The largest gain that keys reach; larger ones can be typed.
pub(super) const MOST: f32 = 100.0;

/// The gain after a key press, to four digits.
pub fn nudged(gain: f32, nudge: Nudge) -> f32 {
    let factor = match nudge {
        Nudge::Up => 1.05,
        Nudge::Down => 1.0 / 1.05,
        Nudge::FarUp => 1.25,
        Nudge::FarDown => 0.8,
    };
    let up = factor > 1.0;
    if gain < LEAST && up {
        return LEAST;
    }
    if gain <= LEAST {
        return 0.0;
    }
    let moved = f64::from(gain) * factor;
    let digit = 10f64.powf(moved.log10().floor() - 3.0);
    let rounded = ((moved / digit).round() * digit) as f32;
    // A fader that was typed beyond the maximum stays there when it is moved up.
    if up { rounded.min(MOST.max(gain)) } else { rounded.max(LEAST) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_step_above_zero_is_a_hundredth() {
        assert_eq!(nudged(0.0, Nudge::Up), 0.01);
        assert_eq!(nudged(0.0, Nudge::FarUp), 0.01);
        assert_eq!(nudged(0.01, Nudge::Down), 0.0);
        assert_eq!(nudged(0.012, Nudge::FarDown), 0.01);
        assert_eq!(nudged(0.0, Nudge::Down), 0.0);
    }

    #[test]
    fn a_step_up_and_a_step_down_cancel() {
        assert_eq!(nudged(1.0, Nudge::Up), 1.05);
        assert_eq!(nudged(1.05, Nudge::Down), 1.0);
        assert_eq!(nudged(0.5, Nudge::FarUp), 0.625);
        assert_eq!(nudged(0.625, Nudge::FarDown), 0.5);
        assert_eq!(nudged(99.0, Nudge::FarUp), 100.0);
        assert_eq!(nudged(250.0, Nudge::Up), 250.0);
    }
}
