//! A fully connected layer, applied to each row: y = f(W x + b).

use candle_core::Result;

use super::{
    ANY_ROWS, Activation, Built, DeclaredEncoder, Encoder, EncoderConfig, EncoderKind,
    EncoderSetup, RowSource, SequenceView,
};
use crate::{
    keys::{Key, MAX_WIDTH, ValueType},
    model::{Mode, Rows, parameters::Linear, tap::LayerSpec},
};

pub(super) struct Dense;

const KEYS: &[Key] = &[
    Key::required("width", ValueType::Within(1, MAX_WIDTH), "output dimension"),
    Key::with_default(
        "activation",
        ValueType::Choice(Activation::NAMES),
        "\"tanh\"",
        "activation function",
    ),
    Key::with_default("dropout", ValueType::Number(0.0, 0.95), "0", "dropout rate"),
];

impl EncoderKind for Dense {
    fn name(&self) -> &'static str {
        "dense"
    }

    fn about(&self) -> &'static str {
        "fully connected layer, applied to each row"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn source(&self) -> RowSource {
        RowSource::Encoder(ANY_ROWS)
    }

    fn configure(
        &self,
        declared: &DeclaredEncoder<'_>,
    ) -> std::result::Result<Box<dyn EncoderConfig>, String> {
        let values = declared.values;
        Ok(Box::new(Config {
            input: declared.inputs[0],
            width: values.count("width"),
            activation: Activation::of(values),
            dropout: values.number("dropout"),
        }))
    }
}

/// The options of a fully connected layer.
struct Config {
    input: LayerSpec,
    width: usize,
    activation: Activation,
    dropout: f64,
}

impl EncoderConfig for Config {
    fn layers(&self) -> Vec<LayerSpec> {
        vec![LayerSpec { width: self.width, directions: None, ..self.input }]
    }

    fn has_weights(&self) -> bool {
        true
    }

    fn build(&self, mut setup: EncoderSetup<'_>) -> Result<Built> {
        Ok(Built::Encoder(Box::new(Layer {
            name: setup.name.to_owned(),
            linear: setup.scope.linear("linear", self.input.width, self.width)?,
            activation: self.activation,
            dropout: self.dropout,
        })))
    }
}

struct Layer {
    name: String,
    linear: Linear,
    activation: Activation,
    dropout: f64,
}

impl Encoder for Layer {
    fn forward(&self, inputs: &[Rows], on: SequenceView<'_>, mode: Mode) -> Result<Vec<Rows>> {
        let y = self.activation.forward(&self.linear.forward(&inputs[0].tensor)?)?; // (rows, width)
        let y = mode.dropout(&on.site(&self.name), self.dropout, y)?;
        Ok(vec![inputs[0].with(y)])
    }
}
