//! The output layer of a search: ln softmax(x·W + b), without gradients. Its weights are packed once for all steps of the
//! search.

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use super::{
    arch::{fast, is_fused},
    gemm::{Accumulate, Matrix, Packed, Target, multiply_packed},
    linear::{linear, linear_tied},
    log_softmax,
    parameter::ParamRef,
    slices,
    vector::log_sum_exp,
};

/// The most rows of one task: their scores of 8,000 classes fit into a core's own cache, and the weights are read few times.
const ROWS: usize = 32;

/// An output layer whose weights are packed when it is made: its parameters must not change while it is in use.
pub struct PackedOutput {
    weight: ParamRef,
    bias: ParamRef,
    /// Whether the weights are a table (classes, inputs).
    is_table: bool,
    inputs: usize,
    classes: usize,
    /// `None` where operations are candle's own.
    packed: Option<Packed>,
}

impl PackedOutput {
    /// The layer with W (inputs, classes) and b (classes).
    pub fn new(weight: &ParamRef, bias: &ParamRef) -> Result<Self> {
        Self::of(weight, bias, false)
    }

    /// The layer whose weights are an embedding table (classes, inputs), with b (classes).
    pub fn tied(table: &ParamRef, bias: &ParamRef) -> Result<Self> {
        Self::of(table, bias, true)
    }

    fn of(weight: &ParamRef, bias: &ParamRef, is_table: bool) -> Result<Self> {
        let (rows, columns) = weight.var().dims2()?;
        let (inputs, classes) = if is_table { (columns, rows) } else { (rows, columns) };
        if bias.var().dims1()? != classes || classes == 0 {
            bail!(
                "output layer: weights for {classes} classes, {:?} biases; expected one for each class, and at least 1",
                bias.var().shape()
            );
        }
        let packed = if is_fused(weight.var().device()) {
            Some(weight.read(|values| {
                let values = Matrix::new(values, rows, columns);
                Packed::by_all_threads(if is_table { values.transposed() } else { values })
            })?)
        } else {
            None
        };
        Ok(Self { weight: weight.clone(), bias: bias.clone(), is_table, inputs, classes, packed })
    }

    /// The number of classes.
    pub fn n_classes(&self) -> usize {
        self.classes
    }

    /// ln p of each class for each row of x (rows, inputs): those of a row after those of the row before.
    pub fn log_probabilities(&self, x: &Tensor) -> Result<Vec<f32>> {
        let (rows, inputs) = x.dims2()?;
        if inputs != self.inputs {
            bail!("output layer: expected rows of {} elements, found {inputs}", self.inputs);
        }
        let x = x.detach().contiguous()?;
        let Some(packed) = &self.packed else {
            let layer = if self.is_table { linear_tied } else { linear };
            return slices::to_vec(&log_softmax(&layer(&x, &self.weight, &self.bias)?.detach())?);
        };
        let mut scores = vec![0.0; rows * self.classes];
        // A function of the rows alone, never of the threads.
        let of_task = rows.div_ceil(8).next_multiple_of(4).clamp(4, ROWS);
        self.bias.read(|bias| {
            slices::read(&x, |x| {
                let x = Matrix::new(x, rows, inputs);
                scores.par_chunks_mut(of_task * self.classes).enumerate().for_each(
                    |(at, scores)| {
                        let x = x.some_rows(at * of_task, scores.len() / self.classes);
                        let target = Target::new(scores, self.classes);
                        multiply_packed(x, packed, Accumulate::AddBias(bias), target);
                        scores.chunks_exact_mut(self.classes).for_each(subtract_log_sum);
                    },
                );
            })
        })??;
        Ok(scores)
    }
}

/// Scores of a row to log-probabilities.
fn subtract_log_sum(row: &mut [f32]) {
    fast(
        #[inline(always)]
        || {
            let log_sum = log_sum_exp(row);
            for score in row.iter_mut() {
                *score -= log_sum;
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::check;

    #[test]
    fn log_probabilities_are_the_log_softmax_of_the_layer() -> Result<()> {
        for (rows, inputs, classes) in [(1, 1, 1), (7, 3, 5), (70, 9, 481), (0, 2, 3)] {
            let x = check::var("x", (rows, inputs), 3.0)?;
            let weight = check::weight("weight", (inputs, classes), 1.0)?;
            let table = check::weight_of(&weight.var().t()?.contiguous()?)?;
            let bias = check::weight("bias", classes, 1.0)?;
            let output = PackedOutput::new(&weight, &bias)?;
            assert_eq!(output.n_classes(), classes);
            let found = output.log_probabilities(&x)?;
            let expected = slices::to_vec(&log_softmax(&linear(&x, &weight, &bias)?)?)?;
            check::assert_close(&found, &expected, 1e-5, 1e-5);
            let tied = PackedOutput::tied(&table, &bias)?.log_probabilities(&x)?;
            check::assert_close(&tied, &found, 1e-6, 1e-6);
        }
        Ok(())
    }

    /// Scores 0 and ln 3 are the probabilities 1/4 and 3/4.
    #[test]
    fn a_worked_example() -> Result<()> {
        let weight = check::weight("weight", (1, 2), 1.0)?;
        let bias = check::weight("bias", 2, 1.0)?;
        bias.var().set(&Tensor::new(&[0.0, 3f32.ln()], weight.var().device())?)?;
        let x = Tensor::zeros((1, 1), candle_core::DType::F32, weight.var().device())?;
        let found = PackedOutput::new(&weight, &bias)?.log_probabilities(&x)?;
        check::assert_close(&found, &[0.25f32.ln(), 0.75f32.ln()], 1e-6, 1e-6);
        Ok(())
    }

    #[test]
    fn shapes_that_do_not_fit_are_an_error() -> Result<()> {
        let weight = check::weight("weight", (3, 4), 1.0)?;
        assert!(PackedOutput::new(&weight, &check::weight("short", 3, 1.0)?).is_err());
        let output = PackedOutput::new(&weight, &check::weight("bias", 4, 1.0)?)?;
        let x = check::var("x", (2, 4), 1.0)?;
        assert!(output.log_probabilities(&x).is_err());
        Ok(())
    }
}
