//! The squared distance between pairs of parameters, or between parameters and constants.
//!
//! Σ (a − b)² over the elements of all pairs. Its gradient with respect to a is 2·(a − b), with
//! respect to b, if it is a parameter, the negative.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

use super::{
    arch::is_fused,
    parameter::{Gradient, Other, ParamRef},
    plain, slices,
};

/// Σ (a − b)² over the given pairs, each of one shape: a scalar.
pub fn squared_distance(pairs: &[(ParamRef, ParamRef)]) -> Result<Tensor> {
    of_pairs(pairs.iter().map(|(a, b)| (a.clone(), Other::Parameter(b.clone()))).collect())
}

/// Σ (a − c)² over the given parameters and constants, each pair of one shape: a scalar.
pub fn squared_distance_from(pairs: &[(ParamRef, Tensor)]) -> Result<Tensor> {
    of_pairs(pairs.iter().map(|(a, c)| (a.clone(), Other::Constant(c.detach()))).collect())
}

fn of_pairs(pairs: Vec<(ParamRef, Other)>) -> Result<Tensor> {
    let Some((first, _)) = pairs.first() else { bail!("squared-distance: no pair of parameters") };
    for (a, b) in &pairs {
        if a.var().shape() != b.tensor().shape() {
            bail!("squared-distance: {:?} and {:?}", a.var().shape(), b.tensor().shape());
        }
    }
    if is_fused(first.var().device()) { fused(pairs) } else { plain::squared_distance(&pairs) }
}

fn fused(pairs: Vec<(ParamRef, Other)>) -> Result<Tensor> {
    let anchor = pairs[0].0.param_grads().anchor().clone();
    anchor.apply_op1(SquaredDistance { pairs })
}

struct SquaredDistance {
    pairs: Vec<(ParamRef, Other)>,
}

impl CustomOp1 for SquaredDistance {
    fn name(&self) -> &'static str {
        "squared-distance"
    }

    fn cpu_fwd(&self, _anchor: &CpuStorage, _layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let mut sum = 0.0;
        for pair in &self.pairs {
            let squares = differences(pair)?.into_iter().map(|d| f64::from(d) * f64::from(d));
            sum += squares.sum::<f64>();
        }
        Ok((CpuStorage::F32(vec![sum as f32]), ().into()))
    }

    fn bwd(&self, _anchor: &Tensor, _sum: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let factor = 2.0 * super::to_vec(&gradient.reshape(1)?)?[0];
        for pair in &self.pairs {
            let mut grad_a = differences(pair)?;
            for d in &mut grad_a {
                *d *= factor;
            }
            pair.0.accumulate(Gradient::Dense(grad_a.as_slice().into()))?;
            if let Other::Parameter(b) = &pair.1 {
                let grad_b: Vec<f32> = grad_a.iter().map(|d| -d).collect();
                b.accumulate(Gradient::Dense(grad_b.as_slice().into()))?;
            }
        }
        Ok(None)
    }
}

/// a − b, element by element.
fn differences((a, b): &(ParamRef, Other)) -> Result<Vec<f32>> {
    a.read(|a| slices::read(b.tensor(), |b| a.iter().zip(b).map(|(a, b)| a - b).collect()))?
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;
    use crate::kernel::{check, parameter::ParamGrads, to_vec};

    /// (1 − 3)² + (2 − 1)² + (5 − 5)² = 5; times 3, its gradients are 3·2·(a − b).
    #[test]
    fn a_worked_example() -> Result<()> {
        let param_grads = ParamGrads::new()?;
        let weight = |numbers: &[f32], index| {
            Result::Ok(ParamRef::new(Var::new(numbers, &Device::Cpu)?, index, param_grads.clone()))
        };
        let pairs = || -> Result<Vec<(ParamRef, Other)>> {
            Ok(vec![
                (weight(&[1.0, 2.0], 4)?, Other::Parameter(weight(&[3.0, 1.0], 7)?)),
                (weight(&[5.0], 5)?, Other::Parameter(weight(&[5.0], 8)?)),
            ])
        };
        let sum = fused(pairs()?)?;
        assert_eq!(to_vec(&sum.reshape(1)?)?, [5.0]);
        assert_eq!(to_vec(&plain::squared_distance(&pairs()?)?.reshape(1)?)?, [5.0]);
        sum.affine(3.0, 0.0)?.backward()?;
        let dense = |numbers: &[f32]| Gradient::Dense(numbers.into());
        let wanted = [
            (4, dense(&[-12.0, 6.0])),
            (5, dense(&[0.0])),
            (7, dense(&[12.0, -6.0])),
            (8, dense(&[-0.0])),
        ];
        assert_eq!(Vec::from_iter(param_grads.take()), wanted);
        Ok(())
    }

    /// (1 − 3)² + (2 − 1)² = 5, whose gradient is 2·(a − c).
    #[test]
    fn a_constant_has_no_gradient() -> Result<()> {
        let a = ParamRef::new(Var::new(&[1f32, 2.0], &Device::Cpu)?, 4, ParamGrads::new()?);
        let constant = Other::Constant(Tensor::new(&[3f32, 1.0], &Device::Cpu)?);
        let sum = fused(vec![(a.clone(), constant)])?;
        assert_eq!(to_vec(&sum.reshape(1)?)?, [5.0]);
        sum.backward()?;
        let wanted = [(4, Gradient::Dense([-4.0, 2.0].as_slice().into()))];
        assert_eq!(Vec::from_iter(a.param_grads().take()), wanted);
        Ok(())
    }

    #[test]
    fn gradients_match_finite_differences() -> Result<()> {
        let (a, b) = (check::weight("a", (3, 4), 1.0)?, check::weight("b", (3, 4), 1.0)?);
        let both = || vec![(a.clone(), Other::Parameter(b.clone()))];
        check::assert_differences(&[&a, &b], || fused(both()));
        check::assert_differences(&[&a, &b], || plain::squared_distance(&both()));
        let constant = b.var().as_tensor().copy()?;
        let one = || vec![(a.clone(), Other::Constant(constant.clone()))];
        check::assert_differences(&[&a], || fused(one()));
        check::assert_differences(&[&a], || plain::squared_distance(&one()));
        Ok(())
    }

    #[test]
    fn no_pairs_or_unequal_shapes_are_an_error() -> Result<()> {
        assert!(squared_distance(&[]).is_err());
        let (a, b) = (check::weight("a", (3, 4), 1.0)?, check::weight("b", (4, 3), 1.0)?);
        assert!(squared_distance_from(&[(a.clone(), b.var().as_tensor().clone())]).is_err());
        assert!(squared_distance(&[(a, b)]).is_err());
        Ok(())
    }
}
