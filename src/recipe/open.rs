//! Loads the corpora of a checked recipe and checks their labels.

use std::{collections::HashSet, sync::Arc};

use super::{CorpusSpec, DevSource, Fault, Faults, ObjectiveSpec, OnFault, Recipe, shipped};
use crate::{
    data::{
        Corpus,
        load::{self, CorpusFile, Dev, HoldOut, Load, LoadError},
        read::{Location, ReadError},
    },
    keys::{Place, Refers, ValueType},
};

impl Recipe {
    /// Loads every corpus. The faults of all of them are reported together.
    pub fn open(&self) -> Result<Vec<Corpus>, Faults> {
        let samples = shipped::samples();
        let mut faults = Vec::new();
        let mut corpora = Vec::new();
        for (at, spec) in self.corpora.iter().enumerate() {
            match load::load(&spec.load(), &samples) {
                Ok(mut corpus) => {
                    let objectives = self.objectives.iter();
                    let reading = objectives.filter(|objective| objective.corpora.contains(&at));
                    let of_labels =
                        reading.clone().flat_map(|reader| reader.config.check_corpus(&corpus));
                    let of_inputs = corpus
                        .splits()
                        .flat_map(|split| self.missing_inputs(reading.clone(), at, &corpus, split));
                    let wrong: Vec<ReadError> = of_labels.chain(of_inputs).collect();
                    match spec.faults {
                        OnFault::Skip => skip(&mut corpus, &wrong),
                        OnFault::Refuse => faults.extend(wrong.into_iter().map(line_fault)),
                    }
                    if corpus.train.examples.is_empty() {
                        let what = "no examples without a fault to train on".to_owned();
                        faults.push(Fault { place: spec.place.clone(), what });
                    }
                    corpora.push(corpus);
                }
                Err(errors) => faults.extend(errors.into_iter().map(fault)),
            }
        }
        if faults.is_empty() {
            faults.extend(self.objectives.iter().filter_map(|spec| unlabelled(spec, &corpora)));
        }
        if faults.is_empty() { Ok(corpora) } else { Err(Faults(faults)) }
    }
}

/// A fault if an objective over several corpora, each of which may lack labels, has none in any.
fn unlabelled(spec: &ObjectiveSpec, corpora: &[Corpus]) -> Option<Fault> {
    let keys = spec.kind.keys().iter();
    let mut labels = keys
        .filter(|key| matches!(key.takes, ValueType::Name(Refers::Label | Refers::Labels)))
        .filter_map(|key| spec.values.text_if_set(key.name));
    let label = labels.next().filter(|_| spec.share.is_none() && spec.corpora.len() > 1)?;
    let mut reads = spec.corpora.iter().map(|&at| &corpora[at]);
    let has_label = |corpus: &Corpus| {
        let field = corpus.field(label);
        let examples = corpus.train.examples.iter();
        field.is_some_and(|field| {
            examples.filter_map(|example| example.strings(field)).any(|all| !all.is_empty())
        })
    };
    if reads.any(has_label) {
        return None;
    }
    let names: Vec<&str> = spec.corpora.iter().map(|&at| corpora[at].name.as_str()).collect();
    let what = format!(
        "no example of train in {} has a {label:?}; expected one at least",
        names.join(" or ")
    );
    Some(Fault { place: spec.place.clone(), what })
}

/// Skips the examples with one of these faults, and counts them.
fn skip(corpus: &mut Corpus, wrong: &[ReadError]) {
    let lines: HashSet<(&str, u32)> =
        wrong.iter().map(|error| (error.file.as_ref(), error.line)).collect();
    let mut skipped = 0;
    let parts = [Some(&mut corpus.train), corpus.dev.as_mut(), corpus.test.as_mut()];
    for part in parts.into_iter().flatten() {
        let before = part.examples.len();
        let file = part.file.clone();
        let is_right = |line: u32| !lines.contains(&(file.as_ref(), line));
        part.examples.retain(|example| example.lines().all(is_right) && is_right(example.line));
        skipped += before - part.examples.len();
    }
    corpus.skipped += skipped as u64;
}

fn fault(error: LoadError) -> Fault {
    match error {
        LoadError::Line(error) => line_fault(error),
        LoadError::Unreadable { file, why } => Fault { place: Place::File(file), what: why },
        LoadError::Empty { file, what } => {
            Fault { place: Place::File(file), what: what.to_string() }
        }
    }
}

pub(super) fn line_fault(error: ReadError) -> Fault {
    let ReadError { file, line, what } = error;
    Fault { place: Place::Line { file, line }, what }
}

impl CorpusSpec {
    /// The inputs of the reader.
    pub fn load(&self) -> Load<'_> {
        let dev = self.dev.as_ref().map(|dev| match dev {
            DevSource::File(location) => Dev::File(input(location)),
            DevSource::Every(every) => Dev::HeldOut(HoldOut::Every(*every as usize)),
            DevSource::Fraction { fraction, seed } => {
                Dev::HeldOut(HoldOut::Fraction { fraction: *fraction, seed: *seed })
            }
        });
        Load {
            name: &self.name,
            domain: self.values.text_if_set("domain"),
            language: self.values.text_if_set("language"),
            format: self.format,
            values: &self.values,
            sentences: self.sentences.as_ref(),
            train: input(&self.train),
            dev,
            test: self.test.as_ref().map(input),
            faults: match self.faults {
                OnFault::Refuse => load::FaultPolicy::Refuse,
                OnFault::Skip => load::FaultPolicy::Skip,
            },
        }
    }
}

fn input(location: &Location) -> CorpusFile {
    let name: Arc<str> = match location {
        Location::File(path) => {
            // Shorter, and independent of the location of the project.
            let here = std::env::current_dir().unwrap_or_default();
            path.strip_prefix(here).unwrap_or(path).to_string_lossy().into()
        }
        Location::Sample(sample) => format!("sample:{sample}").into(),
    };
    CorpusFile { location: location.clone(), name }
}
