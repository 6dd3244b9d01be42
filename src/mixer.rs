//! Faders, weighting rules and weights: weight = gain × share, computed in the mixer only.

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

/// All weighting rules, in the order of `auxdesk list`.
pub const WEIGHTINGS: &[&dyn WeightingKind] =
    &[&equal::Equal, &random::Random, &dwa::Dwa, &mgda::Mgda];

/// Weighting rules that recipes may name but that are not implemented yet.
pub const PLANNED: &[&str] = &["uncertainty", "grad-norm"];

/// The weighting rule with that name.
pub fn find(name: &str) -> Option<&'static dyn WeightingKind> {
    WEIGHTINGS.iter().copied().find(|weighting| weighting.name() == name)
}
