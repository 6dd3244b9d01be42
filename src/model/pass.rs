//! What a forward pass is for.

use candle_core::{Result, Tensor};

use crate::{
    data::{Purpose, draw},
    kernel,
};

/// What a forward pass is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// To learn: numbers are dropped, by draws of this seed and step.
    Train {
        /// The run's seed.
        seed: u64,
        /// Updates done before this one.
        step: u64,
    },
    /// To score or predict: nothing is dropped, and nothing is kept for a backward pass.
    Score,
    /// To see what rows were made from: nothing is dropped, reversed or stopped, and gradients come
    /// back.
    Trace,
}

impl Pass {
    /// The rows with dropout at the site of that name and number, if this pass drops at all.
    pub fn dropout(self, site: &str, corpus_idx: usize, p: f64, x: Tensor) -> Result<Tensor> {
        match self {
            Self::Train { seed, step } if p > 0.0 => {
                // One encoder runs once for each corpus drawn.
                let site = format!("{site}/{corpus_idx}");
                kernel::dropout(&x, p as f32, draw(seed, Purpose::Dropout, &site, step))
            }
            _ => Ok(x),
        }
    }
}
