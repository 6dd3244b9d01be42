//! The sum of several tensors.

use candle_core::{Result, Tensor, bail};

use super::{add::add, arch::is_fused, plain, slices};

/// The sum of at least one contiguous tensor of one shape, in the given order; not tracked.
pub fn sum(tensors: &[Tensor]) -> Result<Tensor> {
    let [first, others @ ..] = tensors else { bail!("a sum of no tensors") };
    if others.is_empty() {
        return Ok(first.detach());
    }
    if !is_fused(first.device()) {
        return plain::sum(tensors);
    }
    let mut sum = slices::to_vec(first)?;
    for other in others {
        if other.shape() != first.shape() {
            bail!("a sum of {:?} and {:?}", first.shape(), other.shape());
        }
        slices::read(other, |other| add(&mut sum, other))?;
    }
    Tensor::from_vec(sum, first.shape(), first.device())
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn sums_are_element_wise_and_need_equal_shapes() -> Result<()> {
        let x = Tensor::new(&[[1f32, 2.0]], &Device::Cpu)?;
        let y = Tensor::new(&[[10f32, 20.0]], &Device::Cpu)?;
        assert_eq!(slices::to_vec(&sum(&[x.clone(), y.clone(), y])?)?, [21.0, 42.0]);
        assert_eq!(slices::to_vec(&sum(std::slice::from_ref(&x))?)?, [1.0, 2.0]);
        assert!(sum(&[]).is_err());
        assert!(sum(&[x.clone(), x.t()?.contiguous()?]).is_err());
        Ok(())
    }
}
