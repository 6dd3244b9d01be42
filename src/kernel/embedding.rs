//! Embedding: rows of a table by id; its gradient has only the rows that were read. Other rows may
//! stand beside those of the table: constants, without a gradient.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

use super::{
    arch::is_fused,
    parameter::{Gradient, ParamRef, RowGradient},
    plain, slices,
};

/// The rows of `table` (rows, width) with the given ids: (ids, width). What is computed from them
/// is tracked for the backward pass only if it `requires_grad`.
pub fn embedding(table: &ParamRef, ids: Vec<u32>, requires_grad: bool) -> Result<Tensor> {
    embedding_with_fixed(table, Vec::new(), ids, requires_grad)
}

/// The same for ids of rows of `table` (rows, width), followed by the rows of `fixed` (fixed rows,
/// width), which has no gradient: (ids, width).
pub fn embedding_with_fixed(
    table: &ParamRef,
    fixed: Vec<f32>,
    ids: Vec<u32>,
    requires_grad: bool,
) -> Result<Tensor> {
    let (n_table, width) = table.var().dims2()?;
    if width == 0 {
        bail!("embedding: rows of no width; expected at least 1");
    }
    if !fixed.len().is_multiple_of(width) {
        bail!("embedding: {} fixed values; expected rows of {width}", fixed.len());
    }
    let n_rows = n_table + fixed.len() / width;
    if let Some(id) = ids.iter().find(|&&id| id as usize >= n_rows) {
        bail!("embedding: id {id} in a table of {n_rows} rows")
    }
    if is_fused(table.var().device()) {
        fused(table, fixed, ids, requires_grad)
    } else {
        plain::embedding(table, &fixed, ids, requires_grad)
    }
}

fn fused(table: &ParamRef, fixed: Vec<f32>, ids: Vec<u32>, requires_grad: bool) -> Result<Tensor> {
    let anchor = table.param_grads().anchor();
    let op = Embedding { table: table.clone(), fixed, ids };
    if requires_grad { anchor.apply_op1(op) } else { anchor.detach().apply_op1(op) }
}

struct Embedding {
    table: ParamRef,
    /// The rows after those of the table.
    fixed: Vec<f32>,
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
                let at = id as usize * width;
                let row = table.get(at..at + width);
                rows.extend_from_slice(
                    row.unwrap_or_else(|| &self.fixed[at - table.len()..][..width]),
                );
            }
        })?;
        Ok((CpuStorage::F32(rows), (self.ids.len(), width).into()))
    }

    fn bwd(&self, _anchor: &Tensor, _rows: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let width = gradient.dim(1)?;
        let n_table = self.table.var().dim(0)?;
        let rows = slices::read(&gradient.contiguous()?, |gradient| {
            if self.fixed.is_empty() {
                return RowGradient::of(width, &self.ids, gradient);
            }
            let rows = self.ids.iter().zip(gradient.chunks_exact(width));
            let of_table = rows.filter(|(id, _)| (**id as usize) < n_table);
            let (ids, rows): (Vec<u32>, Vec<&[f32]>) = of_table.unzip();
            RowGradient::of(width, &ids, &rows.concat())
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
        let rows = fused(&table, Vec::new(), vec![2, 0, 2], true)?;
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

    type Read = fn(&ParamRef, Vec<f32>, Vec<u32>, bool) -> Result<Tensor>;

    #[test]
    fn gradients_match_finite_differences() -> Result<()> {
        let table = check::weight("table", (5, 3), 1.0)?;
        // A product of rows, so that its gradient by a row depends on the others; with and without
        // rows beside those of the table.
        let plain = |table: &ParamRef, fixed: Vec<f32>, ids, requires_grad| {
            plain::embedding(table, &fixed, ids, requires_grad)
        };
        for (fixed, ids) in [
            (vec![], [vec![3, 0, 3, 1], vec![0, 3, 1, 1]]),
            (vec![0.5, -1.0, 2.0, 1.5, 0.25, -0.75], [vec![3, 5, 3, 6], vec![0, 6, 5, 5]]),
        ] {
            let product = |read: Read| {
                let [a, b] = ids.clone().map(|ids| read(&table, fixed.clone(), ids, true));
                a? * b?
            };
            check::assert_tensors_close(&product(fused)?, &product(plain)?, 0.0, 0.0);
            check::assert_differences(&[&table], || product(fused));
            check::assert_differences(&[&table], || product(plain));
            let found = check::gradients(&[&table], &product(fused)?)?;
            let expected = check::gradients(&[&table], &product(plain)?)?;
            check::assert_tensors_close(&found[0], &expected[0], 1e-6, 1e-7);
        }
        Ok(())
    }

    #[test]
    fn fixed_rows_follow_those_of_the_table_and_have_no_gradient() -> Result<()> {
        let param_grads = ParamGrads::new()?;
        let table = table(&[[1.0, 2.0], [3.0, 4.0]], &param_grads, 0)?;
        let fixed = || vec![5.0, 6.0, 7.0, 8.0];
        let read = |ids| fused(&table, fixed(), ids, true);
        let rows = read(vec![3, 1, 2])?;
        assert_eq!(slices::to_vec(&rows)?, [7.0, 8.0, 3.0, 4.0, 5.0, 6.0]);
        rows.sum_all()?.backward()?;
        let expected = RowGradient { ids: vec![1], rows: vec![1.0, 1.0] };
        assert_eq!(Vec::from_iter(param_grads.take()), [(0, Gradient::Rows(expected))]);
        // Also if no row is the table's: what is computed from them may have parameters.
        assert!(read(vec![2])?.track_op());
        assert!(embedding_with_fixed(&table, fixed(), vec![4], true).is_err());
        assert!(embedding_with_fixed(&table, vec![5.0], vec![0], true).is_err());
        Ok(())
    }

    #[test]
    fn no_ids_give_no_rows_and_width_zero_is_an_error() -> Result<()> {
        let param_grads = ParamGrads::new()?;
        let table = table(&[[1.0, 2.0]], &param_grads, 0)?;
        let rows = fused(&table, Vec::new(), Vec::new(), true)?;
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
