//! Activation functions after a linear layer.

use candle_core::{Result, Tensor};

use crate::{kernel, keys::Values};

/// A monotonic element-wise function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Activation {
    Tanh,
    Relu,
    None,
}

impl Activation {
    /// Their names in recipes.
    pub(super) const NAMES: &[&str] = &["tanh", "relu", "none"];

    /// The value of `activation` in a recipe.
    pub(super) fn of(values: &Values) -> Self {
        match values.text("activation") {
            "tanh" => Self::Tanh,
            "relu" => Self::Relu,
            _ => Self::None,
        }
    }

    /// Applies the function to each element of x; of x's shape.
    pub(super) fn forward(self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Tanh => kernel::tanh(x),
            Self::Relu => x.relu(),
            Self::None => Ok(x.clone()),
        }
    }
}
