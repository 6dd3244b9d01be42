//! Frames: the vectors of a field, such as log-mel energies of a recording, as rows.
//!
//! Each dimension d is standardized, y_d = (x_d − μ_d) / σ_d, with the mean and the standard deviation over all frames of
//! the training splits, unless the recipe says otherwise. A dimension that is constant in training is only centred.

use candle_core::{Device, Result, Tensor, bail};

use super::{
    Built, DeclaredEncoder, Encoder, EncoderConfig, EncoderKind, EncoderSetup, FrameForm,
    RowSource, SequenceView,
};
use crate::{
    data::{Corpus, FieldValues, Fitted, vectors::WordVectors},
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

const MEAN: &str = "mean";
const DEVIATION: &str = "standard_deviation";

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
        if !self.is_standardized {
            return Fitted::default();
        }
        let frames = || {
            let all = corpora.iter().flat_map(|&(corpus, field)| {
                corpus
                    .train
                    .examples
                    .iter()
                    .filter_map(move |example| example.fields[field].as_ref())
            });
            all.filter_map(|values| match values {
                FieldValues::Frames { numbers, .. } => Some(numbers.chunks_exact(self.width)),
                _ => None,
            })
            .flatten()
        };
        let n_frames = frames().count().max(1) as f64;
        let mean_of = |of: &dyn Fn(usize, f64) -> f64| {
            let mut sums = vec![0.0; self.width];
            for frame in frames() {
                for ((sum, &x), at) in sums.iter_mut().zip(frame).zip(0..) {
                    *sum += of(at, f64::from(x));
                }
            }
            sums.into_iter().map(|sum| sum / n_frames).collect::<Vec<f64>>()
        };
        let mean = mean_of(&|_, x| x);
        let deviation = mean_of(&|at, x| (x - mean[at]).powi(2));
        let deviation = deviation.into_iter().map(f64::sqrt).collect();
        Fitted::default().with_numbers(MEAN, mean).with_numbers(DEVIATION, deviation)
    }

    fn build(&self, setup: EncoderSetup<'_>) -> Result<Built> {
        let device = setup.scope.device().clone();
        if !self.is_standardized {
            let (mean, scale) = (vec![0.0; self.width], vec![1.0; self.width]);
            return Ok(Built::Encoder(Box::new(Vectors { mean, scale, device })));
        }
        let numbers = |key| setup.fitted.numbers(key).map_err(candle_core::Error::msg);
        let (mean, deviation) = (numbers(MEAN)?, numbers(DEVIATION)?);
        if [&mean, &deviation].iter().any(|numbers| numbers.len() != self.width) {
            let (wanted, found) = (self.width, mean.len());
            bail!("expected means and deviations of {wanted} dimensions, found {found}")
        }
        let scale = deviation.into_iter().map(|x| if x > 0.0 { 1.0 / x } else { 1.0 }).collect();
        Ok(Built::Encoder(Box::new(Vectors { mean, scale, device })))
    }
}

struct Vectors {
    /// Of each dimension.
    mean: Vec<f64>,
    /// The reciprocal of each dimension's standard deviation.
    scale: Vec<f64>,
    device: Device,
}

impl Encoder for Vectors {
    fn forward(&self, _inputs: &[Rows], on: SequenceView<'_>, mode: Mode) -> Result<Vec<Rows>> {
        let (batch, field) = (on.batch, on.field());
        let packing = batch.packing(field);
        let width = self.mean.len();
        let mut rows = Vec::with_capacity(packing.n_rows() * width);
        let (found, numbers) = batch.frames(field).unwrap_or_default();
        if found != width && packing.n_rows() > 0 {
            bail!("expected frames of dimension {width}, found {found}")
        }
        for frame in numbers.chunks_exact(width) {
            let standardized = frame.iter().zip(self.mean.iter().zip(&self.scale));
            rows.extend(
                standardized.map(|(&x, (mean, scale))| ((f64::from(x) - mean) * scale) as f32),
            );
        }
        let rows = Tensor::from_vec(rows, (packing.n_rows(), width), &self.device)?;
        let rows = Rows::new(rows, packing);
        // What is computed from them is differentiated, although they have no parameters.
        Ok(vec![if mode == Mode::Eval { rows } else { rows.without_gradient()? }])
    }
}
