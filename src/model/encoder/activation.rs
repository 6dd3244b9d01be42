//! What numbers go through after a linear layer.

use candle_core::{Result, Tensor};

use crate::{kernel, keys::Values};

/// A function of each number by itself that never falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Activation {
    Tanh,
    Relu,
    None,
}

impl Activation {
    /// What recipes call them.
    pub(super) const NAMES: &[&str] = &["tanh", "relu", "none"];

    /// What a recipe says under `activation`.
    pub(super) fn of(values: &Values) -> Self {
        match values.text("activation") {
            "tanh" => Self::Tanh,
            "relu" => Self::Relu,
            _ => Self::None,
        }
    }

    /// The function of each number of x; of x's signature.
    pub(super) fn forward(self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Tanh => kernel::tanh(x),
            Self::Relu => x.relu(),
            Self::None => Ok(x.clone()),
        }
    }
}
