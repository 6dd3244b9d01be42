//! The balance of losses of impartial multi-task learning, IMTL-L (Liu et al. 2021, "Towards Impartial Multi-Task
//! Learning").
//!
//! Each objective has a log scale sₖ; Σ exp(sₖ)·Lₖ − sₖ is minimized in the parameters and in s. The derivative in sₖ
//! is exp(sₖ)·Lₖ − 1, so s needs no backward pass: it has its own learning rate, plain gradient descent, and the bounds
//! of `learned_scales`. It is `uncertainty` with twice its learning rate. The weights are those of the paper: they
//! begin at 1, as those of `equal`, and tend to 1 / Lₖ; shares do not average 1, and one objective alone has exp(s) too.
//!
//! State: s of each objective. Without a loss in a step it stays as it is.

use super::{
    Weighting, WeightingKind,
    learned_scales::{LEARNING_RATE, LearnedScales},
};
use crate::keys::{Key, Values};

pub(super) struct ImtlL;

impl WeightingKind for ImtlL {
    fn name(&self) -> &'static str {
        "imtl-l"
    }

    fn about(&self) -> &'static str {
        "impartial losses: a learnt scale of each loss, which tends to 1 / loss"
    }

    fn keys(&self) -> &'static [Key] {
        &[LEARNING_RATE]
    }

    fn build(&self, values: &Values) -> Box<dyn Weighting> {
        Box::new(LearnedScales::new(values.number(LEARNING_RATE.name)))
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        keys::Value,
        mixer::tests::{assert_near, of_losses, rule},
    };

    #[test]
    fn a_scale_moves_by_the_rate() {
        let mut rule = rule("imtl-l", &[("learning_rate", Value::Number(0.1))]);
        assert_eq!(of_losses(&mut *rule, &[Some(3.0), Some(0.5)]), [1.0, 1.0]);
        // s = 0 − 0.1·(3 − 1) = −0.2, and 0 − 0.1·(0.5 − 1) = 0.05.
        let w = of_losses(&mut *rule, &[Some(3.0), Some(0.5)]);
        assert_near(&w, &[(-0.2_f64).exp(), 0.05_f64.exp()], 1e-6);
    }
}
