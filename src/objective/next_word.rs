//! Next word: a language model on the two directions of a recurrent layer (Rei 2017).
//!
//! From the forward half of token t, by way of a tanh layer and a softmax of its own, the word at
//! t + 1; from the backward half likewise the word at t − 1. Each sentence's edges are predicted too.
//! loss = −(Σ_t ln P(w_{t+1} | forward_t) + Σ_t ln P(w_{t−1} | backward_t)) / predictions, and there
//! are two predictions a token: a gain of 0.2 here is Rei's γ = 0.1, who adds the two sums.

use candle_core::{Result, Tensor};

use super::{
    ConfigFault, Declared, Evaluation, HeadSource, Metric, Objective, ObjectiveConfig,
    ObjectiveKind, ObjectiveSetup, Output, RawLoss, TOKEN_TAP, TapKey, predictions_of,
    word_ids::{self, FieldWords},
};
use crate::{
    data::{Batch, Corpus, Lexicon, Packing, Vocabulary, normalise::Normalise, read::ReadError},
    kernel,
    keys::{Key, Refers, ValueType},
    metric::{Gold, Scorer, scorer::PerplexityScorer},
    model::{Rows, head::ScoreLayers},
    protocol::event,
};

pub(super) struct NextWord;

const FIELD: &str = "field";
const VOCABULARY: &str = "vocabulary";
const HIDDEN: &str = "hidden";
const LOWERCASE: &str = "lowercase";

const KEYS: &[Key] = &[
    Key::with_default(
        FIELD,
        ValueType::Name(Refers::Field),
        "\"form\"",
        "field whose words are predicted",
    ),
    Key::with_default(
        VOCABULARY,
        ValueType::Count(1),
        "7500",
        "vocabulary size; the rest map to one unknown class",
    ),
    Key::with_default(
        HIDDEN,
        ValueType::Count(1),
        "50",
        "hidden size of the tanh layer of each direction",
    ),
    Key::with_default(LOWERCASE, ValueType::Switch, "true", "lowercase the predicted words"),
];

/// The class of words outside the vocabulary.
const OTHER: u32 = 0;
/// The class of a sentence's edge: its end going forward, its start going backward.
const EDGE: u32 = 1;
/// The class of the vocabulary's first word.
const FIRST: u32 = 2;

impl ObjectiveKind for NextWord {
    fn name(&self) -> &'static str {
        "next-word"
    }

    fn about(&self) -> &'static str {
        "bidirectional language model: the next word from the forward states, the previous word from the backward states"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn taps(&self) -> &'static [TapKey] {
        TOKEN_TAP
    }

    fn head(&self) -> HeadSource {
        HeadSource::Own
    }

    fn configure(
        &self,
        declared: &Declared<'_>,
    ) -> std::result::Result<Box<dyn ObjectiveConfig>, ConfigFault> {
        let values = declared.values;
        let config = Config {
            field: values.text(FIELD).to_owned(),
            n_words: values.count(VOCABULARY),
            hidden: values.count(HIDDEN),
            normalise: Normalise { lowercase: values.switch(LOWERCASE), zero_digits: true },
        };
        let tap = |what: &str| ConfigFault::Tap(what.to_owned());
        match declared.taps[0].directions {
            Some([forward, backward]) if forward.right || backward.left => Err(tap(
                "this layer has read the words that next-word predicts; tap layer 1 of the \"birnn\"",
            )),
            Some(_) => Ok(Box::new(config)),
            None => Err(tap(
                "next-word reads the two directions of a recurrent layer; tap layer 1 of a \"birnn\", \
                 without a view",
            )),
        }
    }
}

/// What a recipe says of a language model.
struct Config {
    field: String,
    n_words: usize,
    /// Size of the tanh layer of each direction.
    hidden: usize,
    normalise: Normalise,
}

impl ObjectiveConfig for Config {
    fn metrics(&self) -> Vec<Metric> {
        vec![Metric { name: "perplexity", direction: event::Direction::Lower }]
    }

    fn output(&self) -> Output<'_> {
        Output::Field { name: &self.field, as_read: false }
    }

    fn check_corpus(&self, _corpus: &Corpus) -> Vec<ReadError> {
        Vec::new()
    }

    fn vocabularies(&self, corpora: &[&Corpus]) -> Vec<(&'static str, Vocabulary)> {
        word_ids::count(&self.field, corpora, self.normalise, Some(self.n_words))
    }

    fn build(&self, mut setup: ObjectiveSetup<'_>) -> Result<Box<dyn Objective>> {
        let words = FieldWords::new(&setup, &self.field, self.normalise);
        let classes = words.vocabulary().len() + FIRST as usize;
        let (half, hidden) = (setup.taps[0].width / 2, self.hidden);
        let mut half = |name| ScoreLayers::new(&mut setup.scope.child(name), half, hidden, classes);
        Ok(Box::new(LanguageModel {
            forward: half("forward")?,
            backward: half("backward")?,
            words,
        }))
    }
}

