//! Faders, weightings and the sum: weight = gain × share, and only the mixer multiplies.

mod equal;
mod faders;

pub use faders::{Fader, Faders, Weight};

/// Every weighting auxdesk knows, in the order `auxdesk list` shows them.
pub const WEIGHTINGS: &[&dyn Weighting] = &[&equal::Equal];

/// Weightings that recipes may already name and that are still to come.
pub const PLANNED: &[&str] = &["uncertainty", "dwa", "grad-norm", "random"];

/// The weighting of that name.
pub fn find(name: &str) -> Option<&'static dyn Weighting> {
    WEIGHTINGS.iter().copied().find(|weighting| weighting.name() == name)
}

/// A rule that sets the shares of the sounding objectives. Shares average 1.
///
/// ```
/// use auxdesk::mixer::Weighting;
///
/// /// The recipe's first sounding objective counts for two.
/// struct FirstTwice;
///
/// impl Weighting for FirstTwice {
///     fn name(&self) -> &'static str {
///         "first-twice"
///     }
///
///     fn about(&self) -> &'static str {
///         "the first sounding objective counts for two"
///     }
///
///     fn shares(&self, n_sounding: usize) -> Vec<f32> {
///         let one = n_sounding as f32 / (n_sounding + 1) as f32;
///         (0..n_sounding).map(|at| if at == 0 { 2.0 * one } else { one }).collect()
///     }
/// }
///
/// assert_eq!(FirstTwice.shares(3), [1.5, 0.75, 0.75]);
/// ```
pub trait Weighting: Sync {
    /// What recipes say.
    fn name(&self) -> &'static str;
    /// One line for `auxdesk list`: lower case, no full stop.
    fn about(&self) -> &'static str;
    /// The shares of so many sounding objectives, in the recipe's order.
    fn shares(&self, n_sounding: usize) -> Vec<f32>;
}
