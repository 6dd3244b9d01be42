//! Scales that descend a regularized sum of the losses, for the rules that learn them.
//!
//! With wₖ = exp(tₖ), Σ wₖ·Lₖ − tₖ has the derivative wₖ·Lₖ − 1 in tₖ, and its minimum at wₖ = 1 / Lₖ. A step of
//! gradient descent is tₖ ← tₖ + η·(1 − wₖ·Lₖ), which needs no backward pass. Each t begins at 0, a coefficient of 1. It
//! moves by at most 1 in a step, so that one extraordinary loss changes a weight by a factor of e only, and stays within
//! ±ln 10⁶.

use std::collections::BTreeMap;

use super::{
    Needs, ObjectiveView, StepView, Weighting, WeightingMemory, WeightingMemoryError,
    coefficients::{MOST, coefficient},
};
use crate::{
    keys::{Key, ValueType},
    protocol::ObjectiveId,
};

pub(super) const LEARNING_RATE: Key = Key::with_default(
    "learning_rate",
    ValueType::Number(0.0, 1.0),
    "0.01",
    "learning rate of the logarithms of the scales, by gradient descent",
);

/// The largest change of a t in a step.
const MOST_CHANGE: f64 = 1.0;

/// The rule in operation.
pub(super) struct LearnedScales {
    rate: f64,
    /// The t of each objective that has had a loss.
    logs: BTreeMap<ObjectiveId, f32>,
}

impl LearnedScales {
    /// With this η.
    pub(super) fn new(rate: f64) -> Self {
        Self { rate, logs: BTreeMap::new() }
    }
}

impl Weighting for LearnedScales {
    fn needs(&self) -> Needs {
        Needs::Losses
    }

    fn coefficients(&mut self, step: &StepView<'_>) -> Vec<f32> {
        let mut of = |objective: &ObjectiveView<'_>| {
            let log = f64::from(self.logs.get(objective.name).copied().unwrap_or(0.0));
            let w = log.exp();
            if let Some(loss) = objective.loss {
                let change = self.rate * (1.0 - w * f64::from(loss));
                let next = log + change.clamp(-MOST_CHANGE, MOST_CHANGE);
                let next = next.clamp(-MOST.ln(), MOST.ln());
                self.logs.insert(objective.name.clone(), next as f32);
            }
            coefficient(w)
        };
        step.objectives.iter().map(&mut of).collect()
    }

    fn memory(&self) -> WeightingMemory {
        WeightingMemory::new(&self.logs)
    }

    fn restore(&mut self, memory: &WeightingMemory) -> Result<(), WeightingMemoryError> {
        self.logs = memory.read()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mixer::tests::of_losses;

    #[test]
    fn scales_tend_to_the_reciprocal_of_the_loss_and_wait_while_there_is_none() {
        let mut scales = LearnedScales::new(0.1);
        for _ in 0..500 {
            of_losses(&mut scales, &[Some(4.0), Some(0.25)]);
        }
        let w = of_losses(&mut scales, &[None, None]);
        assert!((w[0] - 0.25).abs() < 1e-4 && (w[1] - 4.0).abs() < 1e-3, "{w:?}");
        assert_eq!(of_losses(&mut scales, &[None, None]), w);
    }

    #[test]
    fn a_scale_changes_by_a_factor_of_e_at_most_and_is_bounded() {
        let mut scales = LearnedScales::new(1.0);
        of_losses(&mut scales, &[Some(f32::MAX), Some(0.0)]);
        let w = of_losses(&mut scales, &[Some(f32::MAX), Some(0.0)]);
        assert!((w[0] - 1.0_f32.exp().recip()).abs() < 1e-6 && (w[1] - 1.0_f32.exp()).abs() < 1e-6);
        for _ in 0..40 {
            of_losses(&mut scales, &[Some(f32::MAX), Some(0.0)]);
        }
        let w = of_losses(&mut scales, &[None, None]);
        assert!((w[0] - 1e-6).abs() < 1e-8 && (w[1] - 1e6).abs() < 2.0, "{w:?}");
    }
}
