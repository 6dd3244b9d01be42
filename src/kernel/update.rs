//! A parameter's numbers, changed in place.

use std::cell::RefCell;

use candle_core::{CpuStorage, InplaceOp1, Layout, Result, Var, bail};

/// Calls `change` with the parameter's own numbers, in row order.
pub fn update(parameter: &Var, change: impl FnOnce(&mut [f32])) -> Result<()> {
    parameter.as_tensor().inplace_op1(&Update(RefCell::new(Some(change))))
}

struct Update<F>(RefCell<Option<F>>);

impl<F: FnOnce(&mut [f32])> InplaceOp1 for Update<F> {
    fn name(&self) -> &'static str {
        "update"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let Some((start, end)) = layout.contiguous_offsets() else {
            bail!("update wants contiguous rows, found {layout:?}")
        };
        let CpuStorage::F32(numbers) = storage else { bail!("update wants f32 numbers") };
        let change = self.0.take().expect("an in-place operation runs once");
        change(&mut numbers[start..end]);
        Ok(())
    }
}
