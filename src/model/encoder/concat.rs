//! Several encoders under one name: by corpus, of which the batch's is meant, or side by side.
//!
//! The choice is made where any encoder's input is read, so nothing is left to do here.

use candle_core::Result;

use super::{ANY_ROWS, Built, Encoder, EncoderKind, EncoderSetup, Named, RowSource, SequenceView};
use crate::{
    keys::{Key, Values},
    model::{
        Mode, Rows,
        tap::{EncoderSignature, LayerSpec},
    },
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
        Ok(EncoderSignature { inputs: inputs.to_vec(), layers: vec![input] })
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
