//! Next word: a language model on the two directions of a recurrent layer (Rei 2017).
//!
//! From the forward half of token t, by way of a tanh layer and a softmax of its own, the word at
//! t + 1; from the backward half likewise the word at t − 1. Each sentence's edges are predicted too.
//! loss = −(Σ_t ln P(w_{t+1} | forward_t) + Σ_t ln P(w_{t−1} | backward_t)) / predictions, and there
//! are two predictions a token: a gain of 0.2 here is Rei's γ = 0.1, who adds the two sums.

use candle_core::{Result, Tensor};

use super::{
    Metric, Objective, ObjectiveKind, Scorer, Scores, Setup, Term, by_example,
    word_ids::{self, Words},
};
use crate::{
    data::{Batch, Corpus, Packing, Vocabulary, normalise::Normalise},
    kernel,
    keys::{Key, Refers, Takes, Values},
    metric::Perplexity,
    model::{Rows, parameters::Linear, tap::LayerSpec},
    protocol::event::Direction,
};

pub(super) struct NextWord;

const KEYS: &[Key] = &[
    Key::with_default(
        "field",
        Takes::Name(Refers::Field),
        "\"form\"",
        "the field whose words are predicted",
    ),
    Key::with_default(
        "vocabulary",
        Takes::Count(1),
        "7500",
        "words told apart; all others are one class",
    ),
    Key::with_default(
        "hidden",
        Takes::Count(1),
        "50",
        "numbers in the tanh layer of each direction",
    ),
    Key::with_default("lowercase", Takes::Switch, "true", "predict words in lower case"),
];

/// The class of words outside the vocabulary.
const OTHER: u32 = 0;
/// The class of a sentence's edge: its end going forward, its start going backward.
const EDGE: u32 = 1;
/// The class of the vocabulary's first word.
const FIRST: u32 = 2;

fn normalise(values: &Values) -> Normalise {
    Normalise { lowercase: values.switch("lowercase"), zero_digits: true }
}

impl ObjectiveKind for NextWord {
    fn name(&self) -> &'static str {
        "next-word"
    }

    fn about(&self) -> &'static str {
        "the next word from the forward half, the previous one from the backward half"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn check(&self, _values: &Values, taps: &[LayerSpec]) -> std::result::Result<(), String> {
        match taps[0].directions {
            Some([forward, backward]) if forward.right || backward.left => Err(
                "this layer has read the words that next-word predicts; tap layer 1 of the \"birnn\""
                    .to_owned(),
            ),
            Some(_) => Ok(()),
            None => Err(
                "next-word reads the two directions of a recurrent layer; tap layer 1 of a \"birnn\", \
                 without a view"
                    .to_owned(),
            ),
        }
    }

    fn metrics(&self, _values: &Values) -> Vec<Metric> {
        vec![Metric { name: "perplexity", direction: Direction::Lower }]
    }

    fn vocabularies(
        &self,
        values: &Values,
        corpora: &[&Corpus],
    ) -> Vec<(&'static str, Vocabulary)> {
        word_ids::count(values, corpora, normalise(values), Some(values.count("vocabulary")))
    }

    fn build(&self, mut setup: Setup<'_>) -> Result<Box<dyn Objective>> {
        let words = Words::new(&setup, normalise(setup.values));
        let classes = words.vocabulary().len() + FIRST as usize;
        let (half, hidden) = (setup.taps[0].width / 2, setup.values.count("hidden"));
        let mut half = |name| -> Result<Half> {
            let mut scope = setup.scope.child(name);
            Ok(Half {
                hidden: scope.linear("hidden", half, hidden)?,
                output: scope.linear("output", hidden, classes)?,
            })
        };
        Ok(Box::new(LanguageModel {
            forward: half("forward")?,
            backward: half("backward")?,
            words,
        }))
    }
}

/// The layers over one direction's half.
struct Half {
    hidden: Linear,
    output: Linear,
}

