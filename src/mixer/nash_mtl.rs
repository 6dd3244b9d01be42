//! Nash bargaining, Nash-MTL (Navon et al. 2022, "Multi-Task Learning as a Bargaining Game").
//!
//! The α > 0 with G·α = 1/α: the product of the decreases ⟨gₖ, d⟩ of d = Σ αₖgₖ is the largest for its length. It is
//! the minimum of ½αᵀGα − Σ log αₖ (`fairness`), solved for unit vectors, as the equations hold for βₖ = αₖ·‖gₖ‖ and the
//! cosines. The paper approximates it by a sequence of convex programs.
//!
//! αᵀGα = T: the paper's ‖d‖ is √T however long the gradients are, and at most 1 after its clipping. Here
//! w = T·α / Σ αₖ, so that shares average 1, a step has the length of the gradients, and one objective alone has a share
//! of 1. With opposed gradients no α is the solution; one for slightly longer diagonal elements takes its place. An
//! objective without a gradient in a step is not part of it. No state.

use super::{
    Needs, StepView, Weighting, WeightingKind,
    coefficients::{by_gram, cosines, norms, of_mean_1},
    fairness::fair,
};
use crate::keys::{Key, Values};

pub(super) struct NashMtl;

impl WeightingKind for NashMtl {
    fn name(&self) -> &'static str {
        "nash-mtl"
    }

    fn about(&self) -> &'static str {
        "Nash bargaining: the direction with the largest product of decreases"
    }

    fn keys(&self) -> &'static [Key] {
        &[]
    }

    fn build(&self, _values: &Values) -> Box<dyn Weighting> {
        Box::new(Self)
    }
}

impl Weighting for NashMtl {
    fn needs(&self) -> Needs {
        Needs::Gram
    }

    fn coefficients(&mut self, step: &StepView<'_>) -> Vec<f32> {
        by_gram(step, |gram, _| {
            let beta = fair(&cosines(gram), 1.0);
            of_mean_1(
                &beta.iter().zip(norms(gram)).map(|(beta, norm)| beta / norm).collect::<Vec<_>>(),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::mixer::tests::{assert_near, of_gradients, rule};

    #[test]
    fn two_gradients_count_by_the_reciprocals_of_their_norms() {
        let of = |gradients: &[Vec<f64>]| {
            of_gradients(&mut *rule("nash-mtl", &[]), gradients, &vec![1.0; gradients.len()])
        };
        // Orthogonal: ‖g‖²·α = 1/α, α = (1, 1/3).
        assert_near(&of(&[vec![1.0, 0.0], vec![0.0, 3.0]]), &[1.5, 0.5], 1e-6);
        // A cosine of 0.6 changes both β in the same way; three with a pair that agrees does not.
        assert_near(&of(&[vec![1.0, 0.0], vec![1.8, 2.4]]), &[1.5, 0.5], 1e-6);
        // A pair of equal gradients counts as one: β + β = 1/β, β = 1/√2, against 1.
        let w = of(&[vec![1.0, 0.0], vec![1.0, 0.0], vec![0.0, 1.0]]);
        let sum = 1.0 + 2.0_f64.sqrt();
        assert_near(&w, &[1.5 * 2.0_f64.sqrt() / sum, 1.5 * 2.0_f64.sqrt() / sum, 3.0 / sum], 1e-6);
    }
}
