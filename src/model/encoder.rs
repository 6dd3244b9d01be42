//! Encoders: the layers that objectives share. Each kind has its own file and one line in the
//! table.

mod activation;
mod attend;
mod birnn;
mod bow;
mod characters;
mod cnn;
mod concat;
mod decoder;
mod dense;
mod embed;
mod frames;
mod halve;
mod label;
mod labels;
mod mask;
mod picture;
mod pool;
mod prefix;
mod probability;
mod recurrent;
mod subwords;

use std::{collections::BTreeMap, sync::Arc};

use candle_core::{Error, Result};

use super::{
    Decoder, Rows,
    mode::Mode,
    parameters::Scope,
    tap::{InitialState, LayerSpec, RowKind},
};
use crate::{
    data::{
        Batch, Corpus, Fitted, Lexicon, PictureSize, Vocabulary,
        vectors::{VectorSource, WordVectors},
    },
    keys::{Key, Values},
};

use activation::Activation;

pub use characters::Spelling;
pub use labels::LabelHead;
pub use probability::{ClassProbability, RowProbability};

pub(crate) use labels::OBJECTIVE;

/// Every encoder kind, in the order in which `auxdesk list` shows them.
pub const ENCODERS: &[&dyn EncoderKind] = &[
    &embed::Embed,
    &subwords::SubwordsKind,
    &characters::Characters,
    &label::LabelKind,
    &bow::Bow,
    &frames::Frames,
    &picture::Picture,
    &birnn::Birnn,
    &dense::Dense,
    &mask::Mask,
    &concat::Concat,
    &cnn::Cnn,
    &pool::Pool,
    &attend::Attend,
    &decoder::DecoderKind,
    &halve::Halve,
    &prefix::PrefixKind,
];

/// The encoder behind an input `"labels:OBJECTIVE"`, which has no table of its own.
pub(crate) const LABELS: &dyn EncoderKind = &labels::Labels;

/// The encoder behind an input `"probability:OBJECTIVE"`, likewise.
pub(crate) const PROBABILITY: &dyn EncoderKind = &probability::Probability;

/// Kinds of encoder that recipes may name but that are not implemented yet.
pub const PLANNED: &[&str] = &[];

/// The encoder kind with that name.
pub fn find(name: &str) -> Option<&'static dyn EncoderKind> {
    ENCODERS.iter().copied().find(|kind| kind.name() == name)
}

/// What the frames of a field must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FrameForm {
    /// Vectors of this dimension, or pictures with so many values.
    Vectors(usize),
    /// Pictures of this size.
    Pictures(PictureSize),
}

/// What an encoder reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowSource {
    /// A field of the examples: the encoder has no `input` key.
    Field,
    /// Other encoders, through each of these keys; there is at least one.
    Encoder(&'static [InputKey]),
    /// Other encoders, through each of these keys, to generate a field of the examples.
    Decoder(&'static [InputKey]),
    /// Nothing in the graph: other encoders name it to use its parameters.
    Named,
}

impl RowSource {
    /// The keys that take other encoders as input.
    pub fn inputs(self) -> &'static [InputKey] {
        match self {
            Self::Encoder(inputs) | Self::Decoder(inputs) => inputs,
            Self::Field | Self::Named => &[],
        }
    }

    /// Those of them that a table has.
    pub fn inputs_of(self, values: &Values) -> impl Iterator<Item = &'static InputKey> {
        self.inputs().iter().filter(|key| values.get(key.name).is_some())
    }
}

/// A key that takes other encoders as input; most kinds have one, called `input`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputKey {
    /// The key in the recipe.
    pub name: &'static str,
    /// One line for `auxdesk list`.
    pub about: &'static str,
    /// What the input's rows must represent; `None` accepts any. Where tokens are expected, items
    /// are accepted too.
    pub on: Option<RowKind>,
    /// Whether the table must have the key.
    pub required: bool,
    /// Whether its rows are those of the first input, as for weights of these rows: it reads
    /// `"probability:OBJECTIVE"`.
    pub weighs: bool,
}

/// The input key of most kinds.
const INPUT: InputKey = InputKey {
    name: "input",
    about: "input; several are concatenated",
    on: None,
    required: true,
    weighs: false,
};

/// The input of kinds that accept any rows.
pub(crate) const ANY_ROWS: &[InputKey] = &[INPUT];

/// The input of kinds that read a sequence.
const SEQUENCE: &[InputKey] = &[InputKey { on: Some(RowKind::Token), ..INPUT }];

/// A kind of encoder, with the keys of its `[[encoder]]` tables.
pub trait EncoderKind: Sync {
    /// Its name in recipes.
    fn name(&self) -> &'static str;
    /// One line for `auxdesk list`: lower case, no full stop.
    fn about(&self) -> &'static str;
    /// The keys of its table, beyond `name`, `kind` and those of its inputs.
    fn keys(&self) -> &'static [Key];
    /// What it reads.
    fn source(&self) -> RowSource;
    /// Parses the options of a table, or returns a fault that a check of types and names does not
    /// find.
    fn configure(
        &self,
        declared: &DeclaredEncoder<'_>,
    ) -> std::result::Result<Box<dyn EncoderConfig>, String>;
}

