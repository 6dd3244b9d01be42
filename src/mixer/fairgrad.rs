//! Fair resource allocation, FairGrad (Ban and Ji 2024, "Fair Resource Allocation in Multi-Task Learning").
//!
//! The w > 0 with G·w = w^(−1/α): the decreases ⟨gₖ, d⟩ of d = Σ wₖgₖ maximize a utility with α-fairness. α = 1 is
//! `nash-mtl`; a larger α is nearer to the largest of the smallest decreases (`fairness` has the minimization).
//!
//! The paper's w shrinks where gradients grow. Here its proportions are kept and shares average 1, so that one objective
//! alone has a share of 1. With opposed gradients no w is the solution; one for slightly longer diagonal elements takes its
//! place. An objective without a gradient in a step is not part of it. No state.

use super::{
    Needs, StepView, Weighting, WeightingKind,
    coefficients::{by_gram, of_mean_1},
    fairness::fair,
};
use crate::keys::{Key, ValueType, Values};

pub(super) struct FairGrad;

const ALPHA: Key = Key::with_default(
    "alpha",
    ValueType::Number(0.1, 100.0),
    "2",
    "degree of fairness; a larger one favours the objective whose decrease is smallest",
);

impl WeightingKind for FairGrad {
    fn name(&self) -> &'static str {
        "fairgrad"
    }

    fn about(&self) -> &'static str {
        "α-fairness of the decreases: 1 is nash-mtl, a larger one favours the smallest"
    }

    fn keys(&self) -> &'static [Key] {
        &[ALPHA]
    }

    fn build(&self, values: &Values) -> Box<dyn Weighting> {
        Box::new(Fair { alpha: values.number(ALPHA.name) })
    }
}

struct Fair {
    alpha: f64,
}

impl Weighting for Fair {
    fn needs(&self) -> Needs {
        Needs::Gram
    }

    fn coefficients(&mut self, step: &StepView<'_>) -> Vec<f32> {
        by_gram(step, |gram, _| {
            // The proportions do not depend on the gradients' unit.
            let largest = (0..gram.n()).map(|k| gram.at(k, k)).fold(0.0, f64::max);
            let scales = vec![largest.sqrt().recip(); gram.n()];
            of_mean_1(&fair(&gram.scaled(&scales), self.alpha))
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        keys::Value,
        mixer::tests::{assert_near, of_gradients, rule},
    };

    #[test]
    fn orthogonal_gradients_count_by_a_power_of_their_norms() {
        let of = |alpha: f64| {
            let mut rule = rule("fairgrad", &[("alpha", Value::Number(alpha))]);
            of_gradients(&mut *rule, &[vec![1.0, 0.0], vec![0.0, 8.0]], &[1.0; 2])
        };
        // ‖g‖²·w = w^(−1/2): w = ‖g‖^(−4/3) = (1, 1/16).
        assert_near(&of(2.0), &[32.0 / 17.0, 2.0 / 17.0], 1e-6);
        // α = 1: w = 1 / ‖g‖ = (1, 1/8).
        assert_near(&of(1.0), &[16.0 / 9.0, 2.0 / 9.0], 1e-6);
    }
}
