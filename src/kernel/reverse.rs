//! Gradient reversal (Ganin et al. 2016): the identity in the forward pass, −λ times the gradient
//! in the backward pass.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};

use super::{arch::is_fused, plain, slices};

/// The same rows; their gradient is multiplied by −`strength`.
pub fn reverse(x: &Tensor, strength: f64) -> Result<Tensor> {
    if !is_fused(x.device()) {
        return plain::reverse(x, strength);
    }
    // A custom op copies x bit for bit in the forward pass. (stop(x)·(1+λ) − x·λ would round, and a
    // change of the strength would change the forward values.)
    x.contiguous()?.apply_op1(Reverse { strength })
}

struct Reverse {
    strength: f64,
}

impl CustomOp1 for Reverse {
    fn name(&self) -> &'static str {
        "reverse"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok((CpuStorage::F32(slices::of(x, layout)?.to_vec()), layout.shape().clone()))
    }

    fn bwd(&self, _x: &Tensor, _y: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        gradient.affine(-self.strength, 0.0).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;

    #[test]
    fn forward_copies_and_backward_negates() -> Result<()> {
        let x = Var::new(&[0.1f32, -3.0, 1e-30], &Device::Cpu)?;
        let y = reverse(&x, 0.5)?;
        assert_eq!(slices::to_vec(&y)?, slices::to_vec(&x)?);
        let gradients = (y * 2.0)?.sum_all()?.backward()?;
        assert_eq!(slices::to_vec(gradients.get(&x).unwrap())?, [-1.0; 3]);
        Ok(())
    }
}
