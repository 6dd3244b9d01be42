//! The loss of one objective in one step.

use candle_core::Tensor;

/// The raw loss of one objective in one step, over every corpus it was drawn with.
pub(super) struct ObjectiveLoss {
    /// The index of the objective in the recipe.
    pub(super) objective: usize,
    /// Σ sum / Σ count, a scalar.
    pub(super) mean: Tensor,
    /// The same as a number, read from the device.
    pub(super) value: f32,
}

impl ObjectiveLoss {
    /// The same without the graph that it was computed by.
    pub(super) fn detached(self) -> Self {
        Self { mean: self.mean.detach(), ..self }
    }
}
