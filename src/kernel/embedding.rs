//! Embedding: rows of a table by id, with a gradient of the rows that were read only.
//!
//! candle would make a dense gradient of the whole table, three times over. Here the backward pass
//! puts the rows it has into a [`Sink`], by parameter; whoever called `backward` takes them out, so
//! that gradients of several objectives never mix.

use std::{
    collections::{BTreeMap, HashMap},
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};

use super::slices;

/// The gradient of some rows of a table; the other rows' is 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowGradient {
    /// The rows, each once, in order of first use.
    pub ids: Vec<u32>,
    /// Their gradients, row after row.
    pub rows: Vec<f32>,
}

/// Where backward passes leave the gradients of rows, by the parameter's number.
#[derive(Clone, Debug, Default)]
pub struct Sink(Arc<Mutex<BTreeMap<usize, Vec<RowGradient>>>>);

impl Sink {
    /// All that was left since the last call.
    pub fn take(&self) -> BTreeMap<usize, Vec<RowGradient>> {
        mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn leave(&self, parameter: usize, gradient: RowGradient) {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        left.entry(parameter).or_default().push(gradient);
    }
}

/// The rows of `table` (rows, width) with these ids: (ids, width). The gradient goes to `sink`
/// under `parameter`. `anchor` is any variable: candle walks back through an operation only if one
/// of its inputs is tracked, and the anchor's own gradient is 0.
pub fn embedding(
    table: &Tensor,
    anchor: &Tensor,
    ids: Vec<u32>,
    sink: &Sink,
    parameter: usize,
) -> Result<Tensor> {
    let op = Embedding { ids, sink: sink.clone(), parameter };
    anchor.apply_op2(&table.detach(), op)
}

struct Embedding {
    ids: Vec<u32>,
    sink: Sink,
    parameter: usize,
}

impl CustomOp2 for Embedding {
    fn name(&self) -> &'static str {
        "embedding"
    }

    fn cpu_fwd(
        &self,
        _anchor: &CpuStorage,
        _anchor_layout: &Layout,
        table: &CpuStorage,
        table_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (n_rows, width) = table_layout.shape().dims2()?;
        if width == 0 {
            bail!("embedding: rows of no width; wanted at least 1");
        }
        let table = slices::of(table, table_layout)?;
        let mut rows = Vec::with_capacity(self.ids.len() * width);
        for &id in &self.ids {
            let at = id as usize * width;
            let Some(row) = table.get(at..at + width) else {
                bail!("embedding: id {id} in a table of {n_rows} rows")
            };
            rows.extend_from_slice(row);
        }
        Ok((CpuStorage::F32(rows), (self.ids.len(), width).into()))
    }

