//! tanh, element by element, with the gradient 1 − tanh².

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::{
    arch::{is_fused, with},
    leaf, plain, slices,
    vector::tanh_all,
};

/// Elements per task.
const BLOCK: usize = 16_384;

/// tanh x with an absolute error of at most 2·10⁻⁷; of x's shape.
pub fn tanh(x: &Tensor) -> Result<Tensor> {
    if is_fused(x.device()) { x.contiguous()?.apply_op1(Tanh) } else { plain::tanh(x) }
}

struct Tanh;

/// tanh of each element, in place.
pub(super) struct All<'a>(pub(super) &'a mut [f32]);

impl WithSimd for All<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        tanh_all(simd, self.0);
    }
}

impl CustomOp1 for Tanh {
    fn name(&self) -> &'static str {
        "tanh"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let mut y = slices::of(x, layout)?.to_vec();
        y.par_chunks_mut(BLOCK).for_each(|numbers| with(All(numbers)));
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let mut grad_x = slices::to_vec(gradient)?;
        slices::read(y, |y| {
            for (grad_x, y) in grad_x.iter_mut().zip(y) {
                *grad_x *= 1.0 - y * y;
            }
        })?;
        leaf::gradient(x, grad_x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::check;

    #[test]
    fn values_and_gradients_equal_candles_own() -> Result<()> {
        for (n, scale) in [(1, 1.0), (7, 3.0), (40, 20.0), (0, 1.0)] {
            let x = check::var("x", (n, 3), scale)?;
            let (found, expected) = (tanh(&x)?, x.tanh()?);
            check::assert_tensors_close(&found, &expected, 0.0, 4e-7);
            let expected = check::gradients(&[&x], &expected)?;
            check::assert_tensors_close(
                &check::gradients(&[&x], &found)?[0],
                &expected[0],
                0.0,
                1e-6,
            );
        }
        Ok(())
    }

    #[test]
    fn gradients_match_finite_differences() -> Result<()> {
        let x = check::var("x", (3, 5), 2.0)?;
        check::assert_differences(&[&x], || tanh(&x));
        Ok(())
    }
}
