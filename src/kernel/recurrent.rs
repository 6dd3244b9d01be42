//! A recurrent layer over a packed batch, in both directions, whatever its cell.
//!
//! The input's part of the gates is one product for all rows, x·W + b; then each direction runs over its
//! steps, side by side with the other. The backward direction runs from each sequence's own last
//! token; states before the first token are 0. Steps are never padded. With G the gradient by the
//! gates: dx = G·Wᵀ, dW = xᵀ·G, db = Σ over rows of G, and with H the states one step before: dU = Hᵀ·G.

use std::{ops::Range, sync::OnceLock};

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::{
    buffer::Buffer,
    gemm::{Into, Matrix, Packed, Target, multiply_in_blocks},
    slices,
    sums::sum_of_rows,
    weight::{Gradient, Weight},
};
use crate::data::Packing;

/// The parameters of a layer whose cell has G gates, w numbers in a state.
#[derive(Clone, Debug)]
pub struct RecurrentWeights {
    /// W: (inputs, 2·G·w), the forward direction's gates first.
    pub input: Weight,
    /// b: (2·G·w).
    pub bias: Weight,
    /// U: (2, w, G·w), forward first.
    pub recurrent: Weight,
}

/// What differs between recurrent networks. Matrices have a row for each packed row.
pub(super) trait Cell: 'static {
    const NAME: &'static str;
    /// Gates, each of the width of a state.
    const GATES: usize;
    /// What the backward pass needs of one direction.
    type Saved: Send + Sync;

    /// The states (rows, w) from the input's part of the gates (rows, G·w) and U (w, G·w).
    fn run(steps: &[Step], gates: Buffer, recurrent: &[f32], width: usize)
    -> (Buffer, Self::Saved);

    /// The gradient by the gates (rows, G·w), from that by the states, of which this direction's
    /// begin at `column` of rows of 2·w.
    fn back(
        steps: &[Step],
        saved: &Self::Saved,
        gradient: &[f32],
        column: usize,
        recurrent: &[f32],
    ) -> Buffer;
}

/// One step of one direction.
pub(super) struct Step {
    /// Its rows.
    pub(super) rows: Range<usize>,
    /// The first row of the step before.
    pub(super) before: usize,
    /// How many of its rows, the first ones, have a state before them: all of them in the forward
    /// direction, those that are longer in the backward one.
    pub(super) carried: usize,
}

/// The steps in the order in which states are made.
fn steps(packing: &Packing, forward: bool) -> Vec<Step> {
    let n = packing.n_steps();
    let order: Vec<usize> = if forward { (0..n).collect() } else { (0..n).rev().collect() };
    let mut before = 0..0;
    let step = |&t: &usize| {
        let rows = packing.step(t);
        let before = std::mem::replace(&mut before, rows.clone());
        Step { carried: rows.len().min(before.len()), before: before.start, rows }
    };
    order.iter().map(step).collect()
}

/// The states of both directions of x (rows, inputs), side by side: (rows, 2·w).
pub(super) fn recurrent<C: Cell>(
    x: &Tensor,
    weights: &RecurrentWeights,
    packing: &Packing,
) -> Result<Tensor> {
    x.contiguous()?.apply_op1(Recurrent::<C> {
        weights: weights.clone(),
        packing: packing.clone(),
        learns: x.track_op(),
        saved: OnceLock::new(),
    })
}

struct Recurrent<C: Cell> {
    weights: RecurrentWeights,
    packing: Packing,
    learns: bool,
    saved: OnceLock<[C::Saved; 2]>,
}

impl<C: Cell> Recurrent<C> {
    /// Inputs and width that the shapes say, if they fit.
    fn sizes(&self, x: &Shape) -> Result<(usize, usize)> {
        let RecurrentWeights { input, bias, recurrent } = &self.weights;
        let (rows, inputs) = x.dims2()?;
        let (directions, width, gates) = recurrent.var().dims3()?;
        if (directions, gates) != (2, C::GATES * width)
            || input.var().dims2()? != (inputs, 2 * gates)
            || bias.var().dims1()? != 2 * gates
            || rows != self.packing.n_rows()
            || width == 0
        {
            bail!(
                "{}: rows {x:?}, weights {:?}, bias {:?}, recurrent weights {:?}, {} packed rows; \
                 wanted (rows, i), (i, {n}w), ({n}w) and (2, w, {}w), w at least 1",
                C::NAME,
                input.var().shape(),
                bias.var().shape(),
                recurrent.var().shape(),
                self.packing.n_rows(),
                C::GATES,
                n = 2 * C::GATES
            );
        }
        Ok((inputs, width))
    }

    /// The input's part of one direction's gates: (rows, G·w).
    fn gates(&self, x: Matrix<'_>, direction: usize, columns: usize) -> Result<Buffer> {
        let mut gates = Buffer::new(x.n_rows() * columns);
        self.weights.input.read(|input| {
            self.weights.bias.read(|bias| {
                let input = Matrix::new(input, x.n_columns(), 2 * columns);
                let input = input.some_columns(direction * columns, columns);
                let input = Packed::by_all_threads(input);
                let into = Into::Bias(&bias[direction * columns..][..columns]);
                multiply_in_blocks(x, &input, into, Target::new(&mut gates, columns));
            })
        })??;
        Ok(gates)
    }

