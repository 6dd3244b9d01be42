//! The embeddings of a batch's words: rows of a trained table, and vectors that are not trained.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use candle_core::{Result, Tensor};

use super::exact_match::{ExactMatch, N_FEATURES};
use crate::{
    data::{Vocabulary, normalize::Forms, vectors::WordVectors},
    model::{
        Mode, Rows,
        encoder::{AttachedField, Encoder, SequenceView, Spelling},
        parameters::Table,
    },
};

/// An embedding with its parameters.
pub(super) struct Words {
    pub(super) name: String,
    /// The forms in which a word without a vector is looked up in the table.
    pub(super) forms: Forms,
    /// The forms in which a word's vector is looked up, if there are vectors.
    pub(super) vector_forms: Option<Forms>,
    /// The words of the table's rows, from row 1; row 0 is the unknown word.
    pub(super) vocabulary: Vocabulary,
    pub(super) table: Table,
    pub(super) spelling: Option<Arc<Spelling>>,
    pub(super) word_dropout: f64,
    pub(super) noise: f64,
    pub(super) dropout: f64,
    pub(super) attached: BTreeMap<(usize, usize), Attached>,
    pub(super) exact_match: Option<ExactMatch>,
    pub(super) fixed: FixedVectors,
}

/// What the embedding has precomputed for one field of a corpus.
pub(super) struct Attached {
    /// The row of each symbol.
    rows: Vec<WordRow>,
    /// The character ids of each symbol, if characters are read.
    spellings: Vec<Vec<u32>>,
}

/// The row of a word.
#[derive(Clone, Copy)]
enum WordRow {
    /// Of the table.
    Trained(u32),
    /// Of the vectors that are not trained.
    Fixed(u32),
}

/// The vectors that are not trained, of words of the attached corpora.
#[derive(Default)]
pub(super) struct FixedVectors {
    index: HashMap<String, u32>,
    rows: Vec<f32>,
}

impl FixedVectors {
    /// The index of the row of a word that has a vector; it is added if it is new.
    fn row(&mut self, word: &str, vectors: &WordVectors) -> u32 {
        if let Some(&at) = self.index.get(word) {
            return at;
        }
        self.rows.extend_from_slice(vectors.get(word).expect("the word has a vector"));
        let at = self.index.len() as u32;
        self.index.insert(word.to_owned(), at);
        at
    }
}

impl Words {
    /// The row of the first form of a word that has a vector, or else of its first form that the
    /// table has, or row 0.
    fn row(&mut self, word: &str, vectors: Option<&WordVectors>) -> WordRow {
        let trained = |form: &str| Some(WordRow::Trained(self.vocabulary.id(form)? + 1));
        if let Some((vectors, forms)) = vectors.zip(self.vector_forms)
            && let Some(form) = vectors.form(word, forms)
        {
            return trained(form).unwrap_or_else(|| WordRow::Fixed(self.fixed.row(form, vectors)));
        }
        self.forms.find(word, trained).unwrap_or(WordRow::Trained(0))
    }

    /// The embeddings: (rows, width).
    fn embed(&self, rows: &[WordRow], mode: Mode) -> Result<Tensor> {
        let (n_table, width) = self.table.rows().dims2()?;
        let mut fixed = Vec::new();
        let ids = rows.iter().map(|row| match *row {
            WordRow::Trained(id) => id,
            WordRow::Fixed(at) => {
                let id = n_table + fixed.len() / width;
                fixed.extend_from_slice(&self.fixed.rows[at as usize * width..][..width]);
                id as u32
            }
        });
        let ids = ids.collect();
        self.table.forward_with_fixed(fixed, ids, mode)
    }
}

impl Encoder for Words {
    fn attach(&mut self, field: &AttachedField<'_>) {
        let &AttachedField { corpus_idx, field, lexicon, vectors } = field;
        let rows = lexicon.iter().map(|word| self.row(word, vectors)).collect();
        let spellings =
            self.spelling.as_ref().map(|spelling| spelling.spell(lexicon)).unwrap_or_default();
        self.attached.insert((corpus_idx, field), Attached { rows, spellings });
        if let Some(exact_match) = &mut self.exact_match {
            exact_match.attach(corpus_idx, field, lexicon);
        }
    }

    fn forward(&self, _inputs: &[Rows], on: SequenceView<'_>, mode: Mode) -> Result<Vec<Rows>> {
        let (batch, field) = (on.batch, on.field());
        let attached =
            self.attached.get(&(batch.corpus, field)).expect("the corpus has been attached");
        let symbols: Vec<_> = batch
            .symbols(field)
            .iter()
            .map(|symbol| symbol.expect("every example has what its encoders read"))
            .collect();
        let mut rows: Vec<WordRow> =
            symbols.iter().map(|&symbol| attached.rows[symbol as usize]).collect();
        let site = format!("{}.words", self.name);
        for at in mode.dropout_indices(&on.site(&site), self.word_dropout, rows.len()) {
            rows[at] = WordRow::Trained(0);
        }
        let mut x = self.embed(&rows, mode)?; // (rows, width)
        if let Some(spelling) = &self.spelling {
            let spelt = spelling.forward(&attached.spellings, &symbols, mode)?; // (rows, 2·hidden)
            x = Tensor::cat(&[x, spelt], 1)?;
        }
        let x = mode.noise(&on.site(&format!("{}.noise", self.name)), self.noise, x)?;
        let mut x = mode.dropout(&on.site(&self.name), self.dropout, x)?;
        if let Some(exact_match) = &self.exact_match {
            let other = on.other_text.expect("the checker has seen the other text in each corpus");
            let features = exact_match.features(batch, field, other);
            let features = Tensor::from_vec(features, (rows.len(), N_FEATURES), x.device())?;
            x = Tensor::cat(&[x, features], 1)?;
        }
        Ok(vec![Rows::new(x, batch.packing(field))])
    }
}
