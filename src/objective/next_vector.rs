//! Next vector: the frame that follows, from rows that have read only the frames before it (Pasunuru and Bansal 2017; for
//! speech Chung et al. 2019, who predict `ahead` frames from the last one read).
//!
//! Row t predicts the standardized frame at t + n, by the head `vector` with the distance `squared`, `absolute` or `cosine`. The loss is
//! divided by the number of predicted frames: of a sequence all but the first n. Metrics compare with persistence, which
//! repeats the frame at t. Predictions are the frame that follows each sequence after n, in the units of the corpus.

use std::collections::BTreeMap;

use candle_core::{Error, Result, Tensor, bail};

use super::{
    ConfigFault, Declared, Evaluation, HeadSource, Metric, Objective, ObjectiveConfig,
    ObjectiveKind, ObjectiveSetup, Output, RawLoss, TOKEN_TAP, TapKey,
};
use crate::{
    data::{Batch, Corpus, Example, FieldValues, Fitted, Packing, Prediction, Standardization},
    kernel,
    keys::{Key, Refers, ValueType},
    metric::{
        Gold, Scorer,
        scorer::{ForecastError, ForecastScorer},
    },
    model::{
        Rows,
        head::{self, Distance, VectorHead},
    },
    protocol::event::Direction,
};

pub(super) struct NextVector;

const FIELD: &str = "field";
const AHEAD: &str = "ahead";

const KEYS: &[Key] = &[
    Key::required(
        FIELD,
        ValueType::Name(Refers::Frames),
        "field whose frames are predicted, over which the encoder runs",
    ),
    Key::with_default(
        AHEAD,
        ValueType::Within(1, 1000),
        "1",
        "number of frames from the last one read to the predicted one",
    ),
];

impl ObjectiveKind for NextVector {
    fn name(&self) -> &'static str {
        "next-vector"
    }

    fn about(&self) -> &'static str {
        "the next frame of a sequence of vectors, from the forward states"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn taps(&self) -> &'static [TapKey] {
        TOKEN_TAP
    }

    fn head(&self) -> HeadSource {
        HeadSource::OneOf(&["vector"])
    }

    fn configure(
        &self,
        declared: &Declared<'_>,
    ) -> std::result::Result<Box<dyn ObjectiveConfig>, ConfigFault> {
        let values = declared.values;
        if declared.taps[0].context.right {
            let what = "this view has read the frames that next-vector predicts; tap the forward half of layer 1 of a \
                        \"birnn\", as \"reader.1.forward\"";
            return Err(ConfigFault::Tap(what.to_owned()));
        }
        let error = match Distance::of(values) {
            Distance::Squared => ForecastError::Squared,
            Distance::Absolute => ForecastError::Absolute,
            Distance::Cosine => ForecastError::Cosine,
            Distance::Margin(_) => {
                let what = "`distance`: expected \"squared\", \"absolute\" or \"cosine\", found \"margin\", as neighbouring frames are \
                            alike";
                return Err(ConfigFault::Key(head::DISTANCE, what.to_owned()));
            }
        };
        let (field, ahead) = (values.text(FIELD).to_owned(), values.count(AHEAD));
        Ok(Box::new(Config { field, ahead, error }))
    }
}

/// The options of the objective.
#[derive(Clone)]
struct Config {
    field: String,
    ahead: usize,
    error: ForecastError,
}

impl ObjectiveConfig for Config {
    fn metrics(&self) -> Vec<Metric> {
        let (skill, lower) = (("skill", Direction::Higher), Direction::Lower);
        let higher = Direction::Higher;
        let metrics = match self.error {
            ForecastError::Squared => [("mse", lower), ("persistence_mse", lower), skill],
            ForecastError::Absolute => [("mae", lower), ("persistence_mae", lower), skill],
            ForecastError::Cosine => [("cosine", higher), ("persistence_cosine", higher), skill],
        };
        metrics.map(|(name, direction)| Metric { name, direction }).into()
    }

    fn output(&self) -> Output<'_> {
        Output::New
    }

    fn fit(&self, corpora: &[&Corpus]) -> Fitted {
        let fields =
            corpora.iter().filter_map(|&corpus| Some((corpus, corpus.field(&self.field)?)));
        let fields: Vec<(&Corpus, usize)> = fields.collect();
        let width = |(example, field): (&Example, usize)| match example.fields[field].as_ref()? {
            FieldValues::Frames { width, .. } => Some(*width),
            _ => None,
        };
        let mut examples = fields.iter().flat_map(|&(corpus, field)| {
            corpus.train.examples.iter().map(move |example| (example, field))
        });
        let width = examples.find_map(width).unwrap_or(0);
        Standardization::fit(&fields, width, width)
    }

    fn build(&self, setup: ObjectiveSetup<'_>) -> Result<Box<dyn Objective>> {
        let standardization = Standardization::of(setup.fitted).map_err(Error::msg)?;
        if standardization.width() == 0 {
            bail!("expected frames in {:?} of train, found none", self.field)
        }
        let head = setup.vector_head(standardization.width())?;
        let (config, attached) = (self.clone(), BTreeMap::new());
        Ok(Box::new(Forecaster { config, standardization, head, attached }))
    }
}

