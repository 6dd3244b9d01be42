//! Aligned vector: the vector that goes with a text, such as that of the picture which a sentence describes, from the vector
//! of the text (imagination; Elliott and Kádár 2017).
//!
//! The head `vector` predicts it; the loss is that of the head, with every other example of the batch that has a vector for
//! the distance `margin`, divided by the number of examples with a vector. Its metrics compare cosines with all gold vectors
//! of a split, whatever the distance.

use std::collections::BTreeMap;

use candle_core::{Result, Tensor, bail};

use super::{
    ConfigFault, Declared, EXAMPLE_TAP, Evaluation, HeadSource, LabelCheck, Metric, Objective,
    ObjectiveConfig, ObjectiveKind, ObjectiveSetup, Output, RawLoss, TapKey, labels,
};
use crate::{
    data::{Batch, Corpus, Example, FieldValues, Fitted, Prediction, read::ReadError},
    kernel,
    keys::{Key, Refers, ValueType},
    metric::{Gold, Scorer, scorer::RetrievalScorer},
    model::{Rows, encoder::BatchSize, head::VectorHead},
    protocol::event::Direction,
};

pub(super) struct AlignedVector;

const LABEL: &str = "label";

const KEYS: &[Key] = &[Key::required(
    LABEL,
    ValueType::Name(Refers::Numbers),
    "field of the vector of each example",
)];

/// The key of the dimension among the fitted numbers.
const DIMENSION: &str = "dimension";

impl ObjectiveKind for AlignedVector {
    fn name(&self) -> &'static str {
        "aligned-vector"
    }

    fn about(&self) -> &'static str {
        "the vector that goes with a text, such as that of a picture"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn taps(&self) -> &'static [TapKey] {
        EXAMPLE_TAP
    }

    fn head(&self) -> HeadSource {
        HeadSource::OneOf(&["vector"])
    }

    fn configure(
        &self,
        declared: &Declared<'_>,
    ) -> std::result::Result<Box<dyn ObjectiveConfig>, ConfigFault> {
        Ok(Box::new(Config {
            label: declared.values.text(LABEL).to_owned(),
            is_alone: !declared.shares && declared.n_corpora == 1,
        }))
    }
}

/// The options of the objective.
struct Config {
    label: String,
    /// Whether it has vectors of its own, from a single corpus.
    is_alone: bool,
}

/// The vector of an example, if it has one.
fn vector(values: Option<&FieldValues>) -> Option<&[f32]> {
    match values? {
        FieldValues::Numbers(numbers) => Some(numbers),
        _ => None,
    }
}

impl Config {
    /// The first example of train with a vector, and the dimension of it.
    fn first<'a>(&self, corpus: &'a Corpus) -> Option<(&'a Example, usize)> {
        let field = corpus.field(&self.label)?;
        let dimension = |example: &Example| vector(example.fields[field].as_ref()).map(<[_]>::len);
        corpus.train.examples.iter().find_map(|example| Some((example, dimension(example)?)))
    }
}

impl ObjectiveConfig for Config {
    fn metrics(&self) -> Vec<Metric> {
        let metric = |(name, direction)| Metric { name, direction };
        let metrics = [
            ("recall_at_1", Direction::Higher),
            ("mean_rank", Direction::Lower),
            ("cosine", Direction::Higher),
        ];
        metrics.map(metric).into()
    }

