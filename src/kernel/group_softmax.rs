//! Log-softmax over groups of different sizes: the possible heads of a token, the candidates of a query, the
//! positions of a text.
//!
//! For a group with scores s: y_i = s_i − ln Σ_j e^{s_j}. With g = dL/dy: ds_i = g_i − e^{y_i}·Σ_j g_j.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

use super::{arch::is_fused, gather, leaf, plain, slices};

/// The log-softmax of x (elements) over consecutive groups of these sizes: (elements). A group may be empty.
pub fn log_softmax_by_group(x: &Tensor, sizes: &[usize]) -> Result<Tensor> {
    let n = x.dims1()?;
    let n_grouped: usize = sizes.iter().sum();
    if n != n_grouped {
        bail!("log-softmax-by-group: {n} elements, {n_grouped} in groups");
    }
    if is_fused(x.device()) {
        x.contiguous()?.apply_op1(LogSoftmax { sizes: sizes.to_vec() })
    } else {
        plain::log_softmax_by_group(x, sizes)
    }
}

/// The log-softmax of each row of x (rows, columns): (rows, columns).
pub fn log_softmax(x: &Tensor) -> Result<Tensor> {
    let (n_rows, n_columns) = x.dims2()?;
    let log_p = log_softmax_by_group(&x.flatten_all()?, &vec![n_columns; n_rows])?;
    log_p.reshape((n_rows, n_columns))
}

/// ln Σ e^x over consecutive groups of these sizes, none of which is empty: (groups).
pub fn log_sum_exp_by_group(x: &Tensor, sizes: &[usize]) -> Result<Tensor> {
    if sizes.contains(&0) {
        bail!("log-sum-exp-by-group: an empty group; expected an element at least");
    }
    let log_softmax = log_softmax_by_group(x, sizes)?;
    let first = |sum: &mut u32, &size: &usize| Some(std::mem::replace(sum, *sum + size as u32));
    let firsts: Vec<u32> = sizes.iter().scan(0, first).collect();
    let of_first = |x: &Tensor| gather(&x.unsqueeze(1)?, firsts.clone())?.squeeze(1);
    // x_i − y_i is the same for each element of a group.
    of_first(x)? - of_first(&log_softmax)?
}

struct LogSoftmax {
    sizes: Vec<usize>,
}

impl LogSoftmax {
    /// Calls `f` with each group of x and of y.
    fn groups<'a>(&self, mut x: &'a [f32], mut y: &'a mut [f32], f: impl Fn(&[f32], &mut [f32])) {
        for &size in self.sizes.iter().filter(|&&size| size > 0) {
            let (x_group, x_rest) = x.split_at(size);
            let (y_group, y_rest) = std::mem::take(&mut y).split_at_mut(size);
            f(x_group, y_group);
            (x, y) = (x_rest, y_rest);
        }
    }
}

impl CustomOp1 for LogSoftmax {
    fn name(&self) -> &'static str {
        "log-softmax-by-group"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = slices::of(x, layout)?;
        let mut y = vec![0.0; x.len()];
        self.groups(x, &mut y, |x, y| {
            let max = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let sum: f32 = x.iter().map(|x| (x - max).exp()).sum();
            let log_sum = max + sum.ln();
            for (y, x) in y.iter_mut().zip(x) {
                *y = x - log_sum;
            }
        });
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let mut grad_x = slices::to_vec(gradient)?;
        slices::read(y, |y| {
            self.groups(y, &mut grad_x, |y, gradient| {
                let sum: f32 = gradient.iter().sum();
                for (g, y) in gradient.iter_mut().zip(y) {
                    *g -= y.exp() * sum;
                }
            });
        })?;
        leaf::gradient(x, grad_x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::check;

    /// Scores 0 and ln 3: probabilities 1/4 and 3/4. A group of one has probability 1 and no gradient.
    #[test]
    fn a_worked_example() -> Result<()> {
        let x = candle_core::Var::new(&[0f32, 3f32.ln(), 7.0], &candle_core::Device::Cpu)?;
        let y = log_softmax_by_group(&x, &[2, 0, 1])?;
        check::assert_close(&slices::to_vec(&y)?, &[0.25f32.ln(), 0.75f32.ln(), 0.0], 1e-6, 1e-6);
        let target = super::super::gather(&y.unsqueeze(1)?, vec![0])?;
        let gradients = target.sum_all()?.backward()?;
        let grad_x = slices::to_vec(gradients.get(&x).unwrap())?;
        check::assert_close(&grad_x, &[0.75, -0.75, 0.0], 1e-6, 1e-6);
        Ok(())
    }

    #[test]
    fn values_and_gradients_equal_the_plain_composition_and_finite_differences() -> Result<()> {
        let x = check::var("x", 11, 3.0)?;
        let sizes = [3, 1, 0, 5, 2];
        let (found, expected) =
            (log_softmax_by_group(&x, &sizes)?, plain::log_softmax_by_group(&x, &sizes)?);
        check::assert_tensors_close(&found, &expected, 1e-5, 1e-6);
        for softmax in [log_softmax_by_group, plain::log_softmax_by_group] {
            check::assert_differences(&[&x], || softmax(&x, &sizes));
        }
        Ok(())
    }

    #[test]
    fn rows_are_groups_of_one_size() -> Result<()> {
        let x = check::var("x", (4, 3), 3.0)?;
        let by_group = log_softmax_by_group(&x.flatten_all()?, &[3; 4])?.reshape((4, 3))?;
        assert_eq!(slices::to_vec(&log_softmax(&x)?)?, slices::to_vec(&by_group)?);
        let plain = plain::log_softmax_by_group(&x.flatten_all()?, &[3; 4])?.reshape((4, 3))?;
        check::assert_tensors_close(&log_softmax(&x)?, &plain, 1e-5, 1e-6);
        check::assert_differences(&[&x], || log_softmax(&x));
        check::assert_differences(&[&x], || {
            plain::log_softmax_by_group(&x.flatten_all()?, &[3; 4])
        });
        Ok(())
    }

    #[test]
    fn the_logarithm_of_a_sum_is_that_of_each_group() -> Result<()> {
        let x = check::var("x", 6, 3.0)?;
        let values = slices::to_vec(&x)?;
        let of = |group: &[f32]| group.iter().map(|x| x.exp()).sum::<f32>().ln();
        let found = slices::to_vec(&log_sum_exp_by_group(&x, &[1, 3, 2])?)?;
        let expected = [of(&values[..1]), of(&values[1..4]), of(&values[4..])];
        check::assert_close(&found, &expected, 1e-5, 1e-6);
        check::assert_differences(&[&x], || log_sum_exp_by_group(&x, &[1, 3, 2]));
        assert!(log_sum_exp_by_group(&x, &[6, 0]).is_err());
        Ok(())
    }

    #[test]
    fn large_scores_do_not_overflow_and_sizes_must_fit() -> Result<()> {
        let x = Tensor::new(&[1e30f32, 1e30, -1e30], &candle_core::Device::Cpu)?;
        let y = slices::to_vec(&log_softmax_by_group(&x, &[3])?)?;
        assert!(y[2] < -1e29 && y[..2].iter().all(|y| y.is_finite()), "{y:?}");
        assert!(log_softmax_by_group(&x, &[2]).is_err());
        assert_eq!(log_softmax_by_group(&x.narrow(0, 0, 0)?, &[0])?.elem_count(), 0);
        Ok(())
    }
}
