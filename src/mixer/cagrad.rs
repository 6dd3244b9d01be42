//! Conflict-averse gradient descent, CAGrad (Liu et al. 2021, "Conflict-Averse Gradient Descent for Multi-task
//! Learning").
//!
//! With g₀ the mean gradient, d maximizes the smallest ⟨gₖ, d⟩ subject to ‖d − g₀‖ ≤ c·‖g₀‖: d = g₀ + κ·g_w with
//! g_w = Σ wₖgₖ, κ = c·‖g₀‖ / ‖g_w‖, and w ≥ 0, Σ w = 1 the minimum of ⟨g_w, g₀⟩ + c·‖g₀‖·‖g_w‖.
//!
//! For a given κ, that w is where d is the shortest vector of the hull of g₀ + κ·gₖ, the problem of `mgda`; and
//! κ·‖g_w‖ increases with κ, so bisection finds the one where it is c·‖g₀‖.
//!
//! Coefficients are those of T·d / (1 + c), so that they are those of `equal` where c is 0, where all gradients are the
//! same, and for one objective alone: (1 + T·κ·wₖ) / (1 + c). (The authors' code offers that rescaling; the paper has
//! none.) Shares do not average 1. Where ‖g_w‖ is less than 10⁻⁴ of the longest gradient, near a point where no direction
//! decreases every loss, that bound takes its place. An objective without a gradient in a step is not part of it. No
//! state.

use super::{
    Gram, Needs, StepView, Weighting, WeightingKind, coefficients::by_gram, mgda::shortest,
};
use crate::keys::{Key, ValueType, Values};

pub(super) struct CaGrad;

const C: Key = Key::with_default(
    "c",
    ValueType::Number(0.0, 100.0),
    "0.5",
    "distance from the mean gradient, as a fraction of its length",
);

impl WeightingKind for CaGrad {
    fn name(&self) -> &'static str {
        "cagrad"
    }

    fn about(&self) -> &'static str {
        "conflict-averse: near the mean gradient, the direction whose worst decrease is largest"
    }

    fn keys(&self) -> &'static [Key] {
        &[C]
    }

    fn build(&self, values: &Values) -> Box<dyn Weighting> {
        Box::new(ConflictAverse { c: values.number(C.name) })
    }
}

/// The shortest g_w, as a fraction of the longest gradient.
const SHORTEST: f64 = 1e-4;

/// The bisections of κ; each halves an interval of its logarithm of at most ln 10⁴.
const BISECTIONS: usize = 45;

struct ConflictAverse {
    c: f64,
}

impl Weighting for ConflictAverse {
    fn needs(&self) -> Needs {
        Needs::Gram
    }

    fn coefficients(&mut self, step: &StepView<'_>) -> Vec<f32> {
        by_gram(step, |gram, _| conflict_averse(gram, self.c))
    }
}

fn conflict_averse(gram: &Gram, c: f64) -> Vec<f64> {
    let n = gram.n() as f64;
    // ⟨gₖ, g₀⟩ and ‖g₀‖.
    let along: Vec<f64> = gram.times(&vec![1.0 / n; gram.n()]);
    let mean_square = (along.iter().sum::<f64>() / n).max(0.0);
    let radius = c * mean_square.sqrt();
    let longest = (0..gram.n()).map(|k| gram.at(k, k)).fold(0.0, f64::max).sqrt();
    if radius <= 0.0 {
        return vec![1.0; gram.n()];
    }
    // w for a κ, and κ·‖g_w‖.
    let at = |kappa: f64| {
        let hull = |j: usize, k: usize| {
            kappa * kappa * gram.at(j, k) + kappa * (along[j] + along[k]) + mean_square
        };
        let w = shortest(&Gram::new(gram.n(), hull));
        let square: f64 = gram.times(&w).iter().zip(&w).map(|(along, w)| along * w).sum();
        (w, kappa * square.max(0.0).sqrt())
    };
    let (mut low, mut high) = (radius / longest, radius / (SHORTEST * longest));
    if at(high).1 > radius {
        for _ in 0..BISECTIONS {
            let middle = (low * high).sqrt();
            if at(middle).1 > radius { high = middle } else { low = middle }
        }
    }
    let (w, _) = at(high);
    w.iter().map(|w| (1.0 + n * high * w) / (1.0 + c)).collect()
}

#[cfg(test)]
mod tests {
    use crate::{
        keys::Value,
        mixer::tests::{assert_near, of_gradients, rule},
    };

    #[test]
    fn the_worst_decrease_is_the_largest_within_the_distance() {
        let of = |c: f64, gradients: &[Vec<f64>]| {
            let mut rule = rule("cagrad", &[("c", Value::Number(c))]);
            of_gradients(&mut *rule, gradients, &vec![1.0; gradients.len()])
        };
        // g₀ = 2, and the shorter gradient 1 is g_w: κ = 0.5·2 / 1 = 1, (1 + 2·1) / 1.5.
        assert_near(&of(0.5, &[vec![1.0], vec![3.0]]), &[2.0, 2.0 / 3.0], 1e-6);
        // By symmetry w = 1/2 and g_w = g₀: (1 + 2·c·1/2) / (1 + c).
        assert_near(&of(0.5, &[vec![1.0, 0.0], vec![0.0, 1.0]]), &[1.0, 1.0], 1e-6);
        assert_eq!(of(0.0, &[vec![1.0], vec![3.0]]), [1.0, 1.0]);
    }
}
