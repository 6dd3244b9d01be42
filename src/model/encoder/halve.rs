//! Half as many rows: each two adjacent rows of a sequence become one of twice the dimension, y_t = [x_2t ; x_2t+1].
//!
//! Between recurrent layers over frames this is the pyramid of Chan and others (2016), which Toshniwal and others
//! (2017) use as well. Neither says what follows an odd last row; here it is zeros, so that no frame is dropped.

use std::sync::Arc;

use candle_core::{DType, Result, Tensor};

use super::{
    Built, DeclaredEncoder, Encoder, EncoderConfig, EncoderKind, EncoderSetup, Reshaping,
    RowSource, SEQUENCE, SequenceView,
};
use crate::{
    kernel,
    keys::Key,
    model::{
        Mode, Rows,
        tap::{Context, LayerSpec},
    },
};

pub(super) struct Halve;

impl EncoderKind for Halve {
    fn name(&self) -> &'static str {
        "halve"
    }

    fn about(&self) -> &'static str {
        "half as many rows: each two adjacent ones are concatenated"
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
    /// A row has read its neighbour, to the left of some tokens and to the right of others.
    fn layers(&self) -> Vec<LayerSpec> {
        let (width, context) = (2 * self.input.width, Context::BOTH);
        vec![LayerSpec { width, context, directions: None, ..self.input }]
    }

    fn reshaping(&self) -> Reshaping {
        Reshaping::Joined(2)
    }

    fn has_weights(&self) -> bool {
        false
    }

    fn build(&self, _setup: EncoderSetup<'_>) -> Result<Built> {
        Ok(Built::Encoder(Box::new(Halved)))
    }
}

struct Halved;

impl Encoder for Halved {
    fn forward(&self, inputs: &[Rows], _on: SequenceView<'_>, _mode: Mode) -> Result<Vec<Rows>> {
        let Rows { tensor: x, packing } = &inputs[0];
        let (n_rows, width) = x.dims2()?;
        let halved = Arc::new(packing.halved());
        let zeros = n_rows as u32;
        let pair = |(b, t): (usize, usize)| {
            let second = (2 * t + 1 < packing.lengths()[b]).then(|| packing.row(b, 2 * t + 1));
            [packing.row(b, 2 * t) as u32, second.map_or(zeros, |row| row as u32)]
        };
        let rows: Vec<u32> = halved.positions().flat_map(pair).collect();
        let pairs = if rows.contains(&zeros) {
            let zeros = Tensor::zeros((1, width), DType::F32, x.device())?;
            kernel::gather(&Tensor::cat(&[x, &zeros], 0)?, rows)?
        } else {
            kernel::gather(x, rows)?
        };
        let joined = pairs.reshape((halved.n_rows(), 2 * width))?; // (rows, 2·width)
        Ok(vec![Rows::new(joined, &halved)])
    }
}
