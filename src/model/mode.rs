//! The mode of a forward pass.

use candle_core::{Result, Tensor};

use crate::{
    data::{
        Purpose, draw,
        draw::{gaussian, unit},
    },
    kernel,
};

/// The mode of a forward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Training: with dropout, by draws of this seed and step.
    Train {
        /// The run's seed.
        seed: u64,
        /// Updates done before this one.
        step: u64,
    },
    /// Evaluation or prediction: no dropout, and no graph for a backward pass.
    Eval,
    /// Tracing the context of rows: no dropout, reversal or stop, but with gradients.
    Trace,
}

impl Mode {
    /// Applies dropout at the site with that name, in training only.
    pub fn dropout(self, site: &str, p: f64, x: Tensor) -> Result<Tensor> {
        match self {
            Self::Train { seed, step } if p > 0.0 => {
                kernel::dropout(&x, p as f32, draw(seed, Purpose::Dropout, site, step))
            }
            _ => Ok(x),
        }
    }

    /// Which of n items are dropped at a site, each with probability p, in training only.
    pub fn dropout_indices(self, site: &str, p: f64, n: usize) -> Vec<usize> {
        match self {
            Self::Train { seed, step } if p > 0.0 => {
                let mut draw = draw(seed, Purpose::Dropout, site, step);
                (0..n).filter(|_| unit(&mut draw) < p).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Adds Gaussian noise with that standard deviation at a site, in training only.
    pub fn noise(self, site: &str, deviation: f64, x: Tensor) -> Result<Tensor> {
        match self {
            Self::Train { seed, step } if deviation > 0.0 => {
                let noise = gaussian(x.elem_count(), &mut draw(seed, Purpose::Dropout, site, step));
                let noise = noise.into_iter().map(|z| (z * deviation) as f32).collect();
                let noise = Tensor::from_vec::<_, f32>(noise, x.shape(), x.device())?;
                x + noise
            }
            _ => Ok(x),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};

    const TRAIN: Mode = Mode::Train { seed: 1, step: 2 };

    #[test]
    fn noise_has_the_given_deviation_and_applies_in_training_only() -> Result<()> {
        let x = Tensor::zeros((101, 99), DType::F32, &Device::Cpu)?;
        let noise = kernel::to_vec(&TRAIN.noise("words/0", 0.2, x.clone())?)?;
        let n = noise.len() as f64;
        let mean = noise.iter().map(|&z| f64::from(z)).sum::<f64>() / n;
        let square = noise.iter().map(|&z| f64::from(z).powi(2)).sum::<f64>() / n;
        // Four standard deviations of the mean, and of the mean square, of 9,999 draws.
        assert!(mean.abs() < 0.008, "{mean}");
        assert!((square - 0.04).abs() < 0.04 * 0.06, "{square}");
        let beyond = noise.iter().filter(|z| z.abs() > 0.4).count();
        assert!(
            (370..540).contains(&beyond),
            "{beyond} of 9999 beyond two deviations, expected 455"
        );
        let again = kernel::to_vec(&TRAIN.noise("words/0", 0.2, x.clone())?)?;
        assert_eq!(noise, again);
        for (other, deviation) in [(Mode::Eval, 0.2), (Mode::Trace, 0.2), (TRAIN, 0.0)] {
            let zeros = kernel::to_vec(&other.noise("words/0", deviation, x.clone())?)?;
            assert!(zeros.iter().all(|&z| z == 0.0), "{other:?}");
        }
        Ok(())
    }

    #[test]
    fn about_p_of_the_items_are_dropped_by_site_corpus_and_step() {
        let dropped = TRAIN.dropout_indices("words/0", 0.25, 10_000);
        assert!((2_300..2_700).contains(&dropped.len()), "{}", dropped.len());
        assert_eq!(dropped, TRAIN.dropout_indices("words/0", 0.25, 10_000));
        assert_ne!(dropped, TRAIN.dropout_indices("words/1", 0.25, 10_000));
        assert_ne!(dropped, TRAIN.dropout_indices("other/0", 0.25, 10_000));
        assert_ne!(
            dropped,
            Mode::Train { seed: 1, step: 3 }.dropout_indices("words/0", 0.25, 10_000)
        );
        assert!(Mode::Eval.dropout_indices("words/0", 0.25, 10_000).is_empty());
        assert!(Mode::Trace.dropout_indices("words/0", 0.25, 10_000).is_empty());
    }
}
