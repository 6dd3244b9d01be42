//! Embedding: rows of a table by id; its gradient has only the rows that were read.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

use super::{
    arch::is_fused,
    parameter::{Gradient, ParamRef, RowGradient},
    plain, slices,
};

/// The rows of `table` (rows, width) with the given ids: (ids, width). What is computed from them
/// is tracked for the backward pass only if it `requires_grad`.
pub fn embedding(table: &ParamRef, ids: Vec<u32>, requires_grad: bool) -> Result<Tensor> {
    let (n_rows, width) = table.var().dims2()?;
    if width == 0 {
        bail!("embedding: rows of no width; expected at least 1");
    }
    if let Some(id) = ids.iter().find(|&&id| id as usize >= n_rows) {
        bail!("embedding: id {id} in a table of {n_rows} rows")
    }
    if is_fused(table.var().device()) {
        fused(table, ids, requires_grad)
    } else {
        plain::embedding(table, ids, requires_grad)
    }
}

fn fused(table: &ParamRef, ids: Vec<u32>, requires_grad: bool) -> Result<Tensor> {
    let anchor = table.param_grads().anchor();
    let op = Embedding { table: table.clone(), ids };
    if requires_grad { anchor.apply_op1(op) } else { anchor.detach().apply_op1(op) }
}

struct Embedding {
    table: ParamRef,
    ids: Vec<u32>,
}

impl CustomOp1 for Embedding {
    fn name(&self) -> &'static str {
        "embedding"
    }

    fn cpu_fwd(&self, _anchor: &CpuStorage, _layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let width = self.table.var().dim(1)?;
        let mut rows = Vec::with_capacity(self.ids.len() * width);
        self.table.read(|table| {
            for &id in &self.ids {
                rows.extend_from_slice(&table[id as usize * width..][..width]);
            }
        })?;
        Ok((CpuStorage::F32(rows), (self.ids.len(), width).into()))
    }

    fn bwd(&self, _anchor: &Tensor, _rows: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let width = gradient.dim(1)?;
        let rows = slices::read(&gradient.contiguous()?, |gradient| {
            RowGradient::of(width, &self.ids, gradient)
        })?;
        self.table.accumulate(Gradient::Rows(rows))?;
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;
    use crate::kernel::{check, parameter::ParamGrads};

    fn table<const N: usize>(
        numbers: &[[f32; 2]; N],
        param_grads: &ParamGrads,
        index: usize,
    ) -> Result<ParamRef> {
        Ok(ParamRef::new(Var::new(numbers, &Device::Cpu)?, index, param_grads.clone()))
    }

    #[test]
    fn gradients_of_a_row_read_twice_are_summed() -> Result<()> {
        let param_grads = ParamGrads::new()?;
        let table = table(&[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], &param_grads, 7)?;
        let rows = fused(&table, vec![2, 0, 2], true)?;
        assert_eq!(slices::to_vec(&rows)?, [5.0, 6.0, 1.0, 2.0, 5.0, 6.0]);
        let factors = Tensor::new(&[[1f32, 2.0], [3.0, 4.0], [10.0, 20.0]], &Device::Cpu)?;
        (rows * factors)?.sum_all()?.backward()?;
        let expected = RowGradient { ids: vec![2, 0], rows: vec![11.0, 22.0, 3.0, 4.0] };
        assert_eq!(Vec::from_iter(param_grads.take()), [(7, Gradient::Rows(expected))]);
        assert!(param_grads.take().is_empty());
        Ok(())
    }

    #[test]
    fn an_embedding_without_gradient_is_not_tracked() -> Result<()> {
        let table = table(&[[1.0, 2.0]], &ParamGrads::new()?, 0)?;
        assert!(embedding(&table, vec![0], true)?.track_op());
        assert!(!embedding(&table, vec![0], false)?.track_op());
        Ok(())
    }

    #[test]
    fn an_id_beyond_the_table_is_an_error() -> Result<()> {
        let table = table(&[[1.0, 2.0]], &ParamGrads::new()?, 0)?;
        let error = embedding(&table, vec![1], true).unwrap_err();
        assert!(error.to_string().contains("id 1 in a table of 1 rows"), "{error}");
        Ok(())
    }

    #[test]
    fn gradients_match_finite_differences() -> Result<()> {
        let table = check::weight("table", (5, 3), 1.0)?;
        // A product of rows, so that its gradient by a row depends on the others.
        let product = |read: fn(&ParamRef, Vec<u32>, bool) -> Result<Tensor>| {
            read(&table, vec![3, 0, 3, 1], true)? * read(&table, vec![0, 3, 1, 1], true)?
        };
        check::assert_tensors_close(&product(fused)?, &product(plain::embedding)?, 0.0, 0.0);
        check::assert_differences(&[&table], || product(fused));
        check::assert_differences(&[&table], || product(plain::embedding));
        let found = check::gradients(&[&table], &product(fused)?)?;
        let expected = check::gradients(&[&table], &product(plain::embedding)?)?;
        check::assert_tensors_close(&found[0], &expected[0], 1e-6, 1e-7);
        Ok(())
    }

    #[test]
    fn no_ids_give_no_rows_and_width_zero_is_an_error() -> Result<()> {
        let param_grads = ParamGrads::new()?;
        let rows = fused(&table(&[[1.0, 2.0]], &param_grads, 0)?, Vec::new(), true)?;
        assert_eq!(rows.dims(), [0, 2]);
        rows.sum_all()?.backward()?;
        assert_eq!(
            Vec::from_iter(param_grads.take()),
            [(0, Gradient::Rows(RowGradient::default()))]
        );
        let nothing = check::weight("nothing", (2, 0), 1.0)?;
        let error = embedding(&nothing, vec![1], true).unwrap_err();
        assert!(error.to_string().contains("rows of no width"), "{error}");
        Ok(())
    }
}
