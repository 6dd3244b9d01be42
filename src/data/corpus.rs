//! Corpora in memory: splits of examples with interned strings.

use std::sync::Arc;

use super::{Example, Field, Lexicon, Schema, SequenceSpec};
use crate::protocol::event::{Split, SplitSize};

/// One split of a corpus.
#[derive(Clone, Debug, Default)]
pub struct SplitData {
    /// Its examples, in the order of the file.
    pub examples: Vec<Example>,
    /// The name of its file in messages.
    pub file: Arc<str>,
}

impl SplitData {
    /// The numbers of examples and tokens.
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
    /// Its domain, if the recipe gives one.
    pub domain: Option<String>,
    /// Its language, if the recipe gives one.
    pub language: Option<String>,
    /// Its sequences, the main one first.
    pub sequences: Vec<SequenceSpec>,
    /// Its fields, without `_` columns.
    pub fields: Vec<Field>,
    /// The distinct strings of each field, over all splits.
    pub lexicons: Vec<Lexicon>,
    /// The training split.
    pub train: SplitData,
    /// The dev split, which selects the best checkpoint.
    pub dev: Option<SplitData>,
    /// The test split.
    pub test: Option<SplitData>,
    /// Faulty examples that were skipped, as the recipe allows.
    pub skipped: u64,
}

impl Corpus {
    /// An empty corpus with that schema.
    pub fn of_schema(schema: Schema) -> Self {
        let Schema { sequences, fields } = schema;
        let lexicons = vec![Lexicon::default(); fields.len()];
        Self { sequences, fields, lexicons, ..Self::default() }
    }

    /// The index of the field with that name.
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
