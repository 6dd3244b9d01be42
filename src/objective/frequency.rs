//! Frequency: how common the token's word is in training (Plank et al. 2016).

use super::{Metric, ObjectiveKind};
use crate::{
    data::{Corpus, Vocabulary},
    keys::{Key, Refers, Takes, Values},
    protocol::event::Direction,
};

pub(super) struct Frequency;

const KEYS: &[Key] = &[Key::with_default(
    "field",
    Takes::Name(Refers::Field),
    "\"form\"",
    "the field whose frequency is predicted",
)];

impl ObjectiveKind for Frequency {
    fn name(&self) -> &'static str {
        "frequency"
    }

    fn about(&self) -> &'static str {
        "the binned log frequency of each token's word in training"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn heads(&self) -> &'static [&'static str] {
        &["softmax"]
    }

    fn metrics(&self, _values: &Values) -> Vec<Metric> {
        vec![Metric { name: "accuracy", direction: Direction::Higher }]
    }

    fn vocabularies(
        &self,
        _values: &Values,
        _corpora: &[&Corpus],
    ) -> Vec<(&'static str, Vocabulary)> {
        Vec::new()
    }
}
