//! Words as vectors: a table, and optionally what a BiLSTM makes of their characters.

use super::{EncoderKind, Named, Source};
use crate::{
    keys::{Key, Refers, Takes, Values},
    model::tap::{Layer, On, Reads, Shape},
};

pub(super) struct Embed;

const KEYS: &[Key] = &[
    Key::required("field", Takes::Name(Refers::Field), "the field of the example it reads"),
    Key::required("width", Takes::Count(1), "numbers in a word's vector"),
    Key::optional(
        "characters",
        Takes::Either(&[Takes::Name(Refers::Encoder), Takes::Table(super::characters::KEYS)]),
        "a BiLSTM over each word's characters beside its vector: its own table, or the name of an encoder of kind \"characters\"",
    ),
    Key::optional("vectors", Takes::Path, "first values of the vectors: GloVe or word2vec text"),
    Key::with_default(
        "least",
        Takes::Count(1),
        "2",
        "words seen less often in training are unknown",
    ),
    Key::with_default("lowercase", Takes::Switch, "false", "look words up in lower case"),
    Key::with_default("zero_digits", Takes::Switch, "false", "look words up with every digit as 0"),
    Key::with_default(
        "dropout",
        Takes::Number(0.0, 0.95),
        "0",
        "share of its numbers set to 0 in training",
    ),
];

impl EncoderKind for Embed {
    fn name(&self) -> &'static str {
        "embed"
    }

    fn about(&self) -> &'static str {
        "words as vectors, with an optional part made of their characters"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn source(&self) -> Source {
        Source::Field
    }

    fn shape(
        &self,
        values: &Values,
        _input: Option<Layer>,
        named: &dyn Named,
    ) -> Result<Shape, String> {
        let characters = match values.table("characters") {
            Some(table) => 2 * table.count("hidden"),
            None => match values.text_if_said("characters") {
                Some(encoder) => {
                    named.values(encoder).map_or(0, |values| 2 * values.count("hidden"))
                }
                None => 0,
            },
        };
        let width = values.count("width") + characters;
        let layer = Layer { width, on: On::Sequence, reads: Reads::HERE, halves: None };
        Ok(Shape { input: None, layers: vec![layer] })
    }
}
