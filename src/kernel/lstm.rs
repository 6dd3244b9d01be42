//! LSTM over a packed batch, both directions (Hochreiter and Schmidhuber 1997; Graves 2005).
//!
//! With the input's part of the gates x_t given (bias included), and W the recurrent weights:
//! i, f, o = σ(x_t + h_{t−1}·W), g = tanh(x_t + h_{t−1}·W), c_t = f·c_{t−1} + i·g,
//! h_t = o·tanh(c_t). Gates stand in the order i, f, g, o. The backward direction runs from each
//! sequence's own last token; states before the first token are 0. Steps are never padded.

use std::sync::OnceLock;

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};

use super::{
    arch::fast,
    gemm::{Into, Matrix, Packed, Target, multiply, multiply_packed},
    slices,
    vector::{sigmoid, tanh},
};
use crate::data::Packing;

/// The states of both directions, side by side: (rows, 2·width).
///
/// `gates` is the input's part of the gates, (rows, 8·width): forward i, f, g, o, then backward.
/// `recurrent` is (2, width, 4·width), forward first.
pub fn lstm(gates: &Tensor, recurrent: &Tensor, packing: &Packing) -> Result<Tensor> {
    let op = Lstm { packing: packing.clone(), saved: OnceLock::new() };
    gates.contiguous()?.apply_op2(recurrent, op)
}

struct Lstm {
    packing: Packing,
    saved: OnceLock<[Saved; 2]>,
}

/// What the backward pass needs of one direction.
struct Saved {
    /// i, f, g, o after their functions: (rows, 4·width).
    gates: Vec<f32>,
    /// c: (rows, width).
    cells: Vec<f32>,
    /// h: (rows, width).
    states: Vec<f32>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Forward,
    Backward,
}

impl Direction {
    /// The step that comes before `t` in this direction.
    fn before(self, t: usize, n_steps: usize) -> Option<usize> {
        match self {
            Self::Forward => t.checked_sub(1),
            Self::Backward => Some(t + 1).filter(|&t| t < n_steps),
        }
    }

    /// The steps in the order in which states are made.
    fn steps(self, n_steps: usize) -> Box<dyn DoubleEndedIterator<Item = usize>> {
        match self {
            Self::Forward => Box::new(0..n_steps),
            Self::Backward => Box::new((0..n_steps).rev()),
        }
    }
}

impl Lstm {
    /// The width that the shapes say, if they fit.
    fn width(&self, gates: &Shape, recurrent: &Shape) -> Result<usize> {
        let (rows, _) = gates.dims2()?;
        let (directions, width, _) = recurrent.dims3()?;
        if (directions, recurrent.dims()[2], gates.dims()[1]) != (2, 4 * width, 8 * width)
            || rows != self.packing.n_rows()
            || width == 0
        {
            bail!(
                "lstm: gates {gates:?}, recurrent weights {recurrent:?}, {} packed rows; wanted \
                 (rows, 8w) and (2, w, 4w), w at least 1",
                self.packing.n_rows()
            );
        }
        Ok(width)
    }

