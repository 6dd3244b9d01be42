//! Scores that are only compared with each other, as by a softmax over rows: x·Wᵀ, without a bias, which would not
//! change the comparison and have no gradient.

use candle_core::{Result, Tensor};

use crate::{
    kernel::{self, PairGroup, ParamRef},
    model::parameters::Scope,
};

/// The output layer of such scores.
pub(super) struct RelativeScores {
    /// W: (scores, width).
    weight: ParamRef,
    n_scores: usize,
}

impl RelativeScores {
    /// Creates `n_scores` for each row of this dimension, with weights as those of [`Scope::linear`].
    pub(super) fn new(scope: &mut Scope<'_>, width: usize, n_scores: usize) -> Result<Self> {
        let bound = (6.0 / (width + n_scores) as f64).sqrt();
        Ok(Self { weight: scope.uniform("output", &[n_scores, width], bound)?, n_scores })
    }

    /// x (rows, width) to (rows, scores).
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let n = x.dim(0)?;
        let all = |n: usize| (0..n as u32).collect();
        let group = PairGroup { left: all(n), right: all(self.n_scores) };
        let scores = kernel::pair_products(x, self.weight.var(), &[group])?;
        scores.reshape((n, self.n_scores))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::model::Parameters;

    /// Weights (1, 2) and (0, −1).
    #[test]
    fn scores_are_products_with_the_weights_and_no_row_has_none() -> Result<()> {
        let mut parameters = Parameters::new(1, &Device::Cpu)?;
        let scores = RelativeScores::new(&mut parameters.scope("it"), 2, 2)?;
        let weight = Tensor::new(&[[1f32, 2.0], [0.0, -1.0]], &Device::Cpu)?;
        parameters.all()[0].var.set(&weight)?;
        let x = Tensor::new(&[[3f32, 4.0], [1.0, 0.0], [0.0, 5.0]], &Device::Cpu)?;
        let found = kernel::to_vec(&scores.forward(&x)?)?;
        assert_eq!(found, [11.0, -4.0, 1.0, 0.0, 10.0, -5.0]);
        assert_eq!(scores.forward(&x.narrow(0, 0, 0)?)?.dims(), [0, 2]);
        Ok(())
    }
}
