//! The balance of gradients of impartial multi-task learning, IMTL-G (Liu et al. 2021, "Towards Impartial Multi-Task
//! Learning").
//!
//! The direction d has the same projection onto every gradient: ⟨d, gₖ / ‖gₖ‖⟩ is equal for all k. With C the cosines,
//! C·y = 1 and vₖ = yₖ / ‖gₖ‖. Where gradients are dependent there may be no such direction, as for (1), (1) and (−1); the
//! pseudo-inverse then gives the y of the least squared differences (the generalization of Quinton and Rey 2024, with C in
//! place of G, so that the gradients' lengths do not decide what is dependent).
//!
//! A coefficient may be negative. The paper divides v by Σ vₖ, which may then be 0 or below, so that every loss would
//! increase. Here w = T·v / Σ |vₖ|: the same direction in all other cases, shares that average 1 where none is negative,
//! and a positive projection where the gradients are independent. With two opposed gradients y is 0, and 1 takes its
//! place. An objective without a gradient in a step is not part of it; one alone has a share of 1. No state.

use super::{
    Gram, Needs, StepView, Weighting, WeightingKind,
    coefficients::{by_gram, cosines, norms},
    symmetric::Eigen,
};
use crate::keys::{Key, Values};

pub(super) struct ImtlG;

impl WeightingKind for ImtlG {
    fn name(&self) -> &'static str {
        "imtl-g"
    }

    fn about(&self) -> &'static str {
        "impartial gradients: the direction with the same projection onto every gradient"
    }

    fn keys(&self) -> &'static [Key] {
        &[]
    }

    fn build(&self, _values: &Values) -> Box<dyn Weighting> {
        Box::new(Self)
    }
}

/// The least Σ |yₖ| that gives a direction; for one gradient it is 1.
const LEAST: f64 = 1e-6;

impl Weighting for ImtlG {
    fn needs(&self) -> Needs {
        Needs::Gram
    }

    fn coefficients(&mut self, step: &StepView<'_>) -> Vec<f32> {
        by_gram(step, |gram, _| impartial(gram))
    }
}

fn impartial(gram: &Gram) -> Vec<f64> {
    let ones = vec![1.0; gram.n()];
    let y = Eigen::of(&cosines(gram)).pseudo_inverse_times(&ones);
    let has_direction = y.iter().map(|y| y.abs()).sum::<f64>() > LEAST;
    let y = if has_direction { y } else { ones };
    let v: Vec<f64> = y.iter().zip(norms(gram)).map(|(y, norm)| y / norm).collect();
    let size: f64 = v.iter().map(|v| v.abs()).sum();
    v.iter().map(|v| v / size * gram.n() as f64).collect()
}

#[cfg(test)]
mod tests {
    use crate::mixer::tests::{assert_near, of_gradients, rule};

    #[test]
    fn shares_are_the_reciprocals_of_the_norms_of_two_gradients() {
        let of = |gradients: &[Vec<f64>]| {
            of_gradients(&mut *rule("imtl-g", &[]), gradients, &vec![1.0; gradients.len()])
        };
        // v = (1, 1/3), divided by its mean of 2/3.
        assert_near(&of(&[vec![1.0, 0.0], vec![0.0, 3.0]]), &[1.5, 0.5], 1e-6);
        // v = (1, 1/5), whatever the angle of two gradients.
        assert_near(&of(&[vec![1.0, 0.0], vec![-3.0, 4.0]]), &[5.0 / 3.0, 1.0 / 3.0], 1e-6);
        assert_near(&of(&[vec![1.0], vec![-3.0]]), &[1.5, 0.5], 1e-6);
    }

    /// A short gradient near the bisector of two long ones has too large a projection: its coefficient is negative, and
    /// so is the sum by which the paper divides.
    #[test]
    fn the_projections_are_positive_where_the_sum_of_the_coefficients_is_not() {
        let gradients = [vec![10.0, 0.0, 0.0], vec![0.0, 10.0, 0.0], vec![0.1, 0.1, 0.01]];
        let w = of_gradients(&mut *rule("imtl-g", &[]), &gradients, &[1.0; 3]);
        assert!(w[2] < 0.0 && w.iter().sum::<f32>() < 0.0, "{w:?}");
        let d = |at: usize| (0..3).map(|k| f64::from(w[k]) * gradients[k][at]).sum::<f64>();
        assert!(d(0) > 0.0 && (d(0) - d(1)).abs() < 1e-5 * d(0), "{w:?}");
    }
}
