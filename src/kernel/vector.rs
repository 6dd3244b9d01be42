//! Element-wise functions written so that the compiler vectorizes them.

#![expect(clippy::inline_always, reason = "a loop over a call that stays a call is not vectorised")]

use pulp::{Simd, WithSimd};

use super::arch::with;

/// ln 2 in two parts; the first has so few bits that its product with n is exact.
const LN2_HIGH: f32 = 0.693_359_4;
const LN2_LOW: f32 = -2.121_944_4e-4;
/// Adding and subtracting 1.5·2^23 rounds to an integer.
const ROUND: f32 = 12_582_912.0;
/// Coefficients of (eʳ − 1 − r) / r², from the highest power of r.
const POLYNOMIAL: [f32; 6] =
    [1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5];

/// eˣ within 2 ulp for |x| ≤ 87; clamped to the value at the bound beyond it.
///
/// x = n·ln 2 + r with |r| ≤ ln 2 / 2, and a polynomial in r (Cephes `expf`, Moshier 1992). It has
/// no branch and no call, so that loops over it are vectorized.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    let x = x.clamp(-87.0, 87.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = x - n * LN2_HIGH - n * LN2_LOW;
    let mut p = POLYNOMIAL[0];
    for &factor in &POLYNOMIAL[1..] {
        p = p * r + factor;
    }
    let e_to_r = p * r * r + r + 1.0;
    // The low bits of `shifted` hold n; the clamp keeps n + 127 within the exponent's bits.
    let two_to_n = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    e_to_r * two_to_n
}

/// Coefficients of (ln(1 + m) − m + m²/2) / m³, from the highest power of m.
const LN_POLYNOMIAL: [f32; 9] = [
    7.037_684e-2,
    -0.115_146_1,
    0.116_769_984,
    -0.124_201_41,
    0.142_493_23,
    -0.166_680_58,
    0.200_007_15,
    -0.249_999_94,
    0.333_333_3,
];
/// The bits of √½.
const SQRT_HALF: u32 = 0x3f35_04f3;

/// ln x of a positive, normal x, within 2 ulp or 10⁻⁷; NaN stays.
///
/// x = 2ⁿ·(1 + m) with 1 + m between √½ and √2, and a polynomial in m (Cephes `logf`, Moshier 1992), without a branch
/// or a call, as [`exp`].
#[inline(always)]
pub(super) fn ln(x: f32) -> f32 {
    let shifted = x.to_bits().wrapping_sub(SQRT_HALF);
    let n = (shifted.cast_signed() >> 23) as f32;
    let m = f32::from_bits((shifted & 0x007f_ffff) + SQRT_HALF) - 1.0;
    let mut p = LN_POLYNOMIAL[0];
    for &factor in &LN_POLYNOMIAL[1..] {
        p = p * m + factor;
    }
    let square = m * m;
    let low = p * m * square + n * LN2_LOW - 0.5 * square;
    if x.is_nan() { x } else { m + low + n * LN2_HIGH }
}

/// eˣ, or 0 where it is negligible: below the smallest value that [`exp`] represents.
#[inline(always)]
pub(super) fn exp_or_zero(x: f32) -> f32 {
    if x < -86.0 { 0.0 } else { exp(x) }
}

/// 1 / (1 + e⁻ˣ).
#[inline(always)]
pub(super) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// tanh x = 2·sigmoid(2x) − 1, with an absolute error of at most 2·10⁻⁷.
#[inline(always)]
pub(super) fn tanh(x: f32) -> f32 {
    2.0 * sigmoid(2.0 * x) - 1.0
}

