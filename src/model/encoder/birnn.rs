//! A recurrent network in both directions, over packed batches.

use candle_core::Result;

use super::{
    Built, Encoder, EncoderKind, EncoderSetup, Named, RowSource, SEQUENCE, SequenceView,
    recurrent::{Cell, Recurrent},
};
use crate::{
    keys::{Key, ValueType, Values},
    model::{
        Mode, Rows,
        tap::{Context, EncoderSignature, LayerSpec, RowKind},
    },
};

pub(super) struct Birnn;

const KEYS: &[Key] = &[
    Key::with_default("cell", ValueType::Choice(Cell::NAMES), "\"lstm\"", "recurrent cell"),
    Key::with_default(
        "layers",
        ValueType::Count(1),
        "1",
        "number of layers, each reading both directions of the one below",
    ),
    Key::required("width", ValueType::Count(1), "hidden size per direction"),
    Key::with_default("dropout", ValueType::Number(0.0, 0.95), "0", "dropout rate of each layer"),
];

impl EncoderKind for Birnn {
    fn name(&self) -> &'static str {
        "birnn"
    }

    fn about(&self) -> &'static str {
        "bidirectional LSTM or GRU, with a tap at every layer"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn source(&self) -> RowSource {
        RowSource::Encoder(SEQUENCE)
    }

    fn signature(
        &self,
        values: &Values,
        inputs: &[LayerSpec],
        _named: &dyn Named,
    ) -> std::result::Result<EncoderSignature, String> {
        let input = inputs[0];
        let mut below = input.context;
        let mut layers = Vec::new();
        for _ in 0..values.count("layers") {
            let directions = [below.and(Context::LEFT), below.and(Context::RIGHT)];
            layers.push(LayerSpec {
                width: 2 * values.count("width"),
                on: RowKind::Token,
                pooled: input.pooled,
                context: Context::BOTH,
                directions: Some(directions),
            });
            below = Context::BOTH;
        }
        Ok(EncoderSignature { inputs: inputs.to_vec(), layers })
    }

    fn build(&self, mut setup: EncoderSetup<'_>) -> Result<Built> {
        let values = setup.values;
        let mut inputs = setup.inputs[0].width;
        let width = values.count("width");
        let cell = Cell::named(values.text("cell")).expect("the checker knows the cells");
        let mut layers = Vec::new();
        for number in 1..=values.count("layers") {
            let mut scope = setup.scope.child(&number.to_string());
            layers.push(Recurrent::new(&mut scope, cell, inputs, width)?);
            inputs = 2 * width;
        }
        let name = setup.name.to_owned();
        Ok(Built::Encoder(Box::new(Stack { name, layers, dropout: values.number("dropout") })))
    }
}

struct Stack {
    name: String,
    layers: Vec<Recurrent>,
    dropout: f64,
}

impl Encoder for Stack {
    fn forward(&self, inputs: &[Rows], on: SequenceView<'_>, mode: Mode) -> Result<Vec<Rows>> {
        let packing = &inputs[0].packing;
        let mut x = inputs[0].tensor.clone();
        let mut states = Vec::new();
        for (at, layer) in self.layers.iter().enumerate() {
            x = layer.forward(&x, packing)?; // (rows, 2·width)
            let site = format!("{}.{}", self.name, at + 1);
            x = mode.dropout(&on.site(&site), self.dropout, x)?;
            states.push(Rows::new(x.clone(), packing));
        }
        Ok(states)
    }
}
