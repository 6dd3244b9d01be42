//! A recurrent layer over a packed batch, in both directions, generic over its cell.
//!
//! The input's contribution to the gates is one product for all rows, x·W + b; then both directions
//! run over their time steps in parallel. The backward direction starts at each sequence's own last
//! token; states before the first token are 0. Time steps are never padded. With G the gradient
//! with respect to the gates: dx = G·Wᵀ, dW = xᵀ·G, db = Σ over rows of G, and with H the previous
//! states: dU = Hᵀ·G. Where a cell does not only add the product H·U to x·W + b, dU = Hᵀ·P with P
//! the gradient with respect to that product, and the gradient of the recurrent bias is the sum
//! over rows of P's last w columns.

mod cell;

use std::{
    marker::PhantomData,
    sync::{Arc, OnceLock},
};

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use cell::Direction;
pub(super) use cell::{BackStep, Cell, ForwardStep, GateGradients, Propagated, Saved, Step, steps};

use super::{
    arch::is_fused,
    buffer::Buffer,
    gemm::{
        Accumulate, Matrix, Packed, PackedLeft, Target, multiply_by_panels, multiply_in_blocks,
        multiply_on_all_threads,
    },
    leaf,
    parameter::{Gradient, ParamRef},
    slices,
};
use crate::data::Packing;

/// The parameters of a layer whose cell has G gates and hidden size w.
#[derive(Clone, Debug)]
pub struct RecurrentWeights {
    /// W: (inputs, 2·G·w), the forward direction's gates first.
    pub input: ParamRef,
    /// b: (2·G·w).
    pub bias: ParamRef,
    /// U: (2, w, G·w), forward first.
    pub recurrent: ParamRef,
    /// What is added to the last gate's part of h·U, in a cell where b is not equivalent to it: (2,
    /// w), forward first.
    pub recurrent_bias: Option<ParamRef>,
}

/// The states of both directions for x (rows, inputs), concatenated: (rows, 2·w).
pub(super) fn recurrent<C: Cell>(
    x: &Tensor,
    weights: &RecurrentWeights,
    packing: &Packing,
) -> Result<Tensor> {
    check::<C>(x.shape(), weights, packing)?;
    if !is_fused(x.device()) {
        return C::plain(x, weights, packing);
    }
    x.contiguous()?.apply_op1(Recurrent {
        weights: weights.clone(),
        packing: packing.clone(),
        requires_grad: x.track_op(),
        saved: OnceLock::new(),
        operands: OnceLock::new(),
        cell: PhantomData::<C>,
    })
}

fn check<C: Cell>(x: &Shape, weights: &RecurrentWeights, packing: &Packing) -> Result<()> {
    let RecurrentWeights { input, bias, recurrent, recurrent_bias } = weights;
    let (rows, inputs) = x.dims2()?;
    let (directions, width, gates) = recurrent.var().dims3()?;
    if (directions, gates) != (2, C::GATES * width)
        || input.var().dims2()? != (inputs, 2 * gates)
        || bias.var().dims1()? != 2 * gates
        || recurrent_bias.as_ref().map(|bias| bias.var().dims2()).transpose()?
            != C::HAS_RECURRENT_BIAS.then_some((2, width))
        || rows != packing.n_rows()
        || width == 0
    {
        bail!(
            "{}: rows {x:?}, weights {:?}, bias {:?}, recurrent weights {:?}, recurrent bias {}, {} packed \
             rows; expected (rows, i), (i, {n}w), ({n}w), (2, w, {}w) and {}, w at least 1",
            C::NAME,
            input.var().shape(),
            bias.var().shape(),
            recurrent.var().shape(),
            recurrent_bias
                .as_ref()
                .map_or_else(|| "none".to_owned(), |bias| format!("{:?}", bias.var().shape())),
            packing.n_rows(),
            C::GATES,
            if C::HAS_RECURRENT_BIAS { "(2, w)" } else { "none" },
            n = 2 * C::GATES
        );
    }
    Ok(())
}

struct Recurrent<C: Cell> {
    weights: RecurrentWeights,
    packing: Packing,
    requires_grad: bool,
    saved: OnceLock<[Saved; 2]>,
    operands: OnceLock<[Operands; 2]>,
    cell: PhantomData<C>,
}

/// What every backward pass of one direction multiplies by. It depends on the forward pass and the parameters alone,
/// and is computed by the first of the passes that a step makes: parameters change only after the last.
struct Operands {
    /// The previous states H: (rows, w).
    prev_states: Buffer,
    /// Hᵀ: (w, rows).
    states: PackedLeft,
    /// xᵀ: (inputs, rows), of both directions.
    inputs: Arc<PackedLeft>,
    /// Uᵀ: (G·w, w).
    recurrent: Packed,
    /// Wᵀ: (G·w, inputs).
    input: Packed,
}

