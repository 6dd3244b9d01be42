//! Pictures: a convolutional network over each frame of a field of pictures, which gives a vector per picture, or one for
//! each position of its last maps.
//!
//! Layer l has maps of height h and width w, with channels c (LeCun and others 1998). At each position, with k × k
//! positions around it, and zeros beyond the border:
//!
//!   z_l(i, j) = f(max over p × p positions of (W_l [z_{l−1} of the window] + b_l)),  y = f(W [z_n of all positions] + b)
//!
//! With `positions` y(i, j) = f(W z_n(i, j) + b), a row for each position, row by row of the map, to which a decoder or
//! `attend` can attend (Xu and others 2015). Pooling divides height and width by p, rounded up; a window at the border has
//! fewer positions. f is non-decreasing, so it is applied after the maximum. The pixels are standardized by channel
//! ([`Standardization`]). With `coordinates` the height and the width of each pixel, from −1 to 1, are two channels more
//! (Liu and others 2018).

use std::sync::Arc;

use candle_core::{Device, Result, Tensor, Var, bail};

use super::{
    Activation, BatchSize, Built, DeclaredEncoder, Encoder, EncoderConfig, EncoderKind,
    EncoderSetup, FrameForm, Reshaping, RowSource, SequenceView,
};
use crate::{
    data::{Corpus, Fitted, Packing, PictureSize, Standardization, vectors::WordVectors},
    kernel,
    keys::{Key, MAX_WIDTH, Refers, ValueType},
    model::{
        Mode, Rows,
        parameters::Linear,
        tap::{Context, LayerSpec, RowKind},
    },
};

pub(super) struct Picture;

const FIELD: &str = "field";
const SIZE: &str = "size";
const CHANNELS: &str = "channels";
const WINDOW: &str = "window";
const POOL: &str = "pool";
const WIDTH: &str = "width";
const COORDINATES: &str = "coordinates";
const POSITIONS: &str = "positions";
const STANDARDIZE: &str = "standardize";
const DROPOUT: &str = "dropout";

/// The largest height or width of a picture.
const MOST_PIXELS: u64 = 4096;

const KEYS: &[Key] = &[
    Key::required(FIELD, ValueType::Name(Refers::Frames), "field of pictures that it reads"),
    Key::required(
        SIZE,
        ValueType::List(&ValueType::Within(1, MOST_PIXELS)),
        "height, width and channels of a picture",
    ),
    Key::with_default(
        CHANNELS,
        ValueType::List(&ValueType::Within(1, MAX_WIDTH)),
        "[16, 32]",
        "output channels of each convolution",
    ),
    Key::with_default(WINDOW, ValueType::Within(1, 99), "3", "height and width of a window"),
    Key::with_default(
        POOL,
        ValueType::Within(1, 99),
        "2",
        "height and width that the maximum is taken over, after each convolution; 1: none",
    ),
    Key::required(WIDTH, ValueType::Within(1, MAX_WIDTH), "output dimension"),
    Key::with_default(
        "activation",
        ValueType::Choice(Activation::NAMES),
        "\"relu\"",
        "activation function",
    ),
    Key::with_default(
        COORDINATES,
        ValueType::Switch,
        "false",
        "whether the place of a pixel is two channels more",
    ),
    Key::with_default(
        POSITIONS,
        ValueType::Switch,
        "false",
        "whether it gives a row for each position of the last maps, in place of one per picture",
    ),
    Key::with_default(
        STANDARDIZE,
        ValueType::Switch,
        "true",
        "subtract the mean of each channel in training, and divide by its standard deviation",
    ),
    Key::with_default(DROPOUT, ValueType::Number(0.0, 0.95), "0", "dropout rate"),
];

impl EncoderKind for Picture {
    fn name(&self) -> &'static str {
        "picture"
    }

    fn about(&self) -> &'static str {
        "convolutions over each picture of a field of frames: a vector per picture, or per position of it"
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
        let sizes = values.counts(SIZE);
        let [height, width, channels] = sizes[..] else {
            let n = sizes.len();
            return Err(format!(
                "expected height, width and channels of a picture as `{SIZE}`, found {n} of the 3"
            ));
        };
        let config = Config {
            field: values.text(FIELD).to_owned(),
            size: PictureSize { height, width, channels },
            channels: values.counts(CHANNELS),
            window: values.count(WINDOW),
            pool: values.count(POOL),
            width: values.count(WIDTH),
            activation: Activation::of(values),
            has_coordinates: values.switch(COORDINATES),
            has_positions: values.switch(POSITIONS),
            is_standardized: values.switch(STANDARDIZE),
            dropout: values.number(DROPOUT),
        };
        let n_last = config.n_last();
        if n_last as u64 > MAX_WIDTH {
            return Err(format!(
                "expected at most {MAX_WIDTH} values above the last convolution, found {n_last}; raise `{POOL}`, add a \
                 convolution to `{CHANNELS}`, or set `{POSITIONS} = true`"
            ));
        }
        Ok(Box::new(config))
    }
}

