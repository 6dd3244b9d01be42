//! Cosine: the score of a pair of rows is scale · cos(left, right) (Huang et al. 2013). It has no parameters.
//!
//! cos = ⟨l, r⟩ / √((‖l‖² + ε)·(‖r‖² + ε)) with ε = 10⁻⁴: a row of almost 0 has no direction, and its gradient is
//! bounded.

use candle_core::{Result, Tensor};

use super::{HeadConfig, HeadKind};
use crate::{
    kernel::{self, PairGroup},
    keys::{Key, ValueType, Values},
    model::tap::RowKind,
};

pub(super) struct Cosine;

const SCALE: Key = Key::with_default(
    "scale",
    ValueType::Number(1e-3, 1e3),
    "10",
    "factor of the cosine: the larger, the closer is a softmax of such scores to the maximum",
);

/// ε.
const TINY: f64 = 1e-4;

impl HeadKind for Cosine {
    fn name(&self) -> &'static str {
        "cosine"
    }

    fn about(&self) -> &'static str {
        "the cosine of two rows, times a factor; without parameters"
    }

    fn keys(&self) -> &'static [Key] {
        &[SCALE]
    }

    fn works_on(&self, _on: RowKind) -> bool {
        true
    }

    fn supports_class_weights(&self) -> bool {
        false
    }

    fn has_parameters(&self) -> bool {
        false
    }

    fn needs_equal_widths(&self) -> bool {
        true
    }

    fn configure(&self, values: &Values) -> HeadConfig {
        HeadConfig::Cosine(CosineConfig { scale: values.number(SCALE.name) })
    }
}

/// The parsed options of a cosine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CosineConfig {
    /// The factor.
    scale: f64,
}

impl CosineConfig {
    /// The score of each pair of the groups of rows of left (rows, width) and right (others, width): (pairs), in
    /// the order of [`PairGroup::pairs`].
    pub fn all(&self, left: &Tensor, right: &Tensor, groups: &[PairGroup]) -> Result<Tensor> {
        #[cfg(test)]
        super::count::add(self);
        let cosines = kernel::pair_products(&unit_rows(left)?, &unit_rows(right)?, groups)?;
        cosines.affine(self.scale, 0.0)
    }

    /// Elements that a step holds for so many pairs, besides the rows.
    pub fn scratch(self, n_pairs: u64) -> u64 {
        n_pairs.saturating_mul(2)
    }
}

/// The rows of x (rows, width), scaled to length 1.
pub(super) fn unit_rows(x: &Tensor) -> Result<Tensor> {
    let lengths = (x.sqr()?.sum_keepdim(1)? + TINY)?.sqrt()?;
    x.broadcast_div(&lengths)
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;

    fn rows(rows: &[[f32; 2]]) -> Var {
        Var::from_vec(rows.concat(), (rows.len(), 2), &Device::Cpu).unwrap()
    }

    fn one_group() -> [PairGroup; 1] {
        [PairGroup { left: vec![0], right: vec![0, 1, 2] }]
    }

    /// (3, 4) with twice itself, a vector at a right angle and one at 45 degrees to it.
    #[test]
    fn a_score_is_the_cosine_times_the_scale_whatever_the_lengths() -> Result<()> {
        let right = rows(&[[6.0, 8.0], [-4.0, 3.0], [-1.0, 7.0]]);
        let scores =
            CosineConfig { scale: 10.0 }.all(&rows(&[[3.0, 4.0]]), &right, &one_group())?;
        for (found, wanted) in kernel::to_vec(&scores)?.iter().zip([10.0, 0.0, 10.0 / 2f32.sqrt()])
        {
            assert!((found - wanted).abs() < 1e-3, "{found}, expected {wanted}");
        }
        Ok(())
    }

    #[test]
    fn gradients_match_finite_differences_and_that_of_a_row_of_zeros_is_bounded() -> Result<()> {
        let (left, right) = (rows(&[[0.6, -0.2]]), rows(&[[0.3, 0.9], [-0.5, 0.4], [1.2, 0.1]]));
        let factors = Tensor::new(&[0.5f32, -1.0, 2.0], &Device::Cpu)?;
        let sum = |left: &Tensor, right: &Tensor| -> Result<Tensor> {
            let scores = CosineConfig { scale: 2.0 }.all(left, right, &one_group())?;
            (scores * &factors)?.sum_all()
        };
        let store = sum(&left, &right)?.backward()?;
        for var in [&left, &right] {
            let gradient = kernel::to_vec(store.get(var).expect("both have a gradient"))?;
            let values = kernel::to_vec(var)?;
            for (at, gradient) in gradient.iter().enumerate() {
                let value_at = |step: f32| -> Result<f32> {
                    let mut moved = values.clone();
                    moved[at] += step;
                    var.set(&Tensor::from_vec(moved, var.shape(), &Device::Cpu)?)?;
                    Ok(kernel::to_vec(&sum(&left, &right)?.reshape(1)?)?[0])
                };
                let difference = (value_at(1e-2)? - value_at(-1e-2)?) / 2e-2;
                value_at(0.0)?;
                assert!((gradient - difference).abs() < 5e-3, "{gradient}, {difference}");
            }
        }
        let zeros = rows(&[[0.0, 0.0]]);
        let store = sum(&zeros, &right)?.backward()?;
        // Σ |factor| · scale / √ε is 700.
        assert!(kernel::to_vec(store.get(&zeros).unwrap())?.iter().all(|g| g.abs() < 700.0));
        Ok(())
    }
}
