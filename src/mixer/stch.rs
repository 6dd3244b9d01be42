//! Smooth Tchebycheff scalarization (Lin et al. 2024, "Smooth Tchebycheff Scalarization for Multi-Objective
//! Optimization"): a smooth form of the largest loss.
//!
//! With λ = 1/T for each of T losses and 0 as the ideal loss, the paper minimizes μ·log Σ exp(Lₖ / (T·μ)), whose weights
//! are softmax(L / (T·μ)) / T. Here they are multiplied by T², so that shares average 1: w = T·softmax(L / (T·μ)). A
//! small μ is near the largest loss alone, a large one near `equal`. Losses of different units are compared as they are,
//! so a gain does not change which one is largest. An objective without a loss in a step is not part of the sum; one
//! alone has a share of 1. No state.

use super::{Needs, StepView, Weighting, WeightingKind, softmax::softmax_of_mean_1};
use crate::keys::{Key, MAX_NUMBER, ValueType, Values};

pub(super) struct Stch;

const MU: Key = Key::with_default(
    "mu",
    ValueType::Number(1e-3, MAX_NUMBER),
    "1",
    "smoothing; a smaller one gives more to the largest loss",
);

impl WeightingKind for Stch {
    fn name(&self) -> &'static str {
        "stch"
    }

    fn about(&self) -> &'static str {
        "smooth Tchebycheff scalarization: larger shares for larger losses"
    }

    fn keys(&self) -> &'static [Key] {
        &[MU]
    }

    fn build(&self, values: &Values) -> Box<dyn Weighting> {
        Box::new(Smooth { mu: values.number(MU.name) })
    }
}

struct Smooth {
    mu: f64,
}

impl Weighting for Smooth {
    fn needs(&self) -> Needs {
        Needs::Losses
    }

    fn coefficients(&mut self, step: &StepView<'_>) -> Vec<f32> {
        let losses: Vec<f64> =
            step.objectives.iter().filter_map(|of| of.loss).map(f64::from).collect();
        let scale = losses.len() as f64 * self.mu;
        let exponents: Vec<f64> = losses.iter().map(|loss| loss / scale).collect();
        let mut found = softmax_of_mean_1(&exponents).into_iter();
        let mut of = |loss: Option<f32>| loss.and_then(|_| found.next()).unwrap_or(1.0);
        step.objectives.iter().map(|objective| of(objective.loss)).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        keys::Value,
        mixer::tests::{assert_near, of_losses, rule},
    };

    #[test]
    fn shares_are_a_softmax_of_the_losses() {
        // Two losses that differ by 2·ln 3: softmax(ln 3, 0) = (3/4, 1/4).
        let larger = 0.5 + 2.0 * 3.0_f32.ln();
        let w = of_losses(&mut *rule("stch", &[]), &[Some(larger), None, Some(0.5)]);
        assert_near(&w, &[1.5, 1.0, 0.5], 1e-6);
        let mut sharp = rule("stch", &[("mu", Value::Number(1e-3))]);
        assert_eq!(of_losses(&mut *sharp, &[Some(1e30), Some(1e29)]), [2.0, 0.0]);
        assert_eq!(of_losses(&mut *sharp, &[Some(1e30)]), [1.0]);
    }
}
