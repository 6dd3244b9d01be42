//! The projection onto the cone of directions that no gradient is opposed to, as a quadratic program.
//!
//! min vᵀGv subject to v ≥ u: Σ vₖgₖ is then the nearest vector to Σ uₖgₖ whose inner product with every gₖ is not
//! negative (Quinton and Rey 2024, proposition 1). By the active-set method for non-negative least squares (Lawson and
//! Hanson 1974): x = v − u is above 0 in a growing set of places, where G·v is 0; elsewhere it is 0, and G·v is
//! positive.

use super::{Gram, symmetric::Cholesky};

/// What is added to the diagonal of G / tr(G), so that there is one minimum and no v is without bound.
///
/// Where a gradient would need v = 1 / δ to outweigh another one that is 1 / δ times as long, v is at most about
/// 1 / (2·√10⁻⁶).
const RIDGE: f64 = 1e-6;

/// A place joins the set where G·v is below 0 by more than this, for gradients whose squares sum to 1.
const TOLERANCE: f64 = 1e-14;

/// The maximum number of places that join the set, for each gradient; without rounding it ends by itself.
const MOST_ROUNDS: usize = 20;

/// G / tr(G) with the ridge; the trace must be positive.
pub(super) fn regularized(gram: &Gram) -> Gram {
    let trace: f64 = (0..gram.n()).map(|k| gram.at(k, k)).sum();
    Gram::new(gram.n(), |j, k| gram.at(j, k) / trace + if j == k { RIDGE } else { 0.0 })
}

/// argmin vᵀGv subject to v ≥ u, of a positive definite matrix.
pub(super) fn least_above(gram: &Gram, u: &[f64]) -> Vec<f64> {
    let n = gram.n();
    let mut x = vec![0.0; n];
    let mut set: Vec<usize> = Vec::new();
    let along_u = gram.times(u);
    let tolerance = TOLERANCE * u.iter().fold(1.0, |largest: f64, u| largest.max(u.abs()));
    for _ in 0..MOST_ROUNDS * n {
        let along: Vec<f64> = gram.times(&x).iter().zip(&along_u).map(|(x, u)| x + u).collect();
        let rest = (0..n).filter(|k| !set.contains(k));
        let lowest = rest.min_by(|&j, &k| along[j].total_cmp(&along[k]));
        let Some(lowest) = lowest.filter(|&k| along[k] < -tolerance) else { break };
        set.push(lowest);
        loop {
            let wanted: Vec<f64> = set.iter().map(|&k| -along_u[k]).collect();
            let solution = Cholesky::of(&gram.among(&set), |_| 0.0).solve(wanted);
            // The fraction of the way that takes the first place to 0.
            let to_zero = set.iter().zip(&solution).filter(|&(_, &s)| s <= 0.0);
            let fraction =
                to_zero.map(|(&k, &s)| x[k] / (x[k] - s)).fold(1.0, |a: f64, b| a.min(b));
            for (&k, &s) in set.iter().zip(&solution) {
                x[k] += fraction * (s - x[k]);
            }
            if solution.iter().all(|&s| s > 0.0) {
                break;
            }
            let least = TOLERANCE * x.iter().fold(0.0, |largest: f64, x| largest.max(*x));
            set.retain(|&k| {
                let stays = x[k] > least;
                if !stays {
                    x[k] = 0.0;
                }
                stays
            });
            if set.is_empty() {
                break;
            }
        }
    }
    x.iter().zip(u).map(|(x, u)| x + u).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::mixer::tests::{gradients, gram_of};

    /// (1, 0) and (−2, 1): their sum (−1, 1) is opposed to the first by 1, so that it counts once more.
    #[test]
    fn the_nearest_direction_that_no_gradient_is_opposed_to() {
        let gram = gram_of(&[vec![1.0, 0.0], vec![-2.0, 1.0]]);
        assert_eq!(least_above(&gram, &[1.0, 1.0]), [2.0, 1.0]);
        // (1, 0) alone is opposed to (−2, 1) by 2, whose square is 5.
        let v = least_above(&gram, &[1.0, 0.0]);
        assert!(v[0] == 1.0 && (v[1] - 0.4).abs() < 1e-15, "{v:?}");
        assert_eq!(least_above(&gram, &[0.0, 0.0]), [0.0, 0.0]);
    }

    proptest! {
        /// G·v ≥ 0 where v = u, and G·v = 0 where v > u: the minimum of a convex program.
        #[test]
        fn the_conditions_of_the_minimum_hold(
            gradients in gradients(1..9), u in prop::collection::vec(0.0..2.0f64, 8)
        ) {
            let gram = gram_of(&gradients);
            prop_assume!((0..gram.n()).any(|k| gram.at(k, k) > 0.0));
            let gram = regularized(&gram);
            let u = &u[..gram.n()];
            let v = least_above(&gram, u);
            for (k, along) in gram.times(&v).into_iter().enumerate() {
                prop_assert!(v[k] >= u[k] && along > -1e-10, "{:?} {}", v, along);
                prop_assert!((v[k] - u[k]) * along < 1e-8, "{:?} {}", v, along);
            }
        }
    }
}
