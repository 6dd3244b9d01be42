//! The trait of recurrent cells, and one direction of a layer as a cell processes it, time step by
//! time step.

use std::ops::Range;

use candle_core::{Result, Tensor};

use super::RecurrentWeights;
use crate::{data::Packing, kernel::buffer::Buffer};

/// What differs between recurrent networks. Matrices have one row for each packed row.
pub(in crate::kernel) trait Cell: 'static {
    const NAME: &'static str;
    /// The number of gates, each of the hidden size.
    const GATES: usize;
    /// Whether it has a recurrent bias.
    const HAS_RECURRENT_BIAS: bool;
    /// Values of one direction that the backward pass needs.
    type Saved: Send + Sync;

    /// The states (rows, w), from the input's contribution to the gates (rows, G·w).
    fn run(direction: &Direction<'_>, gates: Buffer) -> (Buffer, Self::Saved);

    /// The gradients with respect to the gates, from the previous states (rows, w) and the gradient
    /// with respect to the states of both directions (rows, 2·w).
    fn back(
        direction: &Direction<'_>,
        prev_states: &[f32],
        saved: &Self::Saved,
        gradient: &[f32],
    ) -> GateGradients;

    /// The whole layer in candle's own operations, for other devices than the CPU.
    fn plain(x: &Tensor, weights: &RecurrentWeights, packing: &Packing) -> Result<Tensor>;
}

/// One direction of a layer.
pub(in crate::kernel) struct Direction<'a> {
    pub(in crate::kernel) steps: &'a [Step],
    /// Hidden size.
    pub(in crate::kernel) width: usize,
    /// The first column of this direction in the states of both directions.
    pub(in crate::kernel) column: usize,
    /// U: (w, G·w).
    pub(in crate::kernel) recurrent: &'a [f32],
    /// The recurrent bias: (w), empty for a cell without one.
    pub(in crate::kernel) bias: &'a [f32],
}

/// The gradients that one direction's backward pass computes.
pub(in crate::kernel) struct GateGradients {
    /// With respect to the input's contribution to the gates: (rows, G·w).
    pub(in crate::kernel) input: Buffer,
    /// With respect to h·U, recurrent bias included, where that differs: (rows, G·w).
    pub(in crate::kernel) product: Option<Buffer>,
}

/// One time step of one direction.
pub(in crate::kernel) struct Step {
    /// Its rows.
    pub(in crate::kernel) rows: Range<usize>,
    /// The first row of the previous time step.
    pub(in crate::kernel) prev_start: usize,
    /// The number of its rows, the first ones, that have a previous state: all of them in the
    /// forward direction, those of longer sequences in the backward one.
    pub(in crate::kernel) n_continuing: usize,
}

/// The time steps in the order in which states are computed.
pub(in crate::kernel) fn steps(packing: &Packing, forward: bool) -> Vec<Step> {
    let n = packing.max_len();
    let order: Vec<usize> = if forward { (0..n).collect() } else { (0..n).rev().collect() };
    let mut prev = 0..0;
    let step = |&t: &usize| {
        let rows = packing.rows_at(t);
        let prev = std::mem::replace(&mut prev, rows.clone());
        Step { n_continuing: rows.len().min(prev.len()), prev_start: prev.start, rows }
    };
    order.iter().map(step).collect()
}
