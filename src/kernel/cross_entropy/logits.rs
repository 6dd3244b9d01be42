//! The loss of logits that have been computed already, for an evaluation, which predicts from the
//! same logits.

use candle_core::{Result, Tensor};
use rayon::prelude::*;

use super::output::BLOCK;
use crate::kernel::{
    arch::is_fused,
    plain, slices,
    target_bags::TargetBags,
    vector::{exp_or_zero, exps_of_rows},
};

/// Rows whose exponentials one task holds in memory.
const ROWS: usize = 64;

/// The loss of each row of logits (rows, classes) with its target, without a gradient: (rows).
///
/// On the CPU the result equals that of [`super::cross_entropy`] for the layer that computed the
/// logits, bit for bit: the same blocks of classes are summed in the same order.
pub fn cross_entropy_of_logits(logits: &Tensor, targets: &[u32]) -> Result<Tensor> {
    bag_cross_entropy_of_logits(logits, &TargetBags::single(targets.to_vec()))
}

/// The mean loss of each row of logits (rows, classes) with the classes of its bag, without a gradient: (rows).
///
/// On the CPU the result equals that of [`super::bag_cross_entropy`], likewise.
pub fn bag_cross_entropy_of_logits(logits: &Tensor, targets: &TargetBags) -> Result<Tensor> {
    let (rows, classes) = logits.dims2()?;
    targets.check(rows, classes)?;
    if !is_fused(logits.device()) {
        return plain::cross_entropy_of_logits(&logits.detach(), targets);
    }
    let logits = logits.contiguous()?;
    let losses = slices::read(&logits, |logits| losses(logits, classes, targets))?;
    Tensor::from_vec(losses, rows, logits.device())
}

fn losses(logits: &[f32], classes: usize, targets: &TargetBags) -> Vec<f32> {
    let mut losses = vec![0.0; targets.n_rows()];
    losses.par_chunks_mut(ROWS).enumerate().for_each(|(part, losses)| {
        let n = losses.len();
        let rows = &logits[part * ROWS * classes..][..n * classes];
        // Per block and row: the largest logit, and the sum of exponentials of the logits minus it.
        let mut blocks = Vec::new();
        for from in (0..classes).step_by(BLOCK) {
            let width = BLOCK.min(classes - from);
            let mut exps = Vec::with_capacity(n * width);
            rows.chunks_exact(classes).for_each(|row| exps.extend(&row[from..][..width]));
            let (mut largest, mut sums) = (vec![0.0; n], vec![0.0; n]);
            exps_of_rows(&mut exps, width, &mut largest, &mut sums);
            blocks.push((largest, sums));
        }
        for (at, loss) in losses.iter_mut().enumerate() {
            let of_row = || blocks.iter().map(|(largest, sums)| (largest[at], sums[at]));
            let most = of_row().map(|(largest, _)| largest).fold(f32::NEG_INFINITY, f32::max);
            let sum: f32 = of_row().map(|(largest, sum)| exp_or_zero(largest - most) * sum).sum();
            *loss = sum.ln();
            let row = part * ROWS + at;
            let (bag, weight) = (targets.of_row(row), targets.weight(row));
            // The targets of each block in their order, as the fused layer adds them.
            for block in 0..blocks.len() {
                let of_block = bag.iter().map(|&class| class as usize);
                for class in of_block.filter(|class| class / BLOCK == block) {
                    *loss += weight * (most - rows[at * classes + class]);
                }
            }
        }
    });
    losses
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{bag_cross_entropy, check, cross_entropy, linear, linear_tied};

    #[test]
    fn losses_of_logits_equal_the_fused_layers_bit_for_bit() -> Result<()> {
        for (rows, inputs, classes) in [(1, 1, 1), (7, 3, 5), (130, 9, 31), (70, 17, 1500)] {
            let x = check::var("x", (rows, inputs), 3.0)?.as_tensor().detach();
            let weight = check::weight("weight", (inputs, classes), 1.0)?;
            let bias = check::weight("bias", classes, 1.0)?;
            let targets = check::labels("targets", rows, classes);
            let logits = linear(&x, &weight, &bias)?;
            let found = slices::to_vec(&cross_entropy_of_logits(&logits, &targets)?)?;
            let wanted = slices::to_vec(&cross_entropy(&x, &weight, &bias, targets)?)?;
            if is_fused(x.device()) {
                assert_eq!(found, wanted, "{rows} rows, {classes} classes");
            } else {
                check::assert_close(&found, &wanted, 1e-5, 1e-6);
            }
        }
        Ok(())
    }

    #[test]
    fn losses_of_bags_equal_the_fused_layers_bit_for_bit() -> Result<()> {
        for (rows, inputs, classes) in [(7, 3, 5), (130, 9, 481), (70, 17, 1500)] {
            let x = check::var("x", (rows, inputs), 3.0)?.as_tensor().detach();
            let table = check::weight("table", (classes, inputs), 1.0)?;
            let bias = check::weight("bias", classes, 1.0)?;
            let bags = check::bags("bags", rows, classes);
            let logits = linear_tied(&x, &table, &bias)?;
            let found = slices::to_vec(&bag_cross_entropy_of_logits(&logits, &bags)?)?;
            let wanted = slices::to_vec(&bag_cross_entropy(&x, &table, &bias, bags)?)?;
            if is_fused(x.device()) {
                assert_eq!(found, wanted, "{rows} rows, {classes} classes");
            } else {
                check::assert_close(&found, &wanted, 1e-5, 1e-6);
            }
        }
        Ok(())
    }

    #[test]
    fn targets_out_of_range_are_an_error() -> Result<()> {
        let logits = check::var("logits", (2, 3), 1.0)?;
        assert!(cross_entropy_of_logits(&logits, &[0]).is_err());
        assert!(cross_entropy_of_logits(&logits, &[0, 3]).is_err());
        Ok(())
    }
}
