//! One recurrent layer in both directions.

use candle_core::{Result, Tensor};

use crate::{
    data::Packing,
    kernel::{self, RecurrentWeights},
    model::parameters::{Linear, Scope},
};

/// An LSTM layer in both directions.
pub(super) struct Recurrent {
    weights: RecurrentWeights,
}

impl Recurrent {
    /// Reads `inputs` numbers a row, has `width` numbers in a state per direction.
    ///
    /// Recurrent weights are drawn evenly within 1/√width. The forget gates' biases begin at 1
    /// (Jozefowicz et al. 2015), the others at 0.
    pub(super) fn new(scope: &mut Scope<'_>, inputs: usize, width: usize) -> Result<Self> {
        let bias = (0..8 * width).map(|at| f32::from(u8::from(at / width % 4 == 1))).collect();
        // Drawn as if each gate were a layer of its own.
        let bound = (6.0 / (inputs + width) as f64).sqrt();
        let Linear { weight: input, bias } =
            scope.linear_given("input", &[inputs, 8 * width], bound, bias)?;
        let bound = 1.0 / (width as f64).sqrt();
        let recurrent = scope.uniform("recurrent.weight", &[2, width, 4 * width], bound)?;
        Ok(Self { weights: RecurrentWeights { input, bias, recurrent } })
    }

    /// x (rows, inputs) to the states (rows, 2·width), forward beside backward.
    pub(super) fn forward(&self, x: &Tensor, packing: &Packing) -> Result<Tensor> {
        kernel::lstm(x, &self.weights, packing)
    }
}