    fn bwd(
        &self,
        anchor: &Tensor,
        table: &Tensor,
        _rows: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let width = table.dim(1)?;
        let by_rows = slices::read(&gradient.contiguous()?, |gradient| {
            let mut places = HashMap::new();
            let mut sums = RowGradient::default();
            for (&id, row) in self.ids.iter().zip(gradient.chunks_exact(width)) {
                let place = *places.entry(id).or_insert_with(|| {
                    sums.ids.push(id);
                    sums.rows.resize(sums.rows.len() + width, 0.0);
                    sums.ids.len() - 1
                });
                for (sum, g) in sums.rows[place * width..][..width].iter_mut().zip(row) {
                    *sum += g;
                }
            }
            sums
        })?;
        self.sink.leave(self.parameter, by_rows);
        Ok((Some(anchor.zeros_like()?), None))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;
    use crate::kernel::check;

    #[test]
    fn rows_read_twice_get_both_gradients_and_others_none() -> Result<()> {
        let table = Var::new(&[[1f32, 2.0], [3.0, 4.0], [5.0, 6.0]], &Device::Cpu)?;
        let anchor = Var::new(&[0f32], &Device::Cpu)?;
        let sink = Sink::default();
        let rows = embedding(&table, &anchor, vec![2, 0, 2], &sink, 7)?;
        assert_eq!(slices::to_vec(&rows)?, [5.0, 6.0, 1.0, 2.0, 5.0, 6.0]);
        let factors = Tensor::new(&[[1f32, 2.0], [3.0, 4.0], [10.0, 20.0]], &Device::Cpu)?;
        let gradients = (rows * factors)?.sum_all()?.backward()?;
        let expected = RowGradient { ids: vec![2, 0], rows: vec![11.0, 22.0, 3.0, 4.0] };
        assert_eq!(sink.take(), BTreeMap::from([(7, vec![expected])]));
        assert_eq!(sink.take(), BTreeMap::new());
        assert_eq!(slices::to_vec(gradients.get(&anchor).unwrap())?, [0.0]);
        Ok(())
    }

    #[test]
    fn an_id_beyond_the_table_is_an_error() -> Result<()> {
        let table = Var::new(&[[1f32, 2.0]], &Device::Cpu)?;
        let anchor = Var::new(&[0f32], &Device::Cpu)?;
        let error = embedding(&table, &anchor, vec![1], &Sink::default(), 0).unwrap_err();
        assert!(error.to_string().contains("id 1 in a table of 1 rows"), "{error}");
        Ok(())
    }

    /// A product of rows read, so that its gradient by a row depends on the others.
    fn product(table: &Var, anchor: &Var, sink: &Sink) -> Result<Tensor> {
        let rows = embedding(table, anchor, vec![3, 0, 3, 1], sink, 0)?;
        let others = embedding(table, anchor, vec![0, 3, 1, 1], sink, 0)?;
        rows * others
    }

    #[test]
    fn gradients_in_the_sink_are_finite_differences() -> Result<()> {
        let (n_rows, width) = (5, 3);
        let anchor = Var::new(&[0f32], &Device::Cpu)?;
        let table = check::var("table", (n_rows, width), 1.0)?;
        let sink = Sink::default();
        let found = product(&table, &anchor, &sink)?;
        check::gradients(&[&anchor], &found)?;
        let left = sink.take().remove(&0).unwrap();
        assert_eq!(left.len(), 2, "one gradient for each reading");
        let mut dense = vec![0.0; n_rows * width];
        for gradient in left {
            for (&id, row) in gradient.ids.iter().zip(gradient.rows.chunks_exact(width)) {
                for (sum, g) in dense[id as usize * width..].iter_mut().zip(row) {
                    *sum += g;
                }
            }
        }
        // The same by candle's own reading, whose dense gradient is compared with differences.
        let read = |ids: &[u32]| table.index_select(&Tensor::new(ids, &Device::Cpu)?, 0);
        let plain = || read(&[3, 0, 3, 1])? * read(&[0, 3, 1, 1])?;
        check::assert_tensors_close(&found, &plain()?, 0.0, 0.0);
        check::assert_differences(&[&table], plain);
        let expected = check::gradients(&[&table], &plain()?)?;
        check::assert_close(&dense, &slices::to_vec(&expected[0])?, 1e-6, 1e-7);
        Ok(())
    }

    #[test]
    fn no_ids_leave_no_rows_and_no_width_is_an_error() -> Result<()> {
        let anchor = Var::new(&[0f32], &Device::Cpu)?;
        let sink = Sink::default();
        let table = check::var("table", (2, 3), 1.0)?;
        let rows = embedding(&table, &anchor, Vec::new(), &sink, 0)?;
        assert_eq!(rows.dims(), [0, 3]);
        rows.sum_all()?.backward()?;
        assert_eq!(sink.take(), BTreeMap::from([(0, vec![RowGradient::default()])]));
        let nothing = Tensor::zeros((2, 0), candle_core::DType::F32, &Device::Cpu)?;
        let error = embedding(&nothing, &anchor, vec![1], &sink, 0).unwrap_err();
        assert!(error.to_string().contains("rows of no width"), "{error}");
        Ok(())
    }
}
