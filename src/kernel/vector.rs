//! Element-wise functions in a form that the compiler turns into vector code.

#![expect(clippy::inline_always, reason = "a loop over a call that stays a call is not vectorised")]

/// eˣ within 2 ulp for |x| ≤ 87; beyond, the value at the bound.
///
/// x = n·ln 2 + r with |r| ≤ ln 2 / 2, and a polynomial in r (Cephes `expf`, Moshier 1992). No
/// branch and no call, so that loops over it vectorise.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    // Adding and taking away 1.5·2^23 rounds to a whole number.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 87.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = x - n * LN2_HIGH - n * LN2_LOW;
    let mut p = 1.987_569_1e-4;
    p = p * r + 1.398_199_9e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 1.666_666_5e-1;
    p = p * r + 0.5;
    let e_to_r = p * r * r + r + 1.0;
    // The low bits of `shifted` hold n; the clamp keeps n + 127 within the exponent's bits.
    let two_to_n = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    e_to_r * two_to_n
}

/// eˣ, and 0 where that is next to nothing: below what [`exp`] tells apart.
#[inline(always)]
pub(super) fn exp_or_zero(x: f32) -> f32 {
    if x < -86.0 { 0.0 } else { exp(x) }
}

/// 1 / (1 + e⁻ˣ).
#[inline(always)]
pub(super) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// tanh x = 2·sigmoid(2x) − 1, to an absolute 2·10⁻⁷.
#[inline(always)]
pub(super) fn tanh(x: f32) -> f32 {
    2.0 * sigmoid(2.0 * x) - 1.0
}

/// ln Σ eˣ over a row, by way of its greatest value, so that no logit is too large.
#[inline(always)]
pub(super) fn log_sum_exp(row: &[f32]) -> f32 {
    let (greatest, log_sum) = greatest_and_log_sum(row);
    greatest + log_sum
}

/// The greatest value of a row, and ln Σ e^(x − greatest). Kept apart they lose nothing where the
/// greatest is large: at 1000 an f32 has steps of 6·10⁻⁵.
#[inline(always)]
pub(super) fn greatest_and_log_sum(row: &[f32]) -> (f32, f32) {
    let greatest = greatest(row);
    if !greatest.is_finite() {
        // An empty or wholly excluded row is −∞; NaN and +∞ are told as what they are.
        return (row.iter().fold(greatest, |sum, &x| if x.is_nan() { x } else { sum }), 0.0);
    }
    // Thirty-two exponentials, then eight running sums: a fixed order, and loops that vectorise each
    // by itself.
    let mut sums = [0.0f32; 8];
    for part in row.chunks(32) {
        let mut exps = [0.0f32; 32];
        for (e, &x) in exps.iter_mut().zip(part) {
            *e = exp(x - greatest);
        }
        for exps in exps.as_chunks::<8>().0 {
            for (sum, e) in sums.iter_mut().zip(exps) {
                *sum += e;
            }
        }
    }
    (greatest, sums.iter().sum::<f32>().ln())
}

/// The greatest value of a row, −∞ where there is none.
#[inline(always)]
pub(super) fn greatest(row: &[f32]) -> f32 {
    // Eight at a time, as the sums above: one running maximum would wait for itself.
    let (chunks, rest) = row.as_chunks::<8>();
    let mut most = [f32::NEG_INFINITY; 8];
    for chunk in chunks {
        for (most, &x) in most.iter_mut().zip(chunk) {
            *most = most.max(x);
        }
    }
    most.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max)
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these values are exact")]
mod tests {
    use super::*;

    #[test]
    fn exp_is_within_two_ulp() {
        for at in -870_000..870_000 {
            let x = at as f32 * 1e-4;
            let exact = f64::from(x).exp();
            let error = (f64::from(exp(x)) - exact).abs() / exact;
            assert!(error < 2.4e-7, "exp({x}) is off by {error:e}");
        }
        assert_eq!(exp(0.0), 1.0);
    }

    #[test]
    fn sigmoid_and_tanh_hold_at_the_ends() {
        assert_eq!((sigmoid(200.0), tanh(200.0), tanh(-200.0)), (1.0, 1.0, -1.0));
        assert!(sigmoid(-200.0) < 1e-37);
        assert!((tanh(0.3) - 0.3f32.tanh()).abs() < 2e-7);
    }

    #[test]
    fn log_sum_exp_takes_any_logit() {
        assert!((log_sum_exp(&[1000.0, 1000.0]) - (1000.0 + 2f32.ln())).abs() < 1e-3);
        assert!((log_sum_exp(&[-1000.0; 20]) - (-1000.0 + 20f32.ln())).abs() < 1e-3);
        assert_eq!(log_sum_exp(&[f32::NEG_INFINITY; 3]), f32::NEG_INFINITY);
        assert!(log_sum_exp(&[0.0, f32::NAN]).is_nan());
    }
}