/// The contents of a table, whose types and names the checker has already checked.
pub struct DeclaredEncoder<'a> {
    /// The values of the table, with defaults.
    pub values: &'a Values,
    /// The input of each input key that the table has, in the order of the keys; several encoders under
    /// one key are concatenated.
    pub inputs: &'a [LayerSpec],
    /// The encoders that the table names.
    pub named: &'a dyn Named,
}

/// An encoder of a checked recipe, with its options parsed, before any corpus is read.
pub trait EncoderConfig: Send + Sync {
    /// The field that it reads, if it reads one.
    fn field(&self) -> Option<&str> {
        None
    }
    /// The field of another text of the example, with whose tokens it compares those that it runs over, if it does;
    /// run over that field, it compares with its own.
    fn other_text(&self) -> Option<&str> {
        None
    }
    /// Its layers, from the first; empty if other encoders only name it. Their rows represent what
    /// those of the first input do, or what those are pooled to.
    fn layers(&self) -> Vec<LayerSpec>;
    /// The initial state of a decoder, which is its layer 0; `None`, as by default, for others, whose layer 0 is their
    /// first input.
    fn initial_state(&self) -> Option<InitialState> {
        None
    }
    /// Elements that a step on a batch of that size holds for what it computes besides its layers:
    /// for characters, or for pairs of tokens.
    fn scratch(&self, _batch: BatchSize) -> u64 {
        0
    }
    /// The number of classes that a decoder generates, given its fit; 0, as by default, for others.
    fn n_classes(&self, _fitted: &Fitted) -> u64 {
        0
    }
    /// Whether it generates subwords.
    fn generates_subwords(&self) -> bool {
        false
    }
    /// How the rows of a sequence follow from those of its input, or from the positions of its field.
    fn reshaping(&self) -> Reshaping {
        Reshaping::Same
    }
    /// What the frames must be that it reads, if it reads a field of frames.
    fn frames(&self) -> Option<FrameForm> {
        None
    }
    /// The objective whose labels it gives, if it gives those of one.
    fn labels_of(&self) -> Option<&str> {
        None
    }
    /// The objective whose probabilities it gives, if it gives those of one.
    fn probability_of(&self) -> Option<&str> {
        None
    }
    /// Its parameters with values for each string of a vocabulary, such as embedding tables. None by default.
    fn tables(&self) -> &'static [StringTable] {
        &[]
    }
    /// Whether it has parameters other than embedding tables.
    fn has_weights(&self) -> bool;
    /// Whether it has parameters, embedding tables included.
    fn has_parameters(&self) -> bool {
        self.has_weights() || !self.tables().is_empty()
    }
    /// The file of pretrained word vectors that it reads, if it reads one.
    fn vectors(&self) -> Option<VectorSource> {
        None
    }
    /// Fits it to the training splits that reach it: each corpus with the index of the field that
    /// the encoder reads. It is given the contents of its vectors file.
    fn fit(&self, _corpora: &[(&Corpus, usize)], _vectors: Option<&WordVectors>) -> Fitted {
        Fitted::default()
    }
    /// Builds it, with its parameters.
    fn build(&self, setup: EncoderSetup<'_>) -> Result<Built>;
}

/// How the rows of a sequence follow from those of an encoder's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reshaping {
    /// One for each.
    Same,
    /// One for so many adjacent rows; the last may be of fewer.
    Joined(usize),
    /// One for each, after a row of its own.
    Prefixed,
    /// At least one for each.
    Split,
    /// So many for each.
    Parts(usize),
}

impl Reshaping {
    /// The least number of rows of a sequence whose input has n, at least 1.
    pub fn n_rows(self, n: usize) -> usize {
        match self {
            Self::Same | Self::Split => n,
            Self::Joined(joined) => n.div_ceil(joined),
            Self::Prefixed => n + 1,
            Self::Parts(parts) => n * parts,
        }
    }
}

/// Elements that a step holds for each element of a layer's output, the most of any kind: those of a
/// recurrent layer's gates, states and gradients.
pub const PER_OUTPUT: u64 = 12;

/// A parameter with values for each string of a vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StringTable {
    /// Its name within the encoder.
    pub name: &'static str,
    /// The key of the vocabulary among the fitted values.
    pub vocabulary: &'static str,
    /// The dimension along which the strings are: 0 for the rows of an embedding table.
    pub dimension: usize,
    /// The number of indices before that of the first string, of the unknown string for example.
    pub n_special: usize,
}

