//! LSTM over a packed batch, both directions (Hochreiter and Schmidhuber 1997; Graves 2005).
//!
//! With the input's part of the gates x_t given (bias included), and U the recurrent weights:
//! i, f, o = σ(x_t + h_{t−1}·U), g = tanh(x_t + h_{t−1}·U), c_t = f·c_{t−1} + i·g,
//! h_t = o·tanh(c_t). Gates stand in the order i, f, g, o.

use std::ops::Range;

use candle_core::{Result, Tensor};
use pulp::{Simd, WithSimd};

use super::{
    arch::with,
    buffer::Buffer,
    gemm::{Into, Matrix, Packed, Target, multiply_packed},
    plain,
    recurrent::{ByGates, Cell, Direction, RecurrentWeights, Step, recurrent},
    vector::{load, sigmoid_all, store, tanh_all},
};
use crate::data::Packing;

/// The states of both directions of x (rows, inputs), side by side: (rows, 2·w).
pub fn lstm(x: &Tensor, weights: &RecurrentWeights, packing: &Packing) -> Result<Tensor> {
    recurrent::<Lstm>(x, weights, packing)
}

struct Lstm;

/// What the backward pass needs of one direction.
struct Saved {
    /// i, f, g, o after their functions: (rows, 4·w).
    gates: Buffer,
    /// c: (rows, w).
    cells: Buffer,
}

impl Cell for Lstm {
    const NAME: &'static str = "lstm";
    const GATES: usize = 4;
    const HAS_RECURRENT_BIAS: bool = false;
    type Saved = Saved;

    fn run(direction: &Direction<'_>, mut gates: Buffer) -> (Buffer, Saved) {
        let &Direction { steps, width, recurrent, .. } = direction;
        let mut cells = Buffer::new(gates.len() / 4);
        let mut states = Buffer::new(gates.len() / 4);
        let recurrent = Packed::new(Matrix::new(recurrent, width, 4 * width));
        for Step { rows, before, carried } in steps {
            if *carried > 0 {
                let previous = &states[before * width..][..carried * width];
                let previous = Matrix::new(previous, *carried, width);
                let gates = &mut gates[rows.start * 4 * width..][..carried * 4 * width];
                multiply_packed(previous, &recurrent, Into::Add, Target::new(gates, 4 * width));
            }
            let (before, carried) = (*before, *carried);
            let (gates, cells, states) = (&mut gates[..], &mut cells[..], &mut states[..]);
            with(Ahead { rows: rows.clone(), before, carried, width, gates, cells, states });
        }
        (states, Saved { gates, cells })
    }

    fn back(
        direction: &Direction<'_>,
        _before: &[f32],
        saved: &Saved,
        gradient: &[f32],
    ) -> ByGates {
        let &Direction { steps, width, column, recurrent, .. } = direction;
        let mut by_gates = Buffer::new(saved.gates.len());
        let recurrent = Packed::new(Matrix::new(recurrent, width, 4 * width).transposed());
        // Gradients by state and cell that the step after has carried back, for its first rows.
        let widest = steps.iter().map(|step| step.rows.len()).max().unwrap_or(0);
        let mut by_state = Buffer::new(widest * width);
        let mut by_cell = Buffer::new(widest * width);
        let mut n_from_after = 0;
        for Step { rows, before, carried } in steps.iter().rev() {
            with(Back {
                rows: rows.clone(),
                before: *before,
                carried: *carried,
                n_from_after,
                width,
                saved,
                gradient: &gradient[column..],
                by_state: &mut by_state,
                by_cell: &mut by_cell,
                by_gates: &mut by_gates,
            });
            if *carried > 0 {
                let by_gates = &by_gates[rows.start * 4 * width..][..carried * 4 * width];
                let by_gates = Matrix::new(by_gates, *carried, 4 * width);
                let by_state = Target::new(&mut by_state[..carried * width], width);
                multiply_packed(by_gates, &recurrent, Into::Replace, by_state);
            }
            n_from_after = *carried;
        }
        ByGates { input: by_gates, product: None }
    }

