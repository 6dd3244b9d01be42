//! A layer over each row by itself: y = f(W x + b), of tokens or of whole examples.

use candle_core::Result;

use super::{
    ANY_ROWS, Activation, Built, Encoder, EncoderKind, EncoderSetup, Named, RowSource, SequenceView,
};
use crate::{
    keys::{Key, ValueType, Values},
    model::{
        Mode, Rows,
        parameters::Linear,
        tap::{EncoderSignature, LayerSpec},
    },
};

pub(super) struct Dense;

const KEYS: &[Key] = &[
    Key::required("width", ValueType::Count(1), "output dimension"),
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

    fn signature(
        &self,
        values: &Values,
        inputs: &[LayerSpec],
        _named: &dyn Named,
    ) -> std::result::Result<EncoderSignature, String> {
        let input = inputs[0];
        let layer = LayerSpec { width: values.count("width"), directions: None, ..input };
        Ok(EncoderSignature { inputs: inputs.to_vec(), layers: vec![layer] })
    }

    fn build(&self, mut setup: EncoderSetup<'_>) -> Result<Built> {
        let inputs = setup.inputs[0].width;
        let values = setup.values;
        Ok(Built::Encoder(Box::new(Layer {
            name: setup.name.to_owned(),
            linear: setup.scope.linear("linear", inputs, values.count("width"))?,
            activation: Activation::of(values),
            dropout: values.number("dropout"),
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