impl Half {
    /// x (rows, width) to logits (rows, classes).
    fn logits(&self, x: &Tensor) -> Result<Tensor> {
        self.output.forward(&kernel::tanh(&self.hidden.forward(x)?)?)
    }

    /// The loss of each row of x (rows, width) with its target: (rows).
    fn cross_entropy(&self, x: &Tensor, targets: Vec<u32>) -> Result<Tensor> {
        self.output.cross_entropy(&kernel::tanh(&self.hidden.forward(x)?)?, targets)
    }
}

struct LanguageModel {
    forward: Half,
    backward: Half,
    words: Words,
}

impl LanguageModel {
    /// The class that each row is to predict: the word `ahead` of it, or the edge.
    fn targets(&self, packing: &Packing, batch: &Batch, ahead: Ahead) -> Vec<u32> {
        let ids = self.words.ids(batch);
        let target = |(b, t): (usize, usize)| {
            let ahead = match ahead {
                Ahead::Next => Some(t + 1).filter(|&t| t < packing.lengths()[b]),
                Ahead::Previous => t.checked_sub(1),
            };
            ahead.map_or(EDGE, |t| ids[packing.row(b, t)].map_or(OTHER, |id| id + FIRST))
        };
        packing.positions().map(target).collect()
    }

    /// The loss of each sequence in one direction: (sequences).
    fn each(&self, tap: &Rows, batch: &Batch, ahead: Ahead) -> Result<Tensor> {
        let Rows { tensor: x, packing } = tap;
        let width = x.dim(1)? / 2;
        let (half, from) = match ahead {
            Ahead::Next => (&self.forward, 0),
            Ahead::Previous => (&self.backward, width),
        };
        let rows = x.narrow(1, from, width)?;
        let each = half.cross_entropy(&rows, self.targets(packing, batch, ahead))?; // (rows)
        kernel::sum_by_group(&each, packing.examples_of_rows(), batch.n_examples())
    }

    fn word(&self, class: u32) -> String {
        match class {
            OTHER => "<other>".to_owned(),
            EDGE => "</s>".to_owned(),
            class => self.words.vocabulary().item(class - FIRST).to_owned(),
        }
    }
}

/// Which neighbour is predicted.
#[derive(Clone, Copy)]
enum Ahead {
    Next,
    Previous,
}

impl Objective for LanguageModel {
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        self.words.attach(corpus_idx, corpus);
    }

    fn loss(&self, taps: &[Rows], batch: &Batch) -> Result<Option<Term>> {
        let next = self.each(&taps[0], batch, Ahead::Next)?;
        let previous = self.each(&taps[0], batch, Ahead::Previous)?;
        Term::new((next + previous)?, 2 * taps[0].packing.n_rows()).map(Some)
    }

    fn scorer(&self) -> Box<dyn Scorer + '_> {
        Box::new(PerplexityScorer { model: self, scores: Scores::default() })
    }

    /// The likeliest next word after each token.
    fn predict(&self, taps: &[Rows], _batch: &Batch) -> Result<Vec<Vec<String>>> {
        let Rows { tensor: x, packing } = &taps[0];
        let logits = self.forward.logits(&x.narrow(1, 0, x.dim(1)? / 2)?)?;
        let best = logits.argmax(1)?.to_vec1::<u32>()?;
        Ok(by_example(packing, &best, |class| self.word(class)))
    }
}

struct PerplexityScorer<'a> {
    model: &'a LanguageModel,
    scores: Scores,
}

impl Scorer for PerplexityScorer<'_> {
    fn add(&mut self, taps: &[Rows], batch: &Batch) -> Result<()> {
        self.scores.add(self.model.loss(taps, batch)?.as_ref())
    }

    fn finish(mut self: Box<Self>) -> Scores {
        let mut perplexity = Perplexity::default();
        perplexity.add(self.scores.sum, self.scores.count as u64);
        self.scores.metrics =
            perplexity.perplexity().map(|value| ("perplexity", value)).into_iter().collect();
        self.scores
    }
}
