//! Masks the words of a list: their rows are replaced by one learned vector or by zeros, so that
//! the layers above have to infer them from the context (Yu and Jiang 2016).

use std::collections::BTreeMap;

use candle_core::{DType, Result, Tensor};

use super::{
    AttachedField, Built, DeclaredEncoder, Encoder, EncoderConfig, EncoderKind, EncoderSetup,
    RowSource, SEQUENCE, SequenceView,
};
use crate::{
    data::{Vocabulary, normalize::Normalize, vocabulary::Lookup},
    kernel,
    keys::{Key, Refers, ValueType},
    model::{
        Mode, Rows,
        parameters::Table,
        tap::{Context, LayerSpec},
    },
};

pub(super) struct Mask;

const KEYS: &[Key] = &[
    Key::required("field", ValueType::Name(Refers::Field), "field whose words are looked up"),
    Key::required(WORDS, ValueType::Words, "list of words to mask"),
    Key::with_default("lowercase", ValueType::Switch, "true", "case-insensitive comparison"),
    Key::with_default(
        "fill",
        ValueType::Choice(&["learned", "zeros"]),
        "\"learned\"",
        "replacement of a masked row: one learned vector, or zeros",
    ),
];

const WORDS: &str = "words";

impl EncoderKind for Mask {
    fn name(&self) -> &'static str {
        "mask"
    }

    fn about(&self) -> &'static str {
        "masking: the rows of another encoder, with the words of a list replaced"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn source(&self) -> RowSource {
        RowSource::Encoder(SEQUENCE)
    }

    fn configure(
        &self,
        declared: &DeclaredEncoder<'_>,
    ) -> std::result::Result<Box<dyn EncoderConfig>, String> {
        let (values, input) = (declared.values, declared.inputs[0]);
        if input.context != Context::SELF_ONLY {
            let what = "`mask` must come before any layer that reads neighbouring words";
            return Err(what.to_owned());
        }
        Ok(Box::new(Config {
            input,
            field: values.text("field").to_owned(),
            normalize: Normalize { lowercase: values.switch("lowercase"), zero_digits: false },
            is_learned: values.text("fill") == "learned",
        }))
    }
}

/// The options of a mask.
struct Config {
    input: LayerSpec,
    field: String,
    normalize: Normalize,
    /// Whether the replacement is learned.
    is_learned: bool,
}

impl EncoderConfig for Config {
    fn field(&self) -> Option<&str> {
        Some(&self.field)
    }

    fn layers(&self) -> Vec<LayerSpec> {
        vec![self.input]
    }

    fn has_weights(&self) -> bool {
        false
    }

    /// The learned vector is a table of one row, without a vocabulary.
    fn has_parameters(&self) -> bool {
        self.is_learned
    }

    fn build(&self, mut setup: EncoderSetup<'_>) -> Result<Built> {
        let vector = if self.is_learned {
            Some(setup.scope.table("vector", 1, self.input.width)?)
        } else {
            None
        };
        Ok(Built::Encoder(Box::new(Masked {
            normalize: self.normalize,
            words: setup.vocabulary(WORDS)?.normalized(self.normalize),
            vector,
            known: BTreeMap::new(),
        })))
    }
}

struct Masked {
    normalize: Normalize,
    words: Vocabulary,
    /// The replacement of masked rows; `None` for zeros.
    vector: Option<Table>,
    /// The word list's ids of the strings, by corpus and field.
    known: BTreeMap<(usize, usize), Lookup>,
}

impl Encoder for Masked {
    fn attach(&mut self, field: &AttachedField<'_>) {
        let &AttachedField { corpus_idx, field, lexicon, .. } = field;
        let hidden = Lookup::new(&self.words, lexicon, self.normalize);
        self.known.insert((corpus_idx, field), hidden);
    }

    fn forward(&self, inputs: &[Rows], on: SequenceView<'_>, mode: Mode) -> Result<Vec<Rows>> {
        let x = &inputs[0].tensor;
        let (batch, field) = (on.batch, on.field());
        let hidden = self.known.get(&(batch.corpus, field)).expect("the corpus has been attached");
        let is_hidden = |&symbol: &Option<_>| symbol.is_some_and(|at| hidden.id(at).is_some());
        let symbols = batch.symbols(field);
        if !symbols.iter().any(is_hidden) {
            // The vector is not in the graph, so it has no gradient.
            return Ok(inputs.to_vec());
        }
        let vector = match &self.vector {
            Some(vector) => vector.forward(vec![0], mode)?, // (1, width)
            None => Tensor::zeros((1, x.dim(1)?), DType::F32, x.device())?,
        };
        let last = x.dim(0)? as u32;
        let rows = symbols.iter().zip(0..);
        let rows = rows.map(|(symbol, row)| if is_hidden(symbol) { last } else { row });
        let x = kernel::gather(&Tensor::cat(&[x, &vector], 0)?, rows.collect())?; // (rows, width)
        Ok(vec![inputs[0].with(x)])
    }
}
