//! Rank: the candidates of a query, the relevant ones first (Huang et al. 2013; Liu et al. 2015).
//!
//! A head scores every candidate d of an example: s(q, d), by default 10 · cos(q, d). With P the softmax of s over
//! the candidates and r(d) ≥ 0 their relevance, the target is T(d) = r(d) / Σ r, and the loss of an example is
//! KL(T ‖ P) = Σ T(d) · (ln T(d) − ln P(d)) (Cao et al. 2007, with grades instead of e^grade). With one relevant
//! candidate d⁺ that is −ln P(d⁺); with several it is the mean of −ln P weighted by their grades, less its minimum.
//! The sum over examples is divided by their number. An example without a relevant candidate has no loss.
//!
//! With `negatives`, so many candidates of other examples of the batch compete with those of each example, with a
//! relevance of 0. They are drawn from (seed, objective, examples of the batch), and count in the loss only: the
//! candidates of an example are ranked by themselves.
//!
//! Where examples refer to a collection of documents, the candidates are those that are judged, and in an evaluation
//! the whole collection; a document without a judgement has a relevance of 0.

mod ranker;

use candle_core::Result;

use super::{
    ConfigFault, Declared, HeadSource, LabelCheck, Metric, Objective, ObjectiveConfig,
    ObjectiveKind, ObjectiveSetup, Output, TapKey, labels,
};
use crate::{
    data::{Corpus, Example, read::ReadError},
    keys::{Key, Refers, ValueType},
    model::{encoder::BatchSize, tap::RowKind},
    protocol::event::{Direction, Split},
};
use ranker::Ranker;

pub(super) struct Rank;

const LABEL: &str = "label";
const NEGATIVES: &str = "negatives";
const RIGHT: &str = "right";

const METRICS: &[&str] = &["ndcg", "mrr", "recall_at_10", "map", "ndcg_at_10"];

const KEYS: &[Key] = &[
    Key::required(
        LABEL,
        ValueType::Name(Refers::Items),
        "field of the relevance of each candidate: a number, 0 for an irrelevant one",
    ),
    Key::with_default(
        NEGATIVES,
        ValueType::Count(0),
        "0",
        "candidates of other examples of the batch that compete with those of each example",
    ),
];

pub(super) const TAPS: &[TapKey] = &[
    TapKey { name: "left", on: Some(RowKind::Example), selects: false },
    TapKey { name: RIGHT, on: Some(RowKind::Item), selects: false },
];

impl ObjectiveKind for Rank {
    fn name(&self) -> &'static str {
        "rank"
    }

    fn about(&self) -> &'static str {
        "ranking of an example's candidates: documents for a query, answers to a question"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn taps(&self) -> &'static [TapKey] {
        TAPS
    }

    fn head(&self) -> HeadSource {
        HeadSource::OneOf(&["cosine", "pair"])
    }

    fn reads_collections(&self) -> bool {
        true
    }

    fn configure(
        &self,
        declared: &Declared<'_>,
    ) -> std::result::Result<Box<dyn ObjectiveConfig>, ConfigFault> {
        check_widths(declared)?;
        let values = declared.values;
        let negatives = values.count(NEGATIVES);
        let label = values.text(LABEL).to_owned();
        Ok(Box::new(Config { label, negatives, relevance: Relevance::Graded }))
    }
}

/// The options of the objective.
pub(super) struct Config {
    pub(super) label: String,
    pub(super) negatives: usize,
    pub(super) relevance: Relevance,
}

/// What the labels of candidates say.
#[derive(Clone, Debug)]
pub(super) enum Relevance {
    /// Their relevance, a number.
    Graded,
    /// This label is that of a right candidate, every other that of a wrong one.
    Right(String),
}

impl Relevance {
    /// The relevance that a string of a corpus stands for.
    pub(super) fn of(&self, label: &str) -> Option<f32> {
        match self {
            Self::Graded => label
                .parse()
                .ok()
                .filter(|relevance: &f32| relevance.is_finite() && *relevance >= 0.0),
            Self::Right(right) => Some(f32::from(u8::from(label == right))),
        }
    }

    /// What a train split without any relevant candidate lacks.
    fn expected(&self) -> String {
        match self {
            Self::Graded => "above 0".to_owned(),
            Self::Right(right) => format!("{right:?}"),
        }
    }
}

/// Refuses rows of two dimensions for a head that compares them.
pub(super) fn check_widths(declared: &Declared<'_>) -> std::result::Result<(), ConfigFault> {
    let [left, right] = [declared.taps[0].width, declared.taps[1].width];
    let Some(head) = declared.head.filter(|head| head.needs_equal_widths() && left != right) else {
        return Ok(());
    };
    let name = head.name();
    let what = format!(
        "expected rows of {left} elements as `left` has, which `head = \"{name}\"` needs, found {right}; \
         set the `width` of an encoder, or `head = \"pair\"`"
    );
    Err(ConfigFault::Key(RIGHT, what))
}

impl ObjectiveConfig for Config {
    fn metrics(&self) -> Vec<Metric> {
        METRICS.iter().map(|name| Metric { name, direction: Direction::Higher }).collect()
    }

    fn output(&self) -> Output<'_> {
        Output::New
    }

    fn check_corpus(&self, corpus: &Corpus) -> LabelCheck {
        let mut check = LabelCheck::default();
        let Some(field) = corpus.field(&self.label) else { return check };
        let of: Vec<Option<f32>> =
            corpus.lexicons[field].iter().map(|label| self.relevance.of(label)).collect();
        let is_relevant = |example: &Example| {
            let symbols = example.symbols(field).unwrap_or_default().iter();
            symbols.filter_map(|&symbol| of[symbol as usize]).any(|relevance| relevance > 0.0)
        };
        for (split, data) in corpus.splits() {
            for example in &data.examples {
                let Some(symbols) = example.symbols(field) else { continue };
                let (file, line) = (data.file_of(example, &self.label), example.line);
                let strange = symbols.iter().position(|&symbol| of[symbol as usize].is_none());
                if let Some(at) = strange {
                    let found = corpus.lexicons[field].get(symbols[at]);
                    let what = format!(
                        "expected a relevance of 0 or more for candidate {}, found {found:?}",
                        at + 1
                    );
                    check.of_examples.push((split, ReadError { file, line, what }));
                } else if split == Split::Train && !is_relevant(example) {
                    let what = match &self.relevance {
                        Relevance::Graded => {
                            "expected a candidate with a relevance above 0, found none".to_owned()
                        }
                        Relevance::Right(right) => {
                            format!("expected a candidate with the label {right:?}, found none")
                        }
                    };
                    check.without_target.push(ReadError { file, line, what });
                }
            }
        }
        if !corpus.train.examples.iter().any(is_relevant) {
            let what = format!(
                "from here on no example of train has a {:?} {}; expected a relevant candidate",
                self.label,
                self.relevance.expected()
            );
            check.of_corpus.push(labels::fault(corpus, what));
        }
        check
    }

    /// Every candidate has a token, but for empty ones; negatives are candidates of the batch.
    fn n_pairs(&self, batch: BatchSize) -> u64 {
        let negatives = batch.tokens.min(self.negatives as u64);
        let by_example = batch.documents.saturating_add(negatives);
        batch.tokens.saturating_add(batch.examples.saturating_mul(by_example))
    }

    fn build(&self, setup: ObjectiveSetup<'_>) -> Result<Box<dyn Objective>> {
        Ok(Box::new(Ranker::new(self, setup)?))
    }
}
