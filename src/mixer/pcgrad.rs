//! Gradient surgery, PCGrad (Yu et al. 2020, "Gradient Surgery for Multi-Task Learning").
//!
//! For each objective i, g starts as gᵢ and goes through the other gradients in random order: where ⟨g, gⱼ⟩ < 0, g
//! loses its component along gⱼ, g ← g − ⟨g, gⱼ⟩ / ‖gⱼ‖²·gⱼ. The step's gradient is the sum of the results. In terms of
//! the Gram matrix, with g = Σ cₖgₖ: ⟨g, gⱼ⟩ = (G·c)ⱼ, and cⱼ changes.
//!
//! Without a conflict every share is exactly 1, as with `equal`; with one, shares are larger than 1. The order is a
//! function of the seed, the step and the names (`order`). An objective without a gradient in a step is not part of it,
//! and one alone has a share of 1. No state.

use super::{Gram, Needs, StepView, Weighting, WeightingKind, coefficients::by_gram, order::order};
use crate::keys::{Key, Values};

pub(super) struct PcGrad;

impl WeightingKind for PcGrad {
    fn name(&self) -> &'static str {
        "pcgrad"
    }

    fn about(&self) -> &'static str {
        "gradient surgery: each gradient without what conflicts with the others"
    }

    fn keys(&self) -> &'static [Key] {
        &[]
    }

    fn build(&self, _values: &Values) -> Box<dyn Weighting> {
        Box::new(Self)
    }
}

impl Weighting for PcGrad {
    fn needs(&self) -> Needs {
        Needs::Gram
    }

    fn coefficients(&mut self, step: &StepView<'_>) -> Vec<f32> {
        by_gram(step, |gram, objectives| projected(gram, |i| order(step, objectives, i)))
    }
}

/// The coefficients with these orders of the other gradients.
pub(super) fn projected(gram: &Gram, order: impl Fn(usize) -> Vec<usize>) -> Vec<f64> {
    let mut sum = vec![0.0; gram.n()];
    for i in 0..gram.n() {
        let mut c = vec![0.0; gram.n()];
        c[i] = 1.0;
        for j in order(i) {
            let along: f64 = gram.row(j).iter().zip(&c).map(|(g, c)| g * c).sum();
            if along < 0.0 {
                c[j] -= along / gram.at(j, j);
            }
        }
        for (sum, c) in sum.iter_mut().zip(c) {
            *sum += c;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use crate::mixer::tests::{assert_near, of_gradients, rule};

    #[test]
    fn two_gradients_lose_what_conflicts() {
        // ⟨(1, 0), (−2, 1)⟩ = −2: the first gets 2/5 of the second, the second 2 of the first.
        let w =
            of_gradients(&mut *rule("pcgrad", &[]), &[vec![1.0, 0.0], vec![-2.0, 1.0]], &[1.0; 2]);
        assert_near(&w, &[3.0, 1.4], 1e-6);
        let w =
            of_gradients(&mut *rule("pcgrad", &[]), &[vec![1.0, 0.0], vec![2.0, 1.0]], &[1.0; 2]);
        assert_eq!(w, [1.0, 1.0]);
    }
}