/// ln Σ eˣ over a row, shifted by the row's maximum, so that no exponential overflows.
#[inline(always)]
pub(super) fn log_sum_exp(row: &[f32]) -> f32 {
    let max = max_of_row(row);
    if !max.is_finite() {
        // An empty row, or one of −∞ only, gives −∞; NaN and +∞ are returned unchanged.
        return row.iter().fold(max, |sum, &x| if x.is_nan() { x } else { sum });
    }
    // 32 exponentials, then eight running sums: a fixed order, and loops that are vectorized one by
    // one.
    let mut sums = [0.0f32; 8];
    for part in row.chunks(32) {
        let mut exps = [0.0f32; 32];
        for (e, &x) in exps.iter_mut().zip(part) {
            *e = exp(x - max);
        }
        for exps in exps.as_chunks::<8>().0 {
            for (sum, e) in sums.iter_mut().zip(exps) {
                *sum += e;
            }
        }
    }
    max + sums.iter().sum::<f32>().ln()
}

/// Replaces each element x of a matrix with `columns` columns by e^(x − m), where m is the maximum
/// of its row, and writes each row's m and sum. No exponential overflows.
pub(super) fn exps_of_rows(x: &mut [f32], columns: usize, maxima: &mut [f32], sums: &mut [f32]) {
    with(ExpsOfRows { x, columns, maxima, sums });
}

struct ExpsOfRows<'a> {
    x: &'a mut [f32],
    columns: usize,
    maxima: &'a mut [f32],
    sums: &'a mut [f32],
}

impl WithSimd for ExpsOfRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let rows = self.x.chunks_exact_mut(self.columns);
        for ((row, max), sum) in rows.zip(self.maxima).zip(self.sums) {
            *max = max_by_vectors(simd, row);
            let (vectors, rest) = S::as_mut_simd_f32s(row);
            let from = simd.splat_f32s(*max);
            // Four running sums, as each addition to a single one would wait for the previous
            // addition.
            let mut parts = [simd.splat_f32s(0.0); 4];
            for vectors in vectors.chunks_mut(4) {
                for (vector, part) in vectors.iter_mut().zip(&mut parts) {
                    *vector = exp_or_zero_of_vector(simd, simd.sub_f32s(*vector, from));
                    *part = simd.add_f32s(*part, *vector);
                }
            }
            let [a, b, c, d] = parts;
            *sum = simd.reduce_sum_f32s(simd.add_f32s(simd.add_f32s(a, b), simd.add_f32s(c, d)));
            for x in rest {
                *x = exp_or_zero(*x - *max);
                *sum += *x;
            }
        }
    }
}

/// [`exp_or_zero`] of a vector of values that are at most 0; it rounds differently.
#[inline(always)]
fn exp_or_zero_of_vector<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let is_less = simd.less_than_f32s(x, simd.splat_f32s(-86.0));
    simd.select_f32s(is_less, simd.splat_f32s(0.0), exp_of_vector(simd, x))
}

/// [`exp`] of a vector of values within ±87; it rounds differently.
#[inline(always)]
fn exp_of_vector<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let number = |x| simd.splat_f32s(x);
    let multiply_add = |x, y, z| multiply_add(simd, x, y, z);
    let shifted = multiply_add(x, number(std::f32::consts::LOG2_E), number(ROUND));
    let n = simd.sub_f32s(shifted, number(ROUND));
    let r = multiply_add(n, number(-LN2_HIGH), x);
    let r = multiply_add(n, number(-LN2_LOW), r);
    let mut p = number(POLYNOMIAL[0]);
    for &factor in &POLYNOMIAL[1..] {
        p = multiply_add(p, r, number(factor));
    }
    let e_to_r = multiply_add(simd.mul_f32s(p, r), r, simd.add_f32s(r, number(1.0)));
    let bits = simd.add_u32s(simd.transmute_u32s_f32s(shifted), simd.splat_u32s(127));
    let two_to_n = simd.transmute_f32s_u32s(simd.wrapping_dyn_shl_u32s(bits, simd.splat_u32s(23)));
    simd.mul_f32s(e_to_r, two_to_n)
}

/// The first elements of a slice as a vector, padded with 0 where there are too few.
#[inline(always)]
pub(super) fn load<S: Simd>(simd: S, numbers: &[f32]) -> S::f32s {
    match S::as_simd_f32s(numbers).0.first() {
        Some(vector) => *vector,
        None => simd.partial_load_f32s(numbers),
    }
}