/// The head, with the frames that it predicts.
struct Forecaster {
    config: Config,
    standardization: Standardization,
    head: VectorHead,
    /// The index of the field in each corpus that has it.
    attached: BTreeMap<usize, usize>,
}

/// The predicted frames of a batch.
struct Targets {
    /// The standardized frames of all rows, row after row.
    frames: Vec<f32>,
    /// Each row from which a frame is predicted, with the row of that frame.
    rows: Vec<(u32, u32)>,
}

impl Forecaster {
    fn targets(&self, packing: &Packing, batch: &Batch) -> Result<Targets> {
        let field = self.attached.get(&batch.corpus);
        let (width, numbers) = field.and_then(|&field| batch.frames(field)).unwrap_or_default();
        let wanted = self.standardization.width();
        if width != wanted && packing.n_rows() > 0 {
            bail!("expected frames of dimension {wanted} in {:?}, found {width}", self.config.field)
        }
        let next = |(b, t): (usize, usize)| {
            let next = t + self.config.ahead;
            (next < packing.lengths()[b]).then(|| packing.row(b, next) as u32)
        };
        let rows = (0u32..).zip(packing.positions().map(next));
        Ok(Targets {
            frames: self.standardization.apply(numbers).collect(),
            rows: rows.filter_map(|(row, next)| Some((row, next?))).collect(),
        })
    }

    /// The loss of the predicted frames (rows, width); `None` if no sequence has one to predict.
    fn loss_of(
        &self,
        predicted: &Tensor,
        Targets { frames, rows }: &Targets,
        packing: &Packing,
    ) -> Result<Option<RawLoss>> {
        if rows.is_empty() {
            return Ok(None);
        }
        let (from, to): (Vec<u32>, Vec<u32>) = rows.iter().copied().unzip();
        let frames = Tensor::from_slice(frames, predicted.dims2()?, predicted.device())?;
        let (predicted, frames) =
            (kernel::gather(predicted, from.clone())?, kernel::gather(&frames, to)?);
        let per_row = self.head.losses(&predicted, &frames)?;
        let examples = packing.examples_of_rows();
        let groups = from.into_iter().map(|row| examples[row as usize]).collect();
        let per_example = kernel::sum_by_group(&per_row, groups, packing.n_examples())?;
        RawLoss::new(per_example, rows.len()).map(Some)
    }
}

impl Objective for Forecaster {
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        self.attached.extend(corpus.field(&self.config.field).map(|field| (corpus_idx, field)));
    }

    fn loss(&self, taps: &[Rows], batch: &Batch) -> Result<Option<RawLoss>> {
        let Rows { tensor: x, packing } = &taps[0];
        self.loss_of(&self.head.forward(x)?, &self.targets(packing, batch)?, packing)
    }

    fn evaluate(&self, taps: &[Rows], batch: &Batch) -> Result<Evaluation> {
        let Rows { tensor: x, packing } = &taps[0];
        let (predicted, targets) = (self.head.forward(x)?, self.targets(packing, batch)?);
        let loss = self.loss_of(&predicted, &targets, packing)?;
        let (predicted, width) = (kernel::to_vec(&predicted)?, self.standardization.width());
        let row = |of: &[f32], row: usize| of[row * width..][..width].to_vec();
        let pair = |&(from, to): &(u32, u32)| {
            let [from, to] = [from, to].map(|row| row as usize);
            let gold = [row(&targets.frames, from), row(&targets.frames, to)].concat();
            (Gold::Vector(gold), Prediction::Vector(row(&predicted, from)))
        };
        let last = |example: usize| match packing.rows_of_example(example).last() {
            Some(&last) => Prediction::Vector(self.standardization.invert(&row(&predicted, last))),
            None => Prediction::None,
        };
        Ok(Evaluation {
            loss,
            gold: vec![Gold::None; batch.n_examples()],
            predictions: (0..batch.n_examples()).map(last).collect(),
            scored_only: targets.rows.iter().map(pair).collect(),
        })
    }

    fn scorer(&self) -> Box<dyn Scorer> {
        Box::new(ForecastScorer::new(self.config.error))
    }
}

#[cfg(test)]
mod tests;
