//! Loads the corpora of a checked recipe and checks their labels.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use super::{
    CorpusSpec, Fault, Faults, ObjectiveSpec, Recipe, SplitSource, corpus::MAX_TRAIN_EXAMPLES,
    shipped,
};
use crate::{
    data::{
        Corpus,
        load::{self, CorpusFile, FaultPolicy, HoldOut, Load, LoadError, SplitInput},
        read::{Location, ReadError},
    },
    keys::{Place, Refers, ValueType},
    objective::{LabelCheck, RepairedTag, TapRows},
    protocol::event::{Split, Treatment},
};

impl Recipe {
    /// Loads every corpus. The faults of all of them are reported together: those of lines that could not be
    /// read, and those of labels and inputs in the lines that could.
    pub fn open(&self) -> Result<Vec<Corpus>, Faults> {
        let samples = shipped::samples();
        let mut faults = Vec::new();
        let mut corpora = Vec::new();
        for (at, spec) in self.corpora.iter().enumerate() {
            let (mut corpus, unread) = load::load(&spec.load(), &samples);
            let mut found: Vec<Fault> = unread.into_iter().map(fault).collect();
            let is_whole = found.is_empty();
            let reading = self.objectives.iter().filter(|spec| spec.corpora.contains(&at));
            for word in self.placeholders(reading.clone(), at, &mut corpus) {
                let held_out = corpus.dev.iter_mut().chain(&mut corpus.test);
                std::iter::once(&mut corpus.train)
                    .chain(held_out)
                    .for_each(|split| word.fill(split));
            }
            let mut of_examples = Vec::new();
            let mut unused = Unused::default();
            for reader in reading.clone() {
                let mut check = self.check_labels(reader, at, &corpus);
                of_examples.append(&mut check.of_examples);
                unused.add(&mut check);
                found.extend(check.of_files.into_iter().map(line_fault));
                // With lines that could not be read, what is missing may be in these.
                let of_corpus = check.of_corpus.into_iter().filter(|_| is_whole);
                found.extend(of_corpus.map(line_fault));
            }
            for (split, data) in corpus.splits() {
                let missing = self.missing_inputs(reading.clone(), at, &corpus, data);
                of_examples.extend(missing.into_iter().map(|error| (split, error)));
            }
            let (skipped, refused): (Vec<_>, Vec<_>) = of_examples
                .into_iter()
                .partition(|(split, _)| spec.faults.of(*split) == FaultPolicy::Skip);
            found.extend(refused.into_iter().map(|(_, error)| line_fault(error)));
            skip(&mut corpus, &skipped);
            if !skipped.is_empty() {
                // Skipped examples have no further irregularities.
                unused = Unused::default();
                for reader in reading.clone() {
                    unused.add(&mut self.check_labels(reader, at, &corpus));
                }
            }
            unused.list(&mut corpus);
            if found.is_empty() && corpus.train.examples.is_empty() {
                let what = "no examples without a fault to train on".to_owned();
                found.push(Fault { place: spec.place.clone(), what });
            }
            found.sort_by_cached_key(|fault| position(&fault.place, &corpus));
            // Two objectives may read one field.
            found.dedup();
            faults.extend(found);
            corpora.push(corpus);
        }
        if faults.is_empty() {
            faults.extend(self.objectives.iter().filter_map(|spec| unlabelled(spec, &corpora)));
        }
        if faults.is_empty() {
            faults.extend(
                self.objectives.iter().filter_map(|spec| self.other_labels(spec, &corpora)),
            );
        }
        if faults.is_empty() { Ok(corpora) } else { Err(Faults(faults)) }
    }

    /// What an objective finds in the labels of a corpus, and in the numbers of rows for them.
    fn check_labels(&self, spec: &ObjectiveSpec, corpus_idx: usize, corpus: &Corpus) -> LabelCheck {
        let check = spec.config.check_corpus(corpus);
        match self.tap_length(spec, corpus_idx, corpus) {
            Some(length) => {
                let n_rows = |n: usize| length.n_rows(n);
                let rows = TapRows { sequence: length.sequence, n_rows: &n_rows };
                check.and(spec.config.check_rows(corpus, &rows))
            }
            None => check,
        }
    }
}

/// What objectives do not use as it stands, each tag and sentence once, whichever objectives read it.
#[derive(Default)]
struct Unused {
    /// By split, file, line and token.
    repaired: BTreeMap<(Split, Arc<str>, u32, usize), ReadError>,
    /// By file and line, in train.
    untrained: BTreeMap<(Arc<str>, u32), ReadError>,
    /// The same for examples without a relevant candidate or an answer.
    without_target: BTreeMap<(Arc<str>, u32), ReadError>,
    /// The same for those with fewer rows than their transcripts need.
    too_few_rows: BTreeMap<(Arc<str>, u32), ReadError>,
}