impl StringTable {
    /// An embedding table: the row of the unknown string, then one for each string.
    pub const fn of_rows(name: &'static str, vocabulary: &'static str) -> Self {
        Self { name, vocabulary, dimension: 0, n_special: 1 }
    }
}

/// The size of a batch, for the memory of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchSize {
    /// Its examples.
    pub examples: u64,
    /// Their tokens.
    pub tokens: u64,
    /// The characters of their tokens, or of the longest of their fields.
    pub characters: u64,
    /// The sum of the squares of their numbers of tokens: pairs of tokens of one example.
    pub pairs: u64,
    /// The sum of the products of their two longest texts: pairs of tokens of two texts of one example.
    pub crossed: u64,
    /// The sum of the squares of their numbers of items, those of the longest list of each example: pairs of items.
    pub item_pairs: u64,
    /// The sum of the products of that number and of the tokens of their longest text: pairs of an item and a token.
    pub item_tokens: u64,
    /// The documents of a collection that all of them rank.
    pub documents: u64,
    /// The examples of a batch of an evaluation, which may be larger.
    pub evaluated: u64,
    /// The sum of the products of their longest sequence and the characters of their longest text, each token of which
    /// has a space after it.
    pub transcribed: u64,
}

/// What an encoder is built from.
pub struct EncoderSetup<'a> {
    /// Its name in the recipe.
    pub name: &'a str,
    /// The result of [`EncoderConfig::fit`], and the word lists that its keys name.
    pub fitted: &'a Fitted,
    /// The contents of its vectors file.
    pub vectors: Option<&'a WordVectors>,
    /// The character encoders built so far (kind "characters"), by name.
    pub spellings: &'a BTreeMap<String, Arc<Spelling>>,
    /// The head of the objective whose labels it gives, if it gives those of one.
    pub label_head: Option<LabelHead>,
    /// What gives the probabilities of the objective that it names, if it gives those of one.
    pub row_probability: Option<Box<dyn RowProbability>>,
    /// Whether parameters start from these vectors; not needed if a checkpoint will be loaded.
    pub first_values: FirstValues,
    /// The scope in which its parameters are created.
    pub scope: Scope<'a>,
}

impl EncoderSetup<'_> {
    /// The vocabulary with that key; a checkpoint of another recipe may lack it.
    fn vocabulary(&self, key: &str) -> Result<Vocabulary> {
        self.fitted.vocabulary(key).map_err(Error::msg)
    }
}

/// A field of a corpus, whose strings an encoder maps to ids.
pub struct AttachedField<'a> {
    /// The index of the corpus in the recipe.
    pub corpus_idx: usize,
    /// The index of the field in the corpus.
    pub field: usize,
    /// The field's strings.
    pub lexicon: &'a Lexicon,
    /// The contents of the encoder's vectors file.
    pub vectors: Option<&'a WordVectors>,
}

/// Where initial values come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstValues {
    /// The recipe: random initialization, and pretrained vectors.
    Recipe,
    /// A checkpoint, which is loaded next.
    Checkpoint,
}

/// What a kind builds.
pub enum Built {
    /// A node of the graph.
    Encoder(Box<dyn Encoder>),
    /// A node of the graph that generates, with what search and its objectives use of it.
    Decoder(Box<dyn Encoder>, Arc<dyn Decoder>),
    /// Parameters that other encoders use by name.
    Characters(Arc<Spelling>),
}

/// A batch, and the sequence of it that an encoder runs over.
#[derive(Clone, Copy)]
pub struct SequenceView<'a> {
    /// The batch.
    pub batch: &'a Batch,
    /// The index in the corpus of the field that the encoder reads, if it reads one.
    pub field: Option<usize>,
    /// The field that a tap names, if the encoder runs over another field than its own.
    pub prefix: Option<&'a str>,
    /// The index in the corpus of the field of another text that it compares with, if it compares with one.
    pub other_text: Option<usize>,
}

impl SequenceView<'_> {
    /// The index of the field that an encoder of fields reads.
    pub fn field(&self) -> usize {
        self.field.expect("the checker has seen the field in each corpus")
    }

    /// The identifier of a random draw: an encoder runs once per corpus drawn and per sequence.
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
    /// Maps the strings of a corpus's field to ids; called once for each field that it reads,
    /// before the first batch, and not at all if it reads none.
    fn attach(&mut self, _field: &AttachedField<'_>) {}
    /// The rows of each layer, from the first, given the rows of each input key of its table; `inputs`
    /// is empty if it reads a field. The output's packing may differ from the input's. Before those of a decoder are the
    /// rows of its initial state.
    fn forward(&self, inputs: &[Rows], on: SequenceView<'_>, mode: Mode) -> Result<Vec<Rows>>;
}

/// The tables of the recipe's other encoders, by name.
pub trait Named {
    /// The values of the table of the encoder with that name.
    fn values(&self, encoder: &str) -> Option<&Values>;
}
