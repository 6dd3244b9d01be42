//! Weighted sums over bags of rows.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

use super::{arch::is_fused, leaf, plain, slices};

/// Σ factor · row over each bag of x (rows, width), whose rows are stored bag after bag: (bags,
/// width). A bag is the vector of its rows' factors.
pub fn sum_bags(x: &Tensor, bags: Vec<Vec<f32>>) -> Result<Tensor> {
    let (rows, width) = x.dims2()?;
    let wanted: usize = bags.iter().map(Vec::len).sum();
    if rows != wanted || width == 0 {
        bail!("sum-bags: rows {:?}, {wanted} factors", x.shape());
    }
    if !is_fused(x.device()) {
        return plain::sum_bags(x, &bags);
    }
    x.contiguous()?.apply_op1(SumBags { bags })
}

struct SumBags {
    bags: Vec<Vec<f32>>,
}

impl SumBags {
    /// The bag and the factor of each row.
    fn rows(&self) -> impl Iterator<Item = (usize, f32)> + '_ {
        let bags = self.bags.iter().enumerate();
        bags.flat_map(|(bag, factors)| factors.iter().map(move |&factor| (bag, factor)))
    }
}

impl CustomOp1 for SumBags {
    fn name(&self) -> &'static str {
        "sum-bags"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (_, width) = layout.shape().dims2()?;
        let x = slices::of(x, layout)?;
        let mut sums = vec![0.0; self.bags.len() * width];
        for ((bag, factor), x) in self.rows().zip(x.chunks_exact(width)) {
            for (sum, x) in sums[bag * width..].iter_mut().zip(x) {
                *sum += factor * x;
            }
        }
        Ok((CpuStorage::F32(sums), (self.bags.len(), width).into()))
    }

    fn bwd(&self, x: &Tensor, _sums: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let width = x.dim(1)?;
        let gradient = slices::to_vec(gradient)?;
        let grad_x = self.rows().flat_map(|(bag, factor)| {
            gradient[bag * width..][..width].iter().map(move |g| factor * g)
        });
        leaf::gradient(x, grad_x.collect())
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;
    use crate::kernel::check;

    #[test]
    fn a_worked_example() -> Result<()> {
        let x = Var::new(&[[1f32, 2.0], [3.0, 4.0], [5.0, 6.0]], &Device::Cpu)?;
        let sums = sum_bags(&x, vec![vec![1.0, 0.5], vec![], vec![2.0]])?;
        assert_eq!(slices::to_vec(&sums)?, [2.5, 4.0, 0.0, 0.0, 10.0, 12.0]);
        let store = sums.sum_all()?.backward()?;
        let found = slices::to_vec(store.get(&x).unwrap())?;
        assert_eq!(found, [1.0, 1.0, 0.5, 0.5, 2.0, 2.0]);
        let error = sum_bags(&x, vec![vec![1.0, 0.5]]).unwrap_err();
        assert!(error.to_string().contains("2 factors"), "{error}");
        Ok(())
    }

    #[test]
    fn gradients_match_finite_differences() -> Result<()> {
        let x = check::var("x", (4, 3), 1.0)?;
        check::assert_differences(&[&x], || {
            sum_bags(&x, vec![vec![0.3, -1.2, 0.5], vec![0.7]])?.sqr()
        });
        Ok(())
    }
}
