//! Several encoders under one name: one per corpus, or concatenated.
//!
//! The inputs of every encoder are selected and concatenated before its forward pass, so this kind
//! returns its input.

use candle_core::Result;

use super::{
    ANY_ROWS, Built, DeclaredEncoder, Encoder, EncoderConfig, EncoderKind, EncoderSetup, RowSource,
    SequenceView,
};
use crate::{
    keys::Key,
    model::{Mode, Rows, tap::LayerSpec},
};

pub(super) struct Concat;

impl EncoderKind for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn about(&self) -> &'static str {
        "concatenation of encoders, or a different encoder for each corpus"
    }

    fn keys(&self) -> &'static [Key] {
        &[]
    }

    fn source(&self) -> RowSource {
        RowSource::Encoder(ANY_ROWS)
    }

    fn configure(
        &self,
        declared: &DeclaredEncoder<'_>,
    ) -> std::result::Result<Box<dyn EncoderConfig>, String> {
        Ok(Box::new(Config { input: declared.inputs[0] }))
    }
}

/// A concatenation has no options beyond its inputs.
struct Config {
    input: LayerSpec,
}

impl EncoderConfig for Config {
    fn layers(&self) -> Vec<LayerSpec> {
        vec![self.input]
    }

    fn has_weights(&self) -> bool {
        false
    }

    fn build(&self, _setup: EncoderSetup<'_>) -> Result<Built> {
        Ok(Built::Encoder(Box::new(Same)))
    }
}

struct Same;

impl Encoder for Same {
    fn forward(&self, inputs: &[Rows], _on: SequenceView<'_>, _mode: Mode) -> Result<Vec<Rows>> {
        Ok(inputs.to_vec())
    }
}
