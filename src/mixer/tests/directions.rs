//! The inequality or equation that defines a rule's direction, for gradients at random.

use proptest::prelude::*;

use super::{gradients, gram_of, of_gradients, rule};
use crate::{
    keys::Value,
    mixer::{Gram, coefficients::norms},
};

/// The coefficients of a rule by its default options, and ⟨gₖ, d⟩ for each gradient.
fn direction(
    name: &str,
    options: &[(&str, Value)],
    gradients: &[Vec<f64>],
) -> (Vec<f64>, Vec<f64>) {
    let losses = vec![1.0; gradients.len()];
    let w = of_gradients(&mut *rule(name, options), gradients, &losses);
    let w: Vec<f64> = w.into_iter().map(f64::from).collect();
    let along = gram_of(gradients).times(&w);
    (w, along)
}

fn longest(gram: &Gram) -> f64 {
    norms(gram).into_iter().fold(0.0, f64::max)
}

/// Gradients with an element of their own each, so that they are independent.
fn independent() -> impl Strategy<Value = Vec<Vec<f64>>> {
    let row = prop::collection::vec(-2.0..2.0f64, 4);
    prop::collection::vec((row, 0.5..1.5f64), 1..6).prop_map(|rows| {
        let n = rows.len();
        let own = |k: usize, size: f64| (0..n).map(move |j| if j == k { size } else { 0.0 });
        rows.into_iter()
            .enumerate()
            .map(|(k, (row, size))| row.into_iter().chain(own(k, size)).collect())
            .collect()
    })
}

