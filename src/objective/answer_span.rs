//! Answer span: the answer to a question as a span of the text (Rajpurkar et al. 2016).
//!
//! A head scores each token of `tap` as the first one of the answer, a_t, and as the last one, b_t. With P the
//! softmax of a over the tokens of an example and Q that of b, the loss is −ln Σ P(start)·Q(end) over its different
//! reference answers, any of which is right, summed over examples and divided by their number. An example without an
//! answer has no loss. The span of at most `max_length` tokens with the largest a_start + b_end is predicted.
//!
//! `exact_match` and `f1` compare texts as SQuAD's script does: the tokens of a span, with a space where the file has
//! white space between them, or between all of them if it has tokens. The question reaches the tokens through the
//! tap, for example by the encoder `attend`.

mod reader;

use candle_core::Result;

use super::{
    ConfigFault, Declared, HeadSource, LabelCheck, Metric, Objective, ObjectiveConfig,
    ObjectiveKind, ObjectiveSetup, Output, TOKEN_TAP, TapKey, labels,
};
use crate::{
    data::{Corpus, Example, FieldValues, Fitted, read::ReadError, structure::TokenSpan},
    keys::{Key, Refers, ValueType},
    protocol::event::Direction,
};
use reader::Reader;

pub(super) struct AnswerSpan;

const LABEL: &str = "label";
const MAX_LENGTH: &str = "max_length";

const KEYS: &[Key] = &[
    Key::required(LABEL, ValueType::Name(Refers::Answers), "field of the answers"),
    Key::with_default(
        MAX_LENGTH,
        ValueType::Count(1),
        "15",
        "largest number of tokens of a predicted span",
    ),
];

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
        TOKEN_TAP
    }

    fn head(&self) -> HeadSource {
        HeadSource::OneOf(&["span"])
    }

    fn configure(
        &self,
        declared: &Declared<'_>,
    ) -> std::result::Result<Box<dyn ObjectiveConfig>, ConfigFault> {
        let (label, max_length) =
            (declared.values.text(LABEL).to_owned(), declared.values.count(MAX_LENGTH));
        Ok(Box::new(Config { label, max_length }))
    }
}

/// The options of the objective.
#[derive(Clone, Debug)]
struct Config {
    label: String,
    max_length: usize,
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
        let has_answer = |example: &&Example| {
            !answers(example.fields.get(field).and_then(Option::as_ref)).is_empty()
        };
        let (with, without): (Vec<&Example>, Vec<&Example>) =
            corpus.train.examples.iter().partition(has_answer);
        if with.is_empty() {
            let what = format!(
                "from here on no example of train has an answer in {:?}; expected one at least",
                self.label
            );
            check.of_corpus.push(labels::fault(corpus, what));
        }
        // An example without the field is unlabelled, as in every corpus.
        for example in without.into_iter().filter(|example| example.fields[field].is_some()) {
            let file = corpus.train.file_of(example, &self.label);
            let what = format!("expected an answer in {:?}, found none", self.label);
            check.without_target.push(ReadError { file, line: example.line, what });
        }
        check
    }

    fn fit(&self, _corpora: &[&Corpus]) -> Fitted {
        Fitted::default()
    }

    fn build(&self, setup: ObjectiveSetup<'_>) -> Result<Box<dyn Objective>> {
        Ok(Box::new(Reader::new(self, setup)?))
    }
}
