//! Equal: every active objective has a coefficient of exactly 1, so that weights are gains.

use super::{Needs, StepView, Weighting, WeightingKind};
use crate::keys::{Key, Values};

pub(super) struct Equal;

impl WeightingKind for Equal {
    fn name(&self) -> &'static str {
        "equal"
    }

    fn about(&self) -> &'static str {
        "a share of exactly 1 for every active objective"
    }

    fn keys(&self) -> &'static [Key] {
        &[]
    }

    fn build(&self, _values: &Values) -> Box<dyn Weighting> {
        Box::new(Self)
    }
}

impl Weighting for Equal {
    fn needs(&self) -> Needs {
        Needs::Nothing
    }

    fn coefficients(&mut self, step: &StepView<'_>) -> Vec<f32> {
        vec![1.0; step.objectives.len()]
    }
}
