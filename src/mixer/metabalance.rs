//! MetaBalance (He et al. 2022, "MetaBalance: Improving Multi-Task Recommendations via Adapting Gradient Magnitudes of
//! Auxiliary Tasks").
//!
//! With m the main objective's gradient norm and mₖ that of an auxiliary one, both as moving averages, its gradient is
//! multiplied by r·m / mₖ + 1 − r: with r = 1 it is as long as the main one, with r = 0 unchanged. The paper's three
//! strategies do so for auxiliary gradients that are longer than the main one, for shorter ones, or for all.
//!
//! The paper's averages are mₖ ← β·mₖ + (1 − β)·‖gₖ‖ from 0, for each layer; here they are divided by what they are of 1,
//! which is the same ratio where both objectives are in every step, and are of all shared parameters. Shares do not
//! average 1; the main objective has 1, and so has every objective until the main one has been in a step.
//!
//! State: the average of each objective, which stays as it is in a step without its gradient.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Needs, ObjectiveView, StepView, Weighting, WeightingKind, WeightingMemory,
    WeightingMemoryError,
    coefficients::{by_gram, norms},
};
use crate::{
    keys::{Key, ValueType, Values},
    protocol::ObjectiveId,
};

pub(super) struct MetaBalance;

const RELAX: Key = Key::with_default(
    "relax",
    ValueType::Number(0.0, 1.0),
    "0.7",
    "how far auxiliary gradients take the main one's length: 1 entirely, 0 not at all",
);

const DECAY: Key = Key::with_default(
    "decay",
    ValueType::Number(0.0, 0.9999),
    "0.9",
    "decay of the moving averages of the norms",
);

const STRATEGY: Key = Key::with_default(
    "strategy",
    ValueType::Choice(&["both", "longer", "shorter"]),
    "\"both\"",
    "the auxiliary gradients that are changed: all, or those longer or shorter than the main one",
);

impl WeightingKind for MetaBalance {
    fn name(&self) -> &'static str {
        "metabalance"
    }

    fn about(&self) -> &'static str {
        "auxiliary gradients about as long as the main one"
    }

    fn keys(&self) -> &'static [Key] {
        &[RELAX, DECAY, STRATEGY]
    }

    fn needs_main(&self) -> bool {
        true
    }

    fn build(&self, values: &Values) -> Box<dyn Weighting> {
        let (longer, shorter) = match values.text(STRATEGY.name) {
            "longer" => (true, false),
            "shorter" => (false, true),
            _ => (true, true),
        };
        let (relax, decay) = (values.number(RELAX.name), values.number(DECAY.name));
        Box::new(Balanced { relax, decay, longer, shorter, averages: Averages::default() })
    }
}

struct Balanced {
    relax: f64,
    decay: f64,
    longer: bool,
    shorter: bool,
    averages: Averages,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Averages {
    of: BTreeMap<ObjectiveId, Average>,
    main: Option<Average>,
}

/// A moving average from 0, and the same average of 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Average {
    norm: f32,
    one: f32,
}

impl Average {
    fn with(self, norm: f64, decay: f64) -> Self {
        let next = |old: f32, new: f64| {
            (decay * f64::from(old) + (1.0 - decay) * new).min(f64::from(f32::MAX)) as f32
        };
        Self { norm: next(self.norm, norm), one: next(self.one, 1.0) }
    }

    fn value(self) -> f64 {
        f64::from(self.norm) / f64::from(self.one)
    }
}

impl Weighting for Balanced {
    fn needs(&self) -> Needs {
        Needs::Gram
    }

    fn coefficients(&mut self, step: &StepView<'_>) -> Vec<f32> {
        by_gram(step, |gram, objectives| {
            let mut lengths = Vec::new();
            for (objective, norm) in objectives.iter().zip(norms(gram)) {
                let average = self.averages.of.entry(objective.name.clone()).or_default();
                *average = average.with(norm, self.decay);
                lengths.push(average.value());
                if objective.is_main {
                    self.averages.main = Some(*average);
                }
            }
            let main = self.averages.main.map(Average::value);
            let of = |(objective, length): (&ObjectiveView<'_>, f64)| match main {
                Some(main) if !objective.is_main => self.share(main, length),
                _ => 1.0,
            };
            objectives.iter().zip(lengths).map(of).collect()
        })
    }

    fn memory(&self) -> WeightingMemory {
        WeightingMemory::new(&self.averages)
    }

    fn restore(&mut self, memory: &WeightingMemory) -> Result<(), WeightingMemoryError> {
        self.averages = memory.read()?;
        Ok(())
    }
}

impl Balanced {
    fn share(&self, main: f64, length: f64) -> f64 {
        let is_changed = if length > main { self.longer } else { self.shorter };
        // A length of 0 is one below the range of `f32`.
        if is_changed && length > 0.0 { self.relax * main / length + 1.0 - self.relax } else { 1.0 }
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        keys::Value,
        mixer::tests::{assert_near, of_gradients, rule},
    };

    fn strategy(name: &str) -> (&'static str, Value) {
        ("strategy", Value::Text(name.to_owned()))
    }

    #[test]
    fn auxiliary_gradients_are_moved_to_the_length_of_the_main_one() {
        let gradients = [vec![2.0, 0.0], vec![0.0, 4.0], vec![1.0, 0.0]];
        let of = |name: &str| {
            of_gradients(&mut *rule("metabalance", &[strategy(name)]), &gradients, &[1.0; 3])
        };
        // 0.7·2/4 + 0.3 and 0.7·2/1 + 0.3.
        assert_near(&of("both"), &[1.0, 0.65, 1.7], 1e-6);
        assert_near(&of("longer"), &[1.0, 0.65, 1.0], 1e-6);
        assert_near(&of("shorter"), &[1.0, 1.0, 1.7], 1e-6);
    }

    #[test]
    fn norms_are_averages_over_the_steps() {
        let mut rule = rule("metabalance", &[("decay", Value::Number(0.5))]);
        of_gradients(&mut *rule, &[vec![2.0, 0.0], vec![0.0, 4.0]], &[1.0; 2]);
        // (0.5·4·0.5 + 0.5·1) / 0.75 = 2 for the second, still 2 for the first.
        let w = of_gradients(&mut *rule, &[vec![2.0, 0.0], vec![0.0, 1.0]], &[1.0; 2]);
        assert_near(&w, &[1.0, 1.0], 1e-6);
    }
}