struct Config {
    field: String,
    size: PictureSize,
    /// Output channels of each convolution.
    channels: Vec<usize>,
    window: usize,
    pool: usize,
    /// The output dimension.
    width: usize,
    activation: Activation,
    has_coordinates: bool,
    /// Whether it gives a row for each position of the last maps.
    has_positions: bool,
    is_standardized: bool,
    dropout: f64,
}

impl Config {
    /// The size of the last maps.
    fn last(&self) -> PictureSize {
        self.maps().last().copied().unwrap_or(self.size)
    }

    /// The number of positions of the last maps.
    fn n_positions(&self) -> usize {
        self.last().height * self.last().width
    }

    /// The number of values that a row is computed from.
    fn n_last(&self) -> usize {
        let last = self.last();
        if self.has_positions { last.channels } else { last.n_values() }
    }

    /// The size of the input of each convolution, and of the output of the last one.
    fn maps(&self) -> Vec<PictureSize> {
        let coordinates = if self.has_coordinates { 2 } else { 0 };
        let mut maps =
            vec![PictureSize { channels: self.size.channels + coordinates, ..self.size }];
        for &channels in &self.channels {
            let PictureSize { height, width, .. } = maps[maps.len() - 1];
            let [height, width] = [height, width].map(|n| n.div_ceil(self.pool));
            maps.push(PictureSize { height, width, channels });
        }
        maps
    }
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

    fn reshaping(&self) -> Reshaping {
        if self.has_positions { Reshaping::Parts(self.n_positions()) } else { Reshaping::Same }
    }

    fn frames(&self) -> Option<FrameForm> {
        Some(FrameForm::Pictures(self.size))
    }

    /// Windows and their gradients, and the convolution before and after pooling with theirs.
    fn scratch(&self, batch: BatchSize) -> u64 {
        let per_picture = |maps: &[PictureSize]| {
            let (input, output) = (maps[0], maps[1]);
            let n_positions = input.height * input.width;
            2 * n_positions * (self.window * self.window * input.channels + 3 * output.channels)
        };
        let per_picture: usize = self.maps().windows(2).map(per_picture).sum();
        batch.tokens.saturating_mul(per_picture as u64)
    }

    fn has_weights(&self) -> bool {
        true
    }

    fn fit(&self, corpora: &[(&Corpus, usize)], _vectors: Option<&WordVectors>) -> Fitted {
        if !self.is_standardized {
            return Fitted::default();
        }
        Standardization::fit(corpora, self.size.n_values(), self.size.channels)
    }

    fn build(&self, mut setup: EncoderSetup<'_>) -> Result<Built> {
        let n_channels = self.size.channels;
        let standardization = if self.is_standardized {
            Standardization::of(setup.fitted).map_err(candle_core::Error::msg)?
        } else {
            Standardization::identity(n_channels)
        };
        if standardization.width() != n_channels {
            let found = standardization.width();
            bail!("expected means and deviations of {n_channels} channels, found {found}")
        }
        let maps = self.maps();
        let layer = |(maps, at): (&[PictureSize], usize)| {
            let inputs = self.window * self.window * maps[0].channels;
            let filters = setup.scope.linear(&format!("layer-{at}"), inputs, maps[1].channels)?;
            Ok(Layer {
                filters,
                n_window: self.window * self.window,
                windows: around(maps[0], self.window),
                n_pooled: self.pool * self.pool,
                pools: blocks(maps[0], maps[1], self.pool),
            })
        };
        let layers = maps.windows(2).zip(1..).map(layer).collect::<Result<_>>()?;
        let n_last = self.n_last();
        Ok(Built::Encoder(Box::new(Network {
            name: setup.name.to_owned(),
            size: self.size,
            has_coordinates: self.has_coordinates,
            standardization,
            layers,
            n_rows: if self.has_positions { self.n_positions() } else { 1 },
            n_last,
            output: setup.scope.linear("output", n_last, self.width)?,
            activation: self.activation,
            dropout: self.dropout,
            device: setup.scope.device().clone(),
        })))
    }
}

/// The positions of a window around each position of a map, row by row; `None` beyond its border.
fn around(map: PictureSize, window: usize) -> Vec<Option<usize>> {
    let before = (window - 1) / 2;
    let near =
        |at: usize, step: usize, n: usize| (at + step).checked_sub(before).filter(|&at| at < n);
    let positions = (0..map.height).flat_map(|i| (0..map.width).map(move |j| (i, j)));
    let of = |(i, j): (usize, usize)| {
        let steps = (0..window).flat_map(|di| (0..window).map(move |dj| (di, dj)));
        let position = |(di, dj)| {
            let (i, j) = (near(i, di, map.height)?, near(j, dj, map.width)?);
            Some(i * map.width + j)
        };
        steps.map(position).collect::<Vec<_>>()
    };
    positions.flat_map(of).collect()
}