impl<C: Cell> Recurrent<C> {
    /// The input size and the hidden size.
    fn sizes(&self, x: &Shape) -> Result<(usize, usize)> {
        Ok((x.dims2()?.1, self.weights.recurrent.var().dim(1)?))
    }

    /// The input's contribution to one direction's gates: (rows, G·w).
    fn gates(&self, x: Matrix<'_>, direction: usize, columns: usize) -> Result<Buffer> {
        let mut gates = Buffer::new(x.n_rows() * columns);
        self.weights.input.read(|input| {
            self.weights.bias.read(|bias| {
                let input = Matrix::new(input, x.n_columns(), 2 * columns);
                let input = input.some_columns(direction * columns, columns);
                let accumulate = Accumulate::AddBias(&bias[direction * columns..][..columns]);
                multiply_on_all_threads(x, input, accumulate, Target::new(&mut gates, columns));
            })
        })??;
        Ok(gates)
    }

    /// Calls `f` with one direction, of the given hidden size.
    fn direction<T>(
        &self,
        direction: usize,
        width: usize,
        f: impl FnOnce(&Direction<'_>) -> T,
    ) -> Result<T> {
        let RecurrentWeights { recurrent, recurrent_bias, .. } = &self.weights;
        let steps = steps(&self.packing, direction == 0);
        recurrent.read(|recurrent| {
            let n = C::GATES * width * width;
            let recurrent = &recurrent[direction * n..][..n];
            let column = direction * width;
            let f = |bias: &[f32]| f(&Direction { steps: &steps, width, column, recurrent, bias });
            match recurrent_bias {
                Some(bias) => bias.read(|bias| f(&bias[column..][..width])),
                None => Ok(f(&[])),
            }
        })?
    }

    /// The operands of a backward pass, by direction, for states (rows, 2·w).
    fn operands(&self, x: &Tensor, states: &Tensor) -> Result<&[Operands; 2]> {
        if let Some(operands) = self.operands.get() {
            return Ok(operands);
        }
        let ((n_inputs, width), rows) = (self.sizes(x.shape())?, self.packing.n_rows());
        let packed =
            |x: &[f32], columns| PackedLeft::new(Matrix::new(x, rows, columns).transposed());
        let inputs = Arc::new(slices::read(x, |x| packed(x, n_inputs))?);
        let of = |direction: usize| {
            self.direction(direction, width, |of| -> Result<_> {
                let columns = C::GATES * width;
                let recurrent = Matrix::new(of.recurrent, width, columns).transposed();
                let input = self.weights.input.read(|input| {
                    let input = Matrix::new(input, n_inputs, 2 * columns);
                    Packed::by_all_threads(
                        input.some_columns(direction * columns, columns).transposed(),
                    )
                })?;
                let prev_states = slices::read(states, |states| prev_states(of, states))?;
                Ok(Operands {
                    states: packed(&prev_states, width),
                    prev_states,
                    inputs: Arc::clone(&inputs),
                    recurrent: Packed::by_all_threads(recurrent),
                    input,
                })
            })?
        };
        let (forward, back) = rayon::join(|| of(0), || of(1));
        let operands = [forward?, back?];
        Ok(self.operands.get_or_init(|| operands))
    }

    /// dx (rows, inputs), from the gradients with respect to both directions' gates.
    fn grad_x(
        operands: &[Operands; 2],
        directions: &[DirectionGradients<'_>; 2],
        inputs: usize,
    ) -> Vec<f32> {
        let mut grad_x = vec![0.0; directions[0].grad_gates.n_rows() * inputs];
        let accumulates = [Accumulate::Overwrite, Accumulate::Add];
        for ((operands, of), accumulate) in operands.iter().zip(directions).zip(accumulates) {
            let target = Target::new(&mut grad_x, inputs);
            multiply_in_blocks(of.grad_gates, &operands.input, accumulate, target);
        }
        grad_x
    }

    /// Accumulates the gradients with respect to the parameters.
    fn accumulate(
        &self,
        operands: &[Operands; 2],
        directions: &[DirectionGradients<'_>; 2],
    ) -> Result<()> {
        let columns = directions[0].grad_gates.n_columns();
        let (width, inputs) = (columns / C::GATES, operands[0].inputs.n_rows());
        let mut grad_input = Buffer::new(inputs * 2 * columns);
        let mut grad_recurrent = Buffer::new(2 * width * columns);
        let mut grad_bias = Buffer::new(2 * columns);
        let with_product = if C::HAS_RECURRENT_BIAS { 2 * columns } else { 0 };
        let mut grad_product_bias = Buffer::new(with_product);
        let grad_inputs =
            Target::new(&mut grad_input, 2 * columns).by_columns(2 * columns, columns);
        let product_biases = grad_product_bias.chunks_mut(columns).map(Some).chain([None, None]);
        let targets = grad_inputs
            .into_iter()
            .zip(grad_recurrent.chunks_mut(width * columns))
            .zip(grad_bias.chunks_mut(columns).zip(product_biases));
        let both: Vec<_> = operands.iter().zip(directions).zip(targets).collect();
        both.into_par_iter().for_each(|((operands, of), ((input, recurrent), (bias, product)))| {
            let by_input = (&*operands.inputs, input);
            let by_recurrent = (&operands.states, Target::new(recurrent, columns));
            match of.grad_product.zip(product) {
                Some((grad_product, product_bias)) => {
                    multiply_by_panels([by_input], of.grad_gates, bias);
                    multiply_by_panels([by_recurrent], grad_product, product_bias);
                }
                None => multiply_by_panels([by_input, by_recurrent], of.grad_gates, bias),
            }
        });
        self.weights.input.accumulate(Gradient::Dense(grad_input))?;
        self.weights.bias.accumulate(Gradient::Dense(grad_bias))?;
        self.weights.recurrent.accumulate(Gradient::Dense(grad_recurrent))?;
        let Some(recurrent_bias) = &self.weights.recurrent_bias else { return Ok(()) };
        let mut grad_bias = Buffer::new(2 * width);
        let of_directions = grad_product_bias.chunks_exact(columns);
        for (grad_bias, of) in grad_bias.chunks_exact_mut(width).zip(of_directions) {
            // The last gate's.
            grad_bias.copy_from_slice(&of[columns - width..]);
        }
        recurrent_bias.accumulate(Gradient::Dense(grad_bias))
    }
}

/// The matrices from which one direction's parameter gradients are computed.
struct DirectionGradients<'a> {
    /// The gradient with respect to the input's contribution to the gates: (rows, G·w).
    grad_gates: Matrix<'a>,
    /// The gradient with respect to h·U, where it differs: (rows, G·w).
    grad_product: Option<Matrix<'a>>,
}

/// The previous state of each row, 0 where there is none: (rows, w), from states (rows, 2·w).
fn prev_states(direction: &Direction<'_>, states: &[f32]) -> Buffer {
    let &Direction { steps, width, column, .. } = direction;
    let mut prev_states = Buffer::zeros(states.len() / 2);
    for step in steps {
        for b in 0..step.n_continuing {
            let state = &states[(step.prev_start + b) * 2 * width + column..][..width];
            prev_states[(step.rows.start + b) * width..][..width].copy_from_slice(state);
        }
    }
    prev_states
}

impl<C: Cell> CustomOp1 for Recurrent<C> {
    fn name(&self) -> &'static str {
        C::NAME
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (inputs, width) = self.sizes(layout.shape())?;
        let (rows, columns) = (self.packing.n_rows(), C::GATES * width);
        let x = Matrix::new(slices::of(x, layout)?, rows, inputs);
        let gates = [self.gates(x, 0, columns)?, self.gates(x, 1, columns)?];
        let [forward, backward] = gates;
        let run =
            |direction, gates| self.direction(direction, width, |of| cell::run::<C>(of, gates));
        let (forward, back) = rayon::join(|| run(0, forward), || run(1, backward));
        let ((forward, saved), (back, saved_back)) = (forward?, back?);
        let mut states = vec![0.0; rows * 2 * width];
        states.par_chunks_mut(64 * 2 * width).enumerate().for_each(|(block, states)| {
            for (row, states) in (block * 64..).zip(states.chunks_exact_mut(2 * width)) {
                states[..width].copy_from_slice(&forward[row * width..][..width]);
                states[width..].copy_from_slice(&back[row * width..][..width]);
            }
        });
        if self.requires_grad {
            // A second forward pass of the same op would compute the same values.
            let _ = self.saved.set([saved, saved_back]);
        }
        Ok((CpuStorage::F32(states), (rows, 2 * width).into()))
    }

    fn bwd(&self, x: &Tensor, states: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let (inputs, width) = self.sizes(x.shape())?;
        let (rows, columns) = (self.packing.n_rows(), C::GATES * width);
        let saved =
            self.saved.get().expect("backward comes after a forward that requires gradients");
        let gradient = gradient.contiguous()?;
        let operands = self.operands(x, states)?;
        let back = |direction: usize| {
            let Operands { prev_states, recurrent, .. } = &operands[direction];
            self.direction(direction, width, |of| {
                slices::read(&gradient, |gradient| {
                    cell::back::<C>(of, recurrent, prev_states, &saved[direction], gradient)
                })
            })?
        };
        let (forward, back) = rayon::join(|| back(0), || back(1));
        let grad_gates = [forward?, back?];
        let directions = [0, 1].map(|direction| DirectionGradients {
            grad_gates: Matrix::new(&grad_gates[direction].input, rows, columns),
            grad_product: grad_gates[direction]
                .product
                .as_ref()
                .map(|gates| Matrix::new(gates, rows, columns)),
        });
        self.accumulate(operands, &directions)?;
        let grad_x = Self::grad_x(operands, &directions, inputs);
        leaf::gradient(x, grad_x)
    }
}
