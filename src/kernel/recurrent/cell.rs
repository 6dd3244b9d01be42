//! The trait of recurrent cells, and one direction of a layer as a cell processes it, time step by
//! time step.

use std::ops::Range;

use candle_core::{Result, Tensor};

use super::RecurrentWeights;
use crate::{
    data::Packing,
    kernel::{
        buffer::Buffer,
        gemm::{Matrix, Packed},
    },
};

/// What differs between recurrent networks. Matrices have one row for each packed row.
pub(in crate::kernel) trait Cell: Send + Sync + 'static {
    const NAME: &'static str;
    /// The number of gates, each of the hidden size.
    const GATES: usize;
    /// Whether it has a recurrent bias.
    const HAS_RECURRENT_BIAS: bool;
    /// Whether a cell is passed on to the next time step beside the state.
    const HAS_CELL: bool;

    /// U (w, G·w) as [`Cell::forward`] multiplies by it.
    fn pack(recurrent: Matrix<'_>) -> Vec<Packed>;

    /// The gates after their activation functions and the states of a time step, from the input's
    /// contribution to its gates.
    fn forward(step: &Step, values: ForwardStep<'_>);

    /// The gradients with respect to the gates of a time step, and those that it propagates to the
    /// one before it.
    fn back(step: &Step, values: BackStep<'_>);

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

/// The values of a time step. Matrices have the rows of all steps.
pub(in crate::kernel) struct ForwardStep<'a> {
    /// Hidden size.
    pub(in crate::kernel) width: usize,
    /// What [`Cell::pack`] returned.
    pub(in crate::kernel) recurrent: &'a [Packed],
    /// The recurrent bias: (w), empty for a cell without one.
    pub(in crate::kernel) bias: &'a [f32],
    /// The input's contribution, then the gates after their activation functions: (rows, G·w).
    pub(in crate::kernel) gates: &'a mut [f32],
    /// See [`Saved::products`].
    pub(in crate::kernel) products: &'a mut [f32],
    /// (rows, w).
    pub(in crate::kernel) states: &'a mut [f32],
}

/// What the backward pass of a time step reads and writes. Matrices have the rows of all steps.
pub(in crate::kernel) struct BackStep<'a> {
    /// Hidden size.
    pub(in crate::kernel) width: usize,
    /// The number of its rows, the first ones, to which the next step has propagated a gradient.
    pub(in crate::kernel) n_continuing_next: usize,
    /// Uᵀ: (G·w, w).
    pub(in crate::kernel) recurrent: &'a Packed,
    pub(in crate::kernel) saved: &'a Saved,
    /// (rows, w).
    pub(in crate::kernel) prev_states: &'a [f32],
    /// The gradient with respect to the states, from the first row's first column on.
    pub(in crate::kernel) gradient: &'a [f32],
    /// From one row of it to the next.
    pub(in crate::kernel) stride: usize,
    pub(in crate::kernel) propagated: &'a mut Propagated,
    pub(in crate::kernel) grads: &'a mut GateGradients,
}

/// The values of a direction that the backward pass needs.
pub(in crate::kernel) struct Saved {
    /// The gates after their activation functions: (rows, G·w).
    pub(in crate::kernel) gates: Buffer,
    /// The cells c of an LSTM, or the recurrent products m of a GRU: (rows, w).
    pub(in crate::kernel) products: Buffer,
}

/// The gradients that a time step receives from the next one, for its first rows.
pub(in crate::kernel) struct Propagated {
    /// With respect to the state: (rows of the step, w).
    pub(in crate::kernel) state: Buffer,
    /// With respect to the cell, for a cell that passes one on: (rows of the step, w).
    pub(in crate::kernel) cell: Buffer,
}

impl Propagated {
    /// Space for so many rows.
    pub(in crate::kernel) fn new<C: Cell>(rows: usize, width: usize) -> Self {
        let cell = if C::HAS_CELL { rows * width } else { 0 };
        Self { state: Buffer::new(rows * width), cell: Buffer::new(cell) }
    }
}

/// The gradients that one direction's backward pass computes.
pub(in crate::kernel) struct GateGradients {
    /// With respect to the input's contribution to the gates: (rows, G·w).
    pub(in crate::kernel) input: Buffer,
    /// With respect to h·U, recurrent bias included, where that differs: (rows, G·w).
    pub(in crate::kernel) product: Option<Buffer>,
}

impl GateGradients {
    /// Space for the gradients of so many elements.
    pub(in crate::kernel) fn new<C: Cell>(n: usize) -> Self {
        let product = C::HAS_RECURRENT_BIAS.then(|| Buffer::new(n));
        Self { input: Buffer::new(n), product }
    }
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

/// The states (rows, w), from the input's contribution to the gates (rows, G·w).
pub(super) fn run<C: Cell>(direction: &Direction<'_>, mut gates: Buffer) -> (Buffer, Saved) {
    let &Direction { steps, width, recurrent, bias, .. } = direction;
    let mut products = Buffer::new(gates.len() / C::GATES);
    let mut states = Buffer::new(gates.len() / C::GATES);
    let recurrent = C::pack(Matrix::new(recurrent, width, C::GATES * width));
    for step in steps {
        let (gates, products, states) = (&mut gates[..], &mut products[..], &mut states[..]);
        C::forward(
            step,
            ForwardStep { width, recurrent: &recurrent, bias, gates, products, states },
        );
    }
    (states, Saved { gates, products })
}

/// The gradients with respect to the gates, from Uᵀ (G·w, w), the previous states (rows, w) and the gradient
/// with respect to the states of both directions (rows, 2·w).
pub(super) fn back<C: Cell>(
    direction: &Direction<'_>,
    recurrent: &Packed,
    prev_states: &[f32],
    saved: &Saved,
    gradient: &[f32],
) -> GateGradients {
    let &Direction { steps, width, column, .. } = direction;
    let mut grads = GateGradients::new::<C>(saved.gates.len());
    let widest = steps.iter().map(|step| step.rows.len()).max().unwrap_or(0);
    let mut propagated = Propagated::new::<C>(widest, width);
    let mut n_continuing_next = 0;
    for step in steps.iter().rev() {
        C::back(
            step,
            BackStep {
                width,
                n_continuing_next,
                recurrent,
                saved,
                prev_states,
                gradient: &gradient[column..],
                stride: 2 * width,
                propagated: &mut propagated,
                grads: &mut grads,
            },
        );
        n_continuing_next = step.n_continuing;
    }
    grads
}
