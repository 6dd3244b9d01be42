//! Uncertainty weighting (Kendall, Gal and Cipolla 2018, "Multi-Task Learning Using Uncertainty to Weigh Losses for
//! Scene Geometry and Semantics").
//!
//! Each objective has a log variance sₖ; Σ ½·exp(−sₖ)·Lₖ + ½·sₖ is minimized in the parameters and in s. The
//! derivative in sₖ is ½·(1 − exp(−sₖ)·Lₖ), so s needs no backward pass: it has its own learning rate, plain gradient
//! descent, and the bounds of `learned_scales`. The paper's weights ½·exp(−sₖ) are multiplied by 2 here: they begin at
//! 1, as those of `equal`, and tend to 1 / Lₖ. Shares do not average 1, and one objective alone has exp(−s) too.
//!
//! State: s of each objective. Without a loss in a step it stays as it is.

use super::{
    Weighting, WeightingKind,
    learned_scales::{LEARNING_RATE, LearnedScales},
};
use crate::keys::{Key, Values};

pub(super) struct Uncertainty;

impl WeightingKind for Uncertainty {
    fn name(&self) -> &'static str {
        "uncertainty"
    }

    fn about(&self) -> &'static str {
        "shares by a learnt variance of each loss, which tend to 1 / loss"
    }

    fn keys(&self) -> &'static [Key] {
        &[LEARNING_RATE]
    }

    fn build(&self, values: &Values) -> Box<dyn Weighting> {
        // t = −s moves by ½·η·(1 − exp(−s)·L).
        Box::new(LearnedScales::new(values.number(LEARNING_RATE.name) / 2.0))
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        keys::Value,
        mixer::tests::{assert_near, of_losses, rule},
    };

    #[test]
    fn a_variance_moves_by_half_the_rate() {
        let mut rule = rule("uncertainty", &[("learning_rate", Value::Number(0.1))]);
        assert_eq!(of_losses(&mut *rule, &[Some(3.0), Some(1.0)]), [1.0, 1.0]);
        // s = 0 − 0.1·½·(1 − 3) = 0.1, and 0 where the loss is 1 already.
        let w = of_losses(&mut *rule, &[Some(3.0), Some(1.0)]);
        assert_near(&w, &[(-0.1_f64).exp(), 1.0], 1e-6);
    }
}
