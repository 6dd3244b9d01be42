//! Seeds the backward pass at rows where the graph was detached.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

use super::{arch::is_fused, plain};

/// A scalar 0 whose gradient with respect to the rows is `gradient`, of their shape; add it to a
/// loss to propagate that gradient.
pub fn seed_gradient(rows: &Tensor, gradient: Tensor) -> Result<Tensor> {
    if rows.shape() != gradient.shape() {
        bail!("a gradient of {:?} for rows of {:?}", gradient.shape(), rows.shape());
    }
    if is_fused(rows.device()) {
        rows.apply_op1(SeedGradient { gradient })
    } else {
        plain::seed_gradient(rows, &gradient)
    }
}

struct SeedGradient {
    gradient: Tensor,
}

impl CustomOp1 for SeedGradient {
    fn name(&self) -> &'static str {
        "seed_gradient"
    }

    fn cpu_fwd(&self, _rows: &CpuStorage, _layout: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok((CpuStorage::F32(vec![0.0]), ().into()))
    }

    fn bwd(&self, _rows: &Tensor, _zero: &Tensor, _one: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(self.gradient.clone()))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;

    #[test]
    fn two_backward_passes_joined_by_a_seed_equal_one() -> Result<()> {
        let x = Var::new(&[1f32, 2.0], &Device::Cpu)?;
        let rows = (x.as_tensor() * 3.0)?;
        let leaf = Var::from_tensor(&rows.detach())?;
        // (3x)² has the gradient 18x.
        let store = leaf.sqr()?.sum_all()?.backward()?;
        let start = seed_gradient(&rows, store.get(&leaf).unwrap().clone())?;
        assert_eq!(start.backward()?.get(&x).unwrap().to_vec1::<f32>()?, [18.0, 36.0]);
        assert!(seed_gradient(&rows, start).is_err());
        Ok(())
    }
}
