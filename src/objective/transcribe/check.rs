//! Faults of the transcripts of a corpus: none at all, one that is longer than what it transcribes, and those that are
//! longer only than the rows of a tap that joins frames.

use super::{Config, transcript::TranscriptField};
use crate::{
    data::{Corpus, Example, FieldForm, read::ReadError},
    kernel::frames_needed,
    objective::{LabelCheck, TapRows, labels},
    protocol::event::Split,
};

/// A fault if no example of train has a transcript.
pub(super) fn transcripts(config: &Config, corpus: &Corpus) -> LabelCheck {
    let mut check = LabelCheck::default();
    let Some(field) = config.field(corpus) else { return check };
    let is_labelled = |example: &Example| field.units_of(example, corpus).is_some();
    // Of several corpora each may lack transcripts, and an objective that shares another's needs none.
    if config.is_alone && !corpus.train.examples.iter().any(is_labelled) {
        let name = &config.label;
        let what =
            format!("from here on no example of train has a {name:?}; expected one at least");
        check.of_corpus.push(labels::fault(corpus, what));
    }
    check
}

/// Examples with fewer positions than their transcript needs are faults; those of train with enough of them but too few
/// rows have no loss. Some of train must have one.
pub(super) fn rows(config: &Config, corpus: &Corpus, rows: &TapRows<'_>) -> LabelCheck {
    let mut check = LabelCheck::default();
    let Some(field) = config.field(corpus) else { return check };
    let of = corpus.fields.iter().find(|field| field.name == corpus.sequences[rows.sequence].name);
    let positions = match of.map(|field| field.form) {
        Some(FieldForm::Frames) => "frames",
        _ => "tokens",
    };
    let sequence = &corpus.sequences[rows.sequence].name;
    let mut n_trained = 0;
    for (split, data) in corpus.splits() {
        for example in &data.examples {
            let Some(Needs { n_units, n_rows }) = Needs::of(field, example, corpus) else {
                continue;
            };
            let n_positions = example.len_of(rows.sequence);
            let found = (rows.n_rows)(n_positions);
            let unit = config.units.name();
            let s = if n_units == 1 { "" } else { "s" };
            let needs = format!("for the {n_units} {unit}{s} of {:?}", config.label);
            let error = |what: String| {
                let (file, line) = (data.file_of(example, &config.label), example.line);
                ReadError { file, line, what }
            };
            if n_positions < n_rows {
                let what = format!(
                    "expected {n_rows} {positions} of {sequence:?} or more {needs}, one for each and one between equal \
                     ones, found {n_positions}"
                );
                check.of_examples.push((split, error(what)));
            } else if split == Split::Train && found < n_rows {
                let what = format!(
                    "expected {n_rows} rows at `tap` or more {needs}, found {found} for {n_positions} {positions}"
                );
                check.too_few_rows.push(error(what));
            } else if split == Split::Train {
                n_trained += 1;
            }
        }
    }
    if let Some(first) = check.too_few_rows.first().filter(|_| n_trained == 0) {
        let n = check.too_few_rows.len();
        let what = format!(
            "expected as many rows at `tap` as {:?} needs in one example at least, found fewer in {n}; tap a layer \
             that joins fewer {positions}",
            config.label
        );
        check.of_corpus.push(ReadError { what, ..first.clone() });
    }
    check
}

/// What the transcript of an example needs.
struct Needs {
    n_units: usize,
    n_rows: usize,
}

impl Needs {
    fn of(field: TranscriptField, example: &Example, corpus: &Corpus) -> Option<Self> {
        let units = field.units_of(example, corpus)?;
        Some(Self { n_units: units.len(), n_rows: frames_needed(&units) })
    }
}
