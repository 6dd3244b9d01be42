//! Coarsen: an example's label by a map to coarser classes, as an auxiliary to the fine ones.
//!
//! loss = −Σ_i ln P(map(y_i) | x_i) over labelled examples, divided by their number.

use super::{
    ConfigFault, Declared, EXAMPLE_TAP, HeadSource, ObjectiveConfig, ObjectiveKind, TapKey,
    classify::{ClassifyConfig, MAP},
    labels::{self, LabelConfig},
};
use crate::keys::{Key, ValueType};

pub(super) struct Coarsen;

const KEYS: &[Key] = &[
    labels::LABEL,
    Key::required(
        MAP,
        ValueType::Map(&ValueType::Text),
        "coarser class of each label; a label without entry stays as it is",
    ),
];

impl ObjectiveKind for Coarsen {
    fn name(&self) -> &'static str {
        "coarsen"
    }

    fn about(&self) -> &'static str {
        "classification into coarser classes, to which a map assigns each label"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn taps(&self) -> &'static [TapKey] {
        EXAMPLE_TAP
    }

    fn head(&self) -> HeadSource {
        HeadSource::OneOf(&["softmax"])
    }

    fn configure(
        &self,
        declared: &Declared<'_>,
    ) -> std::result::Result<Box<dyn ObjectiveConfig>, ConfigFault> {
        let labels = LabelConfig::of(declared, labels::map(declared.values, MAP))?;
        Ok(Box::new(ClassifyConfig {
            labels,
            order: Vec::new(),
            is_directed: false,
            features: None,
        }))
    }
}
