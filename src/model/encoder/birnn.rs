//! A bidirectional recurrent network over packed batches.

use candle_core::Result;

use super::{
    Built, DeclaredEncoder, Encoder, EncoderConfig, EncoderKind, EncoderSetup, RowSource, SEQUENCE,
    SequenceView,
    recurrent::{Cell, Recurrent},
};
use crate::{
    keys::{Key, MAX_LAYERS, MAX_WIDTH, ValueType},
    model::{
        Mode, Rows,
        tap::{Context, LayerSpec},
    },
};

pub(super) struct Birnn;

const KEYS: &[Key] = &[
    Key::with_default("cell", ValueType::Choice(Cell::NAMES), "\"lstm\"", "recurrent cell"),
    Key::with_default(
        "layers",
        ValueType::Within(1, MAX_LAYERS),
        "1",
        "number of layers, each reading both directions of the one below",
    ),
    Key::required("width", ValueType::Within(1, MAX_WIDTH), "hidden size per direction"),
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

    fn configure(
        &self,
        declared: &DeclaredEncoder<'_>,
    ) -> std::result::Result<Box<dyn EncoderConfig>, String> {
        let values = declared.values;
        Ok(Box::new(Config {
            input: declared.inputs[0],
            cell: Cell::named(values.text("cell")).expect("the checker knows the cells"),
            n_layers: values.count("layers"),
            width: values.count("width"),
            dropout: values.number("dropout"),
        }))
    }
}

/// The options of a recurrent network.
struct Config {
    input: LayerSpec,
    cell: Cell,
    n_layers: usize,
    /// Hidden size per direction.
    width: usize,
    dropout: f64,
}

impl EncoderConfig for Config {
    fn layers(&self) -> Vec<LayerSpec> {
        let mut below = self.input.context;
        let mut layers = Vec::new();
        for _ in 0..self.n_layers {
            let directions = [below.and(Context::LEFT), below.and(Context::RIGHT)];
            layers.push(LayerSpec {
                width: 2 * self.width,
                context: Context::BOTH,
                directions: Some(directions),
                ..self.input
            });
            below = Context::BOTH;
        }
        layers
    }

    fn has_weights(&self) -> bool {
        true
    }

    fn build(&self, mut setup: EncoderSetup<'_>) -> Result<Built> {
        let mut inputs = self.input.width;
        let mut layers = Vec::new();
        for number in 1..=self.n_layers {
            let mut scope = setup.scope.child(&number.to_string());
            layers.push(Recurrent::new(&mut scope, self.cell, inputs, self.width)?);
            inputs = 2 * self.width;
        }
        let name = setup.name.to_owned();
        Ok(Built::Encoder(Box::new(Stack { name, layers, dropout: self.dropout })))
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
