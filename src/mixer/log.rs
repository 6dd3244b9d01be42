//! The sum of the losses' logarithms, Σ log Lₖ: wₖ = 1 / Lₖ, so that every objective counts by the relative change of
//! its loss, whatever its unit.
//!
//! It is the scale that `uncertainty` and `imtl-l` tend to, without their memory, and the loss transformation of DB-MTL
//! (Lin et al. 2023, "Dual-Balancing for Multi-Task Learning"). The weights are those of the formula: shares do not
//! average 1, and one objective alone has 1 / L, the gradient of log L. A loss below 10⁻⁶, also one of 0 or below,
//! counts as 10⁻⁶. An objective without a loss in a step is not part of the sum. No state.

use super::{Needs, StepView, Weighting, WeightingKind, coefficients::by_losses};
use crate::keys::{Key, Values};

pub(super) struct Log;

impl WeightingKind for Log {
    fn name(&self) -> &'static str {
        "log"
    }

    fn about(&self) -> &'static str {
        "the sum of the logarithms of the losses: a share of 1 / loss"
    }

    fn keys(&self) -> &'static [Key] {
        &[]
    }

    fn build(&self, _values: &Values) -> Box<dyn Weighting> {
        Box::new(Self)
    }
}

impl Weighting for Log {
    fn needs(&self) -> Needs {
        Needs::Losses
    }

    fn coefficients(&mut self, step: &StepView<'_>) -> Vec<f32> {
        by_losses(step, |losses| losses.iter().map(|loss| loss.recip()).collect())
    }
}

#[cfg(test)]
mod tests {
    use crate::mixer::tests::{of_losses, rule};

    #[test]
    fn a_share_is_the_reciprocal_of_the_loss_and_bounded() {
        let w = of_losses(&mut *rule("log", &[]), &[Some(0.5), Some(4.0), None, Some(0.0)]);
        assert_eq!(w, [2.0, 0.25, 1.0, 1e6]);
    }
}
