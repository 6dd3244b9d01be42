//! Answer span: the answer to a question as a span of the text (Rajpurkar et al. 2016).
//!
//! A head scores each token of `tap` as the first one of the answer and as the last one. With P and Q the softmaxes of
//! these scores over the tokens of a text, P(answer) = Σ P(start)·Q(end) over its different reference answers, any of
//! which is right; the loss is −ln P(answer), summed over examples and divided by their number. An example without an
//! answer has no loss. The span of at most `max_length` tokens with the largest P(start)·Q(end) is predicted.
//!
//! With `selection`, P(s) is the probability with which another objective selects segment s (Choi et al. 2017), the
//! softmaxes are over the tokens of each segment, and P(answer | s) is the sum over the answers in s:
//! - `soft`: −ln Σ_s P(s)·P(answer | s); the span with the largest P(s)·P(start | s)·Q(end | s) is predicted;
//! - `pipeline`: −ln of the mean of P(answer | s) over the segments with an answer, which does not train the
//!   selection; the best span of the segment with the largest P(s) is predicted;
//! - `hard`: −R(s) for one segment s that is drawn from P, with R(s) = ln(P(answer | s) + 10⁻³), whose expectation is
//!   −Σ_s P(s)·R(s). The gradient is that of −R(s) − (r − b)·ln P(s) (Williams 1992; Wang et al. 2017), where the
//!   reward r is R(s), or the F1 of the best span of s, and b the exponential moving average, decay 0.9, of the mean
//!   rewards of past batches, 0 before the first. For r = R(s) its expectation is the gradient of the expected loss.
//!   Prediction is that of `pipeline`.
//!
//! An answer that is in no segment as a whole has no part in these losses and rewards. P(s) has 10⁻³⁰ added in
//! logarithms. Draws depend on the seed, the objective, its updates and the examples of the batch.
//!
//! `exact_match` and `f1` compare texts as SQuAD's script does: the tokens of a span, with a space where the file has
//! white space between them, or between all of them if it has tokens. The question reaches the tokens through the
//! tap, for example by the encoder `attend`.

mod policy;
mod reader;
mod texts;

use candle_core::Result;

use super::{
    ConfigFault, Declared, HeadSource, LabelCheck, Metric, Objective, ObjectiveConfig,
    ObjectiveKind, ObjectiveSetup, Output, TapKey, labels,
};
use crate::{
    data::{Corpus, Example, FieldValues, read::ReadError, structure::TokenSpan},
    keys::{Key, Refers, ValueType},
    model::tap::RowKind,
    protocol::event::Direction,
};
use reader::Reader;

pub(super) struct AnswerSpan;

const LABEL: &str = "label";
const MAX_LENGTH: &str = "max_length";
const SELECTION: &str = "selection";
const SEGMENT_BY: &str = "segment_by";
const READING: &str = "reading";
const REWARD: &str = "reward";

const KEYS: &[Key] = &[
    Key::required(LABEL, ValueType::Name(Refers::Answers), "field of the answers"),
    Key::with_default(
        MAX_LENGTH,
        ValueType::Count(1),
        "15",
        "largest number of tokens of a predicted span",
    ),
    Key::optional(
        SEGMENT_BY,
        ValueType::Name(Refers::Segments),
        "beside `selection`: field of the segments that it has a row for",
    ),
    Key::optional(
        READING,
        ValueType::Choice(Reading::NAMES),
        "beside `selection`: how answers are read in the segments; default: \"soft\"",
    ),
    Key::optional(
        REWARD,
        ValueType::Choice(Reward::NAMES),
        "with reading = \"hard\": reward of a segment; default: \"log-likelihood\"",
    ),
];

const TAPS: &[TapKey] = &[
    TapKey { name: "tap", on: Some(RowKind::Token), selects: false },
    TapKey { name: SELECTION, on: Some(RowKind::Item), selects: true },
];

/// How an answer is read, given the probability of each segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    Soft,
    Pipeline,
    Hard(Reward),
}

/// What a segment that is drawn is rewarded with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reward {
    LogLikelihood,
    F1,
}

impl Reward {
    const NAMES: &[&str] = &["log-likelihood", "f1"];

    /// The reward of that name, one of [`Reward::NAMES`].
    fn of(name: &str) -> Self {
        match name {
            "f1" => Self::F1,
            _ => Self::LogLikelihood,
        }
    }
}

impl Reading {
    const NAMES: &[&str] = &["soft", "pipeline", "hard"];

    /// The reading of that name, one of [`Reading::NAMES`], with the reward of a hard one.
    fn of(name: &str, reward: Option<&str>) -> Self {
        match name {
            "pipeline" => Self::Pipeline,
            "hard" => Self::Hard(reward.map_or(Reward::LogLikelihood, Reward::of)),
            _ => Self::Soft,
        }
    }
}

