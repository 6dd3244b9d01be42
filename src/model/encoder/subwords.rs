//! Subword embeddings: a row for each subword of the words of a text ([`Subwords`]).
//!
//! Its rows are more than the words, so that no field of the words is read by them.

use std::{collections::BTreeMap, sync::Arc};

use candle_core::{Error, Result};

use super::{
    AttachedField, Built, DeclaredEncoder, Encoder, EncoderConfig, EncoderKind, EncoderSetup,
    Reshaping, RowSource, SequenceView, StringTable,
};
use crate::{
    data::{
        Corpus, Fitted, Packing, SUBWORDS, SubwordModel, Subwords, Vocabulary, vectors::WordVectors,
    },
    keys::{Key, MAX_WIDTH, Refers, ValueType, Values},
    model::{
        Mode, Rows,
        parameters::Table,
        tap::{Context, LayerSpec, RowKind},
    },
};

pub(super) struct SubwordsKind;

/// The largest number of subwords.
pub(super) const MAX_SUBWORDS: u64 = 1_000_000;

/// The key of the model that splits words, of this encoder and of decoders.
pub(super) const MODEL: Key = Key::with_default(
    "subword_model",
    ValueType::Choice(SubwordModel::NAMES),
    "\"bpe\"",
    "how words are split into subwords: by merges of frequent pairs, or by a unigram language model",
);

/// The model that a recipe names.
pub(super) fn model(values: &Values) -> SubwordModel {
    SubwordModel::find(values.text(MODEL.name)).expect("one of its names")
}

const KEYS: &[Key] = &[
    Key::required("field", ValueType::Name(Refers::Field), "field of the example it reads"),
    Key::required("width", ValueType::Within(1, MAX_WIDTH), "embedding dimension"),
    Key::with_default(
        "size",
        ValueType::Within(1, MAX_SUBWORDS),
        "8000",
        "number of subwords that are learnt from the words of training",
    ),
    MODEL,
    Key::with_default("dropout", ValueType::Number(0.0, 0.95), "0", "dropout rate"),
];

impl EncoderKind for SubwordsKind {
    fn name(&self) -> &'static str {
        "subwords"
    }

    fn about(&self) -> &'static str {
        "embeddings of the subwords of each word"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn source(&self) -> RowSource {
        RowSource::Field
    }

    fn configure(
        &self,
        declared: &DeclaredEncoder<'_>,
    ) -> std::result::Result<Box<dyn EncoderConfig>, String> {
        let values = declared.values;
        Ok(Box::new(Config {
            field: values.text("field").to_owned(),
            width: values.count("width"),
            size: values.count("size"),
            model: model(values),
            dropout: values.number("dropout"),
        }))
    }
}

struct Config {
    field: String,
    width: usize,
    size: usize,
    model: SubwordModel,
    dropout: f64,
}

impl EncoderConfig for Config {
    fn field(&self) -> Option<&str> {
        Some(&self.field)
    }

    fn layers(&self) -> Vec<LayerSpec> {
        let (on, pooled) = (RowKind::Token, RowKind::Example);
        let (width, context) = (self.width, Context::SELF_ONLY);
        vec![LayerSpec { width, on, pooled, context, directions: None }]
    }

    fn reshaping(&self) -> Reshaping {
        Reshaping::Split
    }

    fn tables(&self) -> &'static [StringTable] {
        const { &[StringTable::of_rows("table", SUBWORDS)] }
    }

    fn has_weights(&self) -> bool {
        false
    }

    fn fit(&self, corpora: &[(&Corpus, usize)], _vectors: Option<&WordVectors>) -> Fitted {
        let words = Vocabulary::of_train(corpora.iter().copied(), str::to_owned, None);
        Subwords::fit(self.model, self.size, &words)
    }

    fn build(&self, mut setup: EncoderSetup<'_>) -> Result<Built> {
        let vocabulary = setup.vocabulary(SUBWORDS)?;
        // Row 0 is the unknown subword.
        let table = setup.scope.table("table", vocabulary.len() + 1, self.width)?;
        Ok(Built::Encoder(Box::new(Embedded {
            name: setup.name.to_owned(),
            subwords: Subwords::of(setup.fitted).map_err(Error::msg)?,
            vocabulary,
            table,
            dropout: self.dropout,
            attached: BTreeMap::new(),
        })))
    }
}

struct Embedded {
    name: String,
    subwords: Subwords,
    vocabulary: Vocabulary,
    table: Table,
    dropout: f64,
    /// The ids of the subwords of each string, by corpus and field.
    attached: BTreeMap<(usize, usize), Vec<Box<[u32]>>>,
}

impl Encoder for Embedded {
    fn attach(&mut self, field: &AttachedField<'_>) {
        let ids = self.subwords.ids(&self.vocabulary, field.lexicon, 1);
        self.attached.insert((field.corpus_idx, field.field), ids);
    }

    fn forward(&self, _inputs: &[Rows], on: SequenceView<'_>, mode: Mode) -> Result<Vec<Rows>> {
        let (batch, field) = (on.batch, on.field());
        let of_words = &self.attached[&(batch.corpus, field)];
        let (symbols, words) = (batch.symbols(field), batch.packing(field));
        // A word that is missing is one unknown subword.
        let of_row = |row: usize| match symbols.get(row).copied().flatten() {
            Some(symbol) => &*of_words[symbol as usize],
            None => &[0],
        };
        let of_sequence =
            |b: usize| -> Vec<u32> { words.rows(b).flat_map(|row| of_row(row).to_vec()).collect() };
        let ids: Vec<Vec<u32>> = (0..words.n_sequences()).map(of_sequence).collect();
        let above = words.parent().ok_or_else(|| Error::msg("a sequence belongs to an example"))?;
        let length = |sequence: &Option<u32>| sequence.map_or(0, |b| ids[b as usize].len());
        let lengths: Vec<usize> = words.sequences_of_parent().iter().map(length).collect();
        let packing = Arc::new(Packing::sorted_below(above, &lengths));
        let sequence = |b: usize| {
            let parent = packing.parent_rows()[b] as usize;
            words.sequences_of_parent()[parent].map_or(0, |sequence| sequence as usize)
        };
        let sequences: Vec<usize> = (0..packing.n_sequences()).map(sequence).collect();
        let rows = packing.positions().map(|(b, t)| ids[sequences[b]][t]).collect();
        let x = self.table.forward(rows, mode)?;
        let x = mode.dropout(&on.site(&self.name), self.dropout, x)?;
        Ok(vec![Rows::new(x, &packing)])
    }
}
