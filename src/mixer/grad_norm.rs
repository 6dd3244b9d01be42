//! Gradient normalization, GradNorm (Chen et al. 2018, "GradNorm: Gradient Normalization for Adaptive Loss Balancing in
//! Deep Multitask Networks").
//!
//! With nₖ = wₖ·‖gₖ‖, n̄ their mean, and rₖ = (Lₖ / Lₖ⁰) / mean of these, Lₖ⁰ the objective's first loss: w descends
//! Σ |nₖ − n̄·rₖ^α| / n̄ with the targets n̄·rₖ^α constant. As ∂nₖ/∂wₖ = ‖gₖ‖, no second derivative is needed. An
//! objective that has learnt less than others has a larger rₖ, and so a larger gradient.
//!
//! w = T·softmax(z), so that shares are positive and average 1 in every step, and one objective alone has a share of 1; z
//! begins at 0. The paper updates w itself, which may become negative, and divides it by its mean afterwards; and its sum
//! has no divisor n̄, by which the learning rate does not depend on the gradients' unit here. The gradients are those of
//! all shared parameters; the paper's are of the last shared layer.
//!
//! The coefficients of a step are those before its update. State: z and the first loss of each objective, which stay as
//! they are in a step without its gradient.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Needs, ObjectiveView, StepView, Weighting, WeightingKind, WeightingMemory,
    WeightingMemoryError,
    coefficients::{MOST, by_gram, norms},
    softmax::softmax_of_mean_1,
};
use crate::{
    keys::{Key, ValueType, Values},
    protocol::ObjectiveId,
};

pub(super) struct GradNorm;

const ALPHA: Key = Key::with_default(
    "alpha",
    ValueType::Number(0.0, 10.0),
    "1.5",
    "strength of the pull towards equal training rates; 0 for equal lengths",
);

const LEARNING_RATE: Key = Key::with_default(
    "learning_rate",
    ValueType::Number(0.0, 1.0),
    "0.025",
    "learning rate of the logarithms of the shares, by gradient descent",
);

impl WeightingKind for GradNorm {
    fn name(&self) -> &'static str {
        "grad-norm"
    }

    fn about(&self) -> &'static str {
        "gradient normalization: longer gradients for losses that have fallen less"
    }

    fn keys(&self) -> &'static [Key] {
        &[ALPHA, LEARNING_RATE]
    }

    fn build(&self, values: &Values) -> Box<dyn Weighting> {
        let (alpha, rate) = (values.number(ALPHA.name), values.number(LEARNING_RATE.name));
        Box::new(Normalized { alpha, rate, of: BTreeMap::new() })
    }
}

struct Normalized {
    alpha: f64,
    rate: f64,
    of: BTreeMap<ObjectiveId, Balance>,
}

/// What is known of an objective.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Balance {
    first_loss: f32,
    z: f32,
}

impl Weighting for Normalized {
    fn needs(&self) -> Needs {
        Needs::Gram
    }

    fn coefficients(&mut self, step: &StepView<'_>) -> Vec<f32> {
        by_gram(step, |gram, objectives| {
            let balances: Vec<Balance> = objectives.iter().map(|of| self.balance(of)).collect();
            let z: Vec<f64> = balances.iter().map(|balance| f64::from(balance.z)).collect();
            let w: Vec<f64> = softmax_of_mean_1(&z).into_iter().map(f64::from).collect();
            let lengths: Vec<f64> = w.iter().zip(norms(gram)).map(|(w, norm)| w * norm).collect();
            let rates: Vec<f64> =
                balances.iter().zip(objectives).map(|(balance, of)| rate(*balance, of)).collect();
            let slopes = slopes(&w, &lengths, &rates, self.alpha);
            for ((objective, balance), slope) in objectives.iter().zip(balances).zip(slopes) {
                let z = f64::from(balance.z) - self.rate * slope;
                let z = z.clamp(-MOST.ln(), MOST.ln()) as f32;
                self.of.insert(objective.name.clone(), Balance { z, ..balance });
            }
            w
        })
    }