proptest! {
    /// No gradient is opposed to the direction by more than the ridge of the quadratic program allows, also where
    /// gradients are parallel or opposed.
    #[test]
    fn a_projected_direction_is_opposed_to_no_gradient(gradients in gradients(1..8)) {
        let gram = gram_of(&gradients);
        let trace: f64 = (0..gram.n()).map(|k| gram.at(k, k)).sum();
        for name in ["upgrad", "dualproj"] {
            let (w, along) = direction(name, &[], &gradients);
            let largest = w.iter().fold(0.0, |a: f64, w| a.max(*w));
            for (k, along) in along.iter().enumerate() {
                // 10⁻⁶·tr(G)·w, and the rounding of w to `f32`.
                let allowed = 1e-6 * trace * w[k] + 1e-6 * trace * largest;
                prop_assert!(*along >= -allowed, "{} {}: {:?} {:?}", name, k, along, w);
                prop_assert!(w[k] >= 1.0 - 1e-6, "{} {:?}", name, w);
            }
        }
    }

    /// MGDA's direction, here among the others, decreases every loss or is 0.
    #[test]
    fn the_shortest_vector_is_opposed_to_no_gradient(gradients in gradients(1..8)) {
        let (_, along) = direction("mgda", &[], &gradients);
        let square = longest(&gram_of(&gradients)).powi(2);
        prop_assert!(along.iter().all(|along| *along >= -1e-6 * square), "{:?}", along);
    }

    /// The nearest vector to the sum: no other non-negative change of w is nearer. It is the sum where that is opposed to
    /// none.
    #[test]
    fn without_conflict_with_the_sum_nothing_is_projected(gradients in independent()) {
        let gram = gram_of(&gradients);
        let of_sum = gram.times(&vec![1.0; gram.n()]);
        let (w, _) = direction("dualproj", &[], &gradients);
        // The ridge of the quadratic program allows 10⁻⁶·tr(G), and the rounding of w to `f32` a tenth of that.
        let least = -1.1e-6 * (0..gram.n()).map(|k| gram.at(k, k)).sum::<f64>();
        if of_sum.iter().all(|along| *along >= 0.0) {
            prop_assert!(w.iter().all(|w| *w == 1.0), "{:?}", w);
        } else if of_sum.iter().any(|along| *along < least) {
            prop_assert!(w.iter().any(|w| *w > 1.0), "{:?}", w);
        }
        for name in ["upgrad", "pcgrad", "gradvac"] {
            let (w, _) = direction(name, &[], &gradients);
            let is_below = |limit: f64| {
                (0..gram.n()).any(|j| gram.row(j).iter().any(|product| *product < limit))
            };
            let is_sum = w.iter().all(|w| *w == 1.0);
            prop_assert!(is_sum || is_below(0.0), "{} {:?}", name, w);
            prop_assert!(!is_sum || !is_below(least), "{} {:?}", name, w);
        }
    }

    #[test]
    fn projections_onto_the_gradients_are_equal(gradients in independent()) {
        let norms = norms(&gram_of(&gradients));
        for name in ["imtl-g", "config"] {
            let (w, along) = direction(name, &[], &gradients);
            let size: f64 = w.iter().zip(&norms).map(|(w, norm)| w.abs() * norm).sum();
            let projections: Vec<f64> = along.iter().zip(&norms).map(|(a, norm)| a / norm).collect();
            for projection in &projections {
                prop_assert!(*projection > 0.0, "{} {:?}", name, projections);
                let off = (projection - projections[0]).abs();
                prop_assert!(off <= 1e-5 * size, "{} {:?} {:?}", name, projections, w);
            }
        }
        // ConFIG is as long as the sum of the gradients' projections onto it.
        let (w, along) = direction("config", &[], &gradients);
        let square: f64 = w.iter().zip(&along).map(|(w, along)| w * along).sum();
        let projected: f64 = along.iter().sum();
        prop_assert!((square - projected).abs() <= 1e-4 * projected, "{} {}", square, projected);
    }

    /// G·α = 1/α up to a factor, and (G·w)·w^(1/α) constant.
    #[test]
    fn the_equations_of_fairness_hold(gradients in independent(), alpha in 0.5..8.0f64) {
        let rules = [("nash-mtl", None, 1.0), ("fairgrad", Some(alpha), alpha)];
        for (name, option, alpha) in rules {
            let option: Vec<_> = option.map(|alpha| ("alpha", Value::Number(alpha))).into_iter().collect();
            let (w, along) = direction(name, &option, &gradients);
            let constants: Vec<f64> =
                along.iter().zip(&w).map(|(along, w)| along * w.powf(alpha.recip())).collect();
            for constant in &constants {
                let off = (constant / constants[0] - 1.0).abs();
                prop_assert!(w.iter().all(|w| *w > 0.0) && off < 1e-3, "{} {:?} {:?}", name, constants, w);
            }
        }
    }

    /// Σ wₖgₖ of aligned gradients: the direction is that of the sum of orthogonal ones of one length, ‖d‖² = T·λ.
    #[test]
    fn aligned_gradients_have_one_length(gradients in independent()) {
        let (w, along) = direction("aligned-mtl", &[], &gradients);
        let square: f64 = w.iter().zip(&along).map(|(w, along)| w * along).sum();
        let least = square / gradients.len() as f64;
        // The smallest eigenvalue: no vector of length 1 has a smaller square, and no gradient either.
        let gram = gram_of(&gradients);
        prop_assert!((0..gram.n()).all(|k| gram.at(k, k) >= least * (1.0 - 1e-4)), "{:?}", w);
    }

    /// d is within c·‖g₀‖ of g₀, and no direction there among many has a larger smallest decrease.
    #[test]
    fn the_worst_decrease_is_the_largest_within_the_distance(
        gradients in independent(), others in prop::collection::vec(prop::collection::vec(-1.0..1.0f64, 9), 20)
    ) {
        let c = 0.5;
        let n = gradients.len() as f64;
        let (w, _) = direction("cagrad", &[("c", Value::Number(c))], &gradients);
        let combined = |w: &[f64], at: usize| -> f64 {
            w.iter().zip(&gradients).map(|(w, row)| w * row[at]).sum()
        };
        let width = gradients[0].len();
        let mean: Vec<f64> = (0..width).map(|at| combined(&vec![1.0 / n; w.len()], at)).collect();
        let d: Vec<f64> = (0..width).map(|at| combined(&w, at) * (1.0 + c) / n).collect();
        let norm = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
        let radius = c * norm(&mean);
        let from_mean: Vec<f64> = d.iter().zip(&mean).map(|(d, mean)| d - mean).collect();
        prop_assert!(norm(&from_mean) <= radius * (1.0 + 1e-4) , "{:?}", w);
        let worst = |d: &[f64]| {
            let along = gradients.iter().map(|row| row.iter().zip(d).map(|(g, d)| g * d).sum::<f64>());
            along.fold(f64::INFINITY, f64::min)
        };
        let size = longest(&gram_of(&gradients)) * norm(&mean);
        for other in others {
            let by = radius / norm(&other[..width]);
            let at: Vec<f64> = mean.iter().zip(&other).map(|(mean, x)| mean + by * x).collect();
            prop_assert!(worst(&at) <= worst(&d) + 1e-4 * size, "{:?} {:?}", at, w);
        }
    }

    /// Cosines with the main gradient; a closed gate leaves the main objective as it is.
    #[test]
    fn a_gate_is_the_cosine_with_the_main_gradient(gradients in independent()) {
        let gram = gram_of(&gradients);
        let (w, _) = direction("cosine-gate", &[], &gradients);
        for k in 1..gram.n() {
            let cosine = gram.at(0, k) / (gram.at(0, 0) * gram.at(k, k)).sqrt();
            prop_assert!((w[k] - cosine.max(0.0)).abs() < 1e-6, "{:?}", w);
        }
        prop_assert_eq!(w[0], 1.0);
    }

    #[test]
    fn balanced_gradients_have_one_length(gradients in independent()) {
        let norms = norms(&gram_of(&gradients));
        let lengths = |w: Vec<f64>| w.into_iter().zip(&norms).map(|(w, norm)| w * norm).collect::<Vec<_>>();
        let balanced = direction("metabalance", &[("relax", Value::Number(1.0))], &gradients).0;
        for w in [balanced, direction("db-mtl", &[], &gradients).0] {
            let lengths = lengths(w);
            let is_equal = |length: &f64| (length / lengths[0] - 1.0).abs() < 1e-5;
            prop_assert!(lengths.iter().all(is_equal), "{:?}", lengths);
        }
    }
}
