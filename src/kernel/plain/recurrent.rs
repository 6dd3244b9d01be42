//! Recurrent layers, one time step at a time. The formulas are in the fused operations' files.

use candle_core::{Result, Tensor};
use candle_nn::ops::sigmoid;

use super::{linear, parameter};
use crate::{
    data::Packing,
    kernel::recurrent::{RecurrentWeights, Step, steps},
};

/// The states of both directions, concatenated.
pub(in crate::kernel) fn lstm(
    x: &Tensor,
    weights: &RecurrentWeights,
    packing: &Packing,
) -> Result<Tensor> {
    layer(x, weights, packing, |input, product, [_, c]| {
        let gates = (input + product)?.chunk(4, 1)?;
        let (i, f) = (sigmoid(&gates[0])?, sigmoid(&gates[1])?);
        let (g, o) = (gates[2].tanh()?, sigmoid(&gates[3])?);
        let c = ((f * c)? + (i * g)?)?;
        Ok([(o * c.tanh()?)?, c])
    })
}

/// The states of both directions, concatenated.
pub(in crate::kernel) fn gru(
    x: &Tensor,
    weights: &RecurrentWeights,
    packing: &Packing,
) -> Result<Tensor> {
    layer(x, weights, packing, |input, product, [h]| {
        let (x, m) = (input.chunk(3, 1)?, product.chunk(3, 1)?);
        let (r, z) = (sigmoid(&(&x[0] + &m[0])?)?, sigmoid(&(&x[1] + &m[1])?)?);
        let n = (&x[2] + (r * &m[2])?)?.tanh()?;
        // (1 − z)·n + z·h
        Ok([(&n + (z * (h - &n)?)?)?])
    })
}

/// A layer whose time steps pass on N tensors (sequences, w), the states first. `step` computes
/// them from the input's contribution to the gates, the states' contribution, and the tensors of
/// the previous time step.
fn layer<const N: usize>(
    x: &Tensor,
    weights: &RecurrentWeights,
    packing: &Packing,
    step: impl Fn(&Tensor, &Tensor, [Tensor; N]) -> Result<[Tensor; N]>,
) -> Result<Tensor> {
    let gates = linear(x, &weights.input, &weights.bias)?; // (rows, 2·G·w)
    let recurrent = parameter(&weights.recurrent, x); // (2, w, G·w)
    let (_, width, columns) = recurrent.dims3()?;
    if packing.n_rows() == 0 {
        return gates.narrow(1, 0, 2 * width);
    }
    // Preceded by zeros, as only the last gate has a recurrent bias: (2, G·w).
    let bias = weights.recurrent_bias.as_ref();
    let bias = bias.map(|bias| parameter(bias, x).pad_with_zeros(1, columns - width, 0));
    let bias = bias.transpose()?;
    let half = |direction: usize| -> Result<Tensor> {
        let gates = gates.narrow(1, direction * columns, columns)?.contiguous()?;
        let recurrent = recurrent.get(direction)?;
        let bias = bias.as_ref().map(|bias| bias.narrow(0, direction, 1)).transpose()?;
        let mut carried: Option<[Tensor; N]> = None;
        let mut states = Vec::new();
        for Step { rows, .. } in steps(packing, direction == 0) {
            let none = Tensor::zeros((rows.len(), width), x.dtype(), x.device())?;
            let mut before = carried.unwrap_or_else(|| std::array::from_fn(|_| none.clone()));
            for before in &mut before {
                *before = with_rows(before, rows.len())?;
            }
            let mut product = before[0].matmul(&recurrent)?;
            if let Some(bias) = &bias {
                product = product.broadcast_add(bias)?;
            }
            let now = step(&gates.narrow(0, rows.start, rows.len())?, &product, before)?;
            states.push(now[0].clone());
            carried = Some(now);
        }
        if direction == 1 {
            states.reverse();
        }
        Tensor::cat(&states, 0)
    };
    Tensor::cat(&[half(0)?, half(1)?], 1)
}

/// The first n rows of a time step's tensor: fewer, where sequences have ended, or padded with 0
/// for sequences that begin.
fn with_rows(x: &Tensor, n: usize) -> Result<Tensor> {
    let rows = x.dim(0)?;
    if rows < n { x.pad_with_zeros(0, 0, n - rows) } else { x.narrow(0, 0, n) }
}
