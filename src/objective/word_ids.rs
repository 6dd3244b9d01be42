//! The words of one field: training counts, and the ids of a batch's rows.

use std::collections::BTreeMap;

use candle_core::Result;

use super::ObjectiveSetup;
use crate::data::{Batch, Corpus, Fitted, Vocabulary, normalize::Normalize, vocabulary::Lookup};

/// The key of the vocabulary of words.
pub(super) const WORDS: &str = "words";

/// The words of a field in training, the most frequent of them if there is a limit.
pub(super) fn fit(
    field: &str,
    corpora: &[&Corpus],
    normalize: Normalize,
    most: Option<usize>,
) -> Fitted {
    let fields = corpora.iter().filter_map(|corpus| Some((*corpus, corpus.field(field)?)));
    let words = Vocabulary::of_train(fields, |word| normalize.apply(word).into_owned(), most);
    Fitted::default().with_vocabulary(WORDS, words)
}

/// The words of a field that occur so often in training.
pub(super) fn fit_frequent(
    field: &str,
    corpora: &[&Corpus],
    normalize: Normalize,
    min_count: u64,
) -> Fitted {
    let all = fit(field, corpora, normalize, None);
    let words = all.vocabularies[WORDS].retained(|_, count| count >= min_count);
    all.with_vocabulary(WORDS, words)
}

/// The words of the field that an objective's table names.
pub(super) struct FieldWords {
    field: String,
    normalize: Normalize,
    vocabulary: Vocabulary,
    /// For each corpus, the index of the field and the ids of its strings.
    attached: BTreeMap<usize, (usize, Lookup)>,
}

impl FieldWords {
    pub(super) fn new(
        setup: &ObjectiveSetup<'_>,
        field: &str,
        normalize: Normalize,
    ) -> Result<Self> {
        let vocabulary = setup.vocabulary(WORDS)?;
        Ok(Self { field: field.to_owned(), normalize, vocabulary, attached: BTreeMap::new() })
    }

    /// The words of a field as they are, in a vocabulary that another part of the system has.
    pub(super) fn of(vocabulary: Vocabulary, field: &str) -> Self {
        let (field, attached) = (field.to_owned(), BTreeMap::new());
        Self { field, normalize: Normalize::default(), vocabulary, attached }
    }

    pub(super) fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    pub(super) fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        let Some(field) = corpus.field(&self.field) else { return };
        let ids = Lookup::new(&self.vocabulary, &corpus.lexicons[field], self.normalize);
        self.attached.insert(corpus_idx, (field, ids));
    }

    fn attached(&self, batch: &Batch) -> &(usize, Lookup) {
        self.attached.get(&batch.corpus).expect("the corpus has been attached")
    }

    /// The words of an example, in the order of its text, each as a class: its id, or for a word outside the vocabulary
    /// a class of its own after all ids.
    pub(super) fn classes(&self, batch: &Batch, example: usize) -> Vec<u32> {
        let (field, ids) = self.attached(batch);
        let symbols = batch.symbols(*field);
        let unknown = self.vocabulary.len() as u32;
        let class = |row: usize| {
            let symbol = symbols.get(row).copied().flatten()?;
            Some(ids.id(symbol).unwrap_or(unknown + symbol))
        };
        batch.rows_of(*field, example).into_iter().filter_map(class).collect()
    }

    /// The id of each row's word; `None` for a word outside the vocabulary.
    pub(super) fn ids(&self, batch: &Batch) -> Vec<Option<u32>> {
        let (field, ids) = self.attached(batch);
        batch.symbols(*field).iter().map(|&symbol| ids.id(symbol?)).collect()
    }
}
