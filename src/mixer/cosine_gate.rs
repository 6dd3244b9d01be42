//! A gate by the cosine with the main objective's gradient (Du et al. 2018, "Adapting Auxiliary Losses Using Gradient
//! Similarity").
//!
//! With g the main gradient and φₖ = cos(g, gₖ): an auxiliary objective has max(0, φₖ) (weighted), or 1 if φₖ ≥ 0 and 0
//! otherwise (unweighted); the main one has 1.
//!
//! Both forms are those of the paper: shares do not average 1, and the main objective alone is trained as without the
//! others where every gate is closed. In a step without the main objective's gradient there is nothing to compare with,
//! and every share is 1. No state.

use super::{
    Needs, StepView, Weighting, WeightingKind,
    coefficients::{by_gram, cosines},
};
use crate::keys::{Key, ValueType, Values};

pub(super) struct CosineGate;

const FORM: Key = Key::with_default(
    "form",
    ValueType::Choice(&["weighted", "unweighted"]),
    "\"weighted\"",
    "a share of the cosine, or of 1 where it is not negative",
);

impl WeightingKind for CosineGate {
    fn name(&self) -> &'static str {
        "cosine-gate"
    }

    fn about(&self) -> &'static str {
        "auxiliary objectives as far as their gradient agrees with the main one"
    }

    fn keys(&self) -> &'static [Key] {
        &[FORM]
    }

    fn needs_main(&self) -> bool {
        true
    }

    fn build(&self, values: &Values) -> Box<dyn Weighting> {
        Box::new(match values.text(FORM.name) {
            "unweighted" => Gate { of: |cosine| f64::from(u8::from(cosine >= 0.0)) },
            _ => Gate { of: |cosine| cosine.max(0.0) },
        })
    }
}

struct Gate {
    /// The share for a cosine.
    of: fn(f64) -> f64,
}

impl Weighting for Gate {
    fn needs(&self) -> Needs {
        Needs::Gram
    }

    fn coefficients(&mut self, step: &StepView<'_>) -> Vec<f32> {
        by_gram(step, |gram, objectives| {
            let Some(main) = objectives.iter().position(|objective| objective.is_main) else {
                return vec![1.0; gram.n()];
            };
            let cosines = cosines(gram);
            let share = |k: usize| if k == main { 1.0 } else { (self.of)(cosines.at(main, k)) };
            (0..gram.n()).map(share).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        keys::Value,
        mixer::tests::{assert_near, of_gradients, rule},
    };

    #[test]
    fn a_share_is_the_cosine_with_the_main_gradient() {
        let gradients = [vec![2.0, 0.0], vec![3.0, 4.0], vec![0.0, 1.0], vec![-1.0, 5.0]];
        let of = |form: &str| {
            let mut rule = rule("cosine-gate", &[("form", Value::Text(form.to_owned()))]);
            of_gradients(&mut *rule, &gradients, &[1.0; 4])
        };
        assert_near(&of("weighted"), &[1.0, 0.6, 0.0, 0.0], 1e-6);
        assert_eq!(of("unweighted"), [1.0, 1.0, 1.0, 0.0]);
    }
}
