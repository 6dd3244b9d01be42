//! Updates of a parameter: in place on the CPU, through a copy on other devices.

use std::cell::RefCell;

use candle_core::{CpuStorage, InplaceOp1, Layout, Result, Tensor, Var, bail};

use super::{arch::is_fused, slices};

/// Calls `change` with the parameter's elements, in row-major order.
pub fn update(parameter: &Var, change: impl FnOnce(&mut [f32])) -> Result<()> {
    if is_fused(parameter.device()) {
        parameter.as_tensor().inplace_op1(&Update(RefCell::new(Some(change))))
    } else {
        by_copy(parameter, change)
    }
}

fn by_copy(parameter: &Var, change: impl FnOnce(&mut [f32])) -> Result<()> {
    let mut numbers = slices::to_vec(parameter)?;
    change(&mut numbers);
    parameter.set(&Tensor::from_vec(numbers, parameter.shape(), parameter.device())?)
}

struct Update<F>(RefCell<Option<F>>);

impl<F: FnOnce(&mut [f32])> InplaceOp1 for Update<F> {
    fn name(&self) -> &'static str {
        "update"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let Some((start, end)) = layout.contiguous_offsets() else {
            bail!("update: expected contiguous rows, found {layout:?}")
        };
        let CpuStorage::F32(numbers) = storage else { bail!("update: expected f32 elements") };
        let change = self.0.take().expect("an in-place operation runs once");
        change(&mut numbers[start..end]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn updates_in_place_and_by_copy_are_equal() -> Result<()> {
        let made = || Var::new(&[[1f32, 2.0], [3.0, 4.0]], &Device::Cpu);
        let places = [made()?, made()?];
        let change = |numbers: &mut [f32]| numbers.iter_mut().for_each(|x| *x *= 10.0);
        update(&places[0], change)?;
        by_copy(&places[1], change)?;
        for place in &places {
            assert_eq!(slices::to_vec(place)?, [10.0, 20.0, 30.0, 40.0]);
        }
        Ok(())
    }
}
