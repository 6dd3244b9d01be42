//! Corpora in memory: splits of examples, their strings interned.

use std::sync::Arc;

use super::{Example, Field, Lexicon, Schema, SequenceSpec};
use crate::protocol::event::{Split, SplitSize};

/// One split of a corpus.
#[derive(Clone, Debug, Default)]
pub struct SplitData {
    /// Its examples, in the file's order.
    pub examples: Vec<Example>,
    /// The file it was read from, as messages name it.
    pub file: Arc<str>,
}

impl SplitData {
    /// Examples and tokens.
    pub fn size(&self) -> SplitSize {
        SplitSize {
            examples: self.examples.len() as u64,
            tokens: self.examples.iter().map(|example| example.len() as u64).sum(),
        }
    }
}

/// A corpus in memory.
#[derive(Clone, Debug, Default)]
pub struct Corpus {
    /// Its name in the recipe.
    pub name: String,
    /// The domain that the recipe says it is from.
    pub domain: Option<String>,
    /// The language that the recipe says it is in.
    pub language: Option<String>,
    /// Its sequences, the main one first.
    pub sequences: Vec<SequenceSpec>,
    /// Its fields; `_` columns are not among them.
    pub fields: Vec<Field>,
    /// The distinct strings of each field, over all splits.
    pub lexicons: Vec<Lexicon>,
    /// What is learnt from.
    pub train: SplitData,
    /// What the best checkpoint is chosen by.
    pub dev: Option<SplitData>,
    /// What is reported.
    pub test: Option<SplitData>,
    /// Faulty examples that were left out, as the recipe allows.
    pub skipped: u64,
}

impl Corpus {
    /// A corpus without examples, of that schema.
    pub fn of_schema(schema: Schema) -> Self {
        let Schema { sequences, fields } = schema;
        let lexicons = vec![Lexicon::default(); fields.len()];
        Self { sequences, fields, lexicons, ..Self::default() }
    }

    /// The place of a field of that name.
    pub fn field(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }

    /// The splits that it has, train first.
    pub fn splits(&self) -> impl Iterator<Item = &SplitData> {
        [Some(&self.train), self.dev.as_ref(), self.test.as_ref()].into_iter().flatten()
    }

    /// A split, if the corpus has it.
    pub fn split(&self, split: Split) -> Option<&SplitData> {
        match split {
            Split::Train => Some(&self.train),
            Split::Dev => self.dev.as_ref(),
            Split::Test => self.test.as_ref(),
        }
    }
}
