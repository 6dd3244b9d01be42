//! Tag: a label for each token, scored by span where the labels have a scheme.

use super::{Metric, ObjectiveKind};
use crate::{
    data::{Corpus, Vocabulary},
    keys::{Key, Refers, Takes, Values},
    protocol::event::Direction,
};

pub(super) struct Tag;

const SCHEMES: &[&str] = &["iob1", "iob2", "iobes"];

const KEYS: &[Key] = &[
    Key::required("label", Takes::Name(Refers::Field), "the field that holds the labels"),
    Key::optional(
        "scheme",
        Takes::Choice(SCHEMES),
        "how the labels spell spans; none: plain labels",
    ),
    Key::optional(
        "encode",
        Takes::Choice(SCHEMES),
        "the scheme to train as; default: as it is read",
    ),
];

impl ObjectiveKind for Tag {
    fn name(&self) -> &'static str {
        "tag"
    }

    fn about(&self) -> &'static str {
        "a label for each token: parts of speech, chunks, entities, errors"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn heads(&self) -> &'static [&'static str] {
        &["softmax", "crf"]
    }

    fn metrics(&self, values: &Values) -> Vec<Metric> {
        let spans: &[&str] = match values.text_if_said("scheme") {
            Some(_) => &["f1", "precision", "recall"],
            None => &[],
        };
        let tokens = ["accuracy", "accuracy_known", "accuracy_oov"];
        let names = spans.iter().copied().chain(tokens);
        names.map(|name| Metric { name, direction: Direction::Higher }).collect()
    }

    fn vocabularies(
        &self,
        _values: &Values,
        _corpora: &[&Corpus],
    ) -> Vec<(&'static str, Vocabulary)> {
        Vec::new()
    }
}
