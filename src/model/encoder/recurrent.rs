//! One bidirectional recurrent layer.

use candle_core::{Result, Tensor};

use crate::{
    data::Packing,
    kernel::{self, RecurrentWeights},
    model::parameters::{Linear, Scope},
};

/// The cell of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    Lstm,
    Gru,
}

impl Cell {
    /// Their names in recipes.
    pub(super) const NAMES: &[&str] = &["lstm", "gru"];

    /// The cell with that name.
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

    /// The initial biases of both directions' gates.
    fn biases(self, width: usize) -> Vec<f32> {
        let n_gates = self.n_gates();
        let forgets = |gate| self == Self::Lstm && gate == 1;
        let bias = |at| f32::from(u8::from(forgets(at / width % n_gates)));
        (0..2 * n_gates * width).map(bias).collect()
    }
}

/// A bidirectional layer with one cell.
pub(super) struct Recurrent {
    cell: Cell,
    weights: RecurrentWeights,
}

impl Recurrent {
    /// A layer with input size `inputs` and hidden size `width` per direction.
    ///
    /// Recurrent weights are drawn uniformly within 1/√width. The forget gates' biases of an LSTM
    /// are initialized to 1 (Jozefowicz et al. 2015); the others, and all of a GRU, to 0, so that
    /// its gates start half open.
    pub(super) fn new(
        scope: &mut Scope<'_>,
        cell: Cell,
        inputs: usize,
        width: usize,
    ) -> Result<Self> {
        let columns = cell.n_gates() * width;
        // Drawn as if each gate were a separate layer.
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

    /// x (rows, inputs) to the states (rows, 2·width), forward and backward concatenated.
    pub(super) fn forward(&self, x: &Tensor, packing: &Packing) -> Result<Tensor> {
        match self.cell {
            Cell::Lstm => kernel::lstm(x, &self.weights, packing),
            Cell::Gru => kernel::gru(x, &self.weights, packing),
        }
    }
}
