//! Convolution over windows of tokens, with max pooling over the sequence (Kim 2014).
//!
//! For each window size h, at each token t, padded with zeros: c_t = f(W_h [x_t−⌊(h−1)/2⌋; …;
//! x_t+⌊h/2⌋] + b_h), output = max_t c_t, the filters of all sizes concatenated. With the padding,
//! a sequence may be shorter than a window. f is non-decreasing, so it is applied after the
//! maximum.

use candle_core::{Result, Tensor};

use super::{
    Activation, Built, DeclaredEncoder, Encoder, EncoderConfig, EncoderKind, EncoderSetup,
    RowSource, SEQUENCE, SequenceView,
};
use crate::{
    kernel,
    keys::{Key, MAX_LAYERS, MAX_WIDTH, ValueType},
    model::{Mode, Rows, parameters::Linear, tap::LayerSpec},
};

pub(super) struct Cnn;

const KEYS: &[Key] = &[
    Key::with_default(
        "widths",
        ValueType::List(&ValueType::Within(1, MAX_LAYERS)),
        "[3, 4, 5]",
        "window sizes in tokens",
    ),
    Key::required("filters", ValueType::Within(1, MAX_WIDTH), "number of filters per window size"),
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

    fn configure(
        &self,
        declared: &DeclaredEncoder<'_>,
    ) -> std::result::Result<Box<dyn EncoderConfig>, String> {
        let values = declared.values;
        let widths = values.counts("widths");
        for (at, width) in widths.iter().enumerate() {
            if widths[..at].contains(width) {
                return Err(format!(
                    "width {width} is in `widths` twice; use more filters instead"
                ));
            }
        }
        Ok(Box::new(Config {
            input: declared.inputs[0],
            widths,
            n_filters: values.count("filters"),
            activation: Activation::of(values),
            dropout: values.number("dropout"),
        }))
    }
}

/// The options of a convolution.
struct Config {
    input: LayerSpec,
    widths: Vec<usize>,
    /// Filters per window size.
    n_filters: usize,
    activation: Activation,
    dropout: f64,
}

impl EncoderConfig for Config {
    fn layers(&self) -> Vec<LayerSpec> {
        vec![LayerSpec { width: self.widths.len() * self.n_filters, ..self.input.pooled() }]
    }

    fn has_weights(&self) -> bool {
        true
    }

    fn build(&self, mut setup: EncoderSetup<'_>) -> Result<Built> {
        let banks = self.widths.iter().map(|&width| {
            let (name, inputs) = (format!("width-{width}"), width * self.input.width);
            Ok(Bank { width, filters: setup.scope.linear(&name, inputs, self.n_filters)? })
        });
        Ok(Built::Encoder(Box::new(Convolution {
            banks: banks.collect::<Result<_>>()?,
            name: setup.name.to_owned(),
            activation: self.activation,
            dropout: self.dropout,
        })))
    }
}

/// The filters of one window size.
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
