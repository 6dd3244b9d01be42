//! Transcribe: a text from rows that are not aligned with it, such as the characters or phonemes of frames of speech
//! (Graves et al. 2006).
//!
//! With y the units of a transcript: loss = −Σ ln P(y | rows) over the examples with a transcript, divided by the number
//! of their units, so that a weight acts on the mean over the output length (Toshniwal et al. 2017) as it does with
//! `tag`; an empty transcript counts as one unit. P sums over all alignments of y with the rows, by the head `ctc`.
//!
//! An example has no loss if it has fewer rows than its transcript needs, one for each unit and one more between equal
//! ones, or if the transcript has a unit that training lacks. It is still transcribed and scored; such a unit is never
//! predicted, so it is an error.

mod check;
mod transcriber;
mod transcript;

use std::collections::BTreeMap;

use candle_core::Result;

use super::{
    ConfigFault, Declared, HeadSource, LabelCheck, Metric, Objective, ObjectiveConfig,
    ObjectiveKind, ObjectiveSetup, Output, TOKEN_TAP, TapKey, TapRows, labels::LABELS,
};
use crate::{
    data::{Corpus, Fitted, Vocabulary},
    keys::{Key, Refers, ValueType},
    model::encoder::BatchSize,
    protocol::event::Direction,
};
use transcriber::Transcriber;
use transcript::{TranscriptField, Units};

pub(super) struct Transcribe;

const LABEL: &str = "label";
const UNITS: &str = "units";

const KEYS: &[Key] = &[
    Key::required(LABEL, ValueType::Name(Refers::Transcript), "field of the transcript"),
    Key::with_default(
        UNITS,
        ValueType::Choice(&["characters", WORDS]),
        "\"characters\"",
        "what a transcript is a sequence of: its characters, spaces included, or its words, such as the phonemes of \
         a string with spaces between them",
    ),
];

const WORDS: &str = "words";

impl ObjectiveKind for Transcribe {
    fn name(&self) -> &'static str {
        "transcribe"
    }

    fn about(&self) -> &'static str {
        "a text from rows that are not aligned with it: the characters or phonemes of speech"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn taps(&self) -> &'static [TapKey] {
        TOKEN_TAP
    }

    fn head(&self) -> HeadSource {
        HeadSource::OneOf(&["ctc"])
    }

    fn configure(
        &self,
        declared: &Declared<'_>,
    ) -> std::result::Result<Box<dyn ObjectiveConfig>, ConfigFault> {
        Ok(Box::new(Config::of(declared)))
    }
}

/// The options of the objective.
struct Config {
    label: String,
    units: Units,
    /// Whether it has transcripts of its own, from a single corpus.
    is_alone: bool,
}

impl Config {
    fn of(declared: &Declared<'_>) -> Self {
        let values = declared.values;
        let units = if values.text(UNITS) == WORDS { Units::Words } else { Units::Characters };
        let is_alone = !declared.shares && declared.n_corpora == 1;
        Self { label: values.text(LABEL).to_owned(), units, is_alone }
    }

    fn field(&self, corpus: &Corpus) -> Option<TranscriptField> {
        TranscriptField::find(&self.label, self.units, corpus)
    }
}

impl ObjectiveConfig for Config {
    fn metrics(&self) -> Vec<Metric> {
        let names: &[&str] = match self.units {
            Units::Characters => &["cer", "wer"],
            Units::Words => &["token_error_rate"],
        };
        names.iter().map(|name| Metric { name, direction: Direction::Lower }).collect()
    }

    fn output(&self) -> Output<'_> {
        Output::Field { name: &self.label, as_read: false, names_read: false }
    }

    fn check_corpus(&self, corpus: &Corpus) -> LabelCheck {
        check::transcripts(self, corpus)
    }

    fn check_rows(&self, corpus: &Corpus, rows: &TapRows<'_>) -> LabelCheck {
        check::rows(self, corpus, rows)
    }

    fn fit(&self, corpora: &[&Corpus]) -> Fitted {
        let mut counts = BTreeMap::<&str, u64>::new();
        for corpus in corpora {
            let Some(field) = self.field(corpus) else { continue };
            for example in &corpus.train.examples {
                for unit in field.units_of(example, corpus).into_iter().flatten() {
                    *counts.entry(unit).or_default() += 1;
                }
            }
        }
        Fitted::default().with_vocabulary(LABELS, Vocabulary::from_counts(counts, 1, None))
    }

    fn n_pairs(&self, batch: BatchSize) -> u64 {
        batch.transcribed
    }

    fn build(&self, setup: ObjectiveSetup<'_>) -> Result<Box<dyn Objective>> {
        Ok(Box::new(Transcriber::new(self, setup)?))
    }
}
