//! Linear: y = x·W + b over rows.
//!
//! With g = dL/dy: dx = g·Wᵀ, dW = xᵀ·g, db = Σ over rows of g.

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};

use super::{
    gemm::{Into, Matrix, multiply_in_blocks},
    slices,
};

/// x·W + b for x (rows, inputs), W (inputs, outputs), b (outputs): (rows, outputs).
pub fn linear(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op3(weight, bias, Linear)
}

struct Linear;

impl CustomOp3 for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (rows, inputs) = x_layout.shape().dims2()?;
        let (wanted, outputs) = weight_layout.shape().dims2()?;
        if wanted != inputs || bias_layout.shape().dims1()? != outputs || outputs == 0 {
            bail!(
                "linear: rows {:?}, weights {:?}, bias {:?}; wanted (rows, i), (i, o) and (o), o at \
                 least 1",
                x_layout.shape(),
                weight_layout.shape(),
                bias_layout.shape()
            );
        }
        let mut y = vec![0.0; rows * outputs];
        let x = Matrix::new(slices::of(x, x_layout)?, rows, inputs);
        let weight = Matrix::new(slices::of(weight, weight_layout)?, inputs, outputs);
        multiply_in_blocks(x, weight, Into::Bias(slices::of(bias, bias_layout)?), &mut y);
        Ok((CpuStorage::F32(y), (rows, outputs).into()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _y: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (rows, inputs) = x.dims2()?;
        let outputs = bias.dim(0)?;
        let mut by_x = vec![0.0; rows * inputs];
        let mut by_weight = vec![0.0; inputs * outputs];
        let mut by_bias = vec![0.0; outputs];
        let gradient = gradient.contiguous()?;
        slices::read(&gradient, |gradient| {
            for row in gradient.chunks_exact(outputs) {
                for (sum, g) in by_bias.iter_mut().zip(row) {
                    *sum += g;
                }
            }
            let g = Matrix::new(gradient, rows, outputs);
            slices::read(weight, |weight| {
                let weight = Matrix::new(weight, inputs, outputs);
                multiply_in_blocks(g, weight.transposed(), Into::Replace, &mut by_x);
            })?;
            slices::read(x, |x| {
                let x = Matrix::new(x, rows, inputs).transposed();
                multiply_in_blocks(x, g, Into::Replace, &mut by_weight);
            })
        })??;
        Ok((
            Some(Tensor::from_vec(by_x, (rows, inputs), x.device())?),
            Some(Tensor::from_vec(by_weight, (inputs, outputs), x.device())?),
            Some(Tensor::from_vec(by_bias, outputs, x.device())?),
        ))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;
    use crate::kernel::check;

    const SIZES: [(usize, usize, usize); 6] =
        [(1, 1, 1), (3, 5, 2), (17, 1, 33), (1, 9, 4), (130, 7, 19), (0, 3, 2)];

    #[test]
    fn rows_and_gradients_are_those_of_a_plain_composition() -> Result<()> {
        for (rows, inputs, outputs) in SIZES {
            let x = check::var("x", (rows, inputs), 1.0)?;
            let weight = check::var("weight", (inputs, outputs), 1.0)?;
            let bias = check::var("bias", outputs, 1.0)?;
            let found = linear(&x, &weight, &bias)?;
            assert_eq!(found.dims(), [rows, outputs]);
            let vars = [&x, &weight, &bias];
            let found_gradients = check::gradients(&vars, &found)?;
            if rows == 0 {
                // candle's own product refuses to have no rows; ours has gradients of 0.
                for gradient in &found_gradients {
                    assert!(slices::to_vec(gradient)?.iter().all(|&g| g == 0.0));
                }
                continue;
            }
            let expected = x.matmul(&weight)?.broadcast_add(&bias)?;
            check::assert_tensors_close(&found, &expected, 1e-5, 1e-6);
            for (found, expected) in found_gradients.iter().zip(check::gradients(&vars, &expected)?)
            {
                check::assert_tensors_close(found, &expected, 1e-5, 2e-6);
            }
        }
        Ok(())
    }

    #[test]
    fn gradients_are_finite_differences() -> Result<()> {
        for (rows, inputs, outputs) in [(1, 1, 1), (3, 5, 2), (5, 2, 7)] {
            let x = check::var("x", (rows, inputs), 1.0)?;
            let weight = check::var("weight", (inputs, outputs), 1.0)?;
            let bias = check::var("bias", outputs, 1.0)?;
            check::assert_differences(&[&x, &weight, &bias], || linear(&x, &weight, &bias));
        }
        Ok(())
    }

    #[test]
    fn shapes_that_do_not_fit_are_an_error() -> Result<()> {
        let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu);
        for (weight, bias) in [([3, 2], 4), ([3, 2], 1), ([4, 2], 2), ([3, 0], 0)] {
            let error = linear(&zeros(&[2, 3])?, &zeros(&weight)?, &zeros(&[bias])?).unwrap_err();
            assert!(error.to_string().contains("wanted (rows, i), (i, o) and (o)"), "{error}");
        }
        Ok(())
    }
}
