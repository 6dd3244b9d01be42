//! Gradient vaccine, GradVac (Wang et al. 2021, "Gradient Vaccine: Investigating and Improving Multi-task Optimization
//! in Massively Multilingual Models").
//!
//! As `pcgrad`, with a target φ̂ᵢⱼ for the cosine of each ordered pair in place of 0. Where the cosine φ of g and gⱼ is
//! below it, g ← g + ‖g‖·(φ̂·√(1 − φ²) − φ·√(1 − φ̂²)) / (‖gⱼ‖·√(1 − φ̂²))·gⱼ, after which it is φ̂. Then
//! φ̂ ← (1 − β)·φ̂ + β·φ; it begins at 0. The gradients are those of all shared parameters (the paper's whole model).
//!
//! Where no cosine is below its target every share is exactly 1, as with `equal`; otherwise shares are larger. The
//! paper's formula has no bound as φ̂ tends to 1: a target above 0.999 counts as 0.999. The order is that of `pcgrad`.
//! State: φ̂ of each pair that has been in a step; a pair stays as it is in a step without one of the two, and one
//! objective alone has a share of 1.

use std::collections::BTreeMap;

use super::{
    Gram, Needs, StepView, Weighting, WeightingKind, WeightingMemory, WeightingMemoryError,
    coefficients::by_gram, order::order,
};
use crate::{
    keys::{Key, ValueType, Values},
    protocol::ObjectiveId,
};

pub(super) struct GradVac;

const BETA: Key = Key::with_default(
    "beta",
    ValueType::Number(0.0, 1.0),
    "0.5",
    "how much of a new cosine enters the target",
);

impl WeightingKind for GradVac {
    fn name(&self) -> &'static str {
        "gradvac"
    }

    fn about(&self) -> &'static str {
        "gradient vaccine: gradients turned to each other as far as on average before"
    }

    fn keys(&self) -> &'static [Key] {
        &[BETA]
    }

    fn build(&self, values: &Values) -> Box<dyn Weighting> {
        let beta = values.number(BETA.name);
        Box::new(Vaccine { beta, targets: BTreeMap::new() })
    }
}

/// The largest target.
const HIGHEST: f64 = 0.999;

type Targets = BTreeMap<ObjectiveId, BTreeMap<ObjectiveId, f32>>;

struct Vaccine {
    beta: f64,
    targets: Targets,
}

impl Weighting for Vaccine {
    fn needs(&self) -> Needs {
        Needs::Gram
    }

    fn coefficients(&mut self, step: &StepView<'_>) -> Vec<f32> {
        by_gram(step, |gram, objectives| {
            let mut sum = vec![0.0; gram.n()];
            for (i, objective) in objectives.iter().enumerate() {
                let targets = self.targets.entry(objective.name.clone()).or_default();
                let others = order(step, objectives, i).into_iter();
                let target = |j: usize| targets.get(objectives[j].name).copied().unwrap_or(0.0);
                let pairs: Vec<(usize, f64)> = others.map(|j| (j, f64::from(target(j)))).collect();
                let (c, found) = vaccinated(gram, i, &pairs);
                for ((j, target), cosine) in pairs.into_iter().zip(found) {
                    let next = (1.0 - self.beta) * target + self.beta * cosine;
                    targets.insert(objectives[j].name.clone(), next as f32);
                }
                for (sum, c) in sum.iter_mut().zip(c) {
                    *sum += c;
                }
            }
            sum
        })
    }

    fn memory(&self) -> WeightingMemory {
        WeightingMemory::new(&self.targets)
    }

    fn restore(&mut self, memory: &WeightingMemory) -> Result<(), WeightingMemoryError> {
        self.targets = memory.read()?;
        Ok(())
    }
}

/// The coefficients of gᵢ turned to others, each with its target, in this order; and the cosine found with each.
pub(super) fn vaccinated(gram: &Gram, i: usize, others: &[(usize, f64)]) -> (Vec<f64>, Vec<f64>) {
    let mut c = vec![0.0; gram.n()];
    c[i] = 1.0;
    let mut cosines = Vec::new();
    for &(j, target) in others {
        let along = gram.times(&c);
        let square: f64 = along.iter().zip(&c).map(|(along, c)| along * c).sum();
        let (norm, norm_j) = (square.max(0.0).sqrt(), gram.at(j, j).sqrt());
        // Gradients may cancel: a zero vector has no direction.
        let has_direction = norm > 0.0 && norm_j > 0.0;
        let cosine = if has_direction { (along[j] / norm / norm_j).clamp(-1.0, 1.0) } else { 0.0 };
        let wanted = target.clamp(-HIGHEST, HIGHEST);
        if has_direction && cosine < wanted {
            let (sine, wanted_sine) =
                ((1.0 - cosine * cosine).sqrt(), (1.0 - wanted * wanted).sqrt());
            c[j] += norm * (wanted * sine - cosine * wanted_sine) / (norm_j * wanted_sine);
        }
        cosines.push(cosine);
    }
    (c, cosines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mixer::tests::{assert_near, gram_of, of_gradients, rule};

    #[test]
    fn a_target_is_the_average_cosine() {
        let mut rule = rule("gradvac", &[]);
        let mut step = |gradients: &[Vec<f64>]| of_gradients(&mut *rule, gradients, &[1.0; 2]);
        // A cosine of 0.6 is above the target of 0, and makes it 0.3.
        assert_eq!(step(&[vec![1.0, 0.0], vec![0.6, 0.8]]), [1.0, 1.0]);
        // 0 is below it: c = 0.3 / √(1 − 0.09), divided by the norm of the other, times its own.
        let by = 0.3 / 0.91_f64.sqrt();
        let w = step(&[vec![1.0, 0.0], vec![0.0, 2.0]]);
        assert_near(&w, &[1.0 + by * 2.0, 1.0 + by / 2.0], 1e-6);
    }

    #[test]
    fn a_turned_gradient_has_the_target_as_its_cosine() {
        let gram = gram_of(&[vec![1.0, -2.0, 0.5], vec![-3.0, 1.0, 1.0]]);
        let (c, _) = vaccinated(&gram, 0, &[(1, 0.4)]);
        let along = gram.times(&c);
        let norm = (along[0] * c[0] + along[1] * c[1]).sqrt();
        assert!((along[1] / norm / gram.at(1, 1).sqrt() - 0.4).abs() < 1e-12);
    }
}
