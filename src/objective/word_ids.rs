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

    pub(super) fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    pub(super) fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        let Some(field) = corpus.field(&self.field) else { return };
        let ids = Lookup::new(&self.vocabulary, &corpus.lexicons[field], self.normalize);
        self.attached.insert(corpus_idx, (field, ids));
    }

    /// The id of each row's word; `None` for a word outside the vocabulary.
    pub(super) fn ids(&self, batch: &Batch) -> Vec<Option<u32>> {
        let attached = self.attached.get(&batch.corpus);
        let (field, ids) = attached.expect("the corpus has been attached");
        batch.symbols(*field).iter().map(|&symbol| ids.id(symbol?)).collect()
    }
}
