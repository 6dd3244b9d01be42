//! The minimum of wᵀGw over the simplex by Wolfe's algorithm ("Finding the nearest point in a polytope", 1976).
//!
//! The minimum over the affine hull of the gradients with a positive weight is a linear system. Where it has a
//! negative weight, w moves towards it until the first weight is 0, and that gradient is left out. Then the gradient
//! with the smallest ⟨gₖ, d⟩ comes in.

use super::{longest, squared_length};
use crate::mixer::{Gram, symmetric::Cholesky};

/// The maximum number of rounds, for each gradient; rounding could keep them going.
const MOST_ROUNDS: usize = 20;

/// The algorithm ends when no ⟨gₖ, d⟩ is below ⟨d, d⟩, and none with a positive weight is above it, by more than
/// this fraction of the longest gradient's square.
const TOLERANCE: f64 = 1e-13;

/// What is added to each diagonal element of a linear system, as a fraction of it, so that dependent gradients
/// have one solution, the nearest. What that moves the minimum by, the next round takes back.
const RIDGE: f64 = 1e-10;

/// The least that is added, as a fraction of the longest gradient's square: a gradient may be 0.
const SMALLEST_RIDGE: f64 = 1e-15;

/// Moves w from any point of the simplex to the minimum.
pub(super) fn refined(gram: &Gram, mut w: Vec<f64>) -> Vec<f64> {
    let n = gram.n();
    for _ in 0..MOST_ROUNDS * n {
        let (along, whole) = (gram.times(&w), squared_length(gram, &w));
        // How far each gradient is from the minimum's condition.
        let off = |k: usize| if w[k] > 0.0 { (along[k] - whole).abs() } else { whole - along[k] };
        if (0..n).map(off).fold(0.0, f64::max) <= TOLERANCE * longest(gram) {
            break;
        }
        let lowest = (0..n).min_by(|&j, &k| along[j].total_cmp(&along[k]));
        if let Some(lowest) = lowest.filter(|&k| w[k] == 0.0) {
            // Next to nothing, so that it takes part in the minimum.
            w[lowest] = f64::MIN_POSITIVE;
        }
        shorten(gram, &mut w);
    }
    w
}

/// Moves w to the minimum over the affine hull of the gradients with a positive weight, leaving out those whose
/// weight becomes 0 on the way.
fn shorten(gram: &Gram, w: &mut [f64]) {
    loop {
        let support: Vec<usize> = (0..w.len()).filter(|&k| w[k] > 0.0).collect();
        let changes = changes_to_affine_minimum(gram, w, &support);
        // The fraction of the way that takes the first weight to 0.
        let to_zero = support.iter().zip(&changes).filter(|&(&k, &by)| w[k] + by <= 0.0);
        let first = to_zero.map(|(&k, by)| (-w[k] / by, k)).min_by(|a, b| a.0.total_cmp(&b.0));
        let fraction = first.map_or(1.0, |(fraction, _)| fraction);
        for (&k, by) in support.iter().zip(&changes) {
            w[k] = (w[k] + fraction * by).max(0.0);
        }
        if let Some((_, left_out)) = first {
            w[left_out] = 0.0;
        }
        // Rounding aside, it is 1.
        let sum: f64 = w.iter().sum();
        for weight in w.iter_mut() {
            *weight /= sum;
        }
        if first.is_none() {
            return;
        }
    }
}

/// The changes from w to argmin wᵀGw subject to Σ w = 1, over some of the gradients: λz − y with Gz = 1, Gy = G·w
/// less its mean, and λ = Σ y / Σ z, so that Σ w stays 1.
fn changes_to_affine_minimum(gram: &Gram, w: &[f64], support: &[usize]) -> Vec<f64> {
    let smallest = SMALLEST_RIDGE * longest(gram);
    let among = gram.among(support);
    let ridge = |k: usize| (RIDGE * among.at(k, k)).max(smallest);
    let system = Cholesky::of(&among, ridge);
    let along = gram.times(w);
    let mean = support.iter().map(|&k| along[k]).sum::<f64>() / support.len() as f64;
    let z = system.solve(vec![1.0; support.len()]);
    let y = system.solve(support.iter().map(|&k| along[k] - mean).collect());
    let lambda = y.iter().sum::<f64>() / z.iter().sum::<f64>();
    z.iter().zip(y).map(|(z, y)| lambda * z - y).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mixer::tests::gram_of;

    /// (1, 0) and (−0.75, 1): w = (c − b) / (a + c − 2b) with a = 1, b = −0.75, c = 1.5625.
    #[test]
    fn the_minimum_is_found_from_any_point_and_dependent_gradients_share_their_weight() {
        let gram = gram_of(&[vec![1.0, 0.0], vec![-0.75, 1.0]]);
        for from in [vec![1.0, 0.0], vec![0.0, 1.0], vec![0.5, 0.5]] {
            let w = refined(&gram, from);
            assert!((w[0] - 2.3125 / 4.0625).abs() < 1e-12, "{w:?}");
        }
        let same = gram_of(&[vec![1.0, 2.0], vec![1.0, 2.0]]);
        assert_eq!(refined(&same, vec![0.5, 0.5]), [0.5, 0.5]);
        // The first is between the others and longer than their minimum.
        let gram = gram_of(&[vec![1.0, 1.0], vec![1.0, 0.0], vec![0.0, 1.0]]);
        let w = refined(&gram, vec![1.0 / 3.0; 3]);
        assert!(w[0] == 0.0 && (w[1] - 0.5).abs() < 1e-12, "{w:?}");
    }

    #[test]
    fn a_gradient_of_0_is_the_minimum() {
        let gram = gram_of(&[vec![3.0, 4.0], vec![0.0, 0.0], vec![1.0, -2.0]]);
        let w = refined(&gram, vec![1.0 / 3.0; 3]);
        assert!((w[1] - 1.0).abs() < 1e-9, "{w:?}");
    }
}