/// The positions that are pooled to each position of a smaller map. Where there are fewer, one is named several times,
/// which does not change a maximum.
fn blocks(from: PictureSize, to: PictureSize, pool: usize) -> Vec<usize> {
    let positions = (0..to.height).flat_map(|i| (0..to.width).map(move |j| (i, j)));
    let of = |(i, j): (usize, usize)| {
        let steps = (0..pool).flat_map(|di| (0..pool).map(move |dj| (di, dj)));
        let position = |(di, dj)| {
            let near = |at: usize, step: usize, n: usize| (at * pool + step).min(n - 1);
            near(i, di, from.height) * from.width + near(j, dj, from.width)
        };
        steps.map(position).collect::<Vec<_>>()
    };
    positions.flat_map(of).collect()
}

/// A convolution with pooling.
struct Layer {
    filters: Linear,
    /// The number of positions in a window.
    n_window: usize,
    /// The positions of each window, one window after the other.
    windows: Vec<Option<usize>>,
    /// The number of positions that are pooled to one.
    n_pooled: usize,
    /// The positions that are pooled to each one, likewise.
    pools: Vec<usize>,
}

impl Layer {
    /// The windows of n pictures, for x (n·positions, channels): (n·positions, window²·channels).
    fn windows(&self, x: &Tensor, n: usize) -> Result<Tensor> {
        let n_positions = self.windows.len() / self.n_window;
        let of = |at: usize| {
            self.windows.iter().map(move |position| Some((*position)? + at * n_positions))
        };
        kernel::windows_of(x, self.n_window, (0..n).flat_map(of).collect())
    }

    /// The maximum over the positions of each block, for x (n·positions, channels).
    fn pooled(&self, x: &Tensor, n: usize) -> Result<Tensor> {
        if self.n_pooled == 1 {
            return Ok(x.clone());
        }
        let n_positions = self.windows.len() / self.n_window;
        let blocks = self.pools.chunks_exact(self.n_pooled);
        // Blocks as sequences, whose rows are time-major.
        let rows = (0..self.n_pooled).flat_map(|step| {
            let of = |at: usize| blocks.clone().map(move |it| (it[step] + at * n_positions) as u32);
            (0..n).flat_map(of).collect::<Vec<_>>()
        });
        let rows = kernel::gather(x, rows.collect())?;
        kernel::max_over_tokens(&rows, &Packing::new(vec![self.n_pooled; n * blocks.len()]))
    }
}

struct Network {
    name: String,
    size: PictureSize,
    has_coordinates: bool,
    /// Of each channel.
    standardization: Standardization,
    layers: Vec<Layer>,
    /// The number of rows of a picture.
    n_rows: usize,
    /// The number of values that each of them is computed from.
    n_last: usize,
    output: Linear,
    activation: Activation,
    dropout: f64,
    device: Device,
}

impl Network {
    /// Standardized pixels, with their coordinates if there are any: (pictures·positions, channels).
    fn pixels(&self, numbers: &[f32], n: usize) -> Result<Tensor> {
        let PictureSize { height, width, channels } = self.size;
        let n_channels = channels + if self.has_coordinates { 2 } else { 0 };
        let mut pixels = Vec::with_capacity(n * height * width * n_channels);
        // From −1 to 1; 0 if there is only one.
        let place = |at: usize, n: usize| (2 * at + 1) as f32 / n as f32 - 1.0;
        for (pixel, at) in numbers.chunks_exact(channels).zip((0..height * width).cycle()) {
            pixels.extend(self.standardization.apply(pixel));
            if self.has_coordinates {
                pixels.extend([place(at / width, height), place(at % width, width)]);
            }
        }
        Tensor::from_vec(pixels, (n * height * width, n_channels), &self.device)
    }
}

impl Encoder for Network {
    fn forward(&self, _inputs: &[Rows], on: SequenceView<'_>, mode: Mode) -> Result<Vec<Rows>> {
        let (batch, field) = (on.batch, on.field());
        let packing = batch.packing(field);
        let n = packing.n_rows();
        let (found, numbers) = batch.frames(field).unwrap_or_default();
        if found != self.size.n_values() && n > 0 {
            bail!("expected pictures of {}, found frames of dimension {found}", self.size)
        }
        let mut x = self.pixels(numbers, n)?;
        for (layer, at) in self.layers.iter().zip(0..) {
            let mut windows = layer.windows(&x, n)?;
            if at == 0 && mode != Mode::Eval {
                // What is computed from pixels is differentiated, although they have no parameters.
                windows = Var::from_tensor(&windows)?.into_inner();
            }
            let convolved = layer.filters.forward(&windows)?; // (n·positions, channels)
            x = self.activation.forward(&layer.pooled(&convolved, n)?)?;
        }
        let flat = x.reshape((n * self.n_rows, self.n_last))?; // (rows, values), picture by picture
        let y = self.activation.forward(&self.output.forward(&flat)?)?;
        let rows = if self.n_rows == 1 {
            Rows::new(y, packing)
        } else {
            let (split, from) = packing.split(self.n_rows);
            Rows::new(kernel::gather(&y, from)?, &Arc::new(split))
        };
        let y = mode.dropout(&on.site(&self.name), self.dropout, rows.tensor.clone())?;
        Ok(vec![rows.with(y)])
    }
}
