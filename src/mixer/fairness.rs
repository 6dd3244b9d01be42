//! The positive α with G·α = α^(−1/a), for rules that share a step fairly among the objectives.
//!
//! It is the minimum of ½αᵀGα − Σ F(αₖ) with F(x) = x^(1−1/a) / (1 − 1/a), or log x if a is 1: a convex function,
//! so that Newton's method with a line search finds it.

use super::{Gram, symmetric::Cholesky};

/// What is added to each diagonal element, as a fraction of it: with opposed gradients no α is the solution.
const RIDGE: f64 = 1e-8;

/// The maximum number of iterations; ten are usual, forty where gradients are opposed.
const MOST_ITERATIONS: usize = 200;

/// The iterations end when no equation is off by more than this fraction.
const TOLERANCE: f64 = 1e-12;

/// A step takes no αₖ below this fraction of itself.
const SMALLEST_FACTOR: f64 = 0.1;

/// α of gradients that are not 0.
pub(super) fn fair(gram: &Gram, a: f64) -> Vec<f64> {
    let power = a.recip();
    let ridged = Gram::new(gram.n(), |j, k| gram.at(j, k) * if j == k { 1.0 + RIDGE } else { 1.0 });
    // The solution for orthogonal gradients.
    let mut x: Vec<f64> =
        (0..gram.n()).map(|k| ridged.at(k, k).powf(-1.0 / (1.0 + power))).collect();
    for _ in 0..MOST_ITERATIONS {
        let wanted: Vec<f64> = x.iter().map(|x| x.powf(-power)).collect();
        let slope: Vec<f64> = ridged.times(&x).iter().zip(&wanted).map(|(g, w)| g - w).collect();
        if slope.iter().zip(&wanted).all(|(slope, wanted)| slope.abs() <= TOLERANCE * wanted) {
            break;
        }
        let curvature = Cholesky::of(&ridged, |k| power * wanted[k] / x[k]);
        let by = curvature.solve(slope.iter().map(|slope| -slope).collect());
        match stepped(&ridged, power, &x, &by, &slope) {
            Some(next) => x = next,
            None => break,
        }
    }
    x
}

/// The first of the points on the way from x, each half as far, where the function has decreased; `None` if rounding
/// hides any decrease.
fn stepped(gram: &Gram, power: f64, x: &[f64], by: &[f64], slope: &[f64]) -> Option<Vec<f64>> {
    let before = value(gram, power, x);
    let expected: f64 = slope.iter().zip(by).map(|(slope, by)| slope * by).sum();
    let furthest = x.iter().zip(by).filter(|(_, by)| **by < 0.0);
    let furthest = furthest.map(|(x, by)| (SMALLEST_FACTOR - 1.0) * x / by);
    let mut fraction = furthest.fold(1.0, f64::min);
    // Opposed gradients cancel: the terms of the square are larger than the value.
    let terms: f64 = x.iter().enumerate().map(|(k, x)| x * gram.at(k, k).sqrt()).sum();
    let rounding = 1e-15 * (terms * terms + before.abs());
    for _ in 0..60 {
        let next: Vec<f64> = x.iter().zip(by).map(|(x, by)| x + fraction * by).collect();
        if value(gram, power, &next) <= before + 1e-4 * fraction * expected + rounding {
            return Some(next);
        }
        fraction /= 2.0;
    }
    None
}

fn value(gram: &Gram, power: f64, x: &[f64]) -> f64 {
    let square: f64 = gram.times(x).iter().zip(x).map(|(along, x)| along * x).sum();
    let utility = |x: &f64| if power == 1.0 { x.ln() } else { x.powf(1.0 - power) / (1.0 - power) };
    0.5 * square - x.iter().map(utility).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::mixer::tests::{gradients, gram_of};

    #[test]
    fn orthogonal_gradients_have_a_closed_form() {
        // ‖g‖²·α = α^(−1/2): α = ‖g‖^(−4/3), for norms of 1 and 8.
        let x = fair(&gram_of(&[vec![1.0, 0.0], vec![0.0, 8.0]]), 2.0);
        assert!((x[0] - 1.0).abs() < 1e-7 && (x[1] - 1.0 / 16.0).abs() < 1e-8, "{x:?}");
    }

    proptest! {
        #[test]
        fn the_equations_hold(gradients in gradients(1..8), a in 0.5..8.0f64) {
            let gram = gram_of(&gradients);
            prop_assume!((0..gram.n()).all(|k| gram.at(k, k) > 1e-3));
            let x = fair(&gram, a);
            for (k, along) in gram.times(&x).into_iter().enumerate() {
                let along = along + RIDGE * gram.at(k, k) * x[k];
                let wanted = x[k].powf(-1.0 / a);
                // With opposed gradients the terms cancel, but their rounding errors remain.
                let terms: f64 = gram.row(k).iter().zip(&x).map(|(g, x)| (g * x).abs()).sum();
                let most = 1e-6 * wanted + 1e-15 * terms;
                prop_assert!((along - wanted).abs() < most, "{} {} {:?}", along, wanted, x);
            }
        }
    }
}
