//! Number formats of fixed width, with a dash for a missing value.

use crate::{
    protocol::event::Direction,
    state::{QUICK, Strip, USUAL, count},
};

/// A loss in at most seven columns.
pub(super) fn loss(loss: Option<f32>) -> String {
    loss.map_or_else(none, |loss| short(f64::from(loss)))
}

/// Four significant digits, or scientific notation where that is shorter.
pub(super) fn short(x: f64) -> String {
    let size = x.abs();
    if x == 0.0 {
        "0.000".to_owned()
    } else if !(1e-3..1e6).contains(&size) {
        format!("{x:.1e}")
    } else {
        let digits = 3 - (size.log10().floor() as i32).clamp(0, 3);
        format!("{x:.*}", digits as usize)
    }
}

/// A gain, a share or a weight.
pub(super) fn gain(x: f32) -> String {
    if x >= 1000.0 { short(f64::from(x)) } else { format!("{x:.3}") }
}

/// A fraction in percent.
pub(super) fn percent(part: f32) -> String {
    // Rounded first, so that there is no `-0%`.
    format!("{}%", (f64::from(part) * 100.0).round() as i64)
}

/// A score.
pub(super) fn score(score: Option<f32>) -> String {
    match score {
        None => none(),
        Some(score) if score.abs() < 1000.0 => format!("{score:.2}"),
        Some(score) => short(f64::from(score)),
    }
}

/// A percentage with one decimal, without the percent sign: at most five columns.
pub(super) fn tenths(percent: f64) -> String {
    format!("{percent:.1}")
}

/// A count, in thousands where it is long.
pub(super) fn whole(n: u64) -> String {
    match n {
        0..10_000 => n.to_string(),
        10_000..10_000_000 => format!("{:.1}k", n as f64 / 1e3),
        _ => format!("{:.1}M", n as f64 / 1e6),
    }
}

/// A cosine with its sign, which is omitted where it rounds to 0.
pub(super) fn cosine(cosine: f32) -> String {
    match format!("{cosine:+.2}").as_str() {
        "+0.00" | "-0.00" => "0.00".to_owned(),
        text => text.to_owned(),
    }
}

/// A step, in thousands where it is long.
pub(super) fn step(step: u64) -> String {
    whole(step)
}

/// An integer with separators between thousands.
pub(super) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A rate per second, with a suffix for thousands.
pub(super) fn rate(rate: f32) -> String {
    match rate {
        ..10.0 => format!("{rate:.1}"),
        10.0..10_000.0 => format!("{rate:.0}"),
        10_000.0..1e6 => format!("{:.1}k", rate / 1e3),
        _ => format!("{:.1}M", rate / 1e6),
    }
}

/// A count with its noun: `1 alert`, `2 alerts`.
pub(super) fn counted(n_things: usize, thing: &str) -> String {
    count(n_things as u64, thing)
}

/// The placeholder for a missing value.
pub(super) fn none() -> String {
    "-".to_owned()
}

/// The direction of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trend {
    Up,
    Down,
    Level,
}

/// The trend of the loss: its fast moving average relative to its slow one, beyond half a percent.
pub(super) fn trend(strip: &Strip) -> Option<Trend> {
    let smoothed = strip.losses.last_smoothed()?;
    let (quick, slow) = (smoothed[QUICK], smoothed[USUAL]);
    let margin = 0.005 * slow.abs();
    Some(if quick > slow + margin {
        Trend::Up
    } else if quick < slow - margin {
        Trend::Down
    } else {
        Trend::Level
    })
}

/// The direction of a score's change since the previous one, and whether it is better.
pub(super) fn went(now: f32, before: f32, direction: Direction) -> (Trend, bool) {
    let trend = match now.total_cmp(&before) {
        std::cmp::Ordering::Greater => Trend::Up,
        std::cmp::Ordering::Less => Trend::Down,
        std::cmp::Ordering::Equal => Trend::Level,
    };
    (trend, direction.is_better(now, before))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_digits_in_seven_columns() {
        let shown = [0.0, 0.412_34, 2.5, 42.0, 312.456, 65_000.0, 1e9, -0.5, 2e-7].map(short);
        let wanted =
            ["0.000", "0.412", "2.500", "42.00", "312.5", "65000", "1.0e9", "-0.500", "2.0e-7"];
        assert_eq!(shown, wanted);
        for power in -38..=38 {
            assert!(short(10f64.powi(power) * 1.234).len() <= 7, "{power}");
        }
    }

    #[test]
    fn a_percentage_that_rounds_to_zero_has_no_sign() {
        assert_eq!([-0.004, 0.0, 0.456, -0.02].map(percent), ["0%", "0%", "46%", "-2%"]);
    }

    #[test]
    fn a_cosine_that_rounds_to_zero_has_no_sign() {
        assert_eq!([0.004, -0.004, 0.31, -1.0].map(cosine), ["0.00", "0.00", "+0.31", "-1.00"]);
    }

    #[test]
    fn large_numbers_are_abbreviated() {
        assert_eq!([9_999, 12_431, 12_000_000].map(step), ["9999", "12.4k", "12.0M"]);
        assert_eq!([0, 999, 1_000, 12_345_678].map(grouped), ["0", "999", "1,000", "12,345,678"]);
        assert_eq!([1.26, 142.4, 20_480.0].map(rate), ["1.3", "142", "20.5k"]);
    }
}
