//! Linear: y = x·W + b over rows.
//!
//! With g = dL/dy: dx = g·Wᵀ, dW = xᵀ·g, db = Σ over rows of g.

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};

use super::{
    gemm::{Matrix, multiply_in_blocks},
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
        let (_, outputs) = weight_layout.shape().dims2()?;
        let mut y = vec![0.0; rows * outputs];
        let x = Matrix::new(slices::of(x, x_layout)?, rows, inputs);
        let weight = Matrix::new(slices::of(weight, weight_layout)?, inputs, outputs);
        multiply_in_blocks(x, weight, &mut y);
        let bias = slices::of(bias, bias_layout)?;
        for row in y.chunks_exact_mut(outputs) {
            for (y, b) in row.iter_mut().zip(bias) {
                *y += b;
            }
        }
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
                multiply_in_blocks(g, weight.transposed(), &mut by_x);
            })?;
            slices::read(x, |x| {
                multiply_in_blocks(Matrix::new(x, rows, inputs).transposed(), g, &mut by_weight);
            })
        })??;
        Ok((
            Some(Tensor::from_vec(by_x, (rows, inputs), x.device())?),
            Some(Tensor::from_vec(by_weight, (inputs, outputs), x.device())?),
            Some(Tensor::from_vec(by_bias, outputs, x.device())?),
        ))
    }
}
