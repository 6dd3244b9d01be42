//! Pretrained word vectors: every word of a vectors file with its vector.
//!
//! The rows of words that occur in training are parameters of the encoder that reads the file. The
//! rows of all other words never change, so they are kept beside the parameters: the words of dev,
//! test and new texts are looked up there.

mod coverage;
mod text;

use std::{collections::HashMap, path::PathBuf, sync::Arc};

pub use coverage::coverage;
pub use text::{VectorFile, read};

use super::normalize::Forms;

/// The vectors file that an encoder reads, and how words are looked up in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VectorSource {
    /// Its path.
    pub path: PathBuf,
    /// The dimension of its vectors.
    pub width: usize,
    /// The maximum number of vectors, from the first; further lines are not read.
    pub max: usize,
    /// The forms in which a word is looked up.
    pub forms: Forms,
}

/// Words with their vectors, in the order of their file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WordVectors {
    width: usize,
    words: Vec<Arc<str>>,
    index: HashMap<Arc<str>, u32>,
    /// (words, width).
    rows: Vec<f32>,
    n_repeated: u64,
    digest: String,
}

impl WordVectors {
    /// No vectors yet, of that dimension.
    pub fn new(width: usize) -> Self {
        Self { width, ..Self::default() }
    }

    /// These words with their vectors, one row after the other; `None` if the number of values is
    /// not words × width.
    pub fn of_rows<'a>(
        words: impl Iterator<Item = &'a str>,
        width: usize,
        rows: Vec<f32>,
    ) -> Option<Self> {
        let words: Vec<Arc<str>> = words.map(Arc::from).collect();
        let index = words.iter().cloned().zip(0..).collect();
        let fits = words.len().checked_mul(width) == Some(rows.len());
        fits.then(|| Self { width, words, index, rows, ..Self::default() })
    }

    /// The same vectors with the digest of the file that they were read from.
    #[must_use]
    pub fn with_digest(self, digest: &str) -> Self {
        Self { digest: digest.to_owned(), ..self }
    }

    /// Adds a word, unless it has a vector already.
    fn add(&mut self, word: &str, vector: &[f32]) {
        if self.index.contains_key(word) {
            self.n_repeated += 1;
            return;
        }
        let word: Arc<str> = word.into();
        self.index.insert(word.clone(), self.words.len() as u32);
        self.words.push(word);
        self.rows.extend_from_slice(vector);
    }

    /// The dimension of the vectors.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The number of words.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The words, in the order of the file.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(AsRef::as_ref)
    }

    /// The vectors of all words, one row after the other: (words, width).
    pub fn rows(&self) -> &[f32] {
        &self.rows
    }

    /// The number of lines whose word has a vector from an earlier line.
    pub fn n_repeated(&self) -> u64 {
        self.n_repeated
    }

    /// A digest of the part of the file that was read, as [`digest`](super::digest::digest) gives.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The vector of a word, exactly as it is.
    pub fn get(&self, word: &str) -> Option<&[f32]> {
        let at = *self.index.get(word)? as usize;
        Some(&self.rows[at * self.width..][..self.width])
    }

    /// The first form of a word that has a vector.
    pub fn form(&self, word: &str, forms: Forms) -> Option<&str> {
        let at = forms.find(word, |form| self.index.get(form).copied())?;
        Some(&self.words[at as usize])
    }
}
