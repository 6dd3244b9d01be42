//! Conflict-free update, ConFIG (Liu, Chu and Thuerey 2024, "ConFIG: Towards Conflict-free Training of Physics Informed
//! Neural Networks").
//!
//! With C the cosines, C·y = 1 and u = Σ yₖ·gₖ / ‖gₖ‖, whose projection onto every gradient is the same where they are
//! independent; û = u / ‖u‖ and d = (Σ ⟨gₖ, û⟩)·û. It is the direction of `imtl-g` with the length of the gradients'
//! projections onto it: as long as their sum where they are parallel, and 0 where they are opposed. The pseudo-inverse
//! gives y where gradients are dependent.
//!
//! Coefficients are those of d, so shares do not average 1, and may be negative; one objective alone has a share of 1. An
//! objective without a gradient in a step is not part of it. No state.

use super::{
    Gram, Needs, StepView, Weighting, WeightingKind,
    coefficients::{by_gram, cosines, norms},
    symmetric::Eigen,
};
use crate::keys::{Key, Values};

pub(super) struct ConFig;

impl WeightingKind for ConFig {
    fn name(&self) -> &'static str {
        "config"
    }

    fn about(&self) -> &'static str {
        "conflict-free: the same projection onto every gradient, as long as the gradients along it"
    }

    fn keys(&self) -> &'static [Key] {
        &[]
    }

    fn build(&self, _values: &Values) -> Box<dyn Weighting> {
        Box::new(Self)
    }
}

/// The least ‖u‖² that gives a direction; for one gradient it is 1.
const LEAST: f64 = 1e-9;

impl Weighting for ConFig {
    fn needs(&self) -> Needs {
        Needs::Gram
    }

    fn coefficients(&mut self, step: &StepView<'_>) -> Vec<f32> {
        by_gram(step, |gram, _| conflict_free(gram))
    }
}

fn conflict_free(gram: &Gram) -> Vec<f64> {
    let (cosines, norms) = (cosines(gram), norms(gram));
    let y = Eigen::of(&cosines).pseudo_inverse_times(&vec![1.0; gram.n()]);
    // ⟨gₖ / ‖gₖ‖, u⟩, 1 for independent gradients, and ‖u‖².
    let along = cosines.times(&y);
    let square: f64 = along.iter().zip(&y).map(|(along, y)| along * y).sum();
    if square < LEAST {
        return vec![0.0; gram.n()];
    }
    let length: f64 = along.iter().zip(&norms).map(|(along, norm)| along * norm).sum();
    y.iter().zip(norms).map(|(y, norm)| length / square * y / norm).collect()
}

#[cfg(test)]
mod tests {
    use crate::mixer::tests::{assert_near, of_gradients, rule};

    #[test]
    fn the_step_is_as_long_as_the_projections() {
        let of = |gradients: &[Vec<f64>]| {
            of_gradients(&mut *rule("config", &[]), gradients, &vec![1.0; gradients.len()])
        };
        // u = (1, 1) and û = u / √2: (1 + 3) / √2 along it is (2, 2).
        assert_near(&of(&[vec![1.0, 0.0], vec![0.0, 3.0]]), &[2.0, 2.0 / 3.0], 1e-6);
        // Parallel: 1 + 3 = 4 along it, by halves.
        assert_near(&of(&[vec![1.0], vec![3.0]]), &[2.0, 2.0 / 3.0], 1e-6);
        assert_eq!(of(&[vec![1.0], vec![-1.0]]), [0.0, 0.0]);
    }
}
