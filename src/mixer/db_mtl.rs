//! Dual balancing, DB-MTL (Lin et al. 2023, "Dual-Balancing for Multi-Task Learning"), without its moving average of the
//! gradients.
//!
//! The losses become log Lₖ, with the gradients gₖ / Lₖ; then all are made as long as the longest of these,
//! M = max ‖gₖ‖ / Lₖ: wₖ = M / ‖gₖ‖. So the direction is that of the unit gradients' sum; the logarithm decides the
//! length only. (The paper averages gradients over steps, which would keep one gradient per objective in memory.)
//!
//! The weights are those of the paper: shares do not average 1, and one objective alone has 1 / L, as with `log`.
//! Parameters that one objective alone reaches, its head for example, have its plain gradient as under every rule of
//! gradients, not that of log L. A loss below 10⁻⁶, also one of 0 or below, counts as 10⁻⁶. An objective without a
//! gradient in a step is not part of it. No state.

use super::{
    Needs, StepView, Weighting, WeightingKind,
    coefficients::{by_gram, norms, positive},
};
use crate::keys::{Key, Values};

pub(super) struct DbMtl;

impl WeightingKind for DbMtl {
    fn name(&self) -> &'static str {
        "db-mtl"
    }

    fn about(&self) -> &'static str {
        "dual balancing: gradients of the losses' logarithms, all as long as the longest"
    }

    fn keys(&self) -> &'static [Key] {
        &[]
    }

    fn build(&self, _values: &Values) -> Box<dyn Weighting> {
        Box::new(Self)
    }
}

impl Weighting for DbMtl {
    fn needs(&self) -> Needs {
        Needs::Gram
    }

    fn coefficients(&mut self, step: &StepView<'_>) -> Vec<f32> {
        by_gram(step, |gram, objectives| {
            let norms = norms(gram);
            let of_logs = norms
                .iter()
                .zip(objectives)
                .map(|(norm, objective)| norm / objective.loss.map_or(1.0, positive));
            let longest = of_logs.fold(0.0, f64::max);
            norms.iter().map(|norm| longest / norm).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::mixer::tests::{assert_near, of_gradients, rule};

    #[test]
    fn gradients_are_as_long_as_the_longest_of_a_logarithm() {
        // 1 / 0.5 = 2 and 4 / 3: M = 2.
        let w =
            of_gradients(&mut *rule("db-mtl", &[]), &[vec![1.0, 0.0], vec![0.0, 4.0]], &[0.5, 3.0]);
        assert_near(&w, &[2.0, 0.5], 1e-6);
        assert_near(&of_gradients(&mut *rule("db-mtl", &[]), &[vec![5.0]], &[4.0]), &[0.25], 1e-6);
    }
}
