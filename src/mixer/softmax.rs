//! Coefficients by softmax, for several rules.

/// T·softmax(z) over T values: positive with mean 1, and exactly 1 each if all values are equal.
pub(super) fn softmax_of_mean_1(z: &[f64]) -> Vec<f32> {
    let largest = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exps: Vec<f64> = z.iter().map(|z| (z - largest).exp()).collect();
    let sum: f64 = exps.iter().sum();
    exps.iter().map(|exp| (exp * z.len() as f64 / sum) as f32).collect()
}
