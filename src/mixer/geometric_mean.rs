//! The geometric mean of the losses (Chennupati et al. 2019, "MultiNet++: Multi-Stream Feature Aggregation and
//! Geometric Loss Strategy for Multi-Task Learning").
//!
//! With T losses and M = (Π Lₖ)^(1/T), ∂M/∂Lₖ = M / (T·Lₖ). The paper's weights are multiplied by T here, wₖ = M / Lₖ,
//! so that equal losses, and one loss alone, have shares of exactly 1; the geometric mean of the shares is 1. The
//! direction is that of `log`. A loss below 10⁻⁶, also one of 0 or below, counts as 10⁻⁶. An objective without a loss in
//! a step is not part of the mean. No state.

use super::{Needs, StepView, Weighting, WeightingKind, coefficients::by_losses};
use crate::keys::{Key, Values};

pub(super) struct GeometricMean;

impl WeightingKind for GeometricMean {
    fn name(&self) -> &'static str {
        "geometric-mean"
    }

    fn about(&self) -> &'static str {
        "the geometric mean of the losses: a share of that mean divided by the loss"
    }

    fn keys(&self) -> &'static [Key] {
        &[]
    }

    fn build(&self, _values: &Values) -> Box<dyn Weighting> {
        Box::new(Self)
    }
}

impl Weighting for GeometricMean {
    fn needs(&self) -> Needs {
        Needs::Losses
    }

    fn coefficients(&mut self, step: &StepView<'_>) -> Vec<f32> {
        by_losses(step, |losses| {
            let logs: Vec<f64> = losses.iter().map(|loss| loss.ln()).collect();
            let mean = logs.iter().sum::<f64>() / logs.len() as f64;
            logs.iter().map(|log| (mean - log).exp()).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::mixer::tests::{assert_near, of_losses, rule};

    #[test]
    fn shares_are_the_mean_divided_by_the_loss() {
        let of = |losses: &[Option<f32>]| of_losses(&mut *rule("geometric-mean", &[]), losses);
        // M = √(0.5·8) = 2.
        assert_near(&of(&[Some(0.5), None, Some(8.0)]), &[4.0, 1.0, 0.25], 1e-6);
        assert_eq!(of(&[Some(3.0)]), [1.0]);
        // A loss of 0 counts as 10⁻⁶: M = √(10⁻⁶·4) = 0.002.
        assert_near(&of(&[Some(0.0), Some(4.0)]), &[2_000.0, 0.000_5], 1e-5);
    }

    /// The share is the derivative of T·M: finite differences in the loss.
    #[test]
    fn shares_are_the_derivatives_of_the_mean() {
        let losses = [0.5, 2.0, 3.0_f64];
        let mean = |losses: &[f64]| losses.iter().product::<f64>().powf(1.0 / 3.0);
        let w = of_losses(&mut *rule("geometric-mean", &[]), &losses.map(|loss| Some(loss as f32)));
        for k in 0..3 {
            let moved = |by: f64| {
                let mut losses = losses;
                losses[k] += by;
                mean(&losses)
            };
            let slope = 3.0 * (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert_near(&[w[k]], &[slope], 1e-5);
        }
    }
}