    /// dx (rows, inputs) by the gradients of both directions' gates.
    fn by_x(&self, by_gates: [Matrix<'_>; 2], inputs: usize) -> Result<Vec<f32>> {
        let (rows, columns) = (by_gates[0].n_rows(), by_gates[0].n_columns());
        let mut by_x = vec![0.0; rows * inputs];
        self.weights.input.read(|input| {
            let input = Matrix::new(input, inputs, 2 * columns);
            for (direction, by_gates) in by_gates.into_iter().enumerate() {
                let input = input.some_columns(direction * columns, columns).transposed();
                let input = Packed::by_all_threads(input);
                let into = if direction == 0 { Into::Replace } else { Into::Add };
                multiply_in_blocks(by_gates, &input, into, Target::new(&mut by_x, inputs));
            }
        })?;
        Ok(by_x)
    }

    /// Leaves the gradients by the parameters.
    fn leave(
        &self,
        x: Matrix<'_>,
        before: [Matrix<'_>; 2],
        by_gates: [Matrix<'_>; 2],
    ) -> Result<()> {
        let (inputs, columns, width) =
            (x.n_columns(), by_gates[0].n_columns(), before[0].n_columns());
        let mut by_input = Buffer::new(inputs * 2 * columns);
        let mut by_recurrent = Buffer::new(2 * width * columns);
        let mut by_bias = Buffer::new(2 * columns);
        for (direction, by_gates) in by_gates.into_iter().enumerate() {
            let packed = Packed::by_all_threads(by_gates);
            if inputs > 0 {
                let target = Target::new(&mut by_input[direction * columns..], 2 * columns);
                multiply_in_blocks(x.transposed(), &packed, Into::Replace, target);
            }
            let by_recurrent = &mut by_recurrent[direction * width * columns..][..width * columns];
            let (before, target) =
                (before[direction].transposed(), Target::new(by_recurrent, columns));
            multiply_in_blocks(before, &packed, Into::Replace, target);
            by_bias[direction * columns..][..columns].copy_from_slice(&sum_of_rows(by_gates));
        }
        self.weights.input.leave(Gradient::Dense(by_input))?;
        self.weights.bias.leave(Gradient::Dense(by_bias))?;
        self.weights.recurrent.leave(Gradient::Dense(by_recurrent))
    }
}

/// The states one step before each row's, 0 where there are none: (rows, w), from states (rows, 2·w).
fn states_before(steps: &[Step], states: &[f32], column: usize, width: usize) -> Buffer {
    let mut before = Buffer::zeros(states.len() / 2);
    for step in steps {
        for b in 0..step.carried {
            let state = &states[(step.before + b) * 2 * width + column..][..width];
            before[(step.rows.start + b) * width..][..width].copy_from_slice(state);
        }
    }
    before
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
        let ((ahead, saved), (back, saved_back)) = self.weights.recurrent.read(|recurrent| {
            let run = |direction: usize, gates| {
                let recurrent = &recurrent[direction * width * columns..][..width * columns];
                C::run(&steps(&self.packing, direction == 0), gates, recurrent, width)
            };
            rayon::join(|| run(0, forward), || run(1, backward))
        })?;
        let mut states = vec![0.0; rows * 2 * width];
        states.par_chunks_mut(64 * 2 * width).enumerate().for_each(|(block, states)| {
            for (row, states) in (block * 64..).zip(states.chunks_exact_mut(2 * width)) {
                states[..width].copy_from_slice(&ahead[row * width..][..width]);
                states[width..].copy_from_slice(&back[row * width..][..width]);
            }
        });
        if self.learns {
            // A second forward of the same op would give the same numbers.
            let _ = self.saved.set([saved, saved_back]);
        }
        Ok((CpuStorage::F32(states), (rows, 2 * width).into()))
    }

    fn bwd(&self, x: &Tensor, states: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let (inputs, width) = self.sizes(x.shape())?;
        let (rows, columns) = (self.packing.n_rows(), C::GATES * width);
        let saved = self.saved.get().expect("backward comes after a forward that learns");
        let gradient = gradient.contiguous()?;
        let back = |direction: usize| -> Result<_> {
            let steps = steps(&self.packing, direction == 0);
            let column = direction * width;
            let before =
                slices::read(states, |states| states_before(&steps, states, column, width))?;
            let by_gates = slices::read(&gradient, |gradient| {
                self.weights.recurrent.read(|recurrent| {
                    let recurrent = &recurrent[direction * width * columns..][..width * columns];
                    C::back(&steps, &saved[direction], gradient, column, recurrent)
                })
            })??;
            Ok((before, by_gates))
        };
        let (ahead, back) = rayon::join(|| back(0), || back(1));
        let ((before, by_gates), (before_back, by_gates_back)) = (ahead?, back?);
        let before = [&before, &before_back].map(|states| Matrix::new(states, rows, width));
        let by_gates = [&by_gates, &by_gates_back].map(|gates| Matrix::new(gates, rows, columns));
        slices::read(x, |x| self.leave(Matrix::new(x, rows, inputs), before, by_gates))??;
        let by_x = self.by_x(by_gates, inputs)?;
        Tensor::from_vec(by_x, (rows, inputs), x.device()).map(Some)
    }
}
