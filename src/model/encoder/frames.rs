//! Frames: the vectors of a field, such as log-mel energies of a recording, as rows.
//!
//! They are standardized ([`Standardization`]), unless the recipe says otherwise.

use candle_core::{Device, Result, Tensor, bail};

use super::{
    Built, DeclaredEncoder, Encoder, EncoderConfig, EncoderKind, EncoderSetup, FrameForm,
    RowSource, SequenceView,
};
use crate::{
    data::{Corpus, Fitted, Standardization, vectors::WordVectors},
    keys::{Key, MAX_WIDTH, Refers, ValueType},
    model::{
        Mode, Rows,
        tap::{Context, LayerSpec, RowKind},
    },
};

pub(super) struct Frames;

const KEYS: &[Key] = &[
    Key::required("field", ValueType::Name(Refers::Frames), "field of frames that it reads"),
    Key::required("width", ValueType::Within(1, MAX_WIDTH), "dimension of a frame"),
    Key::with_default(
        "standardize",
        ValueType::Switch,
        "true",
        "subtract the mean of each dimension in training, and divide by its standard deviation",
    ),
];

impl EncoderKind for Frames {
    fn name(&self) -> &'static str {
        "frames"
    }

    fn about(&self) -> &'static str {
        "the vectors of a field of frames, such as acoustic features"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn source(&self) -> RowSource {
        RowSource::Field
    }

    fn configure(
        &self,
        declared: &DeclaredEncoder<'_>,
    ) -> std::result::Result<Box<dyn EncoderConfig>, String> {
        let values = declared.values;
        Ok(Box::new(Config {
            field: values.text("field").to_owned(),
            width: values.count("width"),
            is_standardized: values.switch("standardize"),
        }))
    }
}

struct Config {
    field: String,
    width: usize,
    is_standardized: bool,
}

impl EncoderConfig for Config {
    fn field(&self) -> Option<&str> {
        Some(&self.field)
    }

    fn layers(&self) -> Vec<LayerSpec> {
        let (on, pooled) = (RowKind::Token, RowKind::Example);
        let (width, context) = (self.width, Context::SELF_ONLY);
        vec![LayerSpec { width, on, pooled, context, directions: None }]
    }

    fn frames(&self) -> Option<FrameForm> {
        Some(FrameForm::Vectors(self.width))
    }

    fn has_weights(&self) -> bool {
        false
    }

    fn fit(&self, corpora: &[(&Corpus, usize)], _vectors: Option<&WordVectors>) -> Fitted {
        if self.is_standardized {
            Standardization::fit(corpora, self.width, self.width)
        } else {
            Fitted::default()
        }
    }

    fn build(&self, setup: EncoderSetup<'_>) -> Result<Built> {
        let device = setup.scope.device().clone();
        let standardization = if self.is_standardized {
            Standardization::of(setup.fitted).map_err(candle_core::Error::msg)?
        } else {
            Standardization::identity(self.width)
        };
        if standardization.width() != self.width {
            let (wanted, found) = (self.width, standardization.width());
            bail!("expected means and deviations of {wanted} dimensions, found {found}")
        }
        Ok(Built::Encoder(Box::new(Vectors { standardization, device })))
    }
}

struct Vectors {
    standardization: Standardization,
    device: Device,
}

impl Encoder for Vectors {
    fn forward(&self, _inputs: &[Rows], on: SequenceView<'_>, mode: Mode) -> Result<Vec<Rows>> {
        let (batch, field) = (on.batch, on.field());
        let packing = batch.packing(field);
        let width = self.standardization.width();
        let (found, numbers) = batch.frames(field).unwrap_or_default();
        if found != width && packing.n_rows() > 0 {
            bail!("expected frames of dimension {width}, found {found}")
        }
        let rows: Vec<f32> = self.standardization.apply(numbers).collect();
        let rows = Tensor::from_vec(rows, (packing.n_rows(), width), &self.device)?;
        let rows = Rows::new(rows, packing);
        // What is computed from them is differentiated, although they have no parameters.
        Ok(vec![if mode == Mode::Eval { rows } else { rows.without_gradient()? }])
    }
}
