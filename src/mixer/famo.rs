//! Fast adaptive multitask optimization, FAMO (Liu, Feng, Stone and Liu 2023, "FAMO: Fast Adaptive Multitask
//! Optimization").
//!
//! With z = softmax(ξ) and c = 1 / Σ zᵢ / Lᵢ: wₖ = T·c·zₖ / Lₖ, which average 1. After the update, with the losses L′ of
//! the same batches and δᵢ = log Lᵢ − log L′ᵢ, ξ is updated by Adam with the gradient zₖ·(δₖ − Σ zᵢ·δᵢ) + γ·ξₖ: an
//! objective whose loss fell by a smaller part than those of the others has a larger share afterwards. ξ begins at 0.
//!
//! The paper's weights sum to 1: the same update needs T times the learning rate there. The least loss that it subtracts
//! is 0 here. An objective without a loss in this step is not part of the formulas. State: ξ and Adam's moments of each
//! objective.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Needs, ObjectiveView, StepView, Weighting, WeightingKind, WeightingMemory,
    WeightingMemoryError,
    coefficients::{MOST, by_losses, of_mean_1, positive},
    softmax::softmax_of_mean_1,
};
use crate::{
    keys::{Key, ValueType, Values},
    protocol::ObjectiveId,
};

pub(super) struct Famo;

const LEARNING_RATE: Key = Key::with_default(
    "learning_rate",
    ValueType::Number(0.0, 1.0),
    "0.025",
    "learning rate of the logits of the shares, by Adam",
);

const WEIGHT_DECAY: Key = Key::with_default(
    "weight_decay",
    ValueType::Number(0.0, 1.0),
    "0.001",
    "L2 penalty of the logits: pulls the shares to those of equal logits",
);

impl WeightingKind for Famo {
    fn name(&self) -> &'static str {
        "famo"
    }

    fn about(&self) -> &'static str {
        "larger shares for losses that an update lowers less; one more forward pass per step"
    }

    fn keys(&self) -> &'static [Key] {
        &[LEARNING_RATE, WEIGHT_DECAY]
    }

    fn build(&self, values: &Values) -> Box<dyn Weighting> {
        Box::new(Adaptive {
            rate: values.number(LEARNING_RATE.name),
            decay: values.number(WEIGHT_DECAY.name),
            of: BTreeMap::new(),
            before: Vec::new(),
        })
    }
}

struct Adaptive {
    rate: f64,
    decay: f64,
    of: BTreeMap<ObjectiveId, Logit>,
    /// The losses before the update.
    before: Vec<(ObjectiveId, f64)>,
}

/// ξ of an objective, with Adam's moments and its number of updates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Logit {
    xi: f32,
    first: f32,
    second: f32,
    updates: u32,
}

/// Adam's decay rates, and the number in its denominator.
const BETA: (f64, f64) = (0.9, 0.999);
const EPSILON: f64 = 1e-8;

impl Logit {
    fn update(&mut self, gradient: f64, rate: f64) {
        self.updates = self.updates.saturating_add(1);
        let first = BETA.0 * f64::from(self.first) + (1.0 - BETA.0) * gradient;
        let second = BETA.1 * f64::from(self.second) + (1.0 - BETA.1) * gradient.powi(2);
        let t = self.updates.min(1_000_000) as i32;
        let (mean, square) = (first / (1.0 - BETA.0.powi(t)), second / (1.0 - BETA.1.powi(t)));
        let xi = f64::from(self.xi) - rate * mean / (square.sqrt() + EPSILON);
        self.xi = xi.clamp(-MOST.ln(), MOST.ln()) as f32;
        (self.first, self.second) = (first as f32, second as f32);
    }
}

impl Adaptive {
    fn logit(&self, objective: &ObjectiveId) -> Logit {
        self.of.get(objective).copied().unwrap_or_default()
    }

