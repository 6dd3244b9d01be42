//! Answer sentence: which sentence of an example holds the answer to its question (Choi et al. 2017).
//!
//! A head scores each row s of `tap`, a segment or an item, against the row q of `against`. With P the softmax over
//! the rows of an example and S those that hold the answer, the loss is −ln Σ_{s ∈ S} P(s), summed over examples and
//! divided by their number. S are the items that `label` marks, or the segments that contain a whole span of
//! `answers`, which is distant supervision. An example without such a row has no loss. The row with the largest
//! score is predicted. `"probability:NAME"` is P of each row: for a pooling that weighs sentences by it, or for the
//! reading of `answer-span`.

mod selector;

use std::{collections::BTreeMap, ops::Range};

use candle_core::Result;

use super::{
    ConfigFault, Declared, HeadSource, LabelCheck, Metric, Objective, ObjectiveConfig,
    ObjectiveKind, ObjectiveSetup, Output, Selects, TapKey, labels,
};
use crate::{
    data::{
        Corpus, Example, FieldValues, Fitted, Vocabulary, read::ReadError, structure::TokenSpan,
    },
    keys::{Key, Refers, ValueType},
    model::{
        encoder::{BatchSize, RowProbability},
        tap::RowKind,
    },
    protocol::event::{Direction, Split},
};
use selector::{RowScorer, Selector};

pub(super) struct AnswerSentence;

const LABEL: &str = "label";
const ANSWERS: &str = "answers";
const SEGMENT_BY: &str = "segment_by";

const KEYS: &[Key] = &[
    Key::optional(
        LABEL,
        ValueType::Name(Refers::Items),
        "field that marks the items that hold the answer: yes or no, true or false, 1 or 0",
    ),
    Key::optional(
        ANSWERS,
        ValueType::Name(Refers::Answers),
        "or the field of the answers, which the segments contain",
    ),
    Key::optional(
        SEGMENT_BY,
        ValueType::Name(Refers::Segments),
        "beside `answers`: field of the segments that `tap` has a row for",
    ),
];

const TAPS: &[TapKey] = &[
    TapKey { name: "tap", on: Some(RowKind::Item), selects: false },
    TapKey { name: "against", on: Some(RowKind::Example), selects: false },
];

const METRICS: &[&str] = &["accuracy", "mrr"];

impl ObjectiveKind for AnswerSentence {
    fn name(&self) -> &'static str {
        "answer-sentence"
    }

    fn about(&self) -> &'static str {
        "selection of the sentence that holds the answer to a question"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn taps(&self) -> &'static [TapKey] {
        TAPS
    }

    fn head(&self) -> HeadSource {
        HeadSource::OneOf(&["pointer"])
    }

    fn selects_rows(&self) -> Selects {
        Selects::Always
    }

    fn configure(
        &self,
        declared: &Declared<'_>,
    ) -> std::result::Result<Box<dyn ObjectiveConfig>, ConfigFault> {
        let said = |key: &str| declared.values.text_if_set(key).map(str::to_owned);
        let marks = match (said(LABEL), said(ANSWERS), said(SEGMENT_BY)) {
            (Some(label), None, None) => Marks::Items(label),
            (None, Some(answers), Some(segment_by)) => Marks::Segments { answers, segment_by },
            (_, Some(_), None) => {
                let what = "expected `segment_by` beside `answers`, found none; \
                            set it to the field of the segments that `tap` has a row for";
                return Err(ConfigFault::Key(ANSWERS, what.to_owned()));
            }
            (Some(_), Some(_), _) => {
                let what = "expected `label` or `answers`, found both; remove one of them";
                return Err(ConfigFault::Key(ANSWERS, what.to_owned()));
            }
            (Some(_), None, Some(_)) => {
                let what = "expected `answers` beside `segment_by`, found `label`; \
                            remove `segment_by`: items are no segments";
                return Err(ConfigFault::Key(SEGMENT_BY, what.to_owned()));
            }
            (None, None, _) => {
                let what = "expected `label` or `answers`, found neither; set one of them";
                return Err(ConfigFault::Tap(what.to_owned()));
            }
        };
        Ok(Box::new(Config { marks }))
    }
}

/// The options of the objective.
struct Config {
    marks: Marks,
}

/// How a corpus says which rows hold the answer.
#[derive(Clone, Debug)]
enum Marks {
    /// By a field with a string per item.
    Items(String),
    /// By the answers that segments contain.
    Segments { answers: String, segment_by: String },
}

impl Marks {
    /// The field that has the labels.
    fn label(&self) -> &str {
        match self {
            Self::Items(label) => label,
            Self::Segments { answers, .. } => answers,
        }
    }

