//! The losses and the predictions of an output layer, for an evaluation: each logit is computed
//! once, and logits are in memory for one chunk of rows at a time.

use candle_core::{Result, Tensor};

use super::{
    OutputLayer, check,
    output::{Computed, Extra},
};
use crate::kernel::{
    arch::is_fused, argmax, parameter::ParamRef, plain, slices, target_bags::TargetBags,
};

/// The loss of each row of x (rows, inputs) with its target, for W (inputs, classes) and b
/// (classes), without a gradient, and the class with the largest logit, the first of equal ones:
/// (rows) each.
///
/// On the CPU the losses equal those of [`super::cross_entropy`] bit for bit.
pub fn cross_entropy_and_argmax(
    x: &Tensor,
    weight: &ParamRef,
    bias: &ParamRef,
    targets: Vec<u32>,
) -> Result<(Tensor, Vec<u32>)> {
    let targets = TargetBags::single(targets);
    check(x.shape(), weight, bias, &targets)?;
    let x = x.detach().contiguous()?;
    if !is_fused(x.device()) {
        let logits = plain::linear(&x, weight, bias)?.detach();
        let classes = argmax(&logits)?;
        return Ok((plain::cross_entropy_of_logits(&logits, &targets)?, classes));
    }
    let layer = OutputLayer::new(weight, bias, targets, false);
    let Computed { per_row, argmax, .. } = slices::read(&x, |rows| {
        layer.with_output(x.shape(), rows, |output| output.run(Extra::Argmax))
    })??;
    Ok((Tensor::from_vec(per_row, argmax.len(), x.device())?, argmax))
}

#[cfg(test)]
mod tests {
    use candle_core::DType;

    use super::*;
    use crate::kernel::{check, cross_entropy, linear};

    #[test]
    fn losses_equal_those_of_training_and_classes_have_the_largest_logits() -> Result<()> {
        for (rows, inputs, classes) in [(1, 1, 1), (7, 3, 5), (130, 9, 481), (900, 17, 1500)] {
            let x = check::var("x", (rows, inputs), 3.0)?.as_tensor().detach();
            let weight = check::weight("weight", (inputs, classes), 1.0)?;
            let bias = check::weight("bias", classes, 1.0)?;
            let targets = check::labels("targets", rows, classes);
            let (losses, found) = cross_entropy_and_argmax(&x, &weight, &bias, targets.clone())?;
            assert!(!losses.track_op());
            assert_eq!(found, argmax(&linear(&x, &weight, &bias)?)?, "{classes} classes");
            let expected = slices::to_vec(&cross_entropy(&x, &weight, &bias, targets)?)?;
            assert_eq!(slices::to_vec(&losses)?, expected, "{classes} classes");
        }
        Ok(())
    }

    /// Logits equal in classes 3, 500 and 999: three blocks.
    #[test]
    fn the_first_of_equal_logits_in_several_blocks_is_taken() -> Result<()> {
        let bias = |class| if [3, 500, 999].contains(&class) { 2.0 } else { -1.0 };
        let biases: Vec<f32> = (0..1000).map(bias).collect();
        let weight = check::weight("weight", (1, 1000), 1.0)?;
        let parameter = check::weight("bias", 1000, 1.0)?;
        let x = Tensor::zeros((9, 1), DType::F32, parameter.var().device())?;
        parameter.var().set(&Tensor::from_vec(biases, 1000, x.device())?)?;
        let (_, found) = cross_entropy_and_argmax(&x, &weight, &parameter, vec![0; 9])?;
        assert_eq!(found, [3; 9]);
        Ok(())
    }

    #[test]
    fn no_rows_give_no_classes_and_targets_out_of_range_are_an_error() -> Result<()> {
        let weight = check::weight("weight", (2, 3), 1.0)?;
        let bias = check::weight("bias", 3, 1.0)?;
        let x = check::var("x", (2, 2), 1.0)?;
        let none = cross_entropy_and_argmax(&x.narrow(0, 0, 0)?, &weight, &bias, Vec::new())?;
        assert_eq!((none.0.dims(), &none.1[..]), (&[0][..], &[][..]));
        assert!(cross_entropy_and_argmax(&x, &weight, &bias, vec![0]).is_err());
        assert!(cross_entropy_and_argmax(&x, &weight, &bias, vec![0, 3]).is_err());
        Ok(())
    }
}
