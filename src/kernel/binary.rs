//! Binary cross-entropy with logits.
//!
//! With z the logit and y the target, 1 or 0: each = ln(1 + e^z) − y·z, computed as max(z,
//! 0) − y·z + ln(1 + e^−|z|), which overflows for no logit. Its gradient is σ(z) − y.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

use super::{arch::is_fused, leaf, plain, slices};

/// The loss of each logit of z with its target, 1 or 0; of z's shape.
pub fn binary_cross_entropy(z: &Tensor, answers: Vec<f32>) -> Result<Tensor> {
    if z.elem_count() != answers.len() {
        bail!("binary-cross-entropy: {} scores, {} answers", z.elem_count(), answers.len());
    }
    if !is_fused(z.device()) {
        return plain::binary_cross_entropy(z, answers);
    }
    z.contiguous()?.apply_op1(Binary { answers })
}

struct Binary {
    answers: Vec<f32>,
}

impl CustomOp1 for Binary {
    fn name(&self) -> &'static str {
        "binary-cross-entropy"
    }

    fn cpu_fwd(&self, z: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let z = slices::of(z, layout)?;
        let each = z.iter().zip(&self.answers);
        // Not `max`, which would replace NaN by 0.
        let each =
            each.map(|(&z, y)| (if z < 0.0 { 0.0 } else { z }) - y * z + (-z.abs()).exp().ln_1p());
        Ok((CpuStorage::F32(each.collect()), layout.shape().clone()))
    }

    fn bwd(&self, z: &Tensor, _each: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let mut grad_z = slices::to_vec(gradient)?;
        slices::read(z, |z| {
            for ((grad_z, z), y) in grad_z.iter_mut().zip(z).zip(&self.answers) {
                *grad_z *= 1.0 / (1.0 + (-z).exp()) - y;
            }
        })?;
        leaf::gradient(z, grad_z)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;
    use crate::kernel::check;

    /// Logit ln 3: probability 3/4. Losses ln 4/3 and ln 4, gradients −1/4 and 3/4.
    #[test]
    fn a_worked_example() -> Result<()> {
        let z = Var::new(&[3f32.ln(), 3f32.ln(), 0.0], &Device::Cpu)?;
        let each = binary_cross_entropy(&z, vec![1.0, 0.0, 1.0])?;
        let wanted = [(4f32 / 3.0).ln(), 4f32.ln(), 2f32.ln()];
        check::assert_close(&slices::to_vec(&each)?, &wanted, 1e-6, 1e-7);
        let store = each.sum_all()?.backward()?;
        let grad_z = slices::to_vec(store.get(&z).unwrap())?;
        check::assert_close(&grad_z, &[-0.25, 0.75, -0.5], 1e-6, 0.0);
        Ok(())
    }

    #[test]
    fn gradients_match_finite_differences() -> Result<()> {
        let z = check::var("z", (3, 5), 3.0)?;
        let answers: Vec<f32> = check::labels("y", 15, 2).iter().map(|&y| y as f32).collect();
        check::assert_differences(&[&z], || binary_cross_entropy(&z, answers.clone()));
        Ok(())
    }

    #[test]
    fn logits_of_any_size_have_a_finite_loss() -> Result<()> {
        let z = Var::new(&[1000f32, -1000.0, 1000.0, -1000.0, f32::NAN], &Device::Cpu)?;
        let each = binary_cross_entropy(&z, vec![1.0, 0.0, 0.0, 1.0, 1.0])?;
        let losses = slices::to_vec(&each)?;
        assert_eq!(losses[..4], [0.0, 0.0, 1000.0, 1000.0]);
        assert!(losses[4].is_nan());
        let gradients =
            slices::to_vec(each.narrow(0, 0, 4)?.sum_all()?.backward()?.get(&z).unwrap())?;
        assert_eq!(gradients[..4], [0.0, 0.0, 1.0, -1.0]);
        Ok(())
    }

    #[test]
    fn too_few_targets_are_an_error() -> Result<()> {
        let z = check::var("z", 3, 1.0)?;
        assert!(binary_cross_entropy(&z, vec![1.0]).is_err());
        Ok(())
    }
}
