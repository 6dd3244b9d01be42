//! Separate gradients of a step's objectives, for a rule that needs their Gram matrix.
//!
//! Each objective's raw gradient gₖ is propagated separately: to its taps, to parameters that it
//! reads itself, and through the encoders, including reversals. *Shared* parameters are those that
//! at least two of the step's objectives reach, including donated heads; Gⱼₖ = ⟨gⱼ, gₖ⟩ over these.
//! (Gradients with respect to taps would not suffice: layers and views are separate leaves, whose
//! inner products are 0.) The step's gradient is Σ gainₖ·shareₖ·gₖ over the shared parameters,
//! without another pass, and gainₖ·gₖ over those that only one objective reaches.

use candle_core::Result;

use super::{Gradients, backward::TapBoundary, loss::ObjectiveLoss, weights::Weights};
use crate::{mixer::Gram, model::Parameters};

/// The raw gradients of a step's objectives.
pub(super) struct GradientsApart {
    gradients: Vec<Gradients>,
    /// Whether a parameter is shared, by its index.
    shared: Vec<bool>,
    gram: Gram,
}

impl GradientsApart {
    /// The gradients of these losses, in their order, with one backward pass each.
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

    /// The inner products over the shared parameters, in the order of the losses.
    pub(super) fn gram(&self) -> &Gram {
        &self.gram
    }

    /// The step's gradient, from the losses that these belong to.
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
