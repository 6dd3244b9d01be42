//! Separate gradients of a step's objectives, for a rule that needs their Gram matrix, and for gradient accumulation.
//!
//! Each objective's raw gradient gₖ is propagated separately: to its taps, to parameters that it
//! reads itself, and through the encoders, including reversals. *Shared* parameters are those that
//! at least two of the step's objectives reach, including donated heads; Gⱼₖ = ⟨gⱼ, gₖ⟩ over these.
//! (Gradients with respect to taps would not suffice: layers and views are separate leaves, whose
//! inner products are 0.) The step's gradient is Σ gainₖ·shareₖ·gₖ over the shared parameters,
//! without another pass, and gainₖ·gₖ over those that only one objective reaches; under a rule that does not need the
//! matrix it is Σ gainₖ·shareₖ·gₖ over all.

use candle_core::Result;

use super::{Gradients, backward::TapBoundary, loss::ObjectiveLoss, weights::Weights};
use crate::{
    mixer::{Gram, Needs},
    model::Parameters,
};

/// The raw gradients of a step's objectives.
pub(super) struct GradientsApart {
    gradients: Vec<Gradients>,
    /// The indices of the shared parameters, in ascending order.
    shared: Vec<usize>,
    /// Those of them that are the encoders'.
    shared_encoders: Vec<usize>,
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
        let shared = Gradients::shared(&gradients);
        let gram = Gradients::gram(&gradients, &shared);
        let encoders = boundary.encoder_indices();
        let is_encoder = |param_idx: &usize| encoders.contains(param_idx);
        let shared_encoders = shared.iter().copied().filter(is_encoder).collect();
        Ok(Self { gradients, shared, shared_encoders, gram })
    }

    /// The raw gradients, in the order of the losses.
    pub(super) fn gradients(&self) -> &[Gradients] {
        &self.gradients
    }

    /// The indices of the shared parameters.
    pub(super) fn shared(&self) -> &[usize] {
        &self.shared
    }

    /// The indices of those of them that are the encoders'.
    pub(super) fn shared_encoders(&self) -> &[usize] {
        &self.shared_encoders
    }

    fn is_shared(&self, param_idx: usize) -> bool {
        self.shared.binary_search(&param_idx).is_ok()
    }

    /// The inner products over the shared parameters, in the order of the losses.
    pub(super) fn gram(&self) -> &Gram {
        &self.gram
    }

    /// The inner products over those of the parameters with these indices that are shared.
    pub(super) fn gram_over(&self, param_indices: &[usize]) -> Gram {
        let is_shared = |param_idx: &usize| self.is_shared(*param_idx);
        let shared: Vec<usize> = param_indices.iter().copied().filter(is_shared).collect();
        Gradients::gram(&self.gradients, &shared)
    }

    /// The inner products over all parameters with these indices.
    pub(super) fn gram_over_all(&self, param_indices: &[usize]) -> Gram {
        Gradients::gram(&self.gradients, param_indices)
    }

    /// Each objective's gradient, multiplied by its weight. A rule of the gradients weights shared parameters only: the
    /// factor of the others is the gain.
    pub(super) fn weighted(
        mut self,
        losses: &[ObjectiveLoss],
        weights: &Weights,
        parameters: &Parameters,
        needs: Needs,
    ) -> impl Iterator<Item = (usize, Gradients)> {
        let gradients = std::mem::take(&mut self.gradients);
        losses.iter().zip(gradients).map(move |(loss, gradients)| {
            let (gain, weight) = (weights.gain(loss.objective), weights.weight(loss.objective));
            let has_weight = |param_idx: usize| needs != Needs::Gram || self.is_shared(param_idx);
            let factor = |param_idx: usize| if has_weight(param_idx) { weight } else { gain };
            let mut weighted = Gradients::none(parameters);
            weighted.add_scaled(gradients, factor);
            (loss.objective, weighted)
        })
    }
}