struct LanguageModel {
    forward: ScoreLayers,
    backward: ScoreLayers,
    words: FieldWords,
}

/// Rows whose logits over the whole vocabulary are in memory at once.
const ROWS: usize = 416;

impl LanguageModel {
    /// The class that each row is to predict: its neighbour in a direction, or the edge.
    fn targets(&self, packing: &Packing, batch: &Batch, direction: Direction) -> Vec<u32> {
        let ids = self.words.ids(batch);
        let target = |(b, t): (usize, usize)| {
            let neighbour = match direction {
                Direction::Forward => Some(t + 1).filter(|&t| t < packing.lengths()[b]),
                Direction::Backward => t.checked_sub(1),
            };
            neighbour.map_or(EDGE, |t| ids[packing.row(b, t)].map_or(OTHER, |id| id + FIRST))
        };
        packing.positions().map(target).collect()
    }

    /// The layers of a direction, and its half of the tap's rows.
    fn half(&self, tap: &Tensor, direction: Direction) -> Result<(&ScoreLayers, Tensor)> {
        let width = tap.dim(1)? / 2;
        Ok(match direction {
            Direction::Forward => (&self.forward, tap.narrow(1, 0, width)?),
            Direction::Backward => (&self.backward, tap.narrow(1, width, width)?),
        })
    }

    /// The sum of each example's losses in one direction: (examples).
    fn by_example(per_row: &Tensor, packing: &Packing) -> Result<Tensor> {
        kernel::sum_by_group(per_row, packing.examples_of_rows(), packing.n_examples())
    }

    /// The raw loss of as many rows, of those of the two directions: (examples) each.
    fn raw_loss(forward: &Tensor, backward: &Tensor, n_rows: usize) -> Result<Option<RawLoss>> {
        RawLoss::new((forward + backward)?, 2 * n_rows).map(Some)
    }

    /// The losses of a direction without a gradient, and what it predicts for each row: (examples), (rows).
    fn evaluate_half(
        &self,
        tap: &Rows,
        batch: &Batch,
        direction: Direction,
    ) -> Result<(Tensor, Vec<u32>)> {
        let (layers, rows) = self.half(&tap.tensor, direction)?;
        let targets = self.targets(&tap.packing, batch, direction);
        let (mut losses, mut predicted) = (Vec::new(), Vec::new());
        for (chunk, targets) in targets.chunks(ROWS).enumerate() {
            let logits = layers.forward(&rows.narrow(0, chunk * ROWS, targets.len())?)?;
            losses.push(kernel::cross_entropy_of_logits(&logits, targets)?);
            predicted.extend(kernel::argmax(&logits)?);
        }
        Ok((Self::by_example(&Tensor::cat(&losses, 0)?, &tap.packing)?, predicted))
    }
}

/// Which neighbour is predicted.
#[derive(Clone, Copy)]
enum Direction {
    Forward,
    Backward,
}

impl Objective for LanguageModel {
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        self.words.attach(corpus_idx, corpus);
    }

    fn loss(&self, taps: &[Rows], batch: &Batch) -> Result<Option<RawLoss>> {
        let Rows { tensor: x, packing } = &taps[0];
        let of = |direction| {
            let (layers, rows) = self.half(x, direction)?;
            let per_row = layers.cross_entropy(&rows, self.targets(packing, batch, direction))?;
            Self::by_example(&per_row, packing)
        };
        Self::raw_loss(&of(Direction::Forward)?, &of(Direction::Backward)?, packing.n_rows())
    }

    /// The likeliest next word after each token.
    fn evaluate(&self, taps: &[Rows], batch: &Batch) -> Result<Evaluation> {
        let packing = &taps[0].packing;
        if packing.n_rows() == 0 {
            return Ok(Evaluation::of_loss(None, batch.n_examples()));
        }
        let (forward, next) = self.evaluate_half(&taps[0], batch, Direction::Forward)?;
        let (backward, _) = self.evaluate_half(&taps[0], batch, Direction::Backward)?;
        Ok(Evaluation {
            loss: Self::raw_loss(&forward, &backward, packing.n_rows())?,
            gold: vec![Gold::None; batch.n_examples()],
            predictions: predictions_of(packing, &next),
            scored_only: Vec::new(),
        })
    }

    fn scorer(&self) -> Box<dyn Scorer> {
        Box::new(PerplexityScorer)
    }

    fn class_names(&self) -> Lexicon {
        let words = self.words.vocabulary().iter().map(|(word, _)| word);
        ["<other>", "</s>"].into_iter().chain(words).collect()
    }
}