    fn plain(x: &Tensor, weights: &RecurrentWeights, packing: &Packing) -> Result<Tensor> {
        plain::lstm(x, weights, packing)
    }
}

/// One step's gates, cells and states, from its gates before their functions.
struct Ahead<'a> {
    rows: Range<usize>,
    before: usize,
    carried: usize,
    width: usize,
    gates: &'a mut [f32],
    cells: &'a mut [f32],
    states: &'a mut [f32],
}

impl WithSimd for Ahead<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { rows, before, carried, width, gates, cells, states } = self;
        for (b, row) in rows.enumerate() {
            let gates = &mut gates[row * 4 * width..][..4 * width];
            sigmoid_all(simd, &mut gates[..2 * width]);
            tanh_all(simd, &mut gates[2 * width..3 * width]);
            sigmoid_all(simd, &mut gates[3 * width..]);
            let (i, rest) = gates.split_at(width);
            let (f, rest) = rest.split_at(width);
            let (g, o) = rest.split_at(width);
            if b < carried {
                let previous = (before + b) * width;
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

/// One step's gradient by its gates before their functions.
struct Back<'a> {
    rows: Range<usize>,
    before: usize,
    carried: usize,
    /// Rows to which the step after has carried a gradient back.
    n_from_after: usize,
    width: usize,
    saved: &'a Saved,
    /// By the states: from this direction's column of the first row on.
    gradient: &'a [f32],
    by_state: &'a mut [f32],
    by_cell: &'a mut [f32],
    by_gates: &'a mut [f32],
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
            let by_row = &self.gradient[row * 2 * width..][..width];
            let by_state = &mut self.by_state[b * width..][..width];
            let by_cell = &mut self.by_cell[b * width..][..width];
            if b >= self.n_from_after {
                by_state.fill(0.0);
                by_cell.fill(0.0);
            }
            let out = &mut self.by_gates[row * 4 * width..][..4 * width];
            let (di, rest) = out.split_at_mut(width);
            let (df, rest) = rest.split_at_mut(width);
            let (dg, d_o) = rest.split_at_mut(width);
            d_o.copy_from_slice(&self.saved.cells[row * width..][..width]);
            tanh_all(simd, d_o);
            // The cell before is 0 where there is none.
            let has_before = b < self.carried;
            let before = if has_before { self.before + b } else { row };
            let cells_before = &self.saved.cells[before * width..][..width];
            // By vectors, as a loop over so many slices would not become one over vectors.
            let times = |x, y| simd.mul_f32s(x, y);
            let one_minus = |x| simd.sub_f32s(simd.splat_f32s(1.0), x);
            for at in (0..width).step_by(S::F32_LANES) {
                // One by one: a closure over the four would stay a call, with its vectors in memory.
                let (i, f) = (load(simd, &i[at..]), load(simd, &f[at..]));
                let (g, o) = (load(simd, &g[at..]), load(simd, &o[at..]));
                let tanh_c = load(simd, &d_o[at..]);
                let by_h = simd.add_f32s(load(simd, &by_row[at..]), load(simd, &by_state[at..]));
                let through_o = times(times(by_h, o), one_minus(times(tanh_c, tanh_c)));
                let by_c = simd.add_f32s(load(simd, &by_cell[at..]), through_o);
                store(simd, &mut d_o[at..], times(times(by_h, tanh_c), times(o, one_minus(o))));
                store(simd, &mut di[at..], times(times(by_c, g), times(i, one_minus(i))));
                store(simd, &mut dg[at..], times(times(by_c, i), one_minus(times(g, g))));
                let kept = times(by_c, f);
                store(simd, &mut by_cell[at..], kept);
                let cell_before = load(simd, &cells_before[at..]);
                let by_f = times(times(kept, one_minus(f)), cell_before);
                let by_f = if has_before { by_f } else { simd.splat_f32s(0.0) };
                store(simd, &mut df[at..], by_f);
            }
        }
    }
}
