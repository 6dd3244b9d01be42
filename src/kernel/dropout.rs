//! Dropout (Srivastava et al. 2014): each element is set to 0 with probability p, else divided by
//! 1 − p.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use rand::RngCore;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{add::PART, arch::is_fused, leaf, plain, slices};

/// Drops each element of the rows with probability p, with a mask drawn from the given generator.
pub fn dropout(x: &Tensor, p: f32, mut draw: ChaCha8Rng) -> Result<Tensor> {
    let keep = 1.0 / (1.0 - p);
    // 16 random bits per element: p is exact to 1/65,536.
    let bound = (f64::from(p) * 65_536.0).round() as u32;
    let mut bytes = vec![0; 2 * x.elem_count()];
    draw.fill_bytes(&mut bytes);
    let (pairs, _) = bytes.as_chunks::<2>();
    let factors = pairs
        .par_iter()
        .with_min_len(PART)
        .map(|&pair| if u32::from(u16::from_le_bytes(pair)) < bound { 0.0 } else { keep })
        .collect();
    if is_fused(x.device()) {
        x.contiguous()?.apply_op1(Dropout { factors })
    } else {
        plain::dropout(x, factors)
    }
}

struct Dropout {
    factors: Vec<f32>,
}

impl Dropout {
    fn times(&self, numbers: &[f32]) -> Vec<f32> {
        let pairs = numbers.par_iter().with_min_len(PART).zip(&self.factors);
        pairs.map(|(x, factor)| x * factor).collect()
    }
}

impl CustomOp1 for Dropout {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok((CpuStorage::F32(self.times(slices::of(x, layout)?)), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _y: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let grad_x = slices::read(&gradient.contiguous()?, |gradient| self.times(gradient))?;
        leaf::gradient(x, grad_x)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor, Var};

    use super::*;
    use crate::data::{Purpose, draw};

    /// Of more elements than one task has.
    #[test]
    fn the_mask_does_not_depend_on_the_number_of_threads() -> Result<()> {
        let x = Tensor::ones(3 * PART + 5, candle_core::DType::F32, &Device::Cpu)?;
        let on = |n_threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            pool.install(|| slices::to_vec(&dropout(&x, 0.5, draw(1, Purpose::Dropout, "x", 3))?))
        };
        assert_eq!(on(1)?, on(3)?);
        Ok(())
    }

    #[test]
    fn about_p_of_the_elements_are_dropped_in_both_passes() -> Result<()> {
        let x = Var::from_tensor(&Tensor::ones(10_000, candle_core::DType::F32, &Device::Cpu)?)?;
        let y = dropout(&x, 0.25, draw(1, Purpose::Dropout, "test", 3))?;
        let kept = slices::to_vec(&y)?;
        let n_kept = kept.iter().filter(|&&y| y != 0.0).count();
        assert!((7_300..7_700).contains(&n_kept), "{n_kept} of 10000 kept");
        assert!(kept.iter().all(|&y| y == 0.0 || (y - 4.0 / 3.0).abs() < 1e-6));
        let gradients = y.sum_all()?.backward()?;
        assert_eq!(slices::to_vec(gradients.get(&x).unwrap())?, kept);
        Ok(())
    }
}
