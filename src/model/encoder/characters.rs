//! Words by their spelling: a BiLSTM over the characters of the batch's distinct words.
//!
//! A word's vector is the two directions' final states side by side (Rei et al. 2016; Plank et al.
//! 2016).

use super::{EncoderKind, Named, Source};
use crate::{
    keys::{Key, Takes, Values},
    model::tap::{Layer, Shape},
};

pub(super) struct Characters;

pub(super) const KEYS: &[Key] = &[
    Key::with_default("width", Takes::Count(1), "30", "numbers in a character's vector"),
    Key::with_default("hidden", Takes::Count(1), "25", "numbers in a state, per direction"),
];

impl EncoderKind for Characters {
    fn name(&self) -> &'static str {
        "characters"
    }

    fn about(&self) -> &'static str {
        "a BiLSTM over characters that several \"embed\" encoders share"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn source(&self) -> Source {
        Source::Named
    }

    fn shape(
        &self,
        _values: &Values,
        _input: Option<Layer>,
        _named: &dyn Named,
    ) -> Result<Shape, String> {
        Err("an encoder of kind \"characters\" is named by an \"embed\", not tapped".to_owned())
    }
}
