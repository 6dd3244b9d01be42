//! Finite losses.

use serde::{Deserialize, Deserializer, Serialize, de::Error};

/// A finite raw loss (sum / count), before any weight.
///
/// JSON has no NaN, so a non-finite loss has its own event (`non_finite_loss`) and is never a
/// `Loss`.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Loss(f32);

impl Loss {
    /// `None` for NaN and the infinities.
    pub fn read(loss: f32) -> Option<Self> {
        loss.is_finite().then_some(Self(loss))
    }

    /// The value, which is finite.
    pub fn get(self) -> f32 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Loss {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let loss = f32::deserialize(deserializer)?;
        Self::read(loss).ok_or_else(|| D::Error::custom("a loss must be finite"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_finite_values_are_losses() {
        assert_eq!(Loss::read(2.5).map(Loss::get), Some(2.5));
        assert_eq!(Loss::read(f32::NAN), None);
        assert_eq!(Loss::read(f32::INFINITY), None);
        assert!(serde_json::from_str::<Loss>("1e39").is_err());
    }
}