impl Unused {
    /// Moves the findings of an objective here.
    fn add(&mut self, check: &mut LabelCheck) {
        for RepairedTag { split, token, error } in check.repaired.drain(..) {
            let place = (split, error.file.clone(), error.line, token);
            self.repaired.entry(place).or_insert(error);
        }
        for error in check.untrained.drain(..) {
            self.untrained.entry((error.file.clone(), error.line)).or_insert(error);
        }
        for error in check.without_target.drain(..) {
            self.without_target.entry((error.file.clone(), error.line)).or_insert(error);
        }
        for error in check.too_few_rows.drain(..) {
            self.too_few_rows.entry((error.file.clone(), error.line)).or_insert(error);
        }
    }

    fn list(self, corpus: &mut Corpus) {
        for split in [Split::Train, Split::Dev, Split::Test] {
            let of_split = self.repaired.iter().filter(|((of, ..), _)| *of == split);
            let count = of_split.clone().count() as u64;
            let lines = of_split.map(|(_, error)| error.clone());
            corpus.add_irregular(split, Treatment::RepairedTags, count, lines);
        }
        for (treatment, found) in [
            (Treatment::UntrainedSentences, self.untrained),
            (Treatment::WithoutTarget, self.without_target),
            (Treatment::TooFewRows, self.too_few_rows),
        ] {
            let count = found.len() as u64;
            corpus.add_irregular(Split::Train, treatment, count, found.into_values());
        }
    }
}

/// The place of a fault among those of its corpus: the splits in order, then the lines.
fn position(place: &Place, corpus: &Corpus) -> (usize, u32) {
    let at = |file: &str| {
        corpus.splits().position(|(_, split)| &*split.file == file).unwrap_or(usize::MAX)
    };
    match place {
        Place::Line { file, line } => (at(file), *line),
        Place::File(file) => (at(file), 0),
        _ => (usize::MAX, 0),
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

/// Skips the examples with one of these faults, and lists them.
fn skip(corpus: &mut Corpus, wrong: &[(Split, ReadError)]) {
    for split in [Split::Train, Split::Dev, Split::Test] {
        let errors = wrong.iter().filter(|(of, _)| *of == split).map(|(_, error)| error);
        let lines: HashSet<(&str, u32)> =
            errors.clone().map(|error| (error.file.as_ref(), error.line)).collect();
        let data = match split {
            Split::Train => Some(&mut corpus.train),
            Split::Dev => corpus.dev.as_mut(),
            Split::Test => corpus.test.as_mut(),
        };
        let Some(data) = data.filter(|_| !lines.is_empty()) else { continue };
        let before = data.examples.len();
        let (file, files) = (data.file.clone(), data.files.clone());
        data.examples.retain(|example| {
            // Line-aligned files have the same line numbers.
            let of_split = std::iter::once(&file).chain(files.values());
            let files: Vec<&str> = match &example.file {
                Some(file) => vec![file],
                None => of_split.map(AsRef::as_ref).collect(),
            };
            let is_right = |line: u32| files.iter().all(|file| !lines.contains(&(*file, line)));
            example.lines().all(is_right) && is_right(example.line)
        });
        let n_skipped = (before - data.examples.len()) as u64;
        corpus.add_irregular(split, Treatment::SkippedExamples, n_skipped, errors.cloned());
    }
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
        let split = |source: &SplitSource| match source {
            SplitSource::Files(locations) => SplitInput::Files(inputs(locations)),
            SplitSource::Every(every) => SplitInput::HeldOut(HoldOut::Every(*every as usize)),
            SplitSource::Fraction { fraction, seed } => {
                SplitInput::HeldOut(HoldOut::Fraction { fraction: *fraction, seed: *seed })
            }
        };
        Load {
            name: &self.name,
            domain: self.values.text_if_set("domain"),
            language: self.values.text_if_set("language"),
            format: self.format,
            values: &self.values,
            path_field: self.path_field.as_deref(),
            names: &self.names,
            sentences: self.sentences.as_ref(),
            pronounced: self
                .pronounced
                .as_ref()
                .map(|(field, file)| (field.as_str(), corpus_file(file))),
            spelled: self.spelled.as_ref(),
            train: inputs(&self.train),
            dev: self.dev.as_ref().map(split),
            test: self.test.as_ref().map(split),
            faults: self.faults,
            max_train_examples: self.values.count_if_set(MAX_TRAIN_EXAMPLES),
        }
    }
}

fn inputs(locations: &[Location]) -> Vec<CorpusFile> {
    locations.iter().map(corpus_file).collect()
}

fn corpus_file(location: &Location) -> CorpusFile {
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
