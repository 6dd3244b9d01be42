//! Bag: the words of a text from one vector per example, whatever their order, as from the initial state of a decoder
//! (Weng et al. 2017).
//!
//! With y the words of the text, each as often as it occurs, and p the probabilities of the head: the loss of an example
//! is −(Σ_k ln p_{y_k}) / |y|, and loss = Σ of these / examples with a word. Weng et al. add it to the loss of the
//! translation with weight 1; `generate` divides by the words of its texts, so that with `gain = 1` a text counts here as
//! much as one of its words there, and not more if it is longer.
//!
//! A word outside the vocabulary has no probability: it is not in y, it is never predicted, and for recall it is a word
//! that is not found. The vocabulary is that of the decoder if the tap is one's and the label its field; otherwise that of
//! the label in training.

use std::collections::BTreeSet;

use candle_core::{Result, bail};

use super::{
    ConfigFault, Declared, EXAMPLE_TAP, Evaluation, HeadSource, Metric, Objective, ObjectiveConfig,
    ObjectiveKind, ObjectiveSetup, Output, RawLoss, TapKey, decoded,
    word_ids::{self, FieldWords},
};
use crate::{
    data::{Batch, Corpus, Fitted, Lexicon, Prediction, normalize::Normalize},
    kernel::TargetBags,
    keys::{Key, MAX_WIDTH, Refers, ValueType},
    metric::{Gold, Scorer, scorer::RecallScorer},
    model::{
        Rows,
        head::{BagEvaluation, BagHead},
    },
    protocol::event::Direction,
};

pub(super) struct Bag;

const LABEL: &str = "label";
const MIN_COUNT: &str = "min_count";

/// The key of the number of words for recall and predictions.
pub(super) const K: &str = "k";

const KEYS: &[Key] = &[
    Key::required(
        LABEL,
        ValueType::Name(Refers::Field),
        "field of the text whose words are predicted, whatever their order",
    ),
    Key::optional(
        MIN_COUNT,
        ValueType::Count(1),
        "training count from which a word is in the vocabulary, if it is not that of a decoder; default: 2",
    ),
    Key::optional(
        K,
        ValueType::Within(1, MAX_WIDTH),
        "number of words for recall_at_k and `predict`; default: the distinct words of the text, in `predict` their mean \
         number in training",
    ),
];

/// The training count from which a word is in the vocabulary, as in `embed`.
const DEFAULT_MIN_COUNT: u64 = 2;

/// The fitted number of words to predict.
const N_WORDS: &str = "n_words";

impl ObjectiveKind for Bag {
    fn name(&self) -> &'static str {
        "bag"
    }

    fn about(&self) -> &'static str {
        "the words of a text from one vector, whatever their order: from the initial state of a decoder"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn taps(&self) -> &'static [TapKey] {
        EXAMPLE_TAP
    }

    fn head(&self) -> HeadSource {
        HeadSource::OneOf(&["bag"])
    }

    fn configure(
        &self,
        declared: &Declared<'_>,
    ) -> std::result::Result<Box<dyn ObjectiveConfig>, ConfigFault> {
        let values = declared.values;
        let label = values.text(LABEL).to_owned();
        let min_count = values.count_if_set(MIN_COUNT);
        let is_decoded = decoded::word_field(declared, EXAMPLE_TAP[0].name) == Some(label.as_str());
        if let (true, Some(found)) = (is_decoded, min_count) {
            let what = format!(
                "expected no `{MIN_COUNT}`, as the vocabulary is that of the decoder, found {found}; remove it, or set that \
                 of the decoder"
            );
            return Err(ConfigFault::Key(MIN_COUNT, what));
        }
        let min_count = min_count.map_or(DEFAULT_MIN_COUNT, |count| count as u64);
        let min_count = (!is_decoded).then_some(min_count);
        Ok(Box::new(Config { label, min_count, k: values.count_if_set(K) }))
    }
}

/// The parsed options.
struct Config {
    label: String,
    /// Of the words of its vocabulary; `None` if that is the decoder's.
    min_count: Option<u64>,
    k: Option<usize>,
}

impl ObjectiveConfig for Config {
    fn metrics(&self) -> Vec<Metric> {
        vec![RECALL]
    }