/// Writes a vector to the first elements of a slice, as many as the slice has.
#[inline(always)]
pub(super) fn store<S: Simd>(simd: S, numbers: &mut [f32], vector: S::f32s) {
    match S::as_mut_simd_f32s(numbers).0.first_mut() {
        Some(to) => *to = vector,
        None => simd.partial_store_f32s(numbers, vector),
    }
}

/// σ of each element, in place.
#[inline(always)]
pub(super) fn sigmoid_all<S: Simd>(simd: S, numbers: &mut [f32]) {
    map_all(
        simd,
        numbers,
        #[inline(always)]
        |x| sigmoid_of_vector(simd, x),
    );
}

/// tanh of each element, in place.
#[inline(always)]
pub(super) fn tanh_all<S: Simd>(simd: S, numbers: &mut [f32]) {
    let (two, one) = (simd.splat_f32s(2.0), simd.splat_f32s(1.0));
    map_all(
        simd,
        numbers,
        #[inline(always)]
        |x| simd.sub_f32s(simd.mul_f32s(two, sigmoid_of_vector(simd, simd.add_f32s(x, x))), one),
    );
}

/// Replaces each element by a function of it. The last vector may overlap the one before it and is
/// computed from the original elements.
#[inline(always)]
fn map_all<S: Simd>(simd: S, numbers: &mut [f32], of: impl Fn(S::f32s) -> S::f32s) {
    let last = numbers.len().saturating_sub(S::F32_LANES);
    let as_it_was = load(simd, &numbers[last..]);
    let is_whole = numbers.len().is_multiple_of(S::F32_LANES);
    for x in S::as_mut_simd_f32s(numbers).0 {
        *x = of(*x);
    }
    if !is_whole {
        store(simd, &mut numbers[last..], of(as_it_was));
    }
}

#[inline(always)]
fn sigmoid_of_vector<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let number = |x| simd.splat_f32s(x);
    // By comparisons, as SIMD minimum and maximum replace NaN by a number.
    let bound = number(87.0);
    let x = simd.select_f32s(simd.less_than_f32s(x, number(-87.0)), number(-87.0), x);
    let x = simd.select_f32s(simd.less_than_f32s(bound, x), bound, x);
    let e = exp_of_vector(simd, simd.sub_f32s(number(0.0), x));
    simd.div_f32s(number(1.0), simd.add_f32s(number(1.0), e))
}

/// x·y + z, with one rounding where the instruction set has fused multiply-add. The portable
/// version has none on most machines, and `pulp` would call a function of the C library for every
/// element.
#[inline(always)]
pub(super) fn multiply_add<S: Simd>(simd: S, x: S::f32s, y: S::f32s, z: S::f32s) -> S::f32s {
    let is_portable = S::F32_LANES == 4 && !cfg!(target_arch = "aarch64");
    if is_portable { simd.add_f32s(simd.mul_f32s(x, y), z) } else { simd.mul_add_e_f32s(x, y, z) }
}

/// The maximum of a row, −∞ for an empty one. A NaN may be skipped: its own exponential makes the
/// row's sum NaN. [`max_of_row`] is for code that is not compiled per instruction set.
#[inline(always)]
fn max_by_vectors<S: Simd>(simd: S, row: &[f32]) -> f32 {
    let (vectors, rest) = S::as_simd_f32s(row);
    let least = simd.splat_f32s(f32::NEG_INFINITY);
    // Two running maxima, as each comparison with a single one would wait for the previous
    // comparison.
    let (mut a, mut b) = (least, least);
    let (pairs, last) = vectors.as_chunks::<2>();
    for [p, q] in pairs {
        (a, b) = (simd.max_f32s(a, *p), simd.max_f32s(b, *q));
    }
    for vector in last {
        a = simd.max_f32s(a, *vector);
    }
    rest.iter().copied().fold(simd.reduce_max_f32s(simd.max_f32s(a, b)), f32::max)
}

