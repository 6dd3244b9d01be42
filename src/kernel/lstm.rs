//! LSTM over a packed batch, both directions (Hochreiter and Schmidhuber 1997; Graves 2005).
//!
//! With x_t the input's contribution to the gates (bias included) and U the recurrent weights: i,
//! f, o = σ(x_t + h_{t−1}·U), g = tanh(x_t + h_{t−1}·U), c_t = f·c_{t−1} + i·g, h_t = o·tanh(c_t).
//! Gates are stored in the order i, f, g, o.

use std::ops::Range;

use candle_core::{Result, Tensor};
use pulp::{Simd, WithSimd};

use super::{
    arch::with,
    gemm::{Accumulate, Matrix, Packed, Target, multiply_packed},
    plain,
    recurrent::{BackStep, Cell, ForwardStep, RecurrentWeights, Saved, Step, recurrent},
    vector::{load, sigmoid_all, store, tanh_all},
};
use crate::data::Packing;

/// The states of both directions for x (rows, inputs), concatenated: (rows, 2·w).
pub fn lstm(x: &Tensor, weights: &RecurrentWeights, packing: &Packing) -> Result<Tensor> {
    recurrent::<Lstm>(x, weights, packing)
}

pub(super) struct Lstm;

impl Cell for Lstm {
    const NAME: &'static str = "lstm";
    const GATES: usize = 4;
    const HAS_RECURRENT_BIAS: bool = false;
    const HAS_CELL: bool = true;

    fn pack(recurrent: Matrix<'_>) -> Vec<Packed> {
        vec![Packed::new(recurrent)]
    }

    fn forward(step: &Step, values: ForwardStep<'_>) {
        let ForwardStep { width, recurrent, gates, products: cells, states, .. } = values;
        let Step { rows, prev_start, n_continuing } = step;
        if *n_continuing > 0 {
            let previous = &states[prev_start * width..][..n_continuing * width];
            let previous = Matrix::new(previous, *n_continuing, width);
            let gates = &mut gates[rows.start * 4 * width..][..n_continuing * 4 * width];
            let target = Target::new(gates, 4 * width);
            multiply_packed(previous, &recurrent[0], Accumulate::Add, target);
        }
        let (rows, prev_start, n_continuing) = (rows.clone(), *prev_start, *n_continuing);
        with(Forward { rows, prev_start, n_continuing, width, gates, cells, states });
    }

    fn back(step: &Step, values: BackStep<'_>) {
        let BackStep { width, n_continuing_next, saved, gradient, stride, .. } = values;
        let &Step { ref rows, prev_start, n_continuing } = step;
        let (grad_gates, propagated) = (&mut values.grads.input, values.propagated);
        with(Back {
            rows: rows.clone(),
            prev_start,
            n_continuing,
            n_continuing_next,
            width,
            saved,
            gradient,
            stride,
            grad_state: &mut propagated.state,
            grad_cell: &mut propagated.cell,
            grad_gates,
        });
        if n_continuing > 0 {
            let grad_gates = &grad_gates[rows.start * 4 * width..][..n_continuing * 4 * width];
            let grad_gates = Matrix::new(grad_gates, n_continuing, 4 * width);
            let grad_state = Target::new(&mut propagated.state[..n_continuing * width], width);
            multiply_packed(grad_gates, values.recurrent, Accumulate::Overwrite, grad_state);
        }
    }

    fn plain(x: &Tensor, weights: &RecurrentWeights, packing: &Packing) -> Result<Tensor> {
        plain::lstm(x, weights, packing)
    }
}

