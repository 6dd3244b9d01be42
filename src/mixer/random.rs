//! Random loss weighting (Lin, Ye, Zhang and Tsang 2022, "Reasonable Effectiveness of Random Weighting: A
//! Litmus Test for Multi-Task Learning").
//!
//! With z_k ~ N(0, 1) drawn at every step for each of the T active objectives: w = T·softmax(z).
//! The paper's weights sum to 1; here they are multiplied by T, so that shares average 1 and a
//! learning rate has the same effect as under `equal`. A z is a function of the seed, the step and
//! the objective's name, so muting one objective does not change the others' draws.

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
        "shares drawn at every step: softmax of a standard normal"
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
