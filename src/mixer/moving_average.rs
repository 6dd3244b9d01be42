//! A moving average of any rule's coefficients (Zhou et al. 2022, "On the Convergence of Stochastic Multi-Objective
//! Gradient Manipulation and Beyond": CR-MOGM).
//!
//! wₖ ← decay·wₖ + (1 − decay)·ŵₖ, with ŵ the rule's coefficients; it begins at the first ŵ. Where the rule's shares
//! average 1 so do these, if the same objectives are in every step. (The paper lets the decay tend to 1 with the
//! learning rate; here it is constant.)
//!
//! State: the average of each objective, and the rule's own. An objective that has no loss in a step, or no gradient if
//! the rule needs gradients, keeps its average.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Needs, ObjectiveView, StepView, Weighting, WeightingMemory, WeightingMemoryError,
    coefficients::coefficient,
};
use crate::{
    keys::{Key, ValueType},
    protocol::ObjectiveId,
};

/// The option of every rule.
pub const MOVING_AVERAGE: Key = Key::optional(
    "moving_average",
    ValueType::Number(0.0, 0.9999),
    "decay of a moving average of the shares (Zhou et al. 2022)",
);

/// The rule in operation.
pub(super) struct MovingAverage {
    rule: Box<dyn Weighting>,
    decay: f64,
    averages: BTreeMap<ObjectiveId, f32>,
}

impl MovingAverage {
    /// The average of that rule, with no memory.
    pub(super) fn new(rule: Box<dyn Weighting>, decay: f64) -> Self {
        Self { rule, decay, averages: BTreeMap::new() }
    }
}

#[derive(Default, Serialize, Deserialize)]
struct Memory {
    averages: BTreeMap<ObjectiveId, f32>,
    rule: WeightingMemory,
}

impl Weighting for MovingAverage {
    fn needs(&self) -> Needs {
        self.rule.needs()
    }

    fn coefficients(&mut self, step: &StepView<'_>) -> Vec<f32> {
        let found = self.rule.coefficients(step);
        let needs_losses = self.needs() >= Needs::Losses;
        let mut of = |(objective, new): (&ObjectiveView<'_>, f32)| {
            let old = self.averages.get(objective.name).copied();
            if needs_losses && objective.loss.is_none() {
                return old.unwrap_or(new);
            }
            let average = old.map_or(f64::from(new), |old| {
                self.decay * f64::from(old) + (1.0 - self.decay) * f64::from(new)
            });
            let average = coefficient(average);
            self.averages.insert(objective.name.clone(), average);
            average
        };
        step.objectives.iter().zip(found).map(&mut of).collect()
    }

    fn keeps_gradients(&self) -> bool {
        self.rule.keeps_gradients()
    }

    fn needs_losses_after_update(&self) -> bool {
        self.rule.needs_losses_after_update()
    }

    fn after_update(&mut self, step: &StepView<'_>) {
        self.rule.after_update(step);
    }

    fn memory(&self) -> WeightingMemory {
        WeightingMemory::new(&Memory { averages: self.averages.clone(), rule: self.rule.memory() })
    }

    fn restore(&mut self, memory: &WeightingMemory) -> Result<(), WeightingMemoryError> {
        let memory: Memory = memory.read()?;
        self.averages = memory.averages;
        self.rule.restore(&memory.rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mixer::tests::{assert_near, of_losses, rule};

    #[test]
    fn shares_are_averaged_and_the_rule_keeps_its_memory() {
        let mut average = MovingAverage::new(rule("log", &[]), 0.75);
        assert_eq!(of_losses(&mut average, &[Some(1.0), Some(0.5)]), [1.0, 2.0]);
        // 0.75·1 + 0.25·4; the second one waits.
        assert_eq!(of_losses(&mut average, &[Some(0.25), None]), [1.75, 2.0]);
        assert_near(&of_losses(&mut average, &[Some(1.0), Some(1.0)]), &[1.5625, 1.75], 1e-6);

        let new = || MovingAverage::new(rule("uncertainty", &[]), 0.75);
        let mut whole = new();
        of_losses(&mut whole, &[Some(3.0), Some(0.2)]);
        let mut restored = new();
        restored.restore(&whole.memory()).unwrap();
        for losses in [[Some(2.0), Some(0.1)], [None, Some(4.0)]] {
            assert_eq!(of_losses(&mut whole, &losses), of_losses(&mut restored, &losses));
        }
        assert_eq!(whole.memory(), restored.memory());
    }
}