    fn output(&self) -> Output<'_> {
        Output::Field { name: &self.label, as_read: false, names_read: false }
    }

    fn has_class_labels(&self) -> bool {
        false
    }

    fn fit(&self, corpora: &[&Corpus]) -> Fitted {
        let n_words = self.k.map_or_else(|| mean_distinct(&self.label, corpora), |k| k as f64);
        let fitted = match self.min_count {
            Some(min_count) => {
                word_ids::fit_frequent(&self.label, corpora, Normalize::default(), min_count)
            }
            None => Fitted::default(),
        };
        fitted.with_numbers(N_WORDS, vec![n_words])
    }

    fn build(&self, mut setup: ObjectiveSetup<'_>) -> Result<Box<dyn Objective>> {
        let words = match (self.min_count, setup.decoders.first()) {
            (None, Some(decoder)) => FieldWords::of(decoder.vocabulary().clone(), &self.label),
            (None, None) => bail!("expected the tap of a decoder"),
            (Some(_), _) => FieldWords::new(&setup, &self.label, Normalize::default())?,
        };
        let n_predicted =
            setup.numbers(N_WORDS)?.first().map_or(1, |n| n.round().max(1.0) as usize);
        let (head, width) = (setup.bag_head(), setup.taps[0].width);
        let head = head.build(&mut setup.scope, width, words.vocabulary().len())?;
        Ok(Box::new(BagOfWords { words, head, k: self.k, n_predicted }))
    }
}

/// The metric of bags of words.
pub(super) const RECALL: Metric = Metric { name: "recall_at_k", direction: Direction::Higher };

/// The mean number of distinct words in the texts of training; 0 without any.
fn mean_distinct(label: &str, corpora: &[&Corpus]) -> f64 {
    let (mut sum, mut n_texts) = (0, 0);
    for corpus in corpora {
        let Some(field) = corpus.field(label) else { continue };
        for words in corpus.train.examples.iter().filter_map(|example| example.strings(field)) {
            sum += words.iter().collect::<BTreeSet<_>>().len();
            n_texts += usize::from(!words.is_empty());
        }
    }
    if n_texts == 0 { 0.0 } else { sum as f64 / n_texts as f64 }
}

/// The bags of rows, given the words of each by class and the number of words of the vocabulary.
pub(super) fn known_words(rows: &[Vec<u32>], n_words: usize) -> TargetBags {
    let (mut classes, mut bags) = (Vec::new(), Vec::with_capacity(rows.len()));
    for row in rows {
        let first = classes.len();
        classes.extend(row.iter().copied().filter(|&class| (class as usize) < n_words));
        bags.push(first..classes.len());
    }
    TargetBags::new(classes, bags)
}

/// The distinct words of a row, by class.
pub(super) fn distinct(words: &[u32]) -> Vec<u32> {
    words.iter().copied().collect::<BTreeSet<_>>().into_iter().collect()
}

struct BagOfWords {
    words: FieldWords,
    head: BagHead,
    k: Option<usize>,
    /// The number of words that are predicted.
    n_predicted: usize,
}

impl BagOfWords {
    /// The words of each example.
    fn texts(&self, batch: &Batch) -> Vec<Vec<u32>> {
        (0..batch.n_examples()).map(|example| self.words.classes(batch, example)).collect()
    }
}

impl Objective for BagOfWords {
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        self.words.attach(corpus_idx, corpus);
    }

    fn loss(&self, taps: &[Rows], batch: &Batch) -> Result<Option<RawLoss>> {
        let Rows { tensor: x, packing } = &taps[0];
        let bags = known_words(&self.texts(batch), self.words.vocabulary().len());
        RawLoss::of(self.head.loss(x, &bags, packing)?)
    }

    /// The most probable words of each example, from the most probable on.
    fn evaluate(&self, taps: &[Rows], batch: &Batch) -> Result<Evaluation> {
        let Rows { tensor: x, packing } = &taps[0];
        let texts = self.texts(batch);
        let bags = known_words(&texts, self.words.vocabulary().len());
        let gold: Vec<Vec<u32>> = texts.iter().map(|words| distinct(words)).collect();
        let n_scored = |gold: &Vec<u32>| self.k.unwrap_or(gold.len());
        let n_words: Vec<usize> =
            gold.iter().map(|gold| n_scored(gold).max(self.n_predicted)).collect();
        let BagEvaluation { loss, words } = self.head.evaluate(x, &bags, packing, &n_words)?;
        let first = |words: &Vec<u32>, n: usize| {
            Prediction::LabelSet(words.iter().copied().take(n).collect())
        };
        let scored = gold.into_iter().zip(&words).filter(|(gold, _)| !gold.is_empty());
        let scored = scored.map(|(gold, words)| {
            let predicted = first(words, n_scored(&gold));
            (Gold::LabelSet(gold), predicted)
        });
        Ok(Evaluation {
            loss: RawLoss::of(loss)?,
            // What is predicted does not depend on the number of words of the text, as what is scored does.
            gold: vec![Gold::None; texts.len()],
            scored_only: scored.collect(),
            predictions: words.iter().map(|words| first(words, self.n_predicted)).collect(),
        })
    }

    fn scorer(&self) -> Box<dyn Scorer> {
        Box::new(RecallScorer::default())
    }

    fn class_names(&self) -> Lexicon {
        self.words.vocabulary().iter().map(|(word, _)| word).collect()
    }
}

#[cfg(test)]
mod tests;
