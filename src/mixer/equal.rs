//! Equal: every sounding objective has a share of exactly 1, so that weights are gains.

use super::Weighting;

pub(super) struct Equal;

impl Weighting for Equal {
    fn name(&self) -> &'static str {
        "equal"
    }

    fn about(&self) -> &'static str {
        "a share of exactly 1 for every sounding objective"
    }

    fn shares(&self, n_sounding: usize) -> Vec<f32> {
        vec![1.0; n_sounding]
    }
}