    fn output(&self) -> Output<'_> {
        Output::Field { name: &self.label, as_read: false, names_read: false }
    }

    fn check_corpus(&self, corpus: &Corpus) -> LabelCheck {
        let mut check = LabelCheck::default();
        let Some(field) = corpus.field(&self.label) else { return check };
        let Some((first, dimension)) = self.first(corpus) else {
            let what = format!(
                "from here on no example of train has a {:?}; expected one vector at least",
                self.label
            );
            check.of_corpus.extend(self.is_alone.then(|| labels::fault(corpus, what)));
            return check;
        };
        let of_first = (corpus.train.file_of(first, &self.label), first.line);
        for (split, data) in corpus.splits() {
            for example in &data.examples {
                let found = vector(example.fields[field].as_ref()).map(<[_]>::len);
                let Some(found) = found.filter(|found| *found != dimension) else { continue };
                let what = format!(
                    "expected a vector of dimension {dimension} in {:?}, as in {}:{}, found one of {found}",
                    self.label, of_first.0, of_first.1
                );
                let (file, line) = (data.file_of(example, &self.label), example.line);
                check.of_examples.push((split, ReadError { file, line, what }));
            }
        }
        check
    }

    fn fit(&self, corpora: &[&Corpus]) -> Fitted {
        let dimension = corpora.iter().find_map(|corpus| self.first(corpus));
        let dimension = dimension.map_or(0, |(_, dimension)| dimension);
        Fitted::default().with_numbers(DIMENSION, vec![dimension as f64])
    }

    fn n_pairs(&self, batch: BatchSize) -> u64 {
        batch.examples.saturating_mul(batch.examples)
    }

    fn build(&self, setup: ObjectiveSetup<'_>) -> Result<Box<dyn Objective>> {
        let &[dimension] = setup.numbers(DIMENSION)?.as_slice() else {
            bail!("expected one number, the dimension of {:?}", self.label)
        };
        let dimension = dimension as usize;
        if dimension == 0 {
            bail!("expected a vector in {:?} of train, found none", self.label)
        }
        let head = setup.vector_head(dimension)?;
        let (label, attached) = (self.label.clone(), BTreeMap::new());
        Ok(Box::new(Imagination { label, dimension, head, attached }))
    }
}

/// The head, with the field of its targets.
struct Imagination {
    label: String,
    dimension: usize,
    head: VectorHead,
    /// The index of the field in each corpus that has it.
    attached: BTreeMap<usize, usize>,
}

impl Imagination {
    /// The vector of each example.
    fn gold(&self, batch: &Batch) -> Vec<Option<Vec<f32>>> {
        let Some(&field) = self.attached.get(&batch.corpus) else {
            return vec![None; batch.n_examples()];
        };
        let values = batch.values(field).iter();
        values.map(|values| vector(values.as_ref()).map(<[f32]>::to_vec)).collect()
    }

    /// The loss of the examples with a vector, from the predicted ones (examples, dimension); `None` if there are none.
    fn loss_of(&self, predicted: &Tensor, gold: &[Option<Vec<f32>>]) -> Result<Option<RawLoss>> {
        let labelled = (0u32..).zip(gold).filter_map(|(at, gold)| Some((at, gold.as_ref()?)));
        let (examples, targets): (Vec<u32>, Vec<&Vec<f32>>) = labelled.unzip();
        if examples.is_empty() {
            return Ok(None);
        }
        if let Some(other) = targets.iter().find(|target| target.len() != self.dimension) {
            bail!(
                "expected vectors of dimension {} in {:?}, found one of {}",
                self.dimension,
                self.label,
                other.len()
            )
        }
        let (count, shape) = (examples.len(), (examples.len(), self.dimension));
        let targets: Vec<f32> = targets.into_iter().flatten().copied().collect();
        let targets = Tensor::from_vec(targets, shape, predicted.device())?;
        let predicted = kernel::gather(predicted, examples.clone())?;
        let per_row = self.head.losses(&predicted, &targets)?;
        RawLoss::new(kernel::sum_by_group(&per_row, examples, gold.len())?, count).map(Some)
    }
}

impl Objective for Imagination {
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        self.attached.extend(corpus.field(&self.label).map(|field| (corpus_idx, field)));
    }

    fn loss(&self, taps: &[Rows], batch: &Batch) -> Result<Option<RawLoss>> {
        self.loss_of(&self.head.forward(&taps[0].tensor)?, &self.gold(batch))
    }

    fn evaluate(&self, taps: &[Rows], batch: &Batch) -> Result<Evaluation> {
        let (predicted, gold) = (self.head.forward(&taps[0].tensor)?, self.gold(batch));
        let loss = self.loss_of(&predicted, &gold)?;
        let predicted = kernel::to_vec(&predicted)?;
        let predicted = predicted.chunks_exact(self.dimension);
        Ok(Evaluation {
            loss,
            gold: gold.into_iter().map(|gold| gold.map_or(Gold::None, Gold::Vector)).collect(),
            predictions: predicted.map(|vector| Prediction::Vector(vector.to_vec())).collect(),
            scored_only: Vec::new(),
        })
    }

    fn scorer(&self) -> Box<dyn Scorer> {
        Box::new(RetrievalScorer::default())
    }
}

#[cfg(test)]
mod tests;