    /// One direction's states from its part of the gates, `column` numbers into each row.
    fn run(&self, direction: Direction, x: &[f32], column: usize, weight: &[f32]) -> Saved {
        let n_rows = self.packing.n_rows();
        let width = weight_width(weight);
        let mut gates = vec![0.0; n_rows * 4 * width];
        for (gates, x) in gates.chunks_exact_mut(4 * width).zip(x.chunks_exact(8 * width)) {
            gates.copy_from_slice(&x[column..column + 4 * width]);
        }
        let mut cells = vec![0.0; n_rows * width];
        let mut states = vec![0.0; n_rows * width];
        let weight = Packed::new(Matrix::new(weight, width, 4 * width));
        for t in direction.steps(self.packing.n_steps()) {
            let rows = self.packing.step(t);
            let before = direction.before(t, self.packing.n_steps());
            // Rows of this step that have a state before them: all of them in the forward
            // direction, those that are longer than t + 1 in the backward one.
            let before = before.map_or(0..0, |t| self.packing.step(t));
            let carried = rows.len().min(before.len());
            let start = before.start;
            if carried > 0 {
                let previous = &states[start * width..][..carried * width];
                let previous = Matrix::new(previous, carried, width);
                let gates = &mut gates[rows.start * 4 * width..][..carried * 4 * width];
                multiply_packed(previous, &weight, Into::Add, Target::new(gates, 4 * width));
            }
            fast(
                #[inline(always)]
                || {
                    for b in 0..rows.len() {
                        let row = rows.start + b;
                        let gates = &mut gates[row * 4 * width..][..4 * width];
                        for gate in &mut gates[..2 * width] {
                            *gate = sigmoid(*gate);
                        }
                        for gate in &mut gates[2 * width..3 * width] {
                            *gate = tanh(*gate);
                        }
                        for gate in &mut gates[3 * width..] {
                            *gate = sigmoid(*gate);
                        }
                        let (i, rest) = gates.split_at(width);
                        let (f, rest) = rest.split_at(width);
                        let (g, o) = rest.split_at(width);
                        if b < carried {
                            let previous = (start + b) * width;
                            cells.copy_within(previous..previous + width, row * width);
                        }
                        let cells = &mut cells[row * width..][..width];
                        let states = &mut states[row * width..][..width];
                        for at in 0..width {
                            cells[at] = f[at] * cells[at] + i[at] * g[at];
                        }
                        for at in 0..width {
                            states[at] = o[at] * tanh(cells[at]);
                        }
                    }
                },
            );
        }
        Saved { gates, cells, states }
    }

    /// One direction's gradients by gates (rows, 4·width) and by recurrent weights (width, 4·width),
    /// from the gradient of its states, `column` numbers into each row.
    fn back(
        &self,
        direction: Direction,
        saved: &Saved,
        gradient: &[f32],
        column: usize,
        weight: &[f32],
    ) -> (Vec<f32>, Vec<f32>) {
        let n_rows = self.packing.n_rows();
        let width = weight_width(weight);
        let mut by_gates = vec![0.0; n_rows * 4 * width];
        let mut before_states = vec![0.0; n_rows * width];
        let weight_back = Packed::new(Matrix::new(weight, width, 4 * width).transposed());
        // Gradients by state and cell that the step after has carried back, for its first rows.
        let widest = self.packing.n_sequences();
        let mut by_state = vec![0.0; widest * width];
        let mut by_cell = vec![0.0; widest * width];
        let mut n_from_after = 0;
        for t in direction.steps(self.packing.n_steps()).rev() {
            let rows = self.packing.step(t);
            let before = direction.before(t, self.packing.n_steps());
            let before = before.map_or(0..0, |t| self.packing.step(t));
            let carried = rows.len().min(before.len());
            fast(
                #[inline(always)]
                || {
                    for b in 0..rows.len() {
                        let row = rows.start + b;
                        let gates = &saved.gates[row * 4 * width..][..4 * width];
                        let (i, rest) = gates.split_at(width);
                        let (f, rest) = rest.split_at(width);
                        let (g, o) = rest.split_at(width);
                        let cells = &saved.cells[row * width..][..width];
                        let by_row = &gradient[row * 2 * width + column..][..width];
                        let by_state = &mut by_state[b * width..][..width];
                        let by_cell = &mut by_cell[b * width..][..width];
                        if b >= n_from_after {
                            by_state.fill(0.0);
                            by_cell.fill(0.0);
                        }
                        let out = &mut by_gates[row * 4 * width..][..4 * width];
                        let (di, rest) = out.split_at_mut(width);
                        let (df, rest) = rest.split_at_mut(width);
                        let (dg, d_o) = rest.split_at_mut(width);
                        // By itself, as the loop below has too many slices to be vectorised.
                        for (tanh_c, &c) in d_o.iter_mut().zip(cells) {
                            *tanh_c = tanh(c);
                        }
                        let (o, d_o) = (&o[..width], &mut d_o[..width]);
                        for at in 0..width {
                            let by_h = by_row[at] + by_state[at];
                            let tanh_c = d_o[at];
                            let by_c = by_cell[at] + by_h * o[at] * (1.0 - tanh_c * tanh_c);
                            d_o[at] = by_h * tanh_c * o[at] * (1.0 - o[at]);
                            di[at] = by_c * g[at] * i[at] * (1.0 - i[at]);
                            dg[at] = by_c * i[at] * (1.0 - g[at] * g[at]);
                            by_cell[at] = by_c * f[at];
                            // Holds by_c · f · (1 − f); the cell before is 0 where there is none.
                            df[at] = by_c * f[at] * (1.0 - f[at]);
                        }
                        if b < carried {
                            let cells = &saved.cells[(before.start + b) * width..][..width];
                            for (df, c) in df.iter_mut().zip(cells) {
                                *df *= c;
                            }
                        } else {
                            df.fill(0.0);
                        }
                    }
                },
            );
            if carried > 0 {
                let by_gates = &by_gates[rows.start * 4 * width..][..carried * 4 * width];
                let by_gates = Matrix::new(by_gates, carried, 4 * width);
                let by_state = &mut by_state[..carried * width];
                multiply_packed(by_gates, &weight_back, Into::Replace, Target::new(by_state, width));
                before_states[rows.start * width..][..carried * width]
                    .copy_from_slice(&saved.states[before.start * width..][..carried * width]);
            }
            n_from_after = carried;
        }
        let mut by_weight = vec![0.0; width * 4 * width];
        multiply(
            Matrix::new(&before_states, n_rows, width).transposed(),
            Matrix::new(&by_gates, n_rows, 4 * width),
            Into::Replace,
            Target::new(&mut by_weight, 4 * width),
        );
        (by_gates, by_weight)
    }
}

