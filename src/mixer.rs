//! Faders, weighting rules and weights: weight = gain × share, computed in the mixer only.
//!
//! Static weights need no rule: they are the gains, which `equal` leaves as they are.

mod aligned_mtl;
mod cagrad;
mod coefficients;
mod config;
mod cosine_gate;
mod db_mtl;
mod dualproj;
mod dwa;
mod equal;
mod faders;
mod fairgrad;
mod fairness;
mod famo;
mod geometric_mean;
mod grad_norm;
mod gradvac;
mod gram;
mod imtl_g;
mod imtl_l;
mod learned_scales;
mod log;
mod metabalance;
mod mgda;
mod moving_average;
mod nash_mtl;
mod ol_aux;
mod order;
mod pcgrad;
mod quadratic;
mod random;
mod softmax;
mod spec;
mod stch;
mod symmetric;
#[cfg(test)]
mod tests;
mod uncertainty;
mod upgrad;
mod weighting;

pub use faders::{Fader, Faders};
pub use gram::Gram;
pub use moving_average::MOVING_AVERAGE;
pub use spec::{CurrentWeighting, WeightingSpec};
pub use weighting::{
    Needs, ObjectiveView, StepView, Weighting, WeightingKind, WeightingMemory, WeightingMemoryError,
};

use crate::keys::{DefaultValue, Key};

/// All weighting rules, in the order of `auxdesk list`: those that need nothing, those of the losses, and those of the
/// gradients.
pub const WEIGHTINGS: &[&dyn WeightingKind] = &[
    &equal::Equal,
    &random::Random,
    &dwa::Dwa,
    &uncertainty::Uncertainty,
    &imtl_l::ImtlL,
    &log::Log,
    &geometric_mean::GeometricMean,
    &stch::Stch,
    &famo::Famo,
    &mgda::Mgda,
    &pcgrad::PcGrad,
    &gradvac::GradVac,
    &cagrad::CaGrad,
    &imtl_g::ImtlG,
    &config::ConFig,
    &nash_mtl::NashMtl,
    &fairgrad::FairGrad,
    &aligned_mtl::AlignedMtl,
    &dualproj::DualProj,
    &upgrad::UpGrad,
    &grad_norm::GradNorm,
    &db_mtl::DbMtl,
    &cosine_gate::CosineGate,
    &ol_aux::OlAux,
    &metabalance::MetaBalance,
];

/// Weighting rules that recipes may name but that are not implemented yet: they need each element of the gradients.
pub const PLANNED: &[&str] = &["graddrop", "moco", "excess-mtl"];

/// A weighting rule to choose from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeightingChoice {
    /// Its name, then the defaults of its options, in the notation of the desk: `dwa temperature=2`.
    pub notation: String,
    /// Its description.
    pub about: &'static str,
}

/// Every weighting rule with the defaults of its options, in the order of [`WEIGHTINGS`].
pub fn choices() -> impl Iterator<Item = WeightingChoice> {
    let option = |key: &Key| match key.default {
        DefaultValue::Toml(default) => format!(" {}={}", key.name, default.trim_matches('"')),
        DefaultValue::Required | DefaultValue::Absent => String::new(),
    };
    WEIGHTINGS.iter().map(move |kind| WeightingChoice {
        notation: kind
            .keys()
            .iter()
            .map(option)
            .fold(kind.name().to_owned(), |all, one| all + &one),
        about: kind.about(),
    })
}

/// The weighting rule with that name.
pub fn find(name: &str) -> Option<&'static dyn WeightingKind> {
    WEIGHTINGS.iter().copied().find(|weighting| weighting.name() == name)
}
