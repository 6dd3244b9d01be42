//! Short number formats for the chart.

/// `m × 10^e` exactly, as short as is still legible: `0.05`, `1.2`, `12k`, `3e38`.
pub(super) fn round(m: i64, e: i32) -> String {
    if m == 0 {
        return "0".to_owned();
    }
    let (mut digits, mut e) = (m.unsigned_abs(), e);
    while digits % 10 == 0 {
        (digits, e) = (digits / 10, e + 1);
    }
    let sign = if m < 0 { "-" } else { "" };
    let digits = digits.to_string();
    // The power of ten of the first digit.
    let lead = digits.len() as i32 - 1 + e;
    match lead {
        -3..=2 => format!("{sign}{}", plain(&digits, e)),
        3..=14 => {
            let thousands = lead / 3;
            let suffix = ["", "k", "M", "G", "T"][thousands as usize];
            format!("{sign}{}{suffix}", plain(&digits, e - 3 * thousands))
        }
        _ if digits.len() == 1 => format!("{sign}{digits}e{lead}"),
        _ => format!("{sign}{}.{}e{lead}", &digits[..1], &digits[1..]),
    }
}

/// A count: `800`, `12.4k`.
pub(super) fn count(n: u64) -> String {
    round(i64::try_from(n).unwrap_or(i64::MAX), 0)
}

/// A count with four digits: `123.5k`.
pub(super) fn about(n: u64) -> String {
    let dropped = n.max(1).ilog10().saturating_sub(3);
    let unit = 10u64.pow(dropped);
    round(
        i64::try_from((n / unit).saturating_add(u64::from(n % unit * 2 >= unit && unit > 1)))
            .unwrap_or(i64::MAX),
        dropped as i32,
    )
}

/// Digits with the decimal point according to `10^e`.
fn plain(digits: &str, e: i32) -> String {
    let n_decimals = (-e).max(0) as usize;
    if n_decimals == 0 {
        return format!("{digits}{}", "0".repeat(e as usize));
    }
    match digits.len().checked_sub(n_decimals) {
        None | Some(0) => format!("0.{digits:0>n_decimals$}"),
        Some(whole) => format!("{}.{}", &digits[..whole], &digits[whole..]),
    }
}

/// A measured value in at most eight columns, with as many digits as fit: `0.4512`.
pub(super) fn value(v: f32) -> String {
    match v.abs() {
        0.0 => "0.0000".to_owned(),
        size if size < 1e-3 => format!("{v:.1e}"),
        size if size < 10.0 => format!("{v:.4}"),
        size if size < 100.0 => format!("{v:.3}"),
        size if size < 1e3 => format!("{v:.2}"),
        size if size < 1e6 => format!("{v:.0}"),
        _ => format!("{v:.1e}"),
    }
}

/// A gain, as on a fader's scale: `.50`, `2.0`.
pub(super) fn gain(gain: f32) -> String {
    match gain {
        0.0 => "0".to_owned(),
        small if (0.01..0.995).contains(&small) => format!("{small:.2}")[1..].to_owned(),
        usual if (0.995..100.0).contains(&usual) => format!("{usual:.1}"),
        other => format!("{other:.0e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_numbers_are_short_and_exact() {
        let texts = [(5, -2), (12, -1), (12_000, 0), (1, 0), (3, 38), (-3, 38), (25, -5), (0, 7)]
            .map(|(m, e)| round(m, e));
        assert_eq!(texts, ["0.05", "1.2", "12k", "1", "3e38", "-3e38", "2.5e-4", "0"]);
        let counts = [999, 1000, 12_400, 123_450, 1_000_000, u64::MAX].map(count);
        assert_eq!(counts[..5], ["999", "1k", "12.4k", "123.45k", "1M"]);
        assert_eq!(counts[5], "9.223372036854775807e18");
        assert_eq!([0, 7, 9999, 123_456, 999_999].map(about), ["0", "7", "9.999k", "123.5k", "1M"]);
    }

    #[test]
    fn values_and_gains_fit_their_widths() {
        let values = [0.451_23, 12.345_6, 123.456, 12_345.6, 3e38, -3e38, 1e-38, -1e-38, 0.0];
        let texts = values.map(value);
        assert_eq!(texts[..4], ["0.4512", "12.346", "123.46", "12346"]);
        assert!(texts.iter().all(|text| text.len() <= 8), "{texts:?}");
        let gains = [0.5, 0.8, 1.0, 2.0, 0.004, 0.0, 0.996, 3e38].map(gain);
        assert_eq!(gains, [".50", ".80", "1.0", "2.0", "4e-3", "0", "1.0", "3e38"]);
    }
}
