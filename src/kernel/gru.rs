//! GRU over a packed batch, both directions (Cho et al. 2014), with the reset gate applied after
//! the recurrent product, as in cuDNN and PyTorch.
//!
//! With x_t the input's contribution to the gates (bias included), U the recurrent weights and b
//! the recurrent bias: r, z = σ(x_t + h_{t−1}·U), m = h_{t−1}·U + b, n = tanh(x_t + r·m),
//! h_t = (1 − z)·n + z·h_{t−1}. Gates are stored in the order r, z, n.

use candle_core::{Result, Tensor};

use super::{
    arch::fast,
    gemm::{Accumulate, Matrix, Packed, Target, multiply_packed},
    plain,
    recurrent::{BackStep, Cell, ForwardStep, RecurrentWeights, Step, recurrent},
    vector::{sigmoid, tanh},
};
use crate::data::Packing;

/// The states of both directions for x (rows, inputs), concatenated: (rows, 2·w).
pub fn gru(x: &Tensor, weights: &RecurrentWeights, packing: &Packing) -> Result<Tensor> {
    recurrent::<Gru>(x, weights, packing)
}

pub(super) struct Gru;

impl Cell for Gru {
    const NAME: &'static str = "gru";
    const GATES: usize = 3;
    const HAS_RECURRENT_BIAS: bool = true;
    const HAS_CELL: bool = false;

    /// Those of r and z, and those of n.
    fn pack(recurrent: Matrix<'_>) -> Vec<Packed> {
        let width = recurrent.n_rows();
        let columns = [(0, 2 * width), (2 * width, width)];
        columns.map(|(from, n)| Packed::new(recurrent.some_columns(from, n))).into()
    }

    fn forward(step: &Step, values: ForwardStep<'_>) {
        let ForwardStep { width, recurrent, bias, gates, products, states } = values;
        let Step { rows, prev_start, n_continuing } = step;
        if *n_continuing > 0 {
            let previous = &states[prev_start * width..][..n_continuing * width];
            let previous = Matrix::new(previous, *n_continuing, width);
            let gates = &mut gates[rows.start * 3 * width..][..n_continuing * 3 * width];
            let target = Target::new(gates, 3 * width);
            multiply_packed(previous, &recurrent[0], Accumulate::Add, target);
            let products = &mut products[rows.start * width..][..n_continuing * width];
            let target = Target::new(products, width);
            multiply_packed(previous, &recurrent[1], Accumulate::AddBias(bias), target);
        }
        fast(
            #[inline(always)]
            || {
                for b in 0..rows.len() {
                    let row = rows.start + b;
                    let gates = &mut gates[row * 3 * width..][..3 * width];
                    for gate in &mut gates[..2 * width] {
                        *gate = sigmoid(*gate);
                    }
                    if b < *n_continuing {
                        let previous = (prev_start + b) * width;
                        states.copy_within(previous..previous + width, row * width);
                    } else {
                        products[row * width..][..width].copy_from_slice(bias);
                        states[row * width..][..width].fill(0.0);
                    }
                    let (r, rest) = gates.split_at_mut(width);
                    let (z, n) = rest.split_at_mut(width);
                    let products = &products[row * width..][..width];
                    let states = &mut states[row * width..][..width];
                    for at in 0..width {
                        n[at] = tanh(n[at] + r[at] * products[at]);
                    }
                    for at in 0..width {
                        states[at] = (1.0 - z[at]) * n[at] + z[at] * states[at];
                    }
                }
            },
        );
    }

    fn back(step: &Step, values: BackStep<'_>) {
        let BackStep { width, n_continuing_next, saved, prev_states, gradient, stride, .. } =
            values;
        let Step { rows, n_continuing, .. } = step;
        let grad_state = &mut values.propagated.state;
        let grad_gates = &mut values.grads.input;
        let grad_product = values.grads.product.as_mut().expect("of a cell with a recurrent bias");
        fast(
            #[inline(always)]
            || {
                for b in 0..rows.len() {
                    let row = rows.start + b;
                    let gates = &saved.gates[row * 3 * width..][..3 * width];
                    let (r, rest) = gates.split_at(width);
                    let (z, n) = rest.split_at(width);
                    let products = &saved.products[row * width..][..width];
                    let before = &prev_states[row * width..][..width];
                    let grad_row = &gradient[row * stride..][..width];
                    let grad_h = &mut grad_state[b * width..][..width];
                    let grad_gates = &mut grad_gates[row * 3 * width..][..3 * width];
                    let grad_product = &mut grad_product[row * 3 * width..][..3 * width];
                    if b >= n_continuing_next {
                        grad_h.fill(0.0);
                    }
                    let (grad_r, rest) = grad_gates.split_at_mut(width);
                    let (grad_z, grad_n) = rest.split_at_mut(width);
                    let grad_m = &mut grad_product[2 * width..];
                    // Through subslices, as a loop over many slices is not vectorized.
                    for at in 0..width {
                        grad_h[at] += grad_row[at];
                        grad_z[at] = grad_h[at] * (before[at] - n[at]) * z[at] * (1.0 - z[at]);
                    }
                    for at in 0..width {
                        grad_n[at] = grad_h[at] * (1.0 - z[at]) * (1.0 - n[at] * n[at]);
                        grad_h[at] *= z[at];
                    }
                    for at in 0..width {
                        grad_m[at] = grad_n[at] * r[at];
                        grad_r[at] = grad_m[at] * products[at] * (1.0 - r[at]);
                    }
                    grad_product[..2 * width].copy_from_slice(&grad_gates[..2 * width]);
                }
            },
        );
        if *n_continuing > 0 {
            let grad_product = &grad_product[rows.start * 3 * width..][..n_continuing * 3 * width];
            let grad_product = Matrix::new(grad_product, *n_continuing, 3 * width);
            // Past the gates, z times the gradient is propagated.
            let grad_state = Target::new(&mut grad_state[..n_continuing * width], width);
            multiply_packed(grad_product, values.recurrent, Accumulate::Add, grad_state);
        }
    }

    fn plain(x: &Tensor, weights: &RecurrentWeights, packing: &Packing) -> Result<Tensor> {
        plain::gru(x, weights, packing)
    }
}
