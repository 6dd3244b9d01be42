//! Faders, weighting rules and the weights: weight = gain × share, and only the mixer multiplies.

mod dwa;
mod equal;
mod faders;
mod gram;
mod mgda;
mod random;
mod softmax;
#[cfg(test)]
mod tests;
mod weighting;

pub use faders::{Fader, Faders};
pub use gram::Gram;
pub use weighting::{
    CurrentWeighting, Needs, ObjectiveView, StepView, Weighting, WeightingKind, WeightingMemory,
    WeightingMemoryError, WeightingSpec,
};

/// Every weighting auxdesk knows, in the order `auxdesk list` shows them.
pub const WEIGHTINGS: &[&dyn WeightingKind] =
    &[&equal::Equal, &random::Random, &dwa::Dwa, &mgda::Mgda];

/// Weightings that recipes may already name and that are still to come.
pub const PLANNED: &[&str] = &["uncertainty", "grad-norm"];

/// The weighting of that name.
pub fn find(name: &str) -> Option<&'static dyn WeightingKind> {
    WEIGHTINGS.iter().copied().find(|weighting| weighting.name() == name)
}
