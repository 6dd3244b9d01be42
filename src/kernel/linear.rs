//! Linear: y = x·W + b over rows.
//!
//! With g = dL/dy: dx = g·Wᵀ, dW = xᵀ·g, db = Σ over rows of g.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

use super::{
    arch::is_fused,
    buffer::Buffer,
    gemm::{Accumulate, Matrix, Packed, Target, multiply_in_blocks, multiply_on_all_threads},
    leaf,
    parameter::{Gradient, ParamRef},
    plain,
    row_sums::sum_of_rows,
    slices,
};

/// x·W + b for x (rows, inputs), W (inputs, outputs), b (outputs): (rows, outputs).
pub fn linear(x: &Tensor, weight: &ParamRef, bias: &ParamRef) -> Result<Tensor> {
    check(x.shape(), weight, bias)?;
    if is_fused(x.device()) {
        return x.contiguous()?.apply_op1(Linear { weight: weight.clone(), bias: bias.clone() });
    }
    plain::linear(x, weight, bias)
}

/// x·Tᵀ + b for an embedding table T (outputs, inputs) as weights, without a gradient: (rows,
/// outputs).
pub fn linear_tied(x: &Tensor, table: &ParamRef, bias: &ParamRef) -> Result<Tensor> {
    let ((rows, inputs), (outputs, wanted)) = (x.dims2()?, table.var().dims2()?);
    if wanted != inputs || bias.var().dims1()? != outputs || outputs == 0 {
        bail!(
            "linear: rows {:?}, table {:?}, bias {:?}; expected (rows, i), (o, i) and (o), o at least 1",
            x.shape(),
            table.var().shape(),
            bias.var().shape()
        );
    }
    let x = x.detach().contiguous()?;
    if !is_fused(x.device()) {
        return plain::linear_tied(&x, table, bias);
    }
    let mut y = vec![0.0; rows * outputs];
    table.read(|table| {
        bias.read(|bias| {
            let table = Matrix::new(table, outputs, inputs).transposed();
            let target = Target::new(&mut y, outputs);
            slices::read(&x, |x| {
                let x = Matrix::new(x, rows, inputs);
                multiply_on_all_threads(x, table, Accumulate::AddBias(bias), target);
            })
        })
    })???;
    Tensor::from_vec(y, (rows, outputs), x.device())
}

fn check(x: &Shape, weight: &ParamRef, bias: &ParamRef) -> Result<()> {
    let (_, inputs) = x.dims2()?;
    let (wanted, outputs) = weight.var().dims2()?;
    if wanted != inputs || bias.var().dims1()? != outputs || outputs == 0 {
        bail!(
            "linear: rows {x:?}, weights {:?}, bias {:?}; expected (rows, i), (i, o) and (o), o at least 1",
            weight.var().shape(),
            bias.var().shape()
        );
    }
    Ok(())
}

struct Linear {
    weight: ParamRef,
    bias: ParamRef,
}