/// One step's gates, cells and states, from its gates before their activation functions.
struct Forward<'a> {
    rows: Range<usize>,
    prev_start: usize,
    n_continuing: usize,
    width: usize,
    gates: &'a mut [f32],
    cells: &'a mut [f32],
    states: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { rows, prev_start, n_continuing, width, gates, cells, states } = self;
        for (b, row) in rows.enumerate() {
            let gates = &mut gates[row * 4 * width..][..4 * width];
            sigmoid_all(simd, &mut gates[..2 * width]);
            tanh_all(simd, &mut gates[2 * width..3 * width]);
            sigmoid_all(simd, &mut gates[3 * width..]);
            let (i, rest) = gates.split_at(width);
            let (f, rest) = rest.split_at(width);
            let (g, o) = rest.split_at(width);
            if b < n_continuing {
                let previous = (prev_start + b) * width;
                cells.copy_within(previous..previous + width, row * width);
            } else {
                cells[row * width..][..width].fill(0.0);
            }
            let cells = &mut cells[row * width..][..width];
            let states = &mut states[row * width..][..width];
            for at in 0..width {
                cells[at] = f[at] * cells[at] + i[at] * g[at];
            }
            states.copy_from_slice(cells);
            tanh_all(simd, states);
            for at in 0..width {
                states[at] *= o[at];
            }
        }
    }
}

/// One step's gradient with respect to its gates before their activation functions.
struct Back<'a> {
    rows: Range<usize>,
    prev_start: usize,
    n_continuing: usize,
    /// Rows to which the next step has propagated a gradient.
    n_continuing_next: usize,
    width: usize,
    saved: &'a Saved,
    /// With respect to the states: from this direction's column of the first row on.
    gradient: &'a [f32],
    /// From one row of it to the next.
    stride: usize,
    grad_state: &'a mut [f32],
    grad_cell: &'a mut [f32],
    grad_gates: &'a mut [f32],
}

impl WithSimd for Back<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = self.width;
        for (b, row) in self.rows.enumerate() {
            let gates = &self.saved.gates[row * 4 * width..][..4 * width];
            let (i, rest) = gates.split_at(width);
            let (f, rest) = rest.split_at(width);
            let (g, o) = rest.split_at(width);
            let grad_row = &self.gradient[row * self.stride..][..width];
            let grad_state = &mut self.grad_state[b * width..][..width];
            let grad_cell = &mut self.grad_cell[b * width..][..width];
            if b >= self.n_continuing_next {
                grad_state.fill(0.0);
                grad_cell.fill(0.0);
            }
            let out = &mut self.grad_gates[row * 4 * width..][..4 * width];
            let (grad_i, rest) = out.split_at_mut(width);
            let (grad_f, rest) = rest.split_at_mut(width);
            let (grad_g, grad_o) = rest.split_at_mut(width);
            grad_o.copy_from_slice(&self.saved.products[row * width..][..width]);
            tanh_all(simd, grad_o);
            // The previous cell is 0 where there is none.
            let has_prev = b < self.n_continuing;
            let prev = if has_prev { self.prev_start + b } else { row };
            let prev_cells = &self.saved.products[prev * width..][..width];
            // Through vectors, as a loop over so many slices would not be vectorized.
            let times = |x, y| simd.mul_f32s(x, y);
            let one_minus = |x| simd.sub_f32s(simd.splat_f32s(1.0), x);
            for at in (0..width).step_by(S::F32_LANES) {
                // Written out: a closure over the four would not be inlined and would keep its
                // vectors in memory.
                let (i, f) = (load(simd, &i[at..]), load(simd, &f[at..]));
                let (g, o) = (load(simd, &g[at..]), load(simd, &o[at..]));
                let tanh_c = load(simd, &grad_o[at..]);
                let grad_h =
                    simd.add_f32s(load(simd, &grad_row[at..]), load(simd, &grad_state[at..]));
                let through_o = times(times(grad_h, o), one_minus(times(tanh_c, tanh_c)));
                let grad_c = simd.add_f32s(load(simd, &grad_cell[at..]), through_o);
                store(
                    simd,
                    &mut grad_o[at..],
                    times(times(grad_h, tanh_c), times(o, one_minus(o))),
                );
                store(simd, &mut grad_i[at..], times(times(grad_c, g), times(i, one_minus(i))));
                store(simd, &mut grad_g[at..], times(times(grad_c, i), one_minus(times(g, g))));
                let kept = times(grad_c, f);
                store(simd, &mut grad_cell[at..], kept);
                let cell_before = load(simd, &prev_cells[at..]);
                let through_f = times(times(kept, one_minus(f)), cell_before);
                let through_f = if has_prev { through_f } else { simd.splat_f32s(0.0) };
                store(simd, &mut grad_f[at..], through_f);
            }
        }
    }
}
