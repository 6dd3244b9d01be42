//! A collection: documents that the examples of a split share, such as those that each query ranks.
//!
//! Its examples have no texts of their own in the list of sequences that it stands for; they refer to its documents
//! ([`FieldValues::References`](super::FieldValues::References)). A batch has each document once.

use super::Symbol;

/// The documents that the examples of a split share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collection {
    /// The list of sequences that it stands for, by its index in the corpus.
    pub sequence: usize,
    /// The field of its words.
    pub field: usize,
    /// The documents, in the order of the file.
    pub documents: Vec<Document>,
}

/// A document of a collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The line of the file where it begins.
    pub line: u32,
    /// Its words.
    pub words: Vec<Symbol>,
}

impl Collection {
    /// The words of all documents.
    pub fn words(&self) -> impl Iterator<Item = Symbol> + '_ {
        self.documents.iter().flat_map(|document| document.words.iter().copied())
    }
}
