//! The words of a source that a decoder can copy, and their classes.
//!
//! A word of the decoder's vocabulary has its class there. The other words of a batch have the classes that follow, in
//! the order of their rows, so that there are no more of them than the batch needs.

use std::{collections::BTreeMap, sync::Arc};

use super::{FIRST, UNKNOWN};
use crate::data::{Batch, Corpus, Lexicon, Symbol, Vocabulary};

/// The words of a corpus's field that can be copied into texts of another of its fields.
pub struct CopiedField {
    /// Of the source.
    field: usize,
    words: Lexicon,
    /// The class in the vocabulary of each symbol of the source.
    classes: Vec<Option<u32>>,
    /// The class in the vocabulary, or the symbol in the source, of each symbol of the target.
    targets: Vec<Target>,
    n_classes: u32,
}

/// A word of a target.
#[derive(Clone, Copy)]
enum Target {
    Class(u32),
    Source(Symbol),
    Unknown,
}

impl CopiedField {
    /// The words of `source` that can be copied into texts of `target`, of a decoder with this vocabulary; the two are
    /// fields of the corpus.
    pub fn new(vocabulary: &Vocabulary, corpus: &Corpus, source: usize, target: usize) -> Self {
        let words = corpus.lexicons[source].clone();
        let class = |word: &str| vocabulary.id(word).map(|id| id + FIRST);
        let target_of = |word: &str| match (class(word), words.symbol(word)) {
            (Some(class), _) => Target::Class(class),
            (None, Some(symbol)) => Target::Source(symbol),
            (None, None) => Target::Unknown,
        };
        Self {
            field: source,
            classes: words.iter().map(class).collect(),
            targets: corpus.lexicons[target].iter().map(target_of).collect(),
            words,
            n_classes: vocabulary.len() as u32 + FIRST,
        }
    }

    /// The words of a batch.
    pub fn words(&self, batch: &Batch) -> SourceWords {
        let mut beyond = BTreeMap::new();
        let mut texts = Vec::new();
        let mut class = |symbol: Symbol| {
            self.classes[symbol as usize].unwrap_or_else(|| {
                let next = self.n_classes + beyond.len() as u32;
                *beyond.entry(symbol).or_insert_with(|| {
                    texts.push(Arc::from(self.words.get(symbol)));
                    next
                })
            })
        };
        let symbols = batch.symbols(self.field).iter();
        let rows = symbols.map(|symbol| symbol.map(&mut class)).collect();
        SourceWords { n_classes: self.n_classes, rows, beyond, texts }
    }

    /// The class of a word of a target.
    pub fn target(&self, symbol: Symbol, words: &SourceWords) -> u32 {
        match self.targets[symbol as usize] {
            Target::Class(class) => class,
            Target::Source(symbol) => words.beyond.get(&symbol).copied().unwrap_or(UNKNOWN),
            Target::Unknown => UNKNOWN,
        }
    }
}

/// The words of a batch that can be copied.
#[derive(Debug)]
pub struct SourceWords {
    /// The number of classes of the decoder's vocabulary.
    n_classes: u32,
    /// The class of each row of the memory; `None` if its word is missing.
    rows: Vec<Option<u32>>,
    /// The classes of the words outside the vocabulary.
    beyond: BTreeMap<Symbol, u32>,
    /// Their texts, in the order of the classes.
    texts: Vec<Arc<str>>,
}

impl SourceWords {
    /// Words with these classes, row after row, and the texts of those outside the vocabulary.
    #[cfg(test)]
    pub(super) fn of_classes(n_classes: u32, rows: &[u32], texts: &[&str]) -> Self {
        let rows = rows.iter().map(|&class| Some(class)).collect();
        let texts = texts.iter().map(|&text| text.into()).collect();
        Self { n_classes, rows, beyond: BTreeMap::new(), texts }
    }

    /// The number of classes of the decoder's vocabulary.
    pub fn n_classes(&self) -> u32 {
        self.n_classes
    }

    /// The number of all classes.
    pub fn n_all(&self) -> usize {
        self.n_classes as usize + self.texts.len()
    }

    /// The number of rows.
    pub fn n_rows(&self) -> usize {
        self.rows.len()
    }

    /// The class of a row.
    pub fn class(&self, row: u32) -> Option<u32> {
        self.rows[row as usize]
    }

    /// The text of a class outside the vocabulary.
    pub fn text(&self, class: u32) -> &str {
        &self.texts[(class - self.n_classes) as usize]
    }
}
