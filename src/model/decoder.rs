//! Decoders: networks that generate a sequence, symbol by symbol, from a memory.
//!
//! In a recipe a decoder is an `[[encoder]]`: its rows are the outputs of teacher forcing, one for each symbol of the
//! target and one for its end. Its objectives and search use it through a trait of its own, as it has the output layer,
//! and as a search needs its steps one by one.

mod copy;
mod network;
mod sample;
mod scheduled_sampling;
mod search;
mod source_words;
mod targets;

use candle_core::{Result, Tensor};

pub use copy::Copied;
pub use sample::{Choice, sample};
pub use search::{Hypothesis, MAX_BEAM, SearchOptions, SearchedExample, search, searched_at_once};
pub use source_words::{CopiedField, SourceWords};
pub use targets::{TargetIds, TargetRows};

pub(super) use copy::CopyLayer;
pub(super) use network::{Initial, Network, OutputLayer};
pub(super) use scheduled_sampling::Draws;

use super::Rows;
use crate::data::{Lexicon, Vocabulary};

/// The class of symbols outside the vocabulary. Search never generates it.
pub const UNKNOWN: u32 = 0;

/// The class of the end of a sequence. As an input it is the beginning.
pub const EDGE: u32 = 1;

/// The class of the vocabulary's first symbol.
pub const FIRST: u32 = 2;

/// A decoder with its parameters.
pub trait Decoder: Send + Sync {
    /// The symbols that it generates; the class of the first is [`FIRST`].
    fn vocabulary(&self) -> &Vocabulary;
    /// The classes of the strings of a field that it generates.
    fn target_ids(&self, lexicon: &Lexicon) -> TargetIds {
        TargetIds::new(self.vocabulary(), None, lexicon)
    }
    /// The number of memories that it attends to: its first inputs.
    fn n_memories(&self) -> usize {
        1
    }
    /// The text of some of its symbols.
    fn text(&self, symbols: &[&str]) -> String {
        symbols.join(" ")
    }
    /// The field whose words it can copy, if it can.
    fn copies(&self) -> Option<&str> {
        None
    }
    /// The loss of each row of outputs with its target class, given what it can copy: (rows).
    fn cross_entropy(
        &self,
        outputs: &Rows,
        targets: Vec<u32>,
        copied: Option<Copied<'_>>,
    ) -> Result<Tensor>;
    /// Starts a search, given the rows of each of its input keys and the words that it can copy.
    fn start<'a>(
        &'a self,
        inputs: &[Rows],
        words: Option<&'a SourceWords>,
    ) -> Result<Box<dyn Decoding + 'a>>;
}

/// The hypotheses of a search over a batch.
pub trait Decoding {
    /// The number of classes, with those of the words that it can copy.
    fn n_classes(&self) -> usize;
    /// Begins one hypothesis for each of these examples of the batch.
    fn begin(&mut self, examples: &[u32]) -> Result<()>;
    /// Replaces the hypotheses: the new one with index i continues the hypothesis `from[i]` by the class
    /// `classes[i]`, at the beginning by [`EDGE`]. Returns ln p of every class after each, row after row.
    fn step(&mut self, from: &[u32], classes: &[u32]) -> Result<Vec<f32>>;
    /// Asks for the attention of the steps that follow.
    fn keep_attention(&mut self) {}
    /// The attention of the last step to each row of the first memory, for each hypothesis; empty for one that attends to
    /// nothing, and where it was not asked for.
    fn attention(&self) -> &[Vec<f32>] {
        &[]
    }
}
