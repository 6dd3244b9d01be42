//! Next word: a language model on the two directions of a recurrent layer (Rei 2017).
//!
//! The forward half of token t predicts the word at t + 1, through a tanh layer and a softmax of
//! its own; the backward half likewise the word at t − 1. The edges of each sentence are predicted
//! too. loss = −(Σ_t ln P(w_{t+1} | forward_t) + Σ_t ln P(w_{t−1} | backward_t)) / predictions,
//! with two predictions per token: a gain of 0.2 here corresponds to Rei's γ = 0.1, as the paper
//! adds the two sums.

use candle_core::{Result, Tensor};

use super::{
    ConfigFault, Declared, Evaluation, HeadSource, Metric, Objective, ObjectiveConfig,
    ObjectiveKind, ObjectiveSetup, Output, RawLoss, TOKEN_TAP, TapKey, predictions_of,
    word_ids::{self, FieldWords},
};
use crate::{
    data::{Batch, Corpus, Fitted, Lexicon, Packing, normalize::Normalize},
    kernel,
    keys::{Key, MAX_WIDTH, Refers, ValueType},
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
        ValueType::Within(1, MAX_WIDTH),
        "50",
        "hidden size of the tanh layer of each direction",
    ),
    Key::with_default(LOWERCASE, ValueType::Switch, "true", "lowercase the predicted words"),
];

/// The class of words outside the vocabulary.
const OTHER: u32 = 0;
/// The class of a sentence's edge: its end in the forward direction, its start in the backward
/// direction.
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
            normalize: Normalize { lowercase: values.switch(LOWERCASE), zero_digits: true },
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

/// The parsed options of a language model.
struct Config {
    field: String,
    n_words: usize,
    /// The size of the tanh layer of each direction.
    hidden: usize,
    normalize: Normalize,
}

impl ObjectiveConfig for Config {
    fn metrics(&self) -> Vec<Metric> {
        vec![Metric { name: "perplexity", direction: event::Direction::Lower }]
    }

    fn output(&self) -> Output<'_> {
        Output::Field { name: &self.field, as_read: false, names_read: false }
    }

    fn fit(&self, corpora: &[&Corpus]) -> Fitted {
        word_ids::fit(&self.field, corpora, self.normalize, Some(self.n_words))
    }

    fn build(&self, mut setup: ObjectiveSetup<'_>) -> Result<Box<dyn Objective>> {
        let words = FieldWords::new(&setup, &self.field, self.normalize)?;
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

impl LanguageModel {
    /// The target class of each row: its neighbour in a direction, or the edge.
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
            Direction::Forward => (&self.forward, kernel::columns(tap, 0, width)?),
            Direction::Backward => (&self.backward, kernel::columns(tap, width, width)?),
        })
    }

    /// The raw loss of rows from their losses in the two directions: (rows) each.
    fn raw_loss(forward: &Tensor, backward: &Tensor, packing: &Packing) -> Result<Option<RawLoss>> {
        if packing.n_rows() == 0 {
            return Ok(None);
        }
        let by_example = |per_row: &Tensor| {
            kernel::sum_by_group(per_row, packing.examples_of_rows(), packing.n_examples())
        };
        let per_example = (by_example(forward)? + by_example(backward)?)?;
        RawLoss::new(per_example, 2 * packing.n_rows()).map(Some)
    }
}

/// The neighbour that is predicted.
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
            layers.cross_entropy(&rows, self.targets(packing, batch, direction))
        };
        let (forward, backward) =
            kernel::both(x.device(), || of(Direction::Forward), || of(Direction::Backward));
        Self::raw_loss(&forward?, &backward?, packing)
    }

    /// The most probable next word after each token.
    fn evaluate(&self, taps: &[Rows], batch: &Batch) -> Result<Evaluation> {
        let Rows { tensor: x, packing } = &taps[0];
        let targets = |direction| self.targets(packing, batch, direction);
        let forward = || {
            let (layers, rows) = self.half(x, Direction::Forward)?;
            layers.cross_entropy_and_argmax(&rows, targets(Direction::Forward))
        };
        let backward = || {
            let (layers, rows) = self.half(x, Direction::Backward)?;
            layers.cross_entropy(&rows.detach(), targets(Direction::Backward))
        };
        let (forward, backward) = kernel::both(x.device(), forward, backward);
        let ((forward, next), backward) = (forward?, backward?);
        Ok(Evaluation {
            loss: Self::raw_loss(&forward, &backward, packing)?,
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
