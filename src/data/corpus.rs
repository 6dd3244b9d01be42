//! Corpora in memory: splits of examples with interned strings.

use std::{collections::BTreeMap, sync::Arc};

use super::{Collection, Example, Field, Lexicon, Schema, SequenceSpec, Symbol};
use crate::protocol::event::{IrregularLine, Irregularity, Split, SplitSize, Treatment};

/// One split of a corpus.
#[derive(Clone, Debug, Default)]
pub struct SplitData {
    /// Its examples, in the order of the file.
    pub examples: Vec<Example>,
    /// The name of its file in messages; of several line-aligned files, the first.
    pub file: Arc<str>,
    /// The file of each field that has a file of its own.
    pub files: BTreeMap<String, Arc<str>>,
    /// The documents that its examples share, if they refer to a collection.
    pub collection: Option<Arc<Collection>>,
}

impl SplitData {
    /// The name of the file that has an example's values of a field.
    pub fn file_of(&self, example: &Example, field: &str) -> Arc<str> {
        let file = example.file.as_ref().or_else(|| self.files.get(field));
        file.unwrap_or(&self.file).clone()
    }

    /// The words of a field in its collection, if they are there.
    pub fn collected(&self, field: usize) -> impl Iterator<Item = Symbol> + '_ {
        let of_field = self.collection.iter().filter(move |collection| collection.field == field);
        of_field.flat_map(|collection| collection.words())
    }

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
    /// Lines that were not used as they stand, as the recipe allows, by split and treatment.
    pub irregularities: Vec<Irregularity>,
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
    pub fn splits(&self) -> impl Iterator<Item = (Split, &SplitData)> {
        let splits = [Split::Train, Split::Dev, Split::Test].into_iter();
        splits.filter_map(|split| Some((split, self.split(split)?)))
    }

    /// A split, if the corpus has it.
    pub fn split(&self, split: Split) -> Option<&SplitData> {
        match split {
            Split::Train => Some(&self.train),
            Split::Dev => self.dev.as_ref(),
            Split::Test => self.test.as_ref(),
        }
    }

    /// The faulty examples that were skipped.
    pub fn skipped(&self) -> u64 {
        let all = self.irregularities.iter();
        all.filter(|one| one.treatment == Treatment::SkippedExamples).map(|one| one.count).sum()
    }

    /// Adds lines of a split that were not used as they stand, with the number of times; none if that is 0.
    pub fn add_irregular(
        &mut self,
        split: Split,
        treatment: Treatment,
        count: u64,
        lines: impl IntoIterator<Item = impl Into<IrregularLine>>,
    ) {
        if count == 0 {
            return;
        }
        let lines = lines.into_iter().map(Into::into);
        let same = |one: &&mut Irregularity| (one.split, one.treatment) == (split, treatment);
        if let Some(known) = self.irregularities.iter_mut().find(same) {
            known.count += count;
            known.lines.extend(lines);
            // The same line may be listed for two objectives.
            known.lines.sort_by(|a, b| (&a.file, a.line, &a.what).cmp(&(&b.file, b.line, &b.what)));
            known.lines.dedup();
            known.lines.truncate(Irregularity::MAX_LISTED);
        } else {
            let lines = lines.take(Irregularity::MAX_LISTED).collect();
            self.irregularities.push(Irregularity { split, treatment, count, lines });
            self.irregularities.sort_by_key(|one| (one.split, one.treatment));
        }
    }
}
