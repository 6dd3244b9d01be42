//! Rows by index, and sums over groups of rows.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

use super::{arch::is_fused, leaf, plain, slices};

/// The rows of x (rows, width) with the given indices, in this order: (indices, width). A row may
/// occur several times or not at all.
pub fn gather(x: &Tensor, rows: Vec<u32>) -> Result<Tensor> {
    let (n, _) = x.dims2()?;
    if let Some(row) = rows.iter().find(|&&row| row as usize >= n) {
        bail!("gather: row {row} of {n}")
    }
    if is_fused(x.device()) {
        x.contiguous()?.apply_op1(Gather { rows })
    } else {
        plain::gather(x, rows)
    }
}

struct Gather {
    rows: Vec<u32>,
}

impl CustomOp1 for Gather {
    fn name(&self) -> &'static str {
        "gather"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (_, width) = layout.shape().dims2()?;
        let x = slices::of(x, layout)?;
        let mut y = Vec::with_capacity(self.rows.len() * width);
        for &row in &self.rows {
            y.extend_from_slice(&x[row as usize * width..][..width]);
        }
        Ok((CpuStorage::F32(y), (self.rows.len(), width).into()))
    }

    fn bwd(&self, x: &Tensor, _y: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let width = x.dim(1)?;
        let mut grad_x = vec![0.0; x.elem_count()];
        slices::read(&gradient.contiguous()?, |gradient| {
            for (&row, gradient) in self.rows.iter().zip(gradient.chunks_exact(width)) {
                for (sum, g) in grad_x[row as usize * width..].iter_mut().zip(gradient) {
                    *sum += g;
                }
            }
        })?;
        leaf::gradient(x, grad_x)
    }
}

/// The sum over the rows of each group, for x (rows) and a group per row: (`n_groups`).
pub fn sum_by_group(x: &Tensor, groups: Vec<u32>, n_groups: usize) -> Result<Tensor> {
    let n = x.dims1()?;
    if n != groups.len() {
        bail!("sum-by-group: {n} rows, {} groups named", groups.len());
    }
    if let Some(group) = groups.iter().find(|&&group| group as usize >= n_groups) {
        bail!("sum-by-group: group {group} of {n_groups}");
    }
    if is_fused(x.device()) {
        x.contiguous()?.apply_op1(SumByGroup { groups, n_groups })
    } else {
        plain::sum_by_group(x, groups, n_groups)
    }
}

struct SumByGroup {
    groups: Vec<u32>,
    n_groups: usize,
}

impl CustomOp1 for SumByGroup {
    fn name(&self) -> &'static str {
        "sum-by-group"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = slices::of(x, layout)?;
        let mut sums = vec![0.0; self.n_groups];
        for (&group, x) in self.groups.iter().zip(x) {
            sums[group as usize] += x;
        }
        Ok((CpuStorage::F32(sums), self.n_groups.into()))
    }

    fn bwd(&self, x: &Tensor, _sums: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let gradient = slices::to_vec(gradient)?;
        let grad_x: Vec<f32> = self.groups.iter().map(|&group| gradient[group as usize]).collect();
        leaf::gradient(x, grad_x)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;

    #[test]
    fn gradients_of_a_row_gathered_twice_are_summed() -> Result<()> {
        let x = Var::new(&[[1f32, 2.0], [3.0, 4.0], [5.0, 6.0]], &Device::Cpu)?;
        let y = gather(&x, vec![2, 0, 2])?;
        assert_eq!(slices::to_vec(&y)?, [5.0, 6.0, 1.0, 2.0, 5.0, 6.0]);
        let gradients = y.sum_all()?.backward()?;
        let grad_x = slices::to_vec(gradients.get(&x).unwrap())?;
        assert_eq!(grad_x, [1.0, 1.0, 0.0, 0.0, 2.0, 2.0]);
        assert!(gather(&x, vec![3]).is_err());
        Ok(())
    }

    #[test]
    fn sums_by_group_pass_their_gradient_to_every_row() -> Result<()> {
        let x = Var::new(&[1f32, 2.0, 4.0], &Device::Cpu)?;
        let sums = sum_by_group(&x, vec![1, 0, 1], 3)?;
        assert_eq!(slices::to_vec(&sums)?, [2.0, 5.0, 0.0]);
        let weights = Tensor::new(&[10f32, 20.0, 30.0], &Device::Cpu)?;
        let gradients = (sums * weights)?.sum_all()?.backward()?;
        assert_eq!(slices::to_vec(gradients.get(&x).unwrap())?, [20.0, 10.0, 20.0]);
        Ok(())
    }
}
