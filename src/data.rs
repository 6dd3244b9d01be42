//! Files to examples and back: corpora, vocabularies, packed batches, the sampler.
//!
//! A corpus is read once and its strings are interned; a batch borrows nothing and has no padding.
//! Objectives interpret labels, and the model creates tensors.

pub mod batch;
pub mod bigrams;
pub mod collection;
pub mod contents;
pub mod corpus;
pub mod digest;
pub mod draw;
pub mod example;
pub mod fitted;
pub mod label_names;
pub mod lexicon;
pub mod load;
pub mod normalize;
pub mod packing;
pub mod path_pattern;
pub mod prediction;
pub mod pronunciations;
pub mod read;
pub mod sampler;
pub mod schema;
pub mod segments;
pub mod sentences;
mod spelling;
pub mod standardization;
pub mod statistics;
pub mod stream;
pub mod structure;
mod subwords;
pub mod values;
pub mod vectors;
pub mod vocabulary;
pub mod write;

pub use batch::Batch;
pub use bigrams::Bigrams;
pub use collection::Collection;
pub use corpus::{Corpus, SplitData};
pub use draw::{Purpose, draw};
pub use example::{Example, Positions};
pub use fitted::Fitted;
pub use label_names::LabelNames;
pub use lexicon::{Lexicon, Symbol};
pub use packing::Packing;
pub use prediction::Prediction;
pub use pronunciations::{Dictionary, Pronunciations};
pub use schema::{Axis, Field, FieldForm, Placeholder, Schema, SequenceSpec};
pub use segments::{Segments, segment_ranges};
pub use sentences::Sentences;
pub use spelling::{SPACE, SpelledField};
pub use standardization::Standardization;
pub use subwords::{SUBWORDS, SubwordModel, Subwords};
pub use values::{FieldValues, PictureSize};
pub use vocabulary::Vocabulary;
