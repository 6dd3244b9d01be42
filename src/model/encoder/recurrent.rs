//! One recurrent layer in both directions.

use candle_core::{Result, Tensor};

use crate::{
    data::Packing,
    kernel::{self, RecurrentWeights},
    model::parameters::{Linear, Scope},
};

/// What a layer is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    Lstm,
    Gru,
}

impl Cell {
    /// What recipes call them.
    pub(super) const NAMES: &[&str] = &["lstm", "gru"];

    /// The cell of that name.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "lstm" => Some(Self::Lstm),
            "gru" => Some(Self::Gru),
            _ => None,
        }
    }

    fn n_gates(self) -> usize {
        match self {
            Self::Lstm => 4,
            Self::Gru => 3,
        }
    }

    /// The first biases of both directions' gates.
    fn biases(self, width: usize) -> Vec<f32> {
        let n_gates = self.n_gates();
        let forgets = |gate| self == Self::Lstm && gate == 1;
        let bias = |at| f32::from(u8::from(forgets(at / width % n_gates)));
        (0..2 * n_gates * width).map(bias).collect()
    }
}

/// A layer of one cell in both directions.
pub(super) struct Recurrent {
    cell: Cell,
    weights: RecurrentWeights,
}

impl Recurrent {
    /// Context `inputs` numbers a row, has hidden size `width` per direction.
    ///
    /// Recurrent weights are drawn evenly within 1/√width. The forget gates' biases of an LSTM begin
    /// at 1 (Jozefowicz et al. 2015); the others, and all of a GRU, at 0: its gates then begin half
    /// open.
    pub(super) fn new(
        scope: &mut Scope<'_>,
        cell: Cell,
        inputs: usize,
        width: usize,
    ) -> Result<Self> {
        let columns = cell.n_gates() * width;
        // Drawn as if each gate were a layer of its own.
        let bound = (6.0 / (inputs + width) as f64).sqrt();
        let shape = [inputs, 2 * columns];
        let Linear { weight: input, bias } =
            scope.linear_from_values("input", &shape, bound, cell.biases(width))?;
        let bound = 1.0 / (width as f64).sqrt();
        let mut scope = scope.child("recurrent");
        let recurrent = scope.uniform("weight", &[2, width, columns], bound)?;
        let recurrent_bias = match cell {
            Cell::Lstm => None,
            Cell::Gru => Some(scope.from_values("bias", &[2, width], vec![0.0; 2 * width])?),
        };
        Ok(Self { cell, weights: RecurrentWeights { input, bias, recurrent, recurrent_bias } })
    }

    /// x (rows, inputs) to the states (rows, 2·width), forward beside backward.
    pub(super) fn forward(&self, x: &Tensor, packing: &Packing) -> Result<Tensor> {
        match self.cell {
            Cell::Lstm => kernel::lstm(x, &self.weights, packing),
            Cell::Gru => kernel::gru(x, &self.weights, packing),
        }
    }
}
