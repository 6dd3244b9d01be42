//! Independent component alignment, Aligned-MTL (Senushkin et al. 2023, "Independent Component Alignment for Multi-Task
//! Learning").
//!
//! With G = V·Λ·Vᵀ over the r eigenvalues that are not 0, w = √λ·V·Λ^(−½)·Vᵀ·1: the gradients become orthogonal and of
//! the same length √λ, and are then summed. λ is an eigenvalue: the smallest (the paper), the median (the lower one of
//! two), or the mean (the authors' code).
//!
//! The paper weights the aligned gradients by preferences, which gains are here, so 1 each: one objective alone has a
//! share of 1. With the smallest eigenvalue no step is longer than with orthogonal gradients of that length, and shares are
//! mostly below 1; they do not average 1. Eigenvalues below T·10⁻¹² of the largest count as 0, as parallel gradients
//! leave as much by rounding. An objective without a gradient in a step is not part of it. No state.

use super::{
    Gram, Needs, StepView, Weighting, WeightingKind, coefficients::by_gram, symmetric::Eigen,
};
use crate::keys::{Key, ValueType, Values};

pub(super) struct AlignedMtl;

const SCALE: Key = Key::with_default(
    "scale",
    ValueType::Choice(&["min", "median", "mean"]),
    "\"min\"",
    "eigenvalue of the Gram matrix whose root is the length of the aligned gradients",
);

impl WeightingKind for AlignedMtl {
    fn name(&self) -> &'static str {
        "aligned-mtl"
    }

    fn about(&self) -> &'static str {
        "aligned components: gradients made orthogonal and of one length"
    }

    fn keys(&self) -> &'static [Key] {
        &[SCALE]
    }

    fn build(&self, values: &Values) -> Box<dyn Weighting> {
        Box::new(match values.text(SCALE.name) {
            "median" => Aligned { scale: median },
            "mean" => Aligned { scale: mean },
            _ => Aligned { scale: smallest },
        })
    }
}

struct Aligned {
    /// One value for the eigenvalues, the largest first.
    scale: fn(&[f64]) -> f64,
}

fn smallest(values: &[f64]) -> f64 {
    values[values.len() - 1]
}

fn median(values: &[f64]) -> f64 {
    values[values.len() / 2]
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

impl Weighting for Aligned {
    fn needs(&self) -> Needs {
        Needs::Gram
    }

    fn coefficients(&mut self, step: &StepView<'_>) -> Vec<f32> {
        by_gram(step, |gram, _| aligned(gram, self.scale))
    }
}

fn aligned(gram: &Gram, scale: fn(&[f64]) -> f64) -> Vec<f64> {
    let eigen = Eigen::of(gram);
    let scale = scale(&eigen.values);
    eigen.apply(|value| (scale / value).sqrt(), &vec![1.0; gram.n()])
}

#[cfg(test)]
mod tests {
    use crate::{
        keys::Value,
        mixer::tests::{assert_near, of_gradients, rule},
    };

    #[test]
    fn orthogonal_gradients_get_one_length() {
        let of = |scale: &str, gradients: &[Vec<f64>]| {
            let mut rule = rule("aligned-mtl", &[("scale", Value::Text(scale.to_owned()))]);
            of_gradients(&mut *rule, gradients, &vec![1.0; gradients.len()])
        };
        let orthogonal = [vec![1.0, 0.0, 0.0], vec![0.0, 2.0, 0.0], vec![0.0, 0.0, 4.0]];
        assert_near(&of("min", &orthogonal), &[1.0, 0.5, 0.25], 1e-6);
        assert_near(&of("median", &orthogonal), &[2.0, 1.0, 0.5], 1e-6);
        // (1 + 4 + 16) / 3 = 7.
        let root = 7.0_f64.sqrt();
        assert_near(&of("mean", &orthogonal), &[root, root / 2.0, root / 4.0], 1e-6);
        // Parallel ones have one eigenvalue, 1 + 9, along (1, 3): √(λ/λ)·v·⟨v, 1⟩ = (0.4, 1.2).
        assert_near(&of("min", &[vec![1.0], vec![3.0]]), &[0.4, 1.2], 1e-6);
    }
}
