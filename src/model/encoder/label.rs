//! Label: the embedding of the label of each example, as a sequence of one row.
//!
//! A decoder that attends to it generates a text given the class (Xia et al. 2017); `.mean` is its vector. An example without
//! a label has no row, and a label that train lacks has the row of an unknown one, which is not trained.

use std::{collections::BTreeMap, sync::Arc};

use candle_core::Result;

use super::{
    AttachedField, Built, DeclaredEncoder, Encoder, EncoderConfig, EncoderKind, EncoderSetup,
    RowSource, SequenceView, StringTable,
};
use crate::{
    data::{Corpus, Fitted, Packing, Vocabulary, vectors::WordVectors},
    keys::{Key, MAX_WIDTH, Refers, ValueType},
    model::{
        Mode, Rows,
        parameters::Table,
        tap::{Context, LayerSpec, RowKind},
    },
};

pub(super) struct LabelKind;

const LABELS: &str = "labels";

const KEYS: &[Key] = &[
    Key::required("field", ValueType::Name(Refers::Label), "field of the label that it reads"),
    Key::required("width", ValueType::Within(1, MAX_WIDTH), "embedding dimension"),
    Key::with_default("dropout", ValueType::Number(0.0, 0.95), "0", "dropout rate"),
];

impl EncoderKind for LabelKind {
    fn name(&self) -> &'static str {
        "label"
    }

    fn about(&self) -> &'static str {
        "embedding of the label of each example, such as the class of a text that is generated"
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
            dropout: values.number("dropout"),
        }))
    }
}

struct Config {
    field: String,
    width: usize,
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

    fn tables(&self) -> &'static [StringTable] {
        const { &[StringTable::of_rows("table", LABELS)] }
    }

    fn has_weights(&self) -> bool {
        false
    }

    fn fit(&self, corpora: &[(&Corpus, usize)], _vectors: Option<&WordVectors>) -> Fitted {
        let labels = Vocabulary::of_train(corpora.iter().copied(), str::to_owned, None);
        Fitted::default().with_vocabulary(LABELS, labels)
    }

    fn build(&self, mut setup: EncoderSetup<'_>) -> Result<Built> {
        let labels = setup.vocabulary(LABELS)?;
        // Row 0 is an unknown label.
        let table = setup.scope.table("table", labels.len() + 1, self.width)?;
        let name = setup.name.to_owned();
        let attached = BTreeMap::new();
        Ok(Built::Encoder(Box::new(Label { name, labels, table, dropout: self.dropout, attached })))
    }
}

struct Label {
    name: String,
    labels: Vocabulary,
    table: Table,
    dropout: f64,
    /// The row of each string, by corpus and field.
    attached: BTreeMap<(usize, usize), Vec<u32>>,
}

impl Encoder for Label {
    fn attach(&mut self, field: &AttachedField<'_>) {
        let row = |label: &str| self.labels.id(label).map_or(0, |id| id + 1);
        let rows = field.lexicon.iter().map(row).collect();
        self.attached.insert((field.corpus_idx, field.field), rows);
    }

    fn forward(&self, _inputs: &[Rows], on: SequenceView<'_>, mode: Mode) -> Result<Vec<Rows>> {
        let (batch, field) = (on.batch, on.field());
        let of_labels = &self.attached[&(batch.corpus, field)];
        let labels = batch.labels(field);
        let lengths: Vec<usize> = labels.iter().map(|label| usize::from(label.is_some())).collect();
        let packing = Arc::new(Packing::sorted_below(batch.per_example(), &lengths));
        // One row for each example that has a label, in the order of the examples.
        let rows = labels.iter().flatten().map(|label| of_labels[*label as usize]).collect();
        let x = self.table.forward(rows, mode)?;
        let x = mode.dropout(&on.site(&self.name), self.dropout, x)?;
        Ok(vec![Rows::new(x, &packing)])
    }
}
