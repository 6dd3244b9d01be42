//! Some columns of each row, such as the states of one direction of a recurrent layer.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

use super::{arch::is_fused, leaf, plain, slices};

/// `n` columns of x (rows, width), from column `from` on: (rows, n).
pub fn columns(x: &Tensor, from: usize, n: usize) -> Result<Tensor> {
    let (_, width) = x.dims2()?;
    if from + n > width {
        bail!("columns: expected columns within {width}, found {from} to {}", from + n);
    }
    if is_fused(x.device()) {
        x.contiguous()?.apply_op1(Columns { from, n })
    } else {
        plain::columns(x, from, n)
    }
}

struct Columns {
    from: usize,
    n: usize,
}

impl CustomOp1 for Columns {
    fn name(&self) -> &'static str {
        "columns"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (rows, width) = layout.shape().dims2()?;
        let x = slices::of(x, layout)?;
        let mut y = Vec::with_capacity(rows * self.n);
        for row in x.chunks_exact(width.max(1)) {
            y.extend_from_slice(&row[self.from..][..self.n]);
        }
        Ok((CpuStorage::F32(y), (rows, self.n).into()))
    }

    fn bwd(&self, x: &Tensor, _y: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        slices::read(&gradient.contiguous()?, |gradient| {
            leaf::gradient_of_columns(x, self.from..self.from + self.n, gradient)
        })?
    }
}
