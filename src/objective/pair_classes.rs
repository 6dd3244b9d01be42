//! The kinds whose class is that of a pair of texts: one softmax over features of both. They differ in what the classes
//! are; their files have the losses.

use super::{
    ConfigFault, Declared, HeadSource, ObjectiveConfig, ObjectiveKind, TapKey,
    classify::ClassifyConfig,
    labels::LabelConfig,
    pair_features::{self, PairFeatures},
};
use crate::keys::Key;

/// A kind that classifies pairs.
pub(super) struct PairClasses {
    /// Its name in recipes.
    pub(super) name: &'static str,
    /// One line for `auxdesk list`.
    pub(super) about: &'static str,
    /// Its keys: `label`, `features` and `class_weights`.
    pub(super) keys: &'static [Key],
}

impl ObjectiveKind for PairClasses {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn keys(&self) -> &'static [Key] {
        self.keys
    }

    fn taps(&self) -> &'static [TapKey] {
        pair_features::TAPS
    }

    fn head(&self) -> HeadSource {
        HeadSource::OneOf(&["softmax"])
    }

    fn configure(
        &self,
        declared: &Declared<'_>,
    ) -> std::result::Result<Box<dyn ObjectiveConfig>, ConfigFault> {
        let labels = LabelConfig::of(declared, None)?;
        let features = Some(PairFeatures::of(declared)?);
        Ok(Box::new(ClassifyConfig { labels, order: Vec::new(), is_directed: false, features }))
    }
}