/// The width w of recurrent weights of w · 4w numbers.
fn weight_width(weight: &[f32]) -> usize {
    (weight.len() / 4).isqrt()
}

/// Two matrices of so many columns side by side.
fn side_by_side(left: &[f32], right: &[f32], columns: usize) -> Vec<f32> {
    let mut both = Vec::with_capacity(2 * left.len());
    for (left, right) in left.chunks_exact(columns).zip(right.chunks_exact(columns)) {
        both.extend_from_slice(left);
        both.extend_from_slice(right);
    }
    both
}

impl CustomOp2 for Lstm {
    fn name(&self) -> &'static str {
        "lstm"
    }

    fn cpu_fwd(
        &self,
        gates: &CpuStorage,
        gates_layout: &Layout,
        recurrent: &CpuStorage,
        recurrent_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let width = self.width(gates_layout.shape(), recurrent_layout.shape())?;
        let gates = slices::of(gates, gates_layout)?;
        let (forward, backward) =
            slices::of(recurrent, recurrent_layout)?.split_at(width * 4 * width);
        let saved = rayon::join(
            || self.run(Direction::Forward, gates, 0, forward),
            || self.run(Direction::Backward, gates, 4 * width, backward),
        );
        let states = side_by_side(&saved.0.states, &saved.1.states, width);
        // A second forward of the same op would give the same numbers.
        let _ = self.saved.set(saved.into());
        Ok((CpuStorage::F32(states), (self.packing.n_rows(), 2 * width).into()))
    }

    fn bwd(
        &self,
        gates: &Tensor,
        recurrent: &Tensor,
        _states: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let width = self.width(gates.shape(), recurrent.shape())?;
        let [forward, backward] = self.saved.get().expect("backward comes after forward");
        let gradient = gradient.contiguous()?;
        let (forward, backward) = slices::read(&gradient, |gradient| {
            slices::read(recurrent, |recurrent| {
                let (weight_forward, weight_backward) = recurrent.split_at(width * 4 * width);
                rayon::join(
                    || self.back(Direction::Forward, forward, gradient, 0, weight_forward),
                    || self.back(Direction::Backward, backward, gradient, width, weight_backward),
                )
            })
        })??;
        let by_gates = side_by_side(&forward.0, &backward.0, 4 * width);
        let mut by_recurrent = forward.1;
        by_recurrent.extend_from_slice(&backward.1);
        Ok((
            Some(Tensor::from_vec(by_gates, gates.shape(), gates.device())?),
            Some(Tensor::from_vec(by_recurrent, recurrent.shape(), gates.device())?),
        ))
    }
}
