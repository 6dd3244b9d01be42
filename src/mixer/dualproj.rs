//! Projection of the sum onto the dual cone, DualProj, as gradient episodic memory projects (Lopez-Paz and Ranzato 2017,
//! "Gradient Episodic Memory for Continual Learning"; the name is that of Quinton and Rey 2024).
//!
//! w = argmin vᵀGv subject to v ≥ 1 (`quadratic`): d = Σ wₖgₖ is the nearest vector to the sum of the gradients that is
//! opposed to none of them.
//!
//! Without a conflict every share is 1, as with `equal`; no share is below 1. (The reference weights the mean of the
//! gradients, 1/T in place of 1.) G / tr(G) has 10⁻⁶ added to its diagonal, so ⟨gₖ, d⟩ may be below 0 by 10⁻⁶·tr(G)·wₖ:
//! an objective whose gradient is 1,000 times as short as the longest one is not protected from it. An objective without a
//! gradient in a step is not part of it; one alone has a share of 1. No state.

use super::{
    Needs, StepView, Weighting, WeightingKind,
    coefficients::by_gram,
    quadratic::{least_above, regularized},
};
use crate::keys::{Key, Values};

pub(super) struct DualProj;

impl WeightingKind for DualProj {
    fn name(&self) -> &'static str {
        "dualproj"
    }

    fn about(&self) -> &'static str {
        "the direction nearest to the sum of the gradients that increases no loss"
    }

    fn keys(&self) -> &'static [Key] {
        &[]
    }

    fn build(&self, _values: &Values) -> Box<dyn Weighting> {
        Box::new(Self)
    }
}

impl Weighting for DualProj {
    fn needs(&self) -> Needs {
        Needs::Gram
    }

    fn coefficients(&mut self, step: &StepView<'_>) -> Vec<f32> {
        by_gram(step, |gram, _| least_above(&regularized(gram), &vec![1.0; gram.n()]))
    }
}

#[cfg(test)]
mod tests {
    use crate::mixer::tests::{assert_near, of_gradients, rule};

    #[test]
    fn a_gradient_that_the_sum_is_opposed_to_counts_more() {
        let of = |gradients: &[Vec<f64>]| {
            of_gradients(&mut *rule("dualproj", &[]), gradients, &vec![1.0; gradients.len()])
        };
        // The sum (−1, 1) is opposed to (1, 0) by 1: 2·(1, 0) + (−2, 1) = (0, 1).
        assert_near(&of(&[vec![1.0, 0.0], vec![-2.0, 1.0]]), &[2.0, 1.0], 1e-4);
        assert_eq!(of(&[vec![1.0, 0.0], vec![-0.5, 1.0]]), [1.0, 1.0]);
    }
}