/// The maximum of a row, −∞ for an empty one.
#[inline(always)]
pub(super) fn max_of_row(row: &[f32]) -> f32 {
    // Eight running maxima, for the reason given at the sums above.
    let (chunks, rest) = row.as_chunks::<8>();
    let mut max = [f32::NEG_INFINITY; 8];
    for chunk in chunks {
        for (max, &x) in max.iter_mut().zip(chunk) {
            *max = max.max(x);
        }
    }
    max.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max)
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
    fn ln_is_within_two_ulp_or_1e_7() {
        for at in 1..400_000 {
            for x in [at as f32 * 1e-5, at as f32 * 1e30] {
                let exact = f64::from(x).ln();
                let error = (f64::from(ln(x)) - exact).abs();
                assert!(error < 2.4e-7 * exact.abs().max(0.5), "ln({x}) is off by {error:e}");
            }
        }
        assert_eq!((ln(1.0), ln(f32::NAN).is_nan()), (0.0, true));
    }

    #[test]
    fn exps_of_rows_are_within_four_ulp_and_sums_match() {
        for columns in [1, 3, 8, 31, 67, 480] {
            let x: Vec<f32> = (0..3 * columns).map(|at| ((at * 37) % 101) as f32 - 95.5).collect();
            let (mut exps, mut max, mut sums) = (x.clone(), [0.0; 3], [0.0; 3]);
            exps_of_rows(&mut exps, columns, &mut max, &mut sums);
            for (row, (x, exps)) in x.chunks(columns).zip(exps.chunks(columns)).enumerate() {
                assert_eq!(max[row], x.iter().copied().fold(f32::MIN, f32::max));
                for (&x, &e) in x.iter().zip(exps) {
                    let x = f64::from(x - max[row]);
                    let exact = if x < -86.0 { 0.0 } else { x.exp() };
                    assert!((f64::from(e) - exact).abs() <= 5e-7 * exact, "{x}: {e}");
                }
                let sum: f64 = exps.iter().map(|&e| f64::from(e)).sum();
                assert!((f64::from(sums[row]) - sum).abs() < 1e-6 * sum);
            }
        }
        for place in [0, 16, 32] {
            let (mut broken, mut max, mut sums) = ([0.0; 33], [0.0], [0.0]);
            broken[place] = f32::NAN;
            exps_of_rows(&mut broken, 33, &mut max, &mut sums);
            assert!(sums[0].is_nan(), "{place}");
        }
    }

    struct Both<'a>(&'a mut [f32], &'a mut [f32]);

    impl WithSimd for Both<'_> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            sigmoid_all(simd, self.0);
            tanh_all(simd, self.1);
        }
    }

    #[test]
    fn sigmoid_and_tanh_over_slices_equal_the_scalar_functions() {
        for n in [1, 7, 8, 37] {
            let x: Vec<f32> = (0..n).map(|at| (at as f32 - 17.3) * 0.9).collect();
            let (mut sigmoids, mut tanhs) = (x.clone(), x.clone());
            with(Both(&mut sigmoids, &mut tanhs));
            for (at, &x) in x.iter().enumerate() {
                let x = f64::from(x);
                assert!((f64::from(sigmoids[at]) - 1.0 / (1.0 + (-x).exp())).abs() < 2e-7);
                assert!((f64::from(tanhs[at]) - x.tanh()).abs() < 4e-7, "tanh {x}: {}", tanhs[at]);
            }
        }
        let (mut sigmoids, mut tanhs) = ([f32::NAN; 16], [f32::NAN; 16]);
        with(Both(&mut sigmoids, &mut tanhs));
        assert!(sigmoids.iter().chain(&tanhs).all(|x| x.is_nan()));
        let far = [-1e30, 1e30, -200.0, 200.0].repeat(9);
        let (mut sigmoids, mut tanhs) = (far.clone(), far);
        with(Both(&mut sigmoids, &mut tanhs));
        assert_eq!(tanhs, [-1.0, 1.0].repeat(18));
        assert!(sigmoids.chunks(2).all(|pair| pair[0] < 1e-37 && pair[1] == 1.0));
    }

    #[test]
    fn sigmoid_and_tanh_saturate_at_large_inputs() {
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
