//! Words of a list hidden: their rows are one learned vector, or zeros, so that what is above has to
//! infer them from the others (Yu and Jiang 2016).

use std::collections::BTreeMap;

use candle_core::{DType, Result, Tensor};

use super::{Built, Encoder, EncoderKind, EncoderSetup, Named, RowSource, SEQUENCE, SequenceView};
use crate::{
    data::{Lexicon, Vocabulary, normalise::Normalise, vocabulary::Lookup},
    kernel,
    keys::{Key, Refers, ValueType, Values},
    model::{
        Mode, Rows,
        parameters::Table,
        tap::{Context, EncoderSignature, LayerSpec},
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

fn normalise(values: &Values) -> Normalise {
    Normalise { lowercase: values.switch("lowercase"), zero_digits: false }
}

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

    fn has_layers(&self, _values: &Values) -> bool {
        false
    }

    fn signature(
        &self,
        _values: &Values,
        inputs: &[LayerSpec],
        _named: &dyn Named,
    ) -> std::result::Result<EncoderSignature, String> {
        let input = inputs[0];
        if input.context != Context::SELF_ONLY {
            let what = "`mask` must come before any layer that reads neighbouring words";
            return Err(what.to_owned());
        }
        Ok(EncoderSignature { inputs: inputs.to_vec(), layers: vec![input] })
    }

    fn build(&self, mut setup: EncoderSetup<'_>) -> Result<Built> {
        let width = setup.inputs[0].width;
        let vector = match setup.values.text("fill") {
            "learned" => Some(setup.scope.table("vector", 1, width)?),
            _ => None,
        };
        Ok(Built::Encoder(Box::new(Masked {
            field: setup.values.text("field").to_owned(),
            normalise: normalise(setup.values),
            words: setup.vocabulary(WORDS).normalised(normalise(setup.values)),
            vector,
            known: BTreeMap::new(),
        })))
    }
}

struct Masked {
    field: String,
    normalise: Normalise,
    words: Vocabulary,
    /// What stands in the place of hidden rows; zeros if there is none.
    vector: Option<Table>,
    /// The list's ids of the strings, by corpus and field.
    known: BTreeMap<(usize, usize), Lookup>,
}

impl Encoder for Masked {
    fn field(&self) -> Option<&str> {
        Some(&self.field)
    }

    fn attach(&mut self, corpus_idx: usize, field: usize, lexicon: &Lexicon) {
        let hidden = Lookup::new(&self.words, lexicon, self.normalise);
        self.known.insert((corpus_idx, field), hidden);
    }

    fn forward(&self, inputs: &[Rows], on: SequenceView<'_>, mode: Mode) -> Result<Vec<Rows>> {
        let x = &inputs[0].tensor;
        let (batch, field) = (on.batch, on.field());
        let hidden = self.known.get(&(batch.corpus, field)).expect("the corpus has been attached");
        let is_hidden = |&symbol: &Option<_>| symbol.is_some_and(|at| hidden.id(at).is_some());
        let symbols = batch.symbols(field);
        if !symbols.iter().any(is_hidden) {
            // The vector is not reached, so it doesn't move.
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