impl ObjectiveKind for AnswerSpan {
    fn name(&self) -> &'static str {
        "answer-span"
    }

    fn about(&self) -> &'static str {
        "the answer to a question as a span of tokens"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn taps(&self) -> &'static [TapKey] {
        TAPS
    }

    fn head(&self) -> HeadSource {
        HeadSource::OneOf(&["span"])
    }

    fn configure(
        &self,
        declared: &Declared<'_>,
    ) -> std::result::Result<Box<dyn ObjectiveConfig>, ConfigFault> {
        let values = declared.values;
        let is_selected = declared.taps.len() > 1;
        let segment_by = values.text_if_set(SEGMENT_BY).map(str::to_owned);
        let reward = values.text_if_set(REWARD);
        let reading = Reading::of(values.text_if_set(READING).unwrap_or_default(), reward);
        if reward.is_some() && !matches!(reading, Reading::Hard(_)) {
            let what = "expected reading = \"hard\" beside `reward`, found another; set it, or remove `reward`";
            return Err(ConfigFault::Key(REWARD, what.to_owned()));
        }
        let selected = match (is_selected, segment_by) {
            (true, Some(segment_by)) => Some((segment_by, reading)),
            (true, None) => {
                let what = "expected `segment_by` beside `selection`, found none; set it to the field of the \
                            segments that the objective selects";
                return Err(ConfigFault::Key(SELECTION, what.to_owned()));
            }
            (false, _) => {
                let key = [SEGMENT_BY, READING].into_iter().find(|key| values.get(key).is_some());
                if let Some(key) = key {
                    let what = format!(
                        "expected `selection` beside `{key}`, found none; set it to \"probability:OBJECTIVE\", or \
                         remove `{key}`"
                    );
                    return Err(ConfigFault::Key(key, what));
                }
                None
            }
        };
        let (label, max_length) = (values.text(LABEL).to_owned(), values.count(MAX_LENGTH));
        Ok(Box::new(Config { label, max_length, selected }))
    }
}

/// The options of the objective.
#[derive(Clone, Debug)]
struct Config {
    label: String,
    max_length: usize,
    /// The field of the segments that are selected, and how answers are read in them.
    selected: Option<(String, Reading)>,
}

impl Config {
    fn reading(&self) -> Option<Reading> {
        self.selected.as_ref().map(|(_, reading)| *reading)
    }
}

/// The answers of an example, each once and none of them empty.
fn answers(values: Option<&FieldValues>) -> Vec<TokenSpan> {
    let Some(FieldValues::Answers(answers)) = values else { return Vec::new() };
    let mut distinct: Vec<TokenSpan> = Vec::new();
    for answer in answers.iter().filter(|answer| answer.start < answer.end) {
        let answer = TokenSpan { label: None, ..*answer };
        if !distinct.contains(&answer) {
            distinct.push(answer);
        }
    }
    distinct
}

impl ObjectiveConfig for Config {
    fn metrics(&self) -> Vec<Metric> {
        let names = ["f1", "exact_match"];
        names.map(|name| Metric { name, direction: Direction::Higher }).into()
    }

    fn output(&self) -> Output<'_> {
        Output::Field { name: &self.label, as_read: true, names_read: false }
    }

    fn check_corpus(&self, corpus: &Corpus) -> LabelCheck {
        let mut check = LabelCheck::default();
        let Some(field) = corpus.field(&self.label) else { return check };
        let segment_by = self.selected.as_ref().map(|(segment_by, _)| segment_by);
        let segments = segment_by.and_then(|segment_by| corpus.field(segment_by));
        let has_answer = |example: &&Example| {
            let answers = answers(example.fields.get(field).and_then(Option::as_ref));
            match segments.and_then(|field| example.segments(field)) {
                Some(segments) => {
                    let is_in = |part| answers.iter().any(|answer| answer.is_within(part));
                    segments.iter().any(is_in)
                }
                None => !answers.is_empty(),
            }
        };
        let within = segment_by.map(|it| format!(" within one segment of {it:?}"));
        let within = within.unwrap_or_default();
        let (with, without): (Vec<&Example>, Vec<&Example>) =
            corpus.train.examples.iter().partition(has_answer);
        if with.is_empty() {
            let what = format!(
                "from here on no example of train has an answer in {:?}{within}; expected one at least",
                self.label
            );
            check.of_corpus.push(labels::fault(corpus, what));
        }
        // An example without the field is unlabelled, as in every corpus.
        for example in without.into_iter().filter(|example| example.fields[field].is_some()) {
            let file = corpus.train.file_of(example, &self.label);
            let what = format!("expected an answer in {:?}{within}, found none", self.label);
            check.without_target.push(ReadError { file, line: example.line, what });
        }
        check
    }

    fn build(&self, setup: ObjectiveSetup<'_>) -> Result<Box<dyn Objective>> {
        Ok(Box::new(Reader::new(self, setup)?))
    }
}