impl CustomOp1 for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (rows, inputs) = layout.shape().dims2()?;
        let outputs = self.bias.var().dims1()?;
        let x = Matrix::new(slices::of(x, layout)?, rows, inputs);
        let mut y = vec![0.0; rows * outputs];
        self.weight.read(|weight| {
            self.bias.read(|bias| {
                let (weight, target) =
                    (Matrix::new(weight, inputs, outputs), Target::new(&mut y, outputs));
                multiply_on_all_threads(x, weight, Accumulate::AddBias(bias), target);
            })
        })??;
        Ok((CpuStorage::F32(y), (rows, outputs).into()))
    }

    fn bwd(&self, x: &Tensor, _y: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let (rows, inputs) = x.dims2()?;
        let outputs = gradient.dim(1)?;
        let mut grad_x = vec![0.0; rows * inputs];
        let mut grad_weight = Buffer::new(inputs * outputs);
        let grad_bias = slices::read(&gradient.contiguous()?, |gradient| {
            let g = Matrix::new(gradient, rows, outputs);
            self.weight.read(|weight| {
                let weight = Matrix::new(weight, inputs, outputs).transposed();
                let target = Target::new(&mut grad_x, inputs);
                multiply_on_all_threads(g, weight, Accumulate::Overwrite, target);
            })?;
            slices::read(x, |x| {
                let (x, target) =
                    (Matrix::new(x, rows, inputs), Target::new(&mut grad_weight, outputs));
                multiply_in_blocks(
                    x.transposed(),
                    &Packed::by_all_threads(g),
                    Accumulate::Overwrite,
                    target,
                );
            })?;
            Result::Ok(sum_of_rows(g))
        })??;
        self.weight.accumulate(Gradient::Dense(grad_weight))?;
        self.bias.accumulate(Gradient::Dense(grad_bias))?;
        leaf::gradient(x, grad_x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    use crate::kernel::{check, is_fused};

    /// The last ones are divided by panels, in one direction or both.
    const SIZES: [(usize, usize, usize); 8] = [
        (1, 1, 1),
        (3, 5, 2),
        (17, 1, 33),
        (1, 9, 4),
        (130, 7, 19),
        (0, 3, 2),
        (9, 20, 401),
        (11, 390, 385),
    ];

    /// The largest number of an operand: smaller where sums have many terms, whose rounding errors add up.
    fn scale(inputs: usize) -> f32 {
        if inputs > 100 { 0.3 } else { 1.0 }
    }

    #[test]
    fn values_and_gradients_equal_the_plain_composition() -> Result<()> {
        for (rows, inputs, outputs) in SIZES {
            let x = check::var("x", (rows, inputs), scale(inputs))?;
            let weight = check::weight("weight", (inputs, outputs), scale(inputs))?;
            let bias = check::weight("bias", outputs, 1.0)?;
            let found = linear(&x, &weight, &bias)?;
            assert_eq!(found.dims(), [rows, outputs]);
            let vars: [&dyn check::Variable; 3] = [&x, &weight, &bias];
            if rows == 0 {
                // candle gives none by what has met no row, ours are 0.
                let store = found.sum_all()?.backward()?;
                for gradient in vars.iter().filter_map(|var| var.gradient(&store)) {
                    assert!(slices::to_vec(&gradient)?.iter().all(|&g| g == 0.0));
                }
                continue;
            }
            let found_gradients = check::gradients(&vars, &found)?;
            let expected = plain::linear(&x, &weight, &bias)?;
            check::assert_tensors_close(&found, &expected, 1e-5, 1e-6);
            for (found, expected) in found_gradients.iter().zip(check::gradients(&vars, &expected)?)
            {
                check::assert_tensors_close(found, &expected, 1e-5, 2e-6);
            }
        }
        Ok(())
    }

    #[test]
    fn a_table_gives_the_outputs_of_its_transpose() -> Result<()> {
        for (rows, inputs, outputs) in SIZES {
            let x = check::var("x", (rows, inputs), scale(inputs))?;
            let table = check::weight("table", (outputs, inputs), scale(inputs))?;
            let weight = check::weight_of(&table.var().t()?.contiguous()?)?;
            let bias = check::weight("bias", outputs, 1.0)?;
            let found = linear_tied(&x, &table, &bias)?;
            assert!(!found.track_op());
            // Candle's own products sum a transposed factor in another order.
            let close = if is_fused(&Device::Cpu) { 0.0 } else { 1e-6 };
            check::assert_tensors_close(&found, &linear(&x, &weight, &bias)?, close, close);
            if rows > 0 {
                let plain = plain::linear_tied(&x.detach(), &table, &bias)?;
                check::assert_tensors_close(&found, &plain, 1e-5, 1e-6);
            }
            let other = check::weight("other", (outputs, inputs + 1), 1.0)?;
            assert!(linear_tied(&x, &other, &bias).is_err());
        }
        Ok(())
    }

    #[test]
    fn gradients_match_finite_differences() -> Result<()> {
        for (rows, inputs, outputs) in [(1, 1, 1), (3, 5, 2), (5, 2, 7)] {
            let x = check::var("x", (rows, inputs), 1.0)?;
            let weight = check::weight("weight", (inputs, outputs), 1.0)?;
            let bias = check::weight("bias", outputs, 1.0)?;
            for linear in [linear, plain::linear] {
                check::assert_differences(&[&x, &weight, &bias], || linear(&x, &weight, &bias));
            }
        }
        Ok(())
    }

    #[test]
    fn shapes_that_do_not_fit_are_an_error() -> Result<()> {
        let x = check::var("x", (2, 3), 1.0)?;
        for (weight, bias) in [([3, 2], 4), ([3, 2], 1), ([4, 2], 2), ([3, 0], 0)] {
            let weight = check::weight("weight", &weight[..], 1.0)?;
            let error = linear(&x, &weight, &check::weight("bias", bias, 1.0)?).unwrap_err();
            assert!(error.to_string().contains("expected (rows, i), (i, o) and (o)"), "{error}");
        }
        Ok(())
    }
}
