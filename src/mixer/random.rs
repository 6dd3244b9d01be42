//! Random loss weighting (Lin, Ye, Zhang and Tsang 2022, "Reasonable Effectiveness of Random Weighting: A
//! Litmus Test for Multi-Task Learning").
//!
//! With z_k ~ N(0, 1) drawn anew for each of the T active objectives in every step:
//! w = T·softmax(z). The paper's weights sum to 1; times T, so that shares average 1 and the learning rate
//! means what it means under `equal`. A z is a function of the seed, the step and the objective's name, so
//! muting one objective changes no other's draw.

use super::{Needs, StepView, Weighting, WeightingKind, softmax::softmax_of_mean_1};
use crate::{
    data::{Purpose, draw, draw::gaussian},
    keys::{Key, Values},
};

pub(super) struct Random;

impl WeightingKind for Random {
    fn name(&self) -> &'static str {
        "random"
    }

    fn about(&self) -> &'static str {
        "shares drawn anew in every step: the softmax of a standard normal"
    }

    fn keys(&self) -> &'static [Key] {
        &[]
    }

    fn build(&self, _values: &Values) -> Box<dyn Weighting> {
        Box::new(Self)
    }
}

impl Weighting for Random {
    fn needs(&self) -> Needs {
        Needs::Nothing
    }

    fn coefficients(&mut self, step: &StepView<'_>) -> Vec<f32> {
        let z =
            |name: &str| gaussian(1, &mut draw(step.seed, Purpose::Weighting, name, step.done))[0];
        let z: Vec<f64> = step.objectives.iter().map(|of| z(of.name.as_str())).collect();
        softmax_of_mean_1(&z)
    }
}
