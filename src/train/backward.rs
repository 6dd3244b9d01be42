//! The backward pass in two parts: each objective by itself back to the rows that it taps, then all of
//! them together through the encoders.
//!
//! The first part is the same work as one pass for their sum, but for a head that several objectives share,
//! which is passed once for each of them. It leaves what measuring needs: the gradients of one objective by the
//! encoders are another pass of the second part, and nothing else is done twice. An objective without a tap,
//! which reads parameters, has its gradients by the encoders from the first part.

use std::ops::Range;

use candle_core::{Result, Tensor, Var};

use super::{Gradients, gradients::dot, loss::ObjectiveLoss};
use crate::{kernel, mixer::Weight, model::Parameters};

/// The rows that objectives tap, cut off from the encoders that made them.
pub(super) struct Taps {
    cut: Vec<(Tensor, Var)>,
    /// The numbers of the encoders' parameters.
    encoders: Range<usize>,
}

/// The gradient of one objective's weighted loss, as far as that objective is apart from the others.
pub(super) struct Back {
    /// By taps, each with its place among them.
    pub(super) by_taps: Vec<(usize, Tensor)>,
    /// By encoders' parameters that it reads itself, not by way of a tap.
    pub(super) direct: Gradients,
}

impl Taps {
    /// None yet, of encoders whose parameters have these numbers.
    pub(super) fn of(encoders: Range<usize>) -> Self {
        Self { cut: Vec::new(), encoders }
    }

    /// Rows of the same numbers that a gradient ends at. The same rows are cut off once.
    pub(super) fn cut(&mut self, rows: &Tensor) -> Result<Tensor> {
        if let Some((_, leaf)) = self.cut.iter().find(|(known, _)| known.id() == rows.id()) {
            return Ok(leaf.as_tensor().clone());
        }
        // A tap that stops the gradient is a variable already, and stays it.
        let leaf = Var::from_tensor(rows)?;
        self.cut.push((rows.clone(), leaf.clone()));
        Ok(leaf.as_tensor().clone())
    }

    /// Each objective back to its taps. The gradients by the heads' parameters, and by what objectives
    /// read of encoders themselves, are added to `gradients`.
    pub(super) fn heads(
        &self,
        losses: &[ObjectiveLoss],
        weights: &[Weight],
        parameters: &Parameters,
        gradients: &mut Gradients,
    ) -> Result<Vec<Back>> {
        let back = |loss: &ObjectiveLoss| {
            let weight = f64::from(weights[loss.objective].weight);
            let store = loss.mean.affine(weight, 0.0)?.backward()?;
            let mut own = Gradients::none(parameters);
            own.add(&store, parameters)?;
            let direct = gradients.merge(own, &self.encoders);
            let leaves = self.cut.iter().enumerate();
            let by_taps = leaves.filter_map(|(at, (_, leaf))| Some((at, store.get(leaf)?.clone())));
            Ok(Back { by_taps: by_taps.collect(), direct })
        };
        losses.iter().map(back).collect()
    }

    /// The square of the norm of a gradient by taps, of what goes on into encoders.
    pub(super) fn squared_norm(&self, by_taps: &[(usize, Tensor)]) -> Result<f64> {
        let mut sum = 0.0;
        for (_, by_tap) in by_taps.iter().filter(|(at, _)| goes_on(&self.cut[*at].0)) {
            sum += kernel::read(&by_tap.contiguous()?, |g| dot(g, g))?;
        }
        Ok(sum)
    }

    /// From gradients by taps through the encoders; a tap's are summed in their order.
    pub(super) fn encoders<'a>(
        &self,
        by_taps: impl IntoIterator<Item = &'a (usize, Tensor)>,
        parameters: &Parameters,
        gradients: &mut Gradients,
    ) -> Result<()> {
        let mut sums: Vec<Vec<Tensor>> = vec![Vec::new(); self.cut.len()];
        for (at, by_tap) in by_taps {
            sums[*at].push(by_tap.contiguous()?);
        }
        let mut start: Option<Tensor> = None;
        for ((rows, _), by_rows) in self.cut.iter().zip(sums) {
            if by_rows.is_empty() || !goes_on(rows) {
                continue;
            }
            let from_here = kernel::inject(rows, kernel::sum(&by_rows)?)?;
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

/// Whether an encoder is behind these rows; none is where a tap stops the gradient.
fn goes_on(rows: &Tensor) -> bool {
    rows.track_op() && !rows.is_variable()
}
