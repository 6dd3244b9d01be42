//! The built objective: gold, targets and predictions of a batch.

use std::collections::BTreeMap;

use candle_core::Result;

use super::{
    super::{Evaluation, Objective, RawLoss, predictions_of},
    Coding, tagged,
};
use crate::{
    data::{
        Batch, Corpus, Field, FieldForm, Lexicon, Packing, Prediction, Vocabulary,
        vocabulary::count,
    },
    metric::{Gold, Scorer, scorer::TagScorer},
    model::{Rows, head::Head},
};

/// The objective's mapping of one corpus.
pub(super) struct Attached {
    /// The index of the label field; a corpus to predict on may have none.
    label: Option<usize>,
    /// The id of each symbol's tag among `names`, or among `typed` if these are trained without types.
    names: Vec<u32>,
    /// Whether its tags are trained as they are: neither recoded nor repaired.
    is_direct: bool,
    words: Option<Words>,
}

/// The words that are labelled: those of the label's sequence.
struct Words {
    /// The index of their field.
    field: usize,
    /// Whether each symbol of the field occurs in the training split.
    known: Vec<bool>,
}

impl Words {
    /// The first field of words that belongs to what the labels belong to; tags of items have none.
    fn of(corpus: &Corpus, label: usize) -> Option<Self> {
        let is_words = |field: &Field| {
            field.form == FieldForm::Symbols && field.axis == corpus.fields[label].axis
        };
        let field = corpus.fields.iter().position(is_words)?;
        let counts = count(&corpus.lexicons[field], &corpus.train, field);
        Some(Self { field, known: counts.into_iter().map(|count| count > 0).collect() })
    }

    /// Whether the word of a row does not occur in the training split.
    fn is_oov(&self, batch: &Batch, row: usize) -> bool {
        !batch.symbols(self.field)[row].is_some_and(|word| self.known[word as usize])
    }
}

pub(super) struct Tagger {
    pub(super) label: String,
    pub(super) coding: Coding,
    pub(super) positive: Option<String>,
    /// The tags that are trained.
    pub(super) vocabulary: Vocabulary,
    /// Tags by id: the trained ones, then those that occur only in the corpora.
    pub(super) names: Lexicon,
    /// The tags of the corpora, where `names` has none with types.
    pub(super) typed: Lexicon,
    pub(super) head: Box<dyn Head>,
    pub(super) attached: BTreeMap<usize, Attached>,
}

impl Tagger {
    fn attached(&self, batch: &Batch) -> &Attached {
        self.attached.get(&batch.corpus).expect("the corpus has been attached")
    }

    fn texts(&self, names: &[u32]) -> Vec<&str> {
        names.iter().map(|&name| self.names.get(name)).collect()
    }

    /// The tags of the corpora with these ids.
    fn texts_as_read(&self, names: &[u32]) -> Vec<&str> {
        let lexicon = if self.coding.has_types { &self.names } else { &self.typed };
        names.iter().map(|&name| lexicon.get(name)).collect()
    }

    /// The tag of each token of a sequence as the corpus has it, by id; `None` where there is none.
    fn as_read(&self, batch: &Batch, b: usize) -> Vec<Option<u32>> {
        let Attached { label, names, .. } = self.attached(batch);
        let Some(label) = *label else { return Vec::new() };
        let (symbols, rows) = (batch.row_labels(label), batch.rows_of(label, b));
        rows.into_iter().map(|row| symbols[row].map(|symbol| names[symbol as usize])).collect()
    }

    /// The gold tag of each token of a sequence in the corpus's encoding, by id; `None` where there is none. Without
    /// types, a sequence that lacks a tag has none.
    fn gold(&self, batch: &Batch, b: usize) -> Vec<Option<u32>> {
        let as_read = self.as_read(batch, b);
        if self.coding.has_types {
            return as_read;
        }
        let Some(whole) = as_read.iter().copied().collect::<Option<Vec<u32>>>() else {
            return vec![None; as_read.len()];
        };
        let scored = self.coding.scored(&self.texts_as_read(&whole));
        scored.iter().map(|tag| self.names.symbol(tag)).collect()
    }

