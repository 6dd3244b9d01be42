//! From a rule's formula to its coefficients: which objectives it is over, and bounds that keep every coefficient
//! finite.

use super::{Gram, ObjectiveView, StepView};

/// The largest absolute value of a coefficient.
pub(super) const MOST: f64 = 1e6;

/// Losses below this, also those of 0 and below, count as this where a formula divides by a loss or has its
/// logarithm.
const SMALLEST_LOSS: f64 = 1e-6;

/// A loss that a formula can divide by.
pub(super) fn positive(loss: f32) -> f64 {
    f64::from(loss).max(SMALLEST_LOSS)
}

/// A coefficient within the bounds; 1 where a formula has no value.
pub(super) fn coefficient(w: f64) -> f32 {
    if w.is_nan() { 1.0 } else { w.clamp(-MOST, MOST) as f32 }
}

/// The coefficients by a formula of the losses, which it receives as positive numbers. An objective without a loss in
/// this step is not part of the formula and has a coefficient of 1, which nothing is multiplied by.
pub(super) fn by_losses(step: &StepView<'_>, formula: impl FnOnce(&[f64]) -> Vec<f64>) -> Vec<f32> {
    let losses: Vec<f64> =
        step.objectives.iter().filter_map(|objective| objective.loss.map(positive)).collect();
    let mut found = formula(&losses).into_iter();
    let mut of = |objective: &ObjectiveView<'_>| {
        let w = objective.loss.and_then(|_| found.next());
        w.map_or(1.0, coefficient)
    };
    step.objectives.iter().map(&mut of).collect()
}

/// The coefficients by a formula of the Gram matrix, which it receives with the objectives that belong to it. An
/// objective whose gradient is 0 has no direction to weight: it is not part of the formula and has a coefficient of 1.
pub(super) fn by_gram(
    step: &StepView<'_>,
    formula: impl FnOnce(&Gram, &[ObjectiveView<'_>]) -> Vec<f64>,
) -> Vec<f32> {
    let gram = step.gram.expect("the Gram matrix was requested");
    let some: Vec<usize> = (0..gram.n()).filter(|&k| gram.at(k, k) > 0.0).collect();
    let objectives: Vec<ObjectiveView<'_>> = some.iter().map(|&k| step.objectives[k]).collect();
    let mut coefficients = vec![1.0; gram.n()];
    if !some.is_empty() {
        for (&k, w) in some.iter().zip(formula(&gram.among(&some), &objectives)) {
            coefficients[k] = coefficient(w);
        }
    }
    coefficients
}

/// The norms ‖gₖ‖.
pub(super) fn norms(gram: &Gram) -> Vec<f64> {
    (0..gram.n()).map(|k| gram.at(k, k).sqrt()).collect()
}

/// The Gram matrix of the unit vectors gₖ / ‖gₖ‖: their cosines.
pub(super) fn cosines(gram: &Gram) -> Gram {
    let scales: Vec<f64> = norms(gram).into_iter().map(f64::recip).collect();
    gram.scaled(&scales)
}

/// The same proportions with mean 1, of values whose sum is positive.
pub(super) fn of_mean_1(values: &[f64]) -> Vec<f64> {
    let sum: f64 = values.iter().sum();
    values.iter().map(|value| value / sum * values.len() as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{mixer::tests::names, protocol::ObjectiveId};

    fn step<'a>(objectives: &'a [ObjectiveView<'a>], gram: Option<&'a Gram>) -> StepView<'a> {
        StepView { seed: 1, done: 0, objectives, gram, earlier: None }
    }

    fn view(name: &ObjectiveId, loss: Option<f32>) -> ObjectiveView<'_> {
        ObjectiveView { name, is_main: false, epoch: 0, loss }
    }

    #[test]
    fn a_formula_is_over_the_losses_that_there_are_and_its_result_is_bounded() {
        let names = names(4);
        let losses = [Some(2.0), None, Some(-1.0), Some(0.0)];
        let views: Vec<_> = names.iter().zip(losses).map(|(name, loss)| view(name, loss)).collect();
        let w = by_losses(&step(&views, None), |losses| {
            assert_eq!(losses, [2.0, 1e-6, 1e-6]);
            vec![3.0, f64::INFINITY, -1e9]
        });
        assert_eq!(w, [3.0, 1.0, 1e6, -1e6]);
        assert_eq!(coefficient(f64::NAN), 1.0);
    }

    #[test]
    fn a_formula_is_over_the_gradients_that_are_not_0() {
        let names = names(3);
        let views: Vec<_> = names.iter().map(|name| view(name, Some(1.0))).collect();
        let gram = Gram::new(3, |j, k| if j == k { [4.0, 0.0, 9.0][j] } else { 0.0 });
        let w = by_gram(&step(&views, Some(&gram)), |gram, objectives| {
            assert_eq!((gram.n(), objectives[1].name), (2, &names[2]));
            norms(gram)
        });
        assert_eq!(w, [2.0, 1.0, 3.0]);
    }

    #[test]
    fn cosines_and_means() {
        let gram = Gram::new(2, |j, k| if j == k { [4.0, 9.0][j] } else { 3.0 });
        assert_eq!(cosines(&gram).row(0), [1.0, 0.5]);
        assert_eq!(of_mean_1(&[3.0, 1.0]), [1.5, 0.5]);
    }
}