    /// softmax(ξ) times the number of these objectives.
    fn softmax<'a>(&self, objectives: impl Iterator<Item = &'a ObjectiveId>) -> Vec<f64> {
        let xi: Vec<f64> = objectives.map(|name| f64::from(self.logit(name).xi)).collect();
        softmax_of_mean_1(&xi).into_iter().map(f64::from).collect()
    }
}

/// The objectives that have a loss in this step, with it.
fn with_loss(step: &StepView<'_>) -> Vec<(ObjectiveId, f64)> {
    let of = |view: &ObjectiveView<'_>| Some((view.name.clone(), positive(view.loss?)));
    step.objectives.iter().filter_map(of).collect()
}

impl Weighting for Adaptive {
    fn needs(&self) -> Needs {
        Needs::Losses
    }

    fn coefficients(&mut self, step: &StepView<'_>) -> Vec<f32> {
        self.before = with_loss(step);
        let z = self.softmax(self.before.iter().map(|(name, _)| name));
        by_losses(step, |losses| {
            let by_loss: Vec<f64> = z.iter().zip(losses).map(|(z, loss)| z / loss).collect();
            of_mean_1(&by_loss)
        })
    }

    fn needs_losses_after_update(&self) -> bool {
        true
    }

    fn after_update(&mut self, step: &StepView<'_>) {
        let after = with_loss(step);
        let before = std::mem::take(&mut self.before);
        let names = before.iter().map(|(name, _)| name);
        if before.is_empty() || !names.clone().eq(after.iter().map(|(name, _)| name)) {
            return;
        }
        let n = before.len() as f64;
        let z: Vec<f64> = self.softmax(names).into_iter().map(|z| z / n).collect();
        let fallen = before.iter().zip(&after).map(|((_, l), (_, after))| (l / after).ln());
        let fallen: Vec<f64> = fallen.collect();
        let mean: f64 = z.iter().zip(&fallen).map(|(z, delta)| z * delta).sum();
        for (((name, _), z), delta) in before.iter().zip(z).zip(fallen) {
            let mut logit = self.logit(name);
            let gradient = z * (delta - mean) + self.decay * f64::from(logit.xi);
            logit.update(gradient, self.rate);
            self.of.insert(name.clone(), logit);
        }
    }

    fn memory(&self) -> WeightingMemory {
        WeightingMemory::new(&self.of)
    }

    fn restore(&mut self, memory: &WeightingMemory) -> Result<(), WeightingMemoryError> {
        self.of = memory.read()?;
        self.before.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        keys::Value,
        mixer::tests::{after_update, assert_near, of_losses, rule},
    };

    #[test]
    fn shares_move_to_the_objective_that_fell_least() {
        let options = [("learning_rate", Value::Number(0.1)), ("weight_decay", Value::Number(0.0))];
        let mut rule = rule("famo", &options);
        // z = (½, ½): proportions 1/1 and 1/4 with mean 1.
        assert_near(&of_losses(&mut *rule, &[Some(1.0), Some(4.0)]), &[1.6, 0.4], 1e-6);
        // δ = (log 2, 0): Adam's first step is the learning rate, whatever the gradient's length.
        after_update(&mut *rule, &[Some(0.5), Some(4.0)]);
        let z = 1.0 / (1.0 + 0.2_f64.exp());
        let (a, b) = (z, (1.0 - z) / 4.0);
        let wanted = [2.0 * a / (a + b), 2.0 * b / (a + b)];
        assert_near(&of_losses(&mut *rule, &[Some(1.0), Some(4.0)]), &wanted, 1e-6);
        // A step that was not made, and one with another set of losses, change nothing.
        assert_near(&of_losses(&mut *rule, &[Some(1.0), Some(4.0)]), &wanted, 1e-6);
        after_update(&mut *rule, &[Some(1.0), None]);
        assert_near(&of_losses(&mut *rule, &[Some(1.0), Some(4.0)]), &wanted, 1e-6);
    }
}
