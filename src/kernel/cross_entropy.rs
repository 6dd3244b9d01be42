//! Softmax cross-entropy of rows of logits.
//!
//! each_r = ln Σ_j e^(l_rj) − l_r,target; its gradient is softmax(l_r) − one-hot(target), times the
//! gradient of each_r. Only the rows' logarithms are kept: the backward pass reads the logits again.

use std::sync::OnceLock;

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::{
    slices,
    vector::{exp, log_sum_exp},
};

/// The loss of each row of logits (rows, classes) with its target: (rows).
pub fn cross_entropy(logits: &Tensor, targets: Vec<u32>) -> Result<Tensor> {
    logits.contiguous()?.apply_op1(CrossEntropy { targets, log_sums: OnceLock::new() })
}

struct CrossEntropy {
    targets: Vec<u32>,
    log_sums: OnceLock<Vec<f32>>,
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
        let logits = slices::of(logits, layout)?;
        let log_sums: Vec<f32> = logits.par_chunks(classes).map(log_sum_exp).collect();
        let each = log_sums
            .iter()
            .zip(logits.chunks_exact(classes))
            .zip(&self.targets)
            .map(|((log_sum, row), &target)| log_sum - row[target as usize])
            .collect();
        // A second forward of the same op would give the same numbers.
        let _ = self.log_sums.set(log_sums);
        Ok((CpuStorage::F32(each), rows.into()))
    }

    fn bwd(&self, logits: &Tensor, _each: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let (rows, classes) = logits.dims2()?;
        let log_sums = self.log_sums.get().expect("backward comes after forward");
        let gradient = slices::to_vec(gradient)?;
        let mut by_logits = vec![0.0; rows * classes];
        slices::read(logits, |logits| {
            by_logits.par_chunks_mut(classes).enumerate().for_each(|(row, by_logits)| {
                let (log_sum, g) = (log_sums[row], gradient[row]);
                for (by_logit, &logit) in by_logits.iter_mut().zip(&logits[row * classes..]) {
                    *by_logit = g * exp(logit - log_sum);
                }
                by_logits[self.targets[row] as usize] -= g;
            });
        })?;
        Tensor::from_vec(by_logits, (rows, classes), logits.device()).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;

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
}
