//! A recurrent network in both directions, over packed batches.

use super::{EncoderKind, Named, Source};
use crate::{
    keys::{Key, Takes, Values},
    model::tap::{Layer, On, Reads, Shape},
};

pub(super) struct Birnn;

const KEYS: &[Key] = &[
    Key::with_default("cell", Takes::Choice(&["lstm"]), "\"lstm\"", "the recurrent cell"),
    Key::with_default(
        "layers",
        Takes::Count(1),
        "1",
        "layers, each reading both halves of the one below",
    ),
    Key::required("width", Takes::Count(1), "numbers in a state, per direction"),
    Key::with_default(
        "dropout",
        Takes::Number(0.0, 0.95),
        "0",
        "share of each layer's numbers set to 0 in training",
    ),
];

impl EncoderKind for Birnn {
    fn name(&self) -> &'static str {
        "birnn"
    }

    fn about(&self) -> &'static str {
        "a recurrent network in both directions, with a tap at every layer"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn source(&self) -> Source {
        Source::Encoder
    }

    fn shape(
        &self,
        values: &Values,
        input: Option<Layer>,
        _named: &dyn Named,
    ) -> Result<Shape, String> {
        let input = input.ok_or("a \"birnn\" needs an input")?;
        if input.on != On::Sequence {
            return Err("a \"birnn\" reads a sequence, and its input is one vector".to_owned());
        }
        let mut below = input.reads;
        let mut layers = Vec::new();
        for _ in 0..values.count("layers") {
            let halves = [below.and(Reads::PAST), below.and(Reads::FUTURE)];
            layers.push(Layer {
                width: 2 * values.count("width"),
                on: On::Sequence,
                reads: Reads::BOTH,
                halves: Some(halves),
            });
            below = Reads::BOTH;
        }
        Ok(Shape { input: Some(input), layers })
    }
}
