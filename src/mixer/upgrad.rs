//! Unconflicting projection of gradients, UPGrad (Quinton and Rey 2024, "Jacobian Descent for Multi-Objective
//! Optimization").
//!
//! Each gradient is projected onto the dual cone, the directions that no gradient is opposed to, and the projections are
//! summed: w = Σᵢ argmin vᵀGv subject to v ≥ eᵢ (`quadratic`). So d = Σ wₖgₖ is opposed to no gradient, and an objective
//! whose gradient is c times as long has c times the influence.
//!
//! Without a conflict every share is 1, as with `equal`; no share is below 1. (The paper weights the mean of the
//! projections, 1/T in place of 1.) G / tr(G) has 10⁻⁶ added to its diagonal, so ⟨gₖ, d⟩ may be below 0 by 10⁻⁶·tr(G)·wₖ:
//! an objective whose gradient is 1,000 times as short as the longest one is not protected from it. An objective without a
//! gradient in a step is not part of it; one alone has a share of 1. No state.

use super::{
    Needs, StepView, Weighting, WeightingKind,
    coefficients::by_gram,
    quadratic::{least_above, regularized},
};
use crate::keys::{Key, Values};

pub(super) struct UpGrad;

impl WeightingKind for UpGrad {
    fn name(&self) -> &'static str {
        "upgrad"
    }

    fn about(&self) -> &'static str {
        "the sum of the gradients, each projected so that it increases no loss"
    }

    fn keys(&self) -> &'static [Key] {
        &[]
    }

    fn build(&self, _values: &Values) -> Box<dyn Weighting> {
        Box::new(Self)
    }
}

impl Weighting for UpGrad {
    fn needs(&self) -> Needs {
        Needs::Gram
    }

    fn coefficients(&mut self, step: &StepView<'_>) -> Vec<f32> {
        by_gram(step, |gram, _| {
            let gram = regularized(gram);
            let mut sum = vec![0.0; gram.n()];
            for i in 0..gram.n() {
                let mut u = vec![0.0; gram.n()];
                u[i] = 1.0;
                for (sum, v) in sum.iter_mut().zip(least_above(&gram, &u)) {
                    *sum += v;
                }
            }
            sum
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::mixer::tests::{assert_near, of_gradients, rule};

    #[test]
    fn each_gradient_is_projected() {
        let of = |gradients: &[Vec<f64>]| {
            of_gradients(&mut *rule("upgrad", &[]), gradients, &vec![1.0; gradients.len()])
        };
        // (1, 0) + 2/5·(−2, 1) and (−2, 1) + 2·(1, 0).
        assert_near(&of(&[vec![1.0, 0.0], vec![-2.0, 1.0]]), &[3.0, 1.4], 1e-4);
        assert_eq!(of(&[vec![1.0, 0.0], vec![0.5, 1.0]]), [1.0, 1.0]);
    }
}