    /// The class of each row of the tap; `None` for rows without a label, or with one unseen in training.
    fn targets(&self, packing: &Packing, batch: &Batch) -> Vec<Option<u32>> {
        let Attached { label, names, is_direct, .. } = self.attached(batch);
        let Some(label) = *label else { return vec![None; packing.n_rows()] };
        let class = |name: u32| ((name as usize) < self.vocabulary.len()).then_some(name);
        if *is_direct {
            let symbols = batch.row_labels(label).iter();
            return symbols.map(|symbol| class(names[(*symbol)? as usize])).collect();
        }
        let mut targets = vec![None; packing.n_rows()];
        for b in 0..batch.n_examples() {
            let (as_read, rows) = (self.as_read(batch, b), batch.rows_of(label, b));
            match as_read.iter().copied().collect::<Option<Vec<u32>>>() {
                Some(whole) => {
                    let tags = self.coding.trained(&self.texts_as_read(&whole));
                    for (row, tag) in rows.into_iter().zip(tags) {
                        targets[row] = self.vocabulary.id(&tag);
                    }
                }
                // Without every label, nothing can be recoded.
                None if self.coding.is_plain() => {
                    for (row, name) in rows.into_iter().zip(as_read) {
                        targets[row] = name.and_then(class);
                    }
                }
                None => {}
            }
        }
        targets
    }

    /// The predicted tags of each sequence in the corpus's encoding, as ids.
    fn predictions(&self, packing: &Packing, classes: &[u32]) -> Vec<Prediction> {
        let mut predictions = predictions_of(packing, classes);
        if !self.coding.is_plain() {
            for prediction in &mut predictions {
                let Prediction::Classes(tags) = prediction else { continue };
                let read = self.coding.read(&self.texts(tags));
                *tags = read.iter().filter_map(|tag| self.names.symbol(tag)).collect();
            }
        }
        predictions
    }
}

impl Objective for Tagger {
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        let label = corpus.field(&self.label);
        let tags = label.iter().flat_map(|&label| corpus.lexicons[label].iter());
        let names = if self.coding.has_types { &mut self.names } else { &mut self.typed };
        let names = tags.map(|tag| names.intern(tag)).collect();
        let words = label.and_then(|label| Words::of(corpus, label));
        let is_valid = || {
            let (Some(scheme), Some(label)) = (self.coding.scheme, label) else { return true };
            let mut tags = corpus.splits().flat_map(|(_, data)| tagged(corpus, data, label));
            tags.all(|(_, tags)| scheme.count_faults_of_labelled(&tags) == 0)
        };
        let is_direct = self.coding.is_plain() && is_valid();
        self.attached.insert(corpus_idx, Attached { label, names, is_direct, words });
    }

    fn loss(&self, taps: &[Rows], batch: &Batch) -> Result<Option<RawLoss>> {
        let Rows { tensor: x, packing } = &taps[0];
        RawLoss::of(self.head.loss(x, &self.targets(packing, batch), packing)?)
    }

    fn evaluate(&self, taps: &[Rows], batch: &Batch) -> Result<Evaluation> {
        let Rows { tensor: x, packing } = &taps[0];
        let evaluated = self.head.evaluate(x, &self.targets(packing, batch), packing)?;
        let words = self.attached(batch).words.as_ref();
        let is_oov = |row: usize| words.is_some_and(|words| words.is_oov(batch, row));
        let gold = |b: usize| {
            let classes = self.gold(batch, b);
            if classes.iter().all(Option::is_none) {
                return Gold::None;
            }
            let oov = packing.rows_of_example(b).into_iter().map(is_oov).collect();
            Gold::Classes { classes, oov }
        };
        Ok(Evaluation {
            loss: RawLoss::of(evaluated.loss)?,
            gold: (0..batch.n_examples()).map(gold).collect(),
            predictions: self.predictions(packing, &evaluated.classes),
            scored_only: Vec::new(),
        })
    }

    fn scorer(&self) -> Box<dyn Scorer> {
        let (names, positive) = (self.class_names(), self.positive.clone());
        Box::new(TagScorer::new(names, self.coding.scheme, positive))
    }

    fn class_names(&self) -> Lexicon {
        self.names.clone()
    }
}
