//! Filters over windows of tokens, and each filter's largest value over the sequence (Kim 2014).
//!
//! For each width h, a window of h tokens around each token t, 0 where there is no token: c_t = f(W_h
//! [x_t−⌊(h−1)/2⌋; …; x_t+⌊h/2⌋] + b_h), output = max_t c_t, filters of all widths side by side. A sequence
//! may so be shorter than a window. f never falls, so it is taken of the largest value only.

use candle_core::{Result, Tensor};

use super::{
    Activation, Built, Encoder, EncoderKind, EncoderSetup, Named, RowSource, SEQUENCE, SequenceView,
};
use crate::{
    kernel,
    keys::{Key, ValueType, Values},
    model::{
        Mode, Rows,
        parameters::Linear,
        tap::{EncoderSignature, LayerSpec},
    },
};

pub(super) struct Cnn;

const KEYS: &[Key] = &[
    Key::with_default(
        "widths",
        ValueType::List(&ValueType::Count(1)),
        "[3, 4, 5]",
        "window sizes in tokens",
    ),
    Key::required("filters", ValueType::Count(1), "number of filters per window size"),
    Key::with_default(
        "activation",
        ValueType::Choice(Activation::NAMES),
        "\"relu\"",
        "activation function",
    ),
    Key::with_default("dropout", ValueType::Number(0.0, 0.95), "0", "dropout rate"),
];

impl EncoderKind for Cnn {
    fn name(&self) -> &'static str {
        "cnn"
    }

    fn about(&self) -> &'static str {
        "convolution over windows of tokens with max pooling: one vector per sequence"
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
        let widths = values.counts("widths");
        for (at, width) in widths.iter().enumerate() {
            if widths[..at].contains(width) {
                return Err(format!(
                    "width {width} is in `widths` twice; use more filters instead"
                ));
            }
        }
        let width = widths.len() * values.count("filters");
        let layer = LayerSpec { width, ..inputs[0].pooled() };
        Ok(EncoderSignature { inputs: inputs.to_vec(), layers: vec![layer] })
    }

    fn build(&self, mut setup: EncoderSetup<'_>) -> Result<Built> {
        let inputs = setup.inputs[0].width;
        let (values, filters) = (setup.values, setup.values.count("filters"));
        let banks = values.counts("widths").into_iter().map(|width| {
            let filters = setup.scope.linear(&format!("width-{width}"), width * inputs, filters)?;
            Ok(Bank { width, filters })
        });
        Ok(Built::Encoder(Box::new(Convolution {
            banks: banks.collect::<Result<_>>()?,
            name: setup.name.to_owned(),
            activation: Activation::of(values),
            dropout: values.number("dropout"),
        })))
    }
}

/// The filters of one width.
struct Bank {
    width: usize,
    filters: Linear,
}

struct Convolution {
    name: String,
    banks: Vec<Bank>,
    activation: Activation,
    dropout: f64,
}

impl Encoder for Convolution {
    fn forward(&self, inputs: &[Rows], on: SequenceView<'_>, mode: Mode) -> Result<Vec<Rows>> {
        let Rows { tensor: x, packing } = &inputs[0];
        let largest = |bank: &Bank| {
            let windows = kernel::windows(x, bank.width, packing)?; // (rows, h·inputs)
            let values = bank.filters.forward(&windows)?; // (rows, filters)
            kernel::max_over_tokens(&values, packing) // (sequences, filters)
        };
        let largest: Vec<Tensor> = self.banks.iter().map(largest).collect::<Result<_>>()?;
        let y = self.activation.forward(&Tensor::cat(&largest, 1)?)?;
        let y = mode.dropout(&on.site(&self.name), self.dropout, y)?;
        Ok(vec![Rows::pooled(packing, y)?])
    }
}
