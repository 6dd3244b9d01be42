//! Online learning of auxiliary weights, OL-AUX (Lin, Baweja, Kantor and Held 2019, "Adaptive Auxiliary Task Weighting for
//! Reinforcement Learning").
//!
//! With g the main objective's gradient in a step and aₖ that of auxiliary k in the step before, every N steps
//! wₖ ← max(0, wₖ + β·Σ ⟨g, aₖ⟩), the sum over these steps: an auxiliary whose gradient points where the main loss falls
//! a step later has a larger share afterwards. All w begin at 1, and the main objective's stays there. β is the
//! product of the paper's two learning rates.
//!
//! The shares do not average 1. A step without the main objective, or without the auxiliary in the step before, adds
//! nothing. State: w and the sum of each auxiliary, the number of steps since the last change, and the gradients of the
//! step before.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Needs, ObjectiveView, StepView, Weighting, WeightingKind, WeightingMemory,
    WeightingMemoryError,
    coefficients::{MOST, coefficient},
};
use crate::{
    keys::{Key, ValueType, Values},
    protocol::ObjectiveId,
};

pub(super) struct OlAux;

const EVERY: Key = Key::with_default(
    "every",
    ValueType::Within(1, 100_000),
    "5",
    "steps between two changes of the shares",
);

const LEARNING_RATE: Key = Key::with_default(
    "learning_rate",
    ValueType::Number(0.0, 1e6),
    "0.01",
    "factor of the inner products",
);

impl WeightingKind for OlAux {
    fn name(&self) -> &'static str {
        "ol-aux"
    }

    fn about(&self) -> &'static str {
        "larger shares for auxiliaries whose last gradient points where the main loss falls"
    }

    fn keys(&self) -> &'static [Key] {
        &[EVERY, LEARNING_RATE]
    }

    fn needs_main(&self) -> bool {
        true
    }

    fn build(&self, values: &Values) -> Box<dyn Weighting> {
        let (every, rate) = (values.count(EVERY.name) as u64, values.number(LEARNING_RATE.name));
        Box::new(Online { every, rate, state: State::default() })
    }
}

struct Online {
    every: u64,
    rate: f64,
    state: State,
}

#[derive(Default, Serialize, Deserialize)]
struct State {
    of: BTreeMap<ObjectiveId, Auxiliary>,
    /// Steps since the last change.
    steps: u64,
}

/// What is known of an auxiliary.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Auxiliary {
    w: f32,
    sum: f32,
}

impl Default for Auxiliary {
    fn default() -> Self {
        Self { w: 1.0, sum: 0.0 }
    }
}

impl Auxiliary {
    fn change(&mut self, rate: f64) {
        let w = f64::from(self.w) + rate * f64::from(self.sum);
        *self = Self { w: w.clamp(0.0, MOST) as f32, sum: 0.0 };
    }
}

impl Weighting for Online {
    fn needs(&self) -> Needs {
        Needs::Gram
    }

    fn keeps_gradients(&self) -> bool {
        true
    }

    fn coefficients(&mut self, step: &StepView<'_>) -> Vec<f32> {
        for (objective, product) in step.objectives.iter().zip(step.earlier.unwrap_or_default()) {
            if !objective.is_main {
                let auxiliary = self.state.of.entry(objective.name.clone()).or_default();
                let sum = f64::from(auxiliary.sum) + product;
                auxiliary.sum = sum.clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32;
            }
        }
        self.state.steps += 1;
        if self.state.steps >= self.every {
            self.state.steps = 0;
            self.state.of.values_mut().for_each(|auxiliary| auxiliary.change(self.rate));
        }
        let of = |objective: &ObjectiveView<'_>| {
            let auxiliary = self.state.of.get(objective.name).filter(|_| !objective.is_main);
            auxiliary.map_or(1.0, |auxiliary| coefficient(f64::from(auxiliary.w)))
        };
        step.objectives.iter().map(of).collect()
    }

    fn memory(&self) -> WeightingMemory {
        WeightingMemory::new(&self.state)
    }

    fn restore(&mut self, memory: &WeightingMemory) -> Result<(), WeightingMemoryError> {
        self.state = memory.read()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        keys::Value,
        mixer::{
            Gram, ObjectiveView, StepView, Weighting,
            tests::{names, rule},
        },
    };

    /// The coefficients in a step with these inner products; the first objective is the main one.
    fn step(rule: &mut dyn Weighting, earlier: Option<&[f64]>) -> Vec<f32> {
        let names = names(3);
        let view = |(at, name)| ObjectiveView { name, is_main: at == 0, epoch: 0, loss: Some(1.0) };
        let objectives: Vec<ObjectiveView<'_>> = names.iter().enumerate().map(view).collect();
        let gram = Gram::new(3, |j, k| if j == k { 1.0 } else { 0.0 });
        let (objectives, gram) = (&objectives[..], Some(&gram));
        rule.coefficients(&StepView { seed: 1, done: 0, objectives, gram, earlier })
    }

    #[test]
    fn shares_change_by_the_sums_of_some_steps_and_are_never_negative() {
        let options = [("every", Value::Integer(2)), ("learning_rate", Value::Number(0.5))];
        let mut rule = rule("ol-aux", &options);
        assert_eq!(step(&mut *rule, None), [1.0, 1.0, 1.0]);
        // 1 + 0.5·0.4 and 1 − 0.5·0.2.
        assert_eq!(step(&mut *rule, Some(&[9.0, 0.4, -0.2])), [1.0, 1.2, 0.9]);
        let memory = rule.memory();
        assert_eq!(step(&mut *rule, Some(&[9.0, 0.4, -5.0])), [1.0, 1.2, 0.9]);
        let after = step(&mut *rule, Some(&[9.0, -0.2, 1.0]));
        assert!((after[1] - 1.3).abs() < 1e-6 && after[2] == 0.0, "{after:?}");
        rule.restore(&memory).unwrap();
        step(&mut *rule, Some(&[9.0, 0.4, -5.0]));
        assert_eq!(step(&mut *rule, Some(&[9.0, -0.2, 1.0])), after);
    }
}
