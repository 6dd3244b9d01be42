//! A trained row in front of each sequence.
//!
//! In front of the words of a source text it says what to do with them, as the token of the target language does in a
//! translation system that shares everything else (Johnson et al. 2017): one `prefix` for each language, which encoders
//! above select by corpus.

use std::sync::Arc;

use candle_core::{Result, Tensor};

use super::{
    Built, DeclaredEncoder, Encoder, EncoderConfig, EncoderKind, EncoderSetup, Reshaping,
    RowSource, SEQUENCE, SequenceView,
};
use crate::{
    kernel,
    keys::Key,
    model::{Mode, Rows, parameters::Table, tap::LayerSpec},
};

pub(super) struct PrefixKind;

impl EncoderKind for PrefixKind {
    fn name(&self) -> &'static str {
        "prefix"
    }

    fn about(&self) -> &'static str {
        "a trained row in front of each sequence, such as the token of a target language"
    }

    fn keys(&self) -> &'static [Key] {
        &[]
    }

    fn source(&self) -> RowSource {
        RowSource::Encoder(SEQUENCE)
    }

    fn configure(
        &self,
        declared: &DeclaredEncoder<'_>,
    ) -> std::result::Result<Box<dyn EncoderConfig>, String> {
        Ok(Box::new(Config { input: declared.inputs[0] }))
    }
}

struct Config {
    input: LayerSpec,
}

impl EncoderConfig for Config {
    fn layers(&self) -> Vec<LayerSpec> {
        vec![self.input]
    }

    fn reshaping(&self) -> Reshaping {
        Reshaping::Prefixed
    }

    fn has_weights(&self) -> bool {
        true
    }

    fn build(&self, mut setup: EncoderSetup<'_>) -> Result<Built> {
        let row = setup.scope.table("row", 1, self.input.width)?;
        Ok(Built::Encoder(Box::new(Prefix { row })))
    }
}

struct Prefix {
    /// (1, width).
    row: Table,
}

impl Encoder for Prefix {
    fn forward(&self, inputs: &[Rows], _on: SequenceView<'_>, mode: Mode) -> Result<Vec<Rows>> {
        let Rows { tensor: x, packing } = &inputs[0];
        let prefixed = Arc::new(packing.prefixed());
        let first = packing.n_rows() as u32;
        let row = |(b, t): (usize, usize)| match t {
            0 => first,
            _ => packing.row(b, t - 1) as u32,
        };
        let rows = prefixed.positions().map(row).collect();
        let all = Tensor::cat(&[x, &self.row.forward(vec![0], mode)?], 0)?; // (rows + 1, width)
        Ok(vec![Rows::new(kernel::gather(&all, rows)?, &prefixed)])
    }
}
