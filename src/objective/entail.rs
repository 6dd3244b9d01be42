//! Entail: the class of a pair of texts, such as entailment, contradiction or neither (Marelli et al. 2014).
//!
//! loss = −Σ_i ln P(y_i | features(a_i, b_i)) over labelled examples, divided by their number, where each example is
//! multiplied by its class weight and the features are those of `pair_features.rs`.

use super::{
    ConfigFault, Declared, HeadSource, ObjectiveConfig, ObjectiveKind, TapKey,
    classify::ClassifyConfig,
    labels::{self, LabelConfig},
    pair_features::{self, PairFeatures},
};
use crate::keys::Key;

pub(super) struct Entail;

const KEYS: &[Key] = &[
    labels::LABEL,
    pair_features::key("[\"left\", \"right\", \"absolute-difference\", \"product\"]"),
    labels::CLASS_WEIGHTS,
];

impl ObjectiveKind for Entail {
    fn name(&self) -> &'static str {
        "entail"
    }

    fn about(&self) -> &'static str {
        "classification of pairs of texts: entailment, paraphrase, duplicate question"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
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
