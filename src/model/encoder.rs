//! Encoders: what is shared between objectives. One kind a file, one line in the table.

mod activation;
mod attend;
mod birnn;
mod bow;
mod characters;
mod cnn;
mod concat;
mod dense;
mod embed;
mod mask;
mod pool;
mod recurrent;

use std::{collections::BTreeMap, sync::Arc};

use candle_core::Result;

use super::{
    Rows,
    mode::Mode,
    parameters::Scope,
    tap::{LayerSpec, RowKind},
};
use crate::{
    data::{Batch, Corpus, Fitted, Lexicon, Vocabulary},
    keys::{Key, Values},
};

use activation::Activation;

pub use characters::Spelling;

/// Every encoder auxdesk builds, in the order `auxdesk list` shows them.
pub const ENCODERS: &[&dyn EncoderKind] = &[
    &embed::Embed,
    &characters::Characters,
    &bow::Bow,
    &birnn::Birnn,
    &dense::Dense,
    &mask::Mask,
    &concat::Concat,
    &cnn::Cnn,
    &pool::Pool,
    &attend::Attend,
];

/// Encoders that recipes may already name and that are still to come.
pub const PLANNED: &[&str] = &["decoder", "frames", "halve", "prefix"];

/// The encoder kind of that name.
pub fn find(name: &str) -> Option<&'static dyn EncoderKind> {
    ENCODERS.iter().copied().find(|kind| kind.name() == name)
}

/// Where an encoder's rows come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowSource {
    /// A field of the examples: it has no `input` key.
    Field,
    /// Other encoders, by each of these keys, one at least.
    Encoder(&'static [InputKey]),
    /// Nothing of its own: only other encoders name it, for its parameters.
    Named,
}

impl RowSource {
    /// The keys by which other encoders are read.
    pub fn inputs(self) -> &'static [InputKey] {
        match self {
            Self::Encoder(inputs) => inputs,
            Self::Field | Self::Named => &[],
        }
    }
}

/// A key by which an encoder reads others: most kinds have one, called `input`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputKey {
    /// The key in the recipe.
    pub name: &'static str,
    /// One line for `auxdesk list`.
    pub about: &'static str,
    /// What its rows must stand for; `None` if it takes any. Items are as good as tokens.
    pub on: Option<RowKind>,
}

/// The input of most kinds.
const INPUT: InputKey =
    InputKey { name: "input", about: "input; several are concatenated", on: None };

/// The input of what reads any rows.
pub(crate) const ANY_ROWS: &[InputKey] = &[INPUT];

/// The input of what reads a sequence.
const SEQUENCE: &[InputKey] = &[InputKey { on: Some(RowKind::Token), ..INPUT }];

/// A kind of encoder, with the keys that an `[[encoder]]` of it may have.
pub trait EncoderKind: Sync {
    /// What recipes say.
    fn name(&self) -> &'static str;
    /// One line for `auxdesk list`: lower case, no full stop.
    fn about(&self) -> &'static str;
    /// What a recipe may say, beyond `name`, `kind` and the keys of its inputs.
    fn keys(&self) -> &'static [Key];
    /// Where its rows come from.
    fn source(&self) -> RowSource;
    /// What a table of it says, parsed once and for all, or what is wrong with that beyond types and names.
    fn configure(
        &self,
        declared: &DeclaredEncoder<'_>,
    ) -> std::result::Result<Box<dyn EncoderConfig>, String>;
}

/// What a table says, as the checker has it: types and names are right.
pub struct DeclaredEncoder<'a> {
    /// What the recipe says, with defaults.
    pub values: &'a Values,
    /// What each of its input keys reads, in their order; several encoders are concatenated.
    pub inputs: &'a [LayerSpec],
    /// The encoders that it names.
    pub named: &'a dyn Named,
}

/// An encoder of a checked recipe, with its options parsed, before any corpus is read.
pub trait EncoderConfig: Send + Sync {
    /// The field that it reads, if it reads one.
    fn field(&self) -> Option<&str>;
    /// Its layers, from the first; none if only others name it. Their rows stand for what those of the first
    /// input do, or for what those are pooled to.
    fn layers(&self) -> Vec<LayerSpec>;
    /// Whether it has parameters other than tables whose rows are read by id.
    fn has_weights(&self) -> bool;
    /// What it needs to know of the training splits that reach it: each corpus with the place of the field that
    /// the encoder reads.
    fn fit(&self, corpora: &[(&Corpus, usize)]) -> Fitted;
    /// Makes it, with its parameters.
    fn build(&self, setup: EncoderSetup<'_>) -> Result<Built>;
}

/// What an encoder is made from.
pub struct EncoderSetup<'a> {
    /// Its name in the recipe.
    pub name: &'a str,
    /// What [`EncoderConfig::fit`] gave, and the lists of words that its keys name.
    pub fitted: &'a Fitted,
    /// Spellings that encoders of kind "characters" have made, by their names.
    pub spellings: &'a BTreeMap<String, Arc<Spelling>>,
    /// Whether files of first values are to be read; not when a checkpoint will follow.
    pub first_values: FirstValues,
    /// Where its parameters are made.
    pub scope: Scope<'a>,
}

impl EncoderSetup<'_> {
    /// The vocabulary of that key.
    fn vocabulary(&self, key: &str) -> Vocabulary {
        let vocabulary = self.fitted.vocabularies.get(key);
        vocabulary.cloned().expect("the kind has fitted this vocabulary")
    }
}

/// Where first values come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstValues {
    /// From the recipe: draws, and the files it names.
    Recipe,
    /// From a checkpoint that is loaded next; files are not asked for.
    Checkpoint,
}

/// What a kind makes.
pub enum Built {
    /// A node of the graph.
    Encoder(Box<dyn Encoder>),
    /// Parameters that other encoders name.
    Characters(Arc<Spelling>),
}

/// A batch as an encoder reads it: on one of its sequences.
#[derive(Clone, Copy)]
pub struct SequenceView<'a> {
    /// The batch.
    pub batch: &'a Batch,
    /// The field that the encoder reads, by its place in the corpus, if it reads one.
    pub field: Option<usize>,
    /// The field that a tap names, where the encoder runs on another than its own.
    pub prefix: Option<&'a str>,
}

impl SequenceView<'_> {
    /// The field that an encoder of fields reads.
    pub fn field(&self) -> usize {
        self.field.expect("the checker has seen the field in each corpus")
    }

    /// The place of a draw: one encoder runs once for each corpus drawn, and once for each sequence.
    pub fn site(&self, name: &str) -> String {
        let corpus = self.batch.corpus;
        match self.prefix {
            None => format!("{name}/{corpus}"),
            Some(prefix) => format!("{name}/{corpus}/{prefix}"),
        }
    }
}

/// An encoder with its parameters.
pub trait Encoder: Send {
    /// Learns the strings of a field of a corpus; called once for each that it reads, before the first batch, and
    /// not at all if it reads none.
    fn attach(&mut self, corpus_idx: usize, field: usize, lexicon: &Lexicon);
    /// The rows of each layer, from the first, by what it reads, one for each of its input keys: nothing where
    /// it reads a field. They may stand on another packing than that.
    fn forward(&self, inputs: &[Rows], on: SequenceView<'_>, mode: Mode) -> Result<Vec<Rows>>;
}

/// The values of other encoders of the recipe, by name.
pub trait Named {
    /// The values of the encoder of that name.
    fn values(&self, encoder: &str) -> Option<&Values>;
}
