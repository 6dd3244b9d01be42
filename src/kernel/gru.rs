//! GRU over a packed batch, both directions (Cho et al. 2014), with the reset after the product, as
//! cuDNN and PyTorch have it.
//!
//! With the input's part of the gates x_t given (bias included), U the recurrent weights and b the
//! recurrent bias: r, z = σ(x_t + h_{t−1}·U), m = h_{t−1}·U + b, n = tanh(x_t + r·m),
//! h_t = (1 − z)·n + z·h_{t−1}. Gates stand in the order r, z, n.

use candle_core::{Result, Tensor};

use super::{
    arch::fast,
    buffer::Buffer,
    gemm::{Into, Matrix, Packed, Target, multiply_packed},
    plain,
    recurrent::{ByGates, Cell, Direction, RecurrentWeights, Step, recurrent},
    vector::{sigmoid, tanh},
};
use crate::data::Packing;

/// The states of both directions of x (rows, inputs), side by side: (rows, 2·w).
pub fn gru(x: &Tensor, weights: &RecurrentWeights, packing: &Packing) -> Result<Tensor> {
    recurrent::<Gru>(x, weights, packing)
}

struct Gru;

/// What the backward pass needs of one direction.
struct Saved {
    /// r, z, n after their functions: (rows, 3·w).
    gates: Buffer,
    /// m: (rows, w).
    products: Buffer,
}

impl Cell for Gru {
    const NAME: &'static str = "gru";
    const GATES: usize = 3;
    const HAS_RECURRENT_BIAS: bool = true;
    type Saved = Saved;

    fn run(direction: &Direction<'_>, mut gates: Buffer) -> (Buffer, Saved) {
        let &Direction { steps, width, recurrent, bias, .. } = direction;
        let mut products = Buffer::new(gates.len() / 3);
        let mut states = Buffer::new(gates.len() / 3);
        let recurrent = Matrix::new(recurrent, width, 3 * width);
        let of_r_and_z = Packed::new(recurrent.some_columns(0, 2 * width));
        let of_n = Packed::new(recurrent.some_columns(2 * width, width));
        for Step { rows, before, carried } in steps {
            if *carried > 0 {
                let previous = &states[before * width..][..carried * width];
                let previous = Matrix::new(previous, *carried, width);
                let gates = &mut gates[rows.start * 3 * width..][..carried * 3 * width];
                multiply_packed(previous, &of_r_and_z, Into::Add, Target::new(gates, 3 * width));
                let products = &mut products[rows.start * width..][..carried * width];
                multiply_packed(previous, &of_n, Into::Bias(bias), Target::new(products, width));
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
                        if b < *carried {
                            let previous = (before + b) * width;
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
        (states, Saved { gates, products })
    }

    fn back(direction: &Direction<'_>, before: &[f32], saved: &Saved, gradient: &[f32]) -> ByGates {
        let &Direction { steps, width, column, recurrent, .. } = direction;
        let mut by_gates = Buffer::new(saved.gates.len());
        let mut by_product = Buffer::new(saved.gates.len());
        let recurrent = Packed::new(Matrix::new(recurrent, width, 3 * width).transposed());
        // The gradient by the state that the step after has carried back, for its first rows.
        let widest = steps.iter().map(|step| step.rows.len()).max().unwrap_or(0);
        let mut by_state = Buffer::new(widest * width);
        let mut n_from_after = 0;
        for Step { rows, carried, .. } in steps.iter().rev() {
            fast(
                #[inline(always)]
                || {
                    for b in 0..rows.len() {
                        let row = rows.start + b;
                        let gates = &saved.gates[row * 3 * width..][..3 * width];
                        let (r, rest) = gates.split_at(width);
                        let (z, n) = rest.split_at(width);
                        let products = &saved.products[row * width..][..width];
                        let before = &before[row * width..][..width];
                        let by_row = &gradient[row * 2 * width + column..][..width];
                        let by_h = &mut by_state[b * width..][..width];
                        let by_gates = &mut by_gates[row * 3 * width..][..3 * width];
                        let by_product = &mut by_product[row * 3 * width..][..3 * width];
                        if b >= n_from_after {
                            by_h.fill(0.0);
                        }
                        let (dr, rest) = by_gates.split_at_mut(width);
                        let (dz, dn) = rest.split_at_mut(width);
                        let dm = &mut by_product[2 * width..];
                        // In parts, as a loop over many slices is not vectorised.
                        for at in 0..width {
                            by_h[at] += by_row[at];
                            dz[at] = by_h[at] * (before[at] - n[at]) * z[at] * (1.0 - z[at]);
                        }
                        for at in 0..width {
                            dn[at] = by_h[at] * (1.0 - z[at]) * (1.0 - n[at] * n[at]);
                            by_h[at] *= z[at];
                        }
                        for at in 0..width {
                            dm[at] = dn[at] * r[at];
                            dr[at] = dm[at] * products[at] * (1.0 - r[at]);
                        }
                        by_product[..2 * width].copy_from_slice(&by_gates[..2 * width]);
                    }
                },
            );
            if *carried > 0 {
                let by_product = &by_product[rows.start * 3 * width..][..carried * 3 * width];
                let by_product = Matrix::new(by_product, *carried, 3 * width);
                // To what has come past the gates, z times the gradient.
                let by_state = Target::new(&mut by_state[..carried * width], width);
                multiply_packed(by_product, &recurrent, Into::Add, by_state);
            }
            n_from_after = *carried;
        }
        ByGates { input: by_gates, product: Some(by_product) }
    }

    fn plain(x: &Tensor, weights: &RecurrentWeights, packing: &Packing) -> Result<Tensor> {
        plain::gru(x, weights, packing)
    }
}
