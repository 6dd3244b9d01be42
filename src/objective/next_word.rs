//! Next word: a language model on the two directions of a recurrent layer (Rei 2017).

use super::{Metric, ObjectiveKind};
use crate::{
    data::{Corpus, Vocabulary},
    keys::{Key, Refers, Takes, Values},
    model::tap::Layer,
    protocol::event::Direction,
};

pub(super) struct NextWord;

const KEYS: &[Key] = &[
    Key::with_default(
        "field",
        Takes::Name(Refers::Field),
        "\"form\"",
        "the field whose words are predicted",
    ),
    Key::with_default(
        "vocabulary",
        Takes::Count(1),
        "7500",
        "words told apart; all others are one class",
    ),
    Key::with_default(
        "hidden",
        Takes::Count(1),
        "50",
        "numbers in the tanh layer of each direction",
    ),
    Key::with_default("lowercase", Takes::Switch, "true", "predict words in lower case"),
];

impl ObjectiveKind for NextWord {
    fn name(&self) -> &'static str {
        "next-word"
    }

    fn about(&self) -> &'static str {
        "the next word from the forward half, the previous one from the backward half"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn check(&self, _values: &Values, taps: &[Layer]) -> Result<(), String> {
        match taps[0].halves {
            Some([forward, _]) if forward.future => Err(
                "this layer has read the words that next-word predicts; tap layer 1 of the \"birnn\""
                    .to_owned(),
            ),
            Some(_) => Ok(()),
            None => Err(
                "next-word reads the two halves of a recurrent layer; tap layer 1 of a \"birnn\", \
                 without a view"
                    .to_owned(),
            ),
        }
    }

    fn metrics(&self, _values: &Values) -> Vec<Metric> {
        vec![Metric { name: "perplexity", direction: Direction::Lower }]
    }

    fn vocabularies(
        &self,
        _values: &Values,
        _corpora: &[&Corpus],
    ) -> Vec<(&'static str, Vocabulary)> {
        Vec::new()
    }
}