    /// The fields of a corpus, if it has them.
    fn find(&self, corpus: &Corpus) -> Option<Fields> {
        let field = corpus.field(self.label())?;
        Some(match self {
            Self::Items(_) => {
                Fields::Items(field, corpus.lexicons[field].iter().map(is_marked).collect())
            }
            Self::Segments { segment_by, .. } => Fields::Segments(field, corpus.field(segment_by)?),
        })
    }
}

/// The fields of a corpus that say it.
enum Fields {
    /// With what each string of the field stands for.
    Items(usize, Vec<Option<bool>>),
    /// The fields of the answers and of the segments.
    Segments(usize, usize),
}

/// Whether a string marks an item; `None` if it says neither.
fn is_marked(label: &str) -> Option<bool> {
    match label {
        "yes" | "true" | "1" => Some(true),
        "no" | "false" | "0" => Some(false),
        _ => None,
    }
}

/// For each segment, whether it contains a whole answer.
fn containing(segments: &[Range<usize>], answers: &[TokenSpan]) -> Vec<bool> {
    let contains = |segment: &Range<usize>| answers.iter().any(|answer| answer.is_within(segment));
    segments.iter().map(contains).collect()
}

const LABELS: &str = "labels";

impl ObjectiveConfig for Config {
    fn metrics(&self) -> Vec<Metric> {
        METRICS.iter().map(|name| Metric { name, direction: Direction::Higher }).collect()
    }

    fn output(&self) -> Output<'_> {
        match &self.marks {
            Marks::Items(label) => Output::Field { name: label, as_read: true, names_read: false },
            Marks::Segments { .. } => Output::New,
        }
    }

    fn check_corpus(&self, corpus: &Corpus) -> LabelCheck {
        let mut check = LabelCheck::default();
        let Some(fields) = self.marks.find(corpus) else { return check };
        let name = self.marks.label();
        let marks = |example: &Example| match &fields {
            Fields::Items(field, is_marked) => {
                let symbols = example.symbols(*field)?;
                Some(symbols.iter().map(|&symbol| is_marked[symbol as usize]).collect())
            }
            Fields::Segments(answers, segments) => {
                let Some(FieldValues::Answers(answers)) = example.fields.get(*answers)? else {
                    return None;
                };
                let segments = example.segments(*segments)?;
                Some(containing(&segments, answers).into_iter().map(Some).collect::<Vec<_>>())
            }
        };
        let mut n_found = 0;
        for (split, data) in corpus.splits() {
            for example in &data.examples {
                let Some(marks) = marks(example) else { continue };
                let (file, line) = (data.file_of(example, name), example.line);
                if let (Some(at), Fields::Items(field, _)) =
                    (marks.iter().position(Option::is_none), &fields)
                {
                    let symbols = example.symbols(*field).unwrap_or_default();
                    let found = corpus.lexicons[*field].get(symbols[at]);
                    let what = format!(
                        "expected \"yes\" or \"no\" for item {} in {name:?}, found {found:?}",
                        at + 1
                    );
                    check.of_examples.push((split, ReadError { file, line, what }));
                } else if split == Split::Train {
                    if marks.contains(&Some(true)) {
                        n_found += 1;
                    } else {
                        let what = format!(
                            "expected a sentence that holds the answer by {name:?}, found none"
                        );
                        check.without_target.push(ReadError { file, line, what });
                    }
                }
            }
        }
        if n_found == 0 {
            let what = format!(
                "from here on no example of train has a sentence that holds the answer by {name:?}; expected one at \
                 least"
            );
            check.of_corpus.push(labels::fault(corpus, what));
        }
        check
    }

    /// The strings that mark items, so that predictions are written as they are read.
    fn fit(&self, corpora: &[&Corpus]) -> Fitted {
        let mut counts = BTreeMap::<&str, u64>::new();
        if let Marks::Items(label) = &self.marks {
            for corpus in corpora {
                let Some(field) = corpus.field(label) else { continue };
                let examples = corpus.train.examples.iter();
                for &symbol in examples.filter_map(|example| example.symbols(field)).flatten() {
                    *counts.entry(corpus.lexicons[field].get(symbol)).or_default() += 1;
                }
            }
        }
        Fitted::default().with_vocabulary(LABELS, Vocabulary::from_counts(counts, 1, None))
    }

    /// Every sentence has a token, but for empty ones.
    fn n_pairs(&self, batch: BatchSize) -> u64 {
        batch.tokens
    }

    fn row_probability(
        &self,
        setup: ObjectiveSetup<'_>,
    ) -> Result<Option<Box<dyn RowProbability>>> {
        Ok(Some(Box::new(RowScorer::new(setup)?)))
    }

    fn build(&self, setup: ObjectiveSetup<'_>) -> Result<Box<dyn Objective>> {
        Ok(Box::new(Selector::new(self, setup)?))
    }
}
