//! Encoders: what is shared between objectives. One kind a file, one line in the table.

mod birnn;
mod characters;
mod embed;

use super::tap::{Layer, Shape};
use crate::{
    data::{Corpus, Vocabulary},
    keys::{Key, Values},
};

/// Every encoder auxdesk builds, in the order `auxdesk list` shows them.
pub const ENCODERS: &[&dyn EncoderKind] = &[&embed::Embed, &characters::Characters, &birnn::Birnn];

/// Encoders that recipes may already name and that are still to come.
pub const PLANNED: &[&str] = &["pool", "cnn", "bow", "decoder", "mix"];

/// The encoder kind of that name.
pub fn find(name: &str) -> Option<&'static dyn EncoderKind> {
    ENCODERS.iter().copied().find(|kind| kind.name() == name)
}

/// Where an encoder's rows come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A field of the examples: it has no `input` key.
    Field,
    /// Another encoder: it has an `input` key.
    Encoder,
    /// Nothing of its own: only other encoders name it, for its parameters.
    Named,
}

/// A kind of encoder, with the keys that an `[[encoder]]` of it may have.
pub trait EncoderKind: Sync {
    /// What recipes say.
    fn name(&self) -> &'static str;
    /// One line for `auxdesk list`: lower case, no full stop.
    fn about(&self) -> &'static str;
    /// What a recipe may say, beyond `name`, `kind` and `input`.
    fn keys(&self) -> &'static [Key];
    /// Where its rows come from.
    fn source(&self) -> Source;
    /// Its layers, given what it reads (concatenated, if it reads several) and the values of the
    /// encoders it names; or what is wrong with that.
    fn shape(
        &self,
        values: &Values,
        input: Option<Layer>,
        named: &dyn Named,
    ) -> Result<Shape, String>;
    /// The vocabularies it needs, by key, made of the training splits that reach it: each corpus
    /// with the place of the field that the encoder reads.
    fn vocabularies(
        &self,
        _values: &Values,
        _corpora: &[(&Corpus, usize)],
    ) -> Vec<(&'static str, Vocabulary)> {
        Vec::new()
    }
}

/// The values of other encoders of the recipe, by name.
pub trait Named {
    /// The values of the encoder of that name.
    fn values(&self, encoder: &str) -> Option<&Values>;
}