    fn memory(&self) -> WeightingMemory {
        WeightingMemory::new(&self.of)
    }

    fn restore(&mut self, memory: &WeightingMemory) -> Result<(), WeightingMemoryError> {
        self.of = memory.read()?;
        Ok(())
    }
}

impl Normalized {
    fn balance(&self, objective: &ObjectiveView<'_>) -> Balance {
        let first = Balance { first_loss: objective.loss.unwrap_or(0.0), z: 0.0 };
        self.of.get(objective.name).copied().unwrap_or(first)
    }
}

/// L / L⁰; 1 if the first loss is 0 or below, as that is no scale.
fn rate(balance: Balance, objective: &ObjectiveView<'_>) -> f64 {
    match objective.loss {
        Some(loss) if balance.first_loss > 0.0 => {
            (f64::from(loss) / f64::from(balance.first_loss)).max(0.0)
        }
        _ => 1.0,
    }
}

/// The derivative of Σ |nₖ − n̄·rₖ^α| / n̄ in each z, with the targets constant.
fn slopes(w: &[f64], lengths: &[f64], rates: &[f64], alpha: f64) -> Vec<f64> {
    let n = w.len() as f64;
    let mean = lengths.iter().sum::<f64>() / n;
    let mean_rate = rates.iter().sum::<f64>() / n;
    let relative = |rate: f64| if mean_rate > 0.0 { rate / mean_rate } else { 1.0 };
    // ∂/∂wₖ, times wₖ.
    let by_log: Vec<f64> = lengths
        .iter()
        .zip(rates)
        .map(|(length, rate)| {
            let off = length / mean - relative(*rate).powf(alpha);
            if off == 0.0 { 0.0 } else { off.signum() * length / mean }
        })
        .collect();
    let sum: f64 = by_log.iter().sum();
    // ∂wⱼ/∂zₖ = wⱼ·(δⱼₖ − wₖ / T).
    by_log.iter().zip(w).map(|(by_log, w)| by_log - w / n * sum).collect()
}

#[cfg(test)]
mod tests {
    use crate::{
        keys::Value,
        mixer::tests::{assert_near, of_gradients, rule},
    };

    #[test]
    fn shares_move_to_equal_lengths_and_then_to_equal_rates() {
        let rate = ("learning_rate", Value::Number(0.1));
        let mut rule = rule("grad-norm", &[rate]);
        let gradients = [vec![1.0, 0.0], vec![0.0, 3.0]];
        assert_eq!(of_gradients(&mut *rule, &gradients, &[2.0, 5.0]), [1.0, 1.0]);
        // n = (1, 3) with mean 2 and equal rates: the derivatives in w, times w, are (−0.5, 1.5); their sum of 1 gives
        // −0.5 − 0.5 and 1.5 − 0.5 in z: z = (0.1, −0.1).
        let w = of_gradients(&mut *rule, &gradients, &[2.0, 5.0]);
        let larger = 2.0 / (1.0 + (-0.2_f64).exp());
        assert_near(&w, &[larger, 2.0 - larger], 1e-6);
        for _ in 0..300 {
            of_gradients(&mut *rule, &gradients, &[2.0, 5.0]);
        }
        // w·‖g‖ equal: (1.5, 0.5), within the size of a step.
        let w = of_gradients(&mut *rule, &gradients, &[2.0, 5.0]);
        assert_near(&w, &[1.5, 0.5], 0.3);
        // The first loss has fallen to a tenth, the second not at all: its gradient grows.
        let mut latest = w.clone();
        for _ in 0..20 {
            latest = of_gradients(&mut *rule, &gradients, &[0.2, 5.0]);
        }
        assert!(latest[1] > w[1] + 0.3, "{w:?} {latest:?}");
    }
}
