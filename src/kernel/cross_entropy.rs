//! Softmax cross-entropy of rows of logits.
//!
//! each_r = ln Σ_j e^(l_rj) − l_r,target; its gradient is softmax(l_r) − one-hot(target), times the
//! gradient of each_r. Only the rows' sums are kept: the backward pass reads the logits again.

use std::sync::OnceLock;

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::{
    slices,
    vector::{exp_or_zero, greatest_and_log_sum},
};

/// The loss of each row of logits (rows, classes) with its target: (rows).
pub fn cross_entropy(logits: &Tensor, targets: Vec<u32>) -> Result<Tensor> {
    logits.contiguous()?.apply_op1(CrossEntropy { targets, sums: OnceLock::new() })
}

struct CrossEntropy {
    targets: Vec<u32>,
    /// Each row's greatest logit, and ln Σ e^(logit − greatest).
    sums: OnceLock<Vec<(f32, f32)>>,
}

impl CustomOp1 for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross-entropy"
    }

    fn cpu_fwd(&self, logits: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (rows, classes) = layout.shape().dims2()?;
        if rows != self.targets.len() {
            bail!("cross-entropy: {rows} rows of logits, {} targets", self.targets.len());
        }
        if let Some(target) = self.targets.iter().find(|&&target| target as usize >= classes) {
            bail!("cross-entropy: {classes} classes in the head, but target {target}");
        }
        if classes == 0 {
            bail!("cross-entropy: no classes in the head; wanted at least 1");
        }
        let logits = slices::of(logits, layout)?;
        let sums: Vec<(f32, f32)> = logits.par_chunks(classes).map(greatest_and_log_sum).collect();
        let each = sums
            .iter()
            .zip(logits.chunks_exact(classes))
            .zip(&self.targets)
            .map(|((&(greatest, log_sum), row), &target)| {
                log_sum + (greatest - row[target as usize])
            })
            .collect();
        // A second forward of the same op would give the same numbers.
        let _ = self.sums.set(sums);
        Ok((CpuStorage::F32(each), rows.into()))
    }

    fn bwd(&self, logits: &Tensor, _each: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let (rows, classes) = logits.dims2()?;
        let sums = self.sums.get().expect("backward comes after forward");
        let gradient = slices::to_vec(gradient)?;
        let mut by_logits = vec![0.0; rows * classes];
        slices::read(logits, |logits| {
            by_logits.par_chunks_mut(classes).enumerate().for_each(|(row, by_logits)| {
                let ((greatest, log_sum), g) = (sums[row], gradient[row]);
                for (by_logit, &logit) in by_logits.iter_mut().zip(&logits[row * classes..]) {
                    *by_logit = g * exp_or_zero(logit - greatest - log_sum);
                }
                by_logits[self.targets[row] as usize] -= g;
            });
        })?;
        Tensor::from_vec(by_logits, (rows, classes), logits.device()).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device, Var};
    use candle_nn::ops;

    use super::*;
    use crate::kernel::check;

    /// The same in candle's operations.
    fn plain(logits: &Tensor, targets: &[u32]) -> Result<Tensor> {
        let targets = Tensor::new(targets, &Device::Cpu)?.unsqueeze(1)?;
        ops::log_softmax(logits, 1)?.gather(&targets, 1)?.squeeze(1)?.neg()
    }

    #[test]
    fn worked_by_hand() -> Result<()> {
        let logits = Var::new(&[[0f32, 3f32.ln()], [1.0, 1.0]], &Device::Cpu)?;
        let each = cross_entropy(&logits, vec![0, 1])?;
        // Probabilities 1/4, 3/4 and 1/2, 1/2.
        let expected = [4f32.ln(), 2f32.ln()];
        for (found, expected) in slices::to_vec(&each)?.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6);
        }
        let gradients = each.sum_all()?.backward()?;
        let found = slices::to_vec(gradients.get(&logits).unwrap())?;
        for (found, expected) in found.iter().zip([-0.75, 0.75, 0.5, -0.5]) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
        Ok(())
    }

    #[test]
    fn a_target_outside_the_head_is_an_error() {
        let logits = Tensor::new(&[[0f32, 1.0]], &Device::Cpu).unwrap();
        let error = cross_entropy(&logits, vec![2]).unwrap_err().to_string();
        assert!(error.contains("2 classes in the head, but target 2"), "{error}");
    }

    #[test]
    fn losses_and_gradients_are_those_of_a_plain_composition() -> Result<()> {
        for (rows, classes) in [(1, 1), (1, 7), (5, 1), (6, 8), (9, 45), (3, 500)] {
            for scale in [0.5, 5.0, 100.0, 1000.0] {
                let logits = check::var("logits", (rows, classes), scale)?;
                let targets = check::labels("targets", rows, classes);
                let expected = plain(&logits, &targets)?;
                let found = cross_entropy(&logits, targets)?;
                check::assert_tensors_close(&found, &expected, 1e-5, 1e-6);
                let expected = check::gradients(&[&logits], &expected)?;
                let found = check::gradients(&[&logits], &found)?;
                check::assert_tensors_close(&found[0], &expected[0], 1e-5, 1e-6);
            }
        }
        Ok(())
    }

    #[test]
    fn gradients_are_finite_differences() -> Result<()> {
        for (rows, classes) in [(1, 1), (1, 4), (4, 9)] {
            let logits = check::var("logits", (rows, classes), 2.0)?;
            let targets = check::labels("targets", rows, classes);
            check::assert_differences(&[&logits], || cross_entropy(&logits, targets.clone()));
        }
        Ok(())
    }

    #[test]
    fn logits_at_either_end_give_whole_losses() -> Result<()> {
        for large in [100f32, 1000.0] {
            let logits = Var::new(&[[large, -large], [large, large]], &Device::Cpu)?;
            let each = cross_entropy(&logits, vec![1, 0])?;
            check::assert_close(&slices::to_vec(&each)?, &[2.0 * large, 2f32.ln()], 1e-7, 1e-7);
            let gradients = each.sum_all()?.backward()?;
            let found = slices::to_vec(gradients.get(&logits).unwrap())?;
            check::assert_close(&found, &[1.0, -1.0, -0.5, 0.5], 0.0, 1e-6);
        }
        Ok(())
    }

    #[test]
    fn no_rows_have_no_losses_and_no_classes_are_an_error() -> Result<()> {
        let logits = check::var("logits", (0, 3), 1.0)?;
        let each = cross_entropy(&logits, Vec::new())?;
        assert_eq!(each.dims(), [0]);
        assert_eq!(check::gradients(&[&logits], &each)?[0].dims(), [0, 3]);
        let nothing = Tensor::zeros((0, 0), DType::F32, &Device::Cpu)?;
        let error = cross_entropy(&nothing, Vec::new()).unwrap_err().to_string();
        assert!(error.contains("no classes in the head"), "{error}");
        Ok(())
    }
}
