//! The backward pass in two parts: from each objective separately to the rows that it taps, then
//! through the encoders.
//!
//! If the weights are known in advance, the second part is one pass for all objectives together, as
//! much work as one pass for the sum of their losses, except for a head that several objectives
//! share, which has one pass for each of them; the first part keeps what a measurement needs. If a
//! rule needs the gradients themselves, each objective has a second part of its own. An objective
//! without a tap reads parameters, and its gradients with respect to the encoders come from the
//! first part.

use std::ops::Range;

use candle_core::{Result, Tensor, backprop::GradStore};

use super::{Gradients, gradients::dot, loss::ObjectiveLoss, weights::Weights};
use crate::{
    kernel::{self, Leaf},
    model::Parameters,
};

/// The rows that objectives tap, detached from the encoders that computed them.
pub(super) struct TapBoundary {
    /// The rows, each with the leaf that replaces them for the objectives.
    taps: Vec<(Tensor, Leaf)>,
    /// The indices of the encoders' parameters.
    encoders: Range<usize>,
}

/// The gradient of one objective's loss, before it is propagated through the encoders.
pub(super) struct TapGradients {
    /// With respect to taps, each with its index.
    pub(super) by_taps: Vec<(usize, Tensor)>,
    /// Where the step is measured: with respect to encoder parameters that it reads itself, not through a tap, and to
    /// heads that another objective of the step reads too.
    pub(super) direct: Gradients,
}

impl TapBoundary {
    /// No taps yet, for encoders whose parameters have these indices.
    pub(super) fn new(encoders: Range<usize>) -> Self {
        Self { taps: Vec::new(), encoders }
    }

    /// The indices of the encoders' parameters.
    pub(super) fn encoder_indices(&self) -> Range<usize> {
        self.encoders.clone()
    }

    /// Rows with the same values, at which a gradient ends. Equal rows are detached once.
    pub(super) fn detach_at(&mut self, rows: &Tensor) -> Result<Tensor> {
        if let Some((_, leaf)) = self.taps.iter().find(|(known, _)| known.id() == rows.id()) {
            return Ok(leaf.tensor().clone());
        }
        let leaf = Leaf::new(rows)?;
        let tensor = leaf.tensor().clone();
        self.taps.push((rows.clone(), leaf));
        Ok(tensor)
    }

    /// Propagates each objective's weighted loss back to its taps. The gradients with respect to
    /// the heads' parameters, and to encoder parameters that objectives read themselves, are added
    /// to `gradients`.
    pub(super) fn heads(
        &self,
        losses: &[ObjectiveLoss],
        weights: &Weights,
        parameters: &Parameters,
        gradients: &mut Gradients,
        is_measured: bool,
    ) -> Result<Vec<TapGradients>> {
        let back = |loss: &ObjectiveLoss| {
            let weight = f64::from(weights.weight(loss.objective));
            let store = loss.mean.affine(weight, 0.0)?.backward()?;
            let mut own = Gradients::none(parameters);
            own.add(&store, parameters)?;
            Ok((self.by_taps(&store)?, own))
        };
        let mut parts = Vec::new();
        if !is_measured {
            for loss in losses {
                let (by_taps, own) = back(loss)?;
                let direct = gradients.merge(own, |_| false);
                parts.push(TapGradients { by_taps, direct });
            }
            return Ok(parts);
        }
        let (by_taps, own): (Vec<_>, Vec<Gradients>) =
            losses.iter().map(back).collect::<Result<Vec<_>>>()?.into_iter().unzip();
        let shared = Gradients::shared(&own);
        let is_kept = |param_idx: usize| {
            self.encoders.contains(&param_idx) || shared.binary_search(&param_idx).is_ok()
        };
        for (by_taps, own) in by_taps.into_iter().zip(own) {
            let direct = gradients.merge(own, is_kept);
            parts.push(TapGradients { by_taps, direct });
        }
        Ok(parts)
    }

    /// Propagates one objective's raw loss back to all parameters that it reaches.
    pub(super) fn alone(&self, loss: &ObjectiveLoss, parameters: &Parameters) -> Result<Gradients> {
        let store = loss.mean.backward()?;
        let mut gradients = Gradients::none(parameters);
        gradients.add(&store, parameters)?;
        self.encoders(&self.by_taps(&store)?, parameters, &mut gradients)?;
        Ok(gradients)
    }

    fn by_taps(&self, store: &GradStore) -> Result<Vec<(usize, Tensor)>> {
        let leaves = self.taps.iter().enumerate();
        let by_tap = |(at, (_, leaf)): (usize, &(Tensor, Leaf))| {
            let gradient = leaf.take_gradient(store).transpose()?;
            Some(gradient.map(|gradient| (at, gradient)))
        };
        leaves.filter_map(by_tap).collect()
    }

    /// The squared norm of a gradient with respect to taps, over those that have an encoder behind
    /// them.
    pub(super) fn squared_norm(&self, by_taps: &[(usize, Tensor)]) -> Result<f64> {
        let mut sum = 0.0;
        let reaching = |at: usize| requires_encoder_grad(&self.taps[at].0);
        for (_, by_tap) in by_taps.iter().filter(|(at, _)| reaching(*at)) {
            sum += kernel::read(&by_tap.contiguous()?, |g| dot(g, g))?;
        }
        Ok(sum)
    }

    /// Propagates gradients with respect to taps through the encoders; those of one tap are summed
    /// in their order.
    pub(super) fn encoders<'a>(
        &self,
        by_taps: impl IntoIterator<Item = &'a (usize, Tensor)>,
        parameters: &Parameters,
        gradients: &mut Gradients,
    ) -> Result<()> {
        let mut sums: Vec<Vec<Tensor>> = vec![Vec::new(); self.taps.len()];
        for (at, by_tap) in by_taps {
            sums[*at].push(by_tap.contiguous()?);
        }
        let mut start: Option<Tensor> = None;
        for ((rows, _), by_rows) in self.taps.iter().zip(sums) {
            if by_rows.is_empty() || !requires_encoder_grad(rows) {
                continue;
            }
            let from_here = kernel::seed_gradient(rows, kernel::sum(&by_rows)?)?;
            start = Some(match start {
                Some(start) => (start + from_here)?,
                None => from_here,
            });
        }
        match start {
            Some(start) => gradients.add(&start.backward()?, parameters),
            None => Ok(()),
        }
    }
}

/// Whether these rows depend on an encoder; they do not where a tap stops the gradient.
fn requires_encoder_grad(rows: &Tensor) -> bool {
    rows.track_op() && !rows.is_variable()
}
