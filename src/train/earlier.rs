//! The gradients of the step before: for a rule that keeps them, and for a measurement of lagged cosines, those of the main
//! objective's gradient in a step with the gradients of the other objectives in the step before. Above 0, to first order, a
//! small step along that gradient lowers the main loss of the next batch (OL-AUX weights auxiliaries by these inner
//! products: Lin et al. 2019, "Adaptive Auxiliary Task Weighting for Reinforcement Learning").

use std::collections::{BTreeMap, HashMap};

use candle_core::{Result, Tensor};

use super::{Gradients, apart::GradientsApart, gradient_tensors, loss::ObjectiveLoss};
use crate::model::Parameters;

/// The raw gradients of the objectives with respect to the shared parameters, by index in the recipe.
#[derive(Clone, Debug, Default)]
pub(super) struct EarlierGradients(BTreeMap<usize, Gradients>);

impl EarlierGradients {
    /// Those of a step.
    pub(super) fn of(losses: &[ObjectiveLoss], apart: &GradientsApart) -> Self {
        let shared = apart.shared();
        let of = |(loss, gradients): (&ObjectiveLoss, &Gradients)| {
            (loss.objective, gradients.restricted(shared))
        };
        Self(losses.iter().zip(apart.gradients()).map(of).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The inner product of the main objective's gradient in the step that comes next with each of these, over the
    /// parameters with these indices, by index in the recipe.
    pub(super) fn products(
        &self,
        main: &Gradients,
        param_indices: &[usize],
    ) -> BTreeMap<usize, f64> {
        let over = || param_indices.iter().copied();
        self.0.iter().map(|(&at, earlier)| (at, main.product(earlier, over()))).collect()
    }

    /// The cosine of the main objective's gradient in the step that comes next with each of these; none where one of the
    /// two is 0.
    pub(super) fn cosines(
        &self,
        main: &Gradients,
        param_indices: &[usize],
    ) -> BTreeMap<usize, f32> {
        let square = |one: &Gradients| one.product(one, param_indices.iter().copied());
        let of_main = square(main);
        let products = self.products(main, param_indices);
        let cosine = |(&at, earlier): (&usize, &Gradients)| {
            let length = (of_main * square(earlier)).sqrt();
            let cosine = (length > 0.0).then(|| (products[&at] / length) as f32);
            Some((at, cosine.filter(|cosine| cosine.is_finite())?))
        };
        self.0.iter().filter_map(cosine).collect()
    }

    /// As tensors by name, for a checkpoint.
    pub(super) fn tensors(&self, parameters: &Parameters) -> Result<BTreeMap<String, Tensor>> {
        gradient_tensors::of(self.0.iter().map(|(&at, gradients)| (at, gradients)), parameters)
    }

    /// From what [`EarlierGradients::tensors`] returned.
    pub(super) fn from_tensors(
        tensors: &HashMap<String, Tensor>,
        parameters: &Parameters,
    ) -> Result<Self> {
        gradient_tensors::read(tensors, parameters).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The main objective is 0: its gradient now is that of the next step, and the others' are those of the step before.
    #[test]
    fn a_gradient_of_now_meets_those_of_the_step_before() {
        let of = |values: [f32; 3]| Gradients::of_values(&[&values[..2], &values[2..]]);
        let before = [of([0.0, 0.0, 9.0]), of([3.0, 4.0, 5.0]), of([-1.0, 0.0, 2.0]), of([0.0; 3])];
        let earlier = EarlierGradients((0..).zip(before).collect());
        let main = of([1.0, 0.0, 7.0]);
        // Over the first parameter only.
        assert_eq!(earlier.products(&main, &[0]), [(0, 0.0), (1, 3.0), (2, -1.0), (3, 0.0)].into());
        assert_eq!(earlier.cosines(&main, &[0]), [(1, 0.6), (2, -1.0)].into());
        assert_eq!(earlier.products(&main, &[0, 1])[&1], 38.0);
        assert!(earlier.cosines(&of([0.0; 3]), &[0, 1]).is_empty());
        assert!(EarlierGradients::default().cosines(&main, &[0]).is_empty());
    }
}
