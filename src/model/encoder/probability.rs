//! Probability: with which an objective selects each row, for a pooling that weighs rows by it (Isonuma et al. 2017).
//!
//! One number for each row of the objective's first tap. The gradient also reaches the head and the encoders below it.
//! A recipe has no table for it: an encoder reads it as `"probability:OBJECTIVE"`.

use candle_core::{Result, Tensor, bail};

use super::{
    Built, DeclaredEncoder, Encoder, EncoderConfig, EncoderKind, EncoderSetup, INPUT, InputKey,
    OBJECTIVE, RowSource, SequenceView,
};
use crate::{
    kernel,
    keys::{Key, Refers, ValueType},
    model::{
        Mode, Rows,
        head::Head,
        tap::{Context, LayerSpec},
    },
};

pub(super) struct Probability;

/// The taps of the objective, in their order.
const INPUTS: &[InputKey] = &[
    INPUT,
    InputKey {
        name: "against",
        about: "second tap of the objective, if it has two",
        required: false,
        ..INPUT
    },
];

const KEYS: &[Key] = &[Key::required(
    OBJECTIVE,
    ValueType::Name(Refers::Objective),
    "objective whose probabilities it gives",
)];

impl EncoderKind for Probability {
    fn name(&self) -> &'static str {
        "probability"
    }

    fn about(&self) -> &'static str {
        "probability with which an objective selects each row"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn source(&self) -> RowSource {
        RowSource::Encoder(INPUTS)
    }

    fn configure(
        &self,
        declared: &DeclaredEncoder<'_>,
    ) -> std::result::Result<Box<dyn EncoderConfig>, String> {
        Ok(Box::new(Config {
            inputs: declared.inputs.to_vec(),
            objective: declared.values.text(OBJECTIVE).to_owned(),
        }))
    }
}

struct Config {
    inputs: Vec<LayerSpec>,
    objective: String,
}

impl EncoderConfig for Config {
    fn layers(&self) -> Vec<LayerSpec> {
        let first = self.inputs[0];
        // The other tap may be any part of the example, and items may compete with each other.
        vec![LayerSpec { width: 1, context: Context::BOTH, directions: None, ..first }]
    }

    fn probability_of(&self) -> Option<&str> {
        Some(&self.objective)
    }

    fn has_weights(&self) -> bool {
        false
    }

    fn build(&self, mut setup: EncoderSetup<'_>) -> Result<Built> {
        let Some(rows) = setup.row_probability.take() else {
            bail!("expected an objective that selects rows, found {:?}", self.objective)
        };
        Ok(Built::Encoder(Box::new(Probabilities { rows })))
    }
}

/// What gives each row the probability with which an objective selects it.
pub trait RowProbability: Send {
    /// The probabilities for the rows of the objective's taps: (rows of the first, 1), each at least 0.
    fn of(&self, taps: &[Rows]) -> Result<Tensor>;
}

/// The probability of a class, by a softmax over the head's scores.
pub struct ClassProbability {
    /// The head.
    pub head: Box<dyn Head>,
    /// The class.
    pub class: usize,
}

impl RowProbability for ClassProbability {
    fn of(&self, taps: &[Rows]) -> Result<Tensor> {
        let scores = self.head.scores(&taps[0].tensor)?; // (rows, classes)
        kernel::log_softmax(&scores)?.exp()?.narrow(1, self.class, 1)
    }
}

struct Probabilities {
    rows: Box<dyn RowProbability>,
}

impl Encoder for Probabilities {
    fn forward(&self, inputs: &[Rows], _on: SequenceView<'_>, _mode: Mode) -> Result<Vec<Rows>> {
        Ok(vec![inputs[0].with(self.rows.of(inputs)?)])
    }
}
