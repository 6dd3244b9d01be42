//! The gradients of a step's objectives apart, for a rule that asks for their Gram matrix.
//!
//! Each objective's raw gradient gₖ is passed back by itself: to its taps, to what it reads of parameters
//! itself, and through the encoders, reversals included. *Shared* are the parameters that at least two of the
//! step's objectives reach, lent heads among them; Gⱼₖ = ⟨gⱼ, gₖ⟩ over these. (Gradients by taps would not do:
//! layers and views are leaves of their own, whose inner products are 0.) The step's gradient is
//! Σ gainₖ·shareₖ·gₖ over the shared parameters, without a further pass, and gainₖ·gₖ over those that one
//! objective alone reaches.

use candle_core::Result;

use super::{Gradients, backward::TapBoundary, loss::ObjectiveLoss, weights::Weights};
use crate::{mixer::Gram, model::Parameters};

/// The raw gradients of a step's objectives.
pub(super) struct GradientsApart {
    gradients: Vec<Gradients>,
    /// Whether a parameter is shared, by its number.
    shared: Vec<bool>,
    gram: Gram,
}

impl GradientsApart {
    /// Those of these losses, in their order: a backward pass for each.
    pub(super) fn of(
        losses: &[ObjectiveLoss],
        boundary: &TapBoundary,
        parameters: &Parameters,
    ) -> Result<Self> {
        let gradients: Vec<Gradients> =
            losses.iter().map(|loss| boundary.alone(loss, parameters)).collect::<Result<_>>()?;
        let reach = |number: usize| {
            gradients.iter().filter(|gradients| gradients.get(number).is_some()).count()
        };
        let shared: Vec<bool> =
            (0..parameters.all().len()).map(|number| reach(number) > 1).collect();
        let numbers = || (0..shared.len()).filter(|&number| shared[number]);
        let product = |j: usize, k: usize| gradients[j].product(&gradients[k], numbers());
        let gram = Gram::new(gradients.len(), product);
        Ok(Self { gradients, shared, gram })
    }

    /// The inner products over the shared parameters, in the losses' order.
    pub(super) fn gram(&self) -> &Gram {
        &self.gram
    }

    /// The step's gradient, of the losses that these were made of.
    pub(super) fn combined(
        self,
        losses: &[ObjectiveLoss],
        weights: &Weights,
        parameters: &Parameters,
    ) -> Gradients {
        let mut sum = Gradients::none(parameters);
        for (gradients, loss) in self.gradients.into_iter().zip(losses) {
            let (gain, weight) = (weights.gain(loss.objective), weights.weight(loss.objective));
            sum.add_scaled(gradients, |number| if self.shared[number] { weight } else { gain });
        }
        sum
    }
}
