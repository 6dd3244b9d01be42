//! Loads a corpus from its files: all splits, read or held out of the training split, or all
//! faults.

mod faults;
mod groups;
mod hold_out;

use std::{io, sync::Arc};

pub use faults::{FaultPolicies, FaultPolicy, LoadError, show};
pub use hold_out::HoldOut;

use groups::{Group, groups, have_pattern};

use super::{
    Axis, Corpus, Dictionary, Field, FieldValues, LabelNames, Pronunciations, Sentences,
    SpelledField, SplitData, contents,
    path_pattern::{Match, is_pattern, matches},
    read::{Format, Labels, Location, Read, ReadError, Samples, Source, SourceFolder},
};
use crate::{
    keys::Values,
    protocol::event::{Split, Treatment},
    regular_file,
};

/// A corpus as the recipe describes it.
#[derive(Clone)]
pub struct Load<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its domain, if the recipe gives one.
    pub domain: Option<&'a str>,
    /// Its language, if the recipe gives one.
    pub language: Option<&'a str>,
    /// Its format.
    pub format: &'a dyn Format,
    /// The format's keys.
    pub values: &'a Values,
    /// The field whose values are in the paths of the files, if there is one.
    pub path_field: Option<&'a str>,
    /// The names of integer labels.
    pub names: &'a LabelNames,
    /// The tokens that end a sentence, if the recipe gives any.
    pub sentences: Option<&'a Sentences>,
    /// The field whose words are pronounced, and the file of their pronunciations, if the recipe gives one.
    pub pronounced: Option<(&'a str, CorpusFile)>,
    /// The field that is spelled, if the recipe gives one.
    pub spelled: Option<&'a SpelledField>,
    /// The files of the training split: one, or one for each field of a format with line-aligned files;
    /// each may be a pattern.
    pub train: Vec<CorpusFile>,
    /// The dev split, if there is one.
    pub dev: Option<SplitInput>,
    /// The test split, if there is one.
    pub test: Option<SplitInput>,
    /// The treatment of faulty examples.
    pub faults: FaultPolicies,
    /// The number of training examples that are kept, the first ones; `None`: all.
    pub max_train_examples: Option<usize>,
}

/// A file and its name in messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorpusFile {
    /// Its location.
    pub location: Location,
    /// Its name in the recipe.
    pub name: Arc<str>,
}

/// The origin of a dev or test split.
#[derive(Clone, Debug, PartialEq)]
pub enum SplitInput {
    /// Files of its own.
    Files(Vec<CorpusFile>),
    /// The training split, from which the held-out examples are removed.
    HeldOut(HoldOut),
}

/// Loads all splits of a corpus: what could be read, and the faults of all splits.
pub fn load(spec: &Load<'_>, samples: &Samples) -> (Corpus, Vec<LoadError>) {
    let dictionary = match spec.dictionary(samples) {
        Ok(dictionary) => dictionary,
        Err(fault) => return (spec.empty(), vec![fault]),
    };
    let (dictionary, corpus) = (dictionary.as_ref(), spec.empty());
    let mut loading = Loading { spec, samples, dictionary, corpus, faults: Vec::new() };
    let mut train = loading.split(Split::Train, &spec.train);
    // Test is held out first, then dev.
    let test_out = loading.held_out(Split::Test, spec.test.as_ref(), &mut train);
    let dev_out = loading.held_out(Split::Dev, spec.dev.as_ref(), &mut train);
    train.examples.truncate(spec.max_train_examples.unwrap_or(usize::MAX));
    let mut files = |split, input: &Option<SplitInput>| match input {
        Some(SplitInput::Files(files)) => Some(loading.split(split, files)),
        _ => None,
    };
    let dev = dev_out.or_else(|| files(Split::Dev, &spec.dev));
    let test = test_out.or_else(|| files(Split::Test, &spec.test));
    (Corpus { train, dev, test, ..loading.corpus }, loading.faults)
}

/// Reads files that belong to no split, as input to `predict`: a corpus for their strings, and the
/// examples with all faults.
pub fn load_input(spec: &Load<'_>, sources: &[Source], labels: Labels) -> (Corpus, Read) {
    let mut corpus = spec.empty();
    let read = spec.read(sources, None, (labels, None), &mut corpus);
    (corpus, read)
}

impl Load<'_> {
    /// The corpus without examples.
    fn empty(&self) -> Corpus {
        let mut schema = self.format.schema(self.values);
        let of_tokens = schema
            .fields
            .iter()
            .find(|field| Some(&field.name) == self.sentences.map(|sentences| &sentences.field));
        let axis = of_tokens.map_or(Axis::Sequence(0), |field| field.axis);
        schema.fields.extend(self.path_field.map(Field::of_examples));
        if self.pronounced.is_some() {
            schema.add_text(Pronunciations::FIELD);
        }
        if self.spelled.is_some() {
            schema.add_text(SpelledField::FIELD);
        }
        schema.fields.extend(self.sentences.map(|_| Sentences::field(axis)));
        Corpus {
            name: self.name.into(),
            domain: self.domain.map(str::to_owned),
            language: self.language.map(str::to_owned),
            ..Corpus::of_schema(schema)
        }
    }

    /// The dictionary of pronunciations, if the recipe gives one.
    fn dictionary(&self, samples: &Samples) -> Result<Option<Dictionary>, LoadError> {
        let Some((_, file)) = &self.pronounced else { return Ok(None) };
        let bytes = contents_of(file, &contents::text, samples)?;
        let dictionary = Dictionary::read(&bytes);
        dictionary.map(Some).map_err(|why| LoadError::Unreadable { file: file.name.clone(), why })
    }

    /// The examples of a split's files, divided into sentences where the recipe asks for it. `value` is that of the
    /// field in the path. Without a dictionary no word is pronounced.
    fn read(
        &self,
        sources: &[Source],
        value: Option<&str>,
        (labels, dictionary): (Labels, Option<&Dictionary>),
        corpus: &mut Corpus,
    ) -> Read {
        let mut read = self.names.read(corpus, |corpus| {
            let mut read = self.format.read(sources, self.values, labels, corpus);
            if let Some(field) = self.path_field.and_then(|field| corpus.field(field)) {
                let value = value.map(|value| corpus.lexicons[field].intern(value));
                for example in &mut read.split.examples {
                    example.fields.resize(field, None);
                    example.fields.push(value.map(FieldValues::Label));
                }
            }
            read
        });
        if let (Some((of, _)), Some(dictionary)) = (&self.pronounced, dictionary) {
            let faults = Pronunciations { of, dictionary }.add(&mut read.split, corpus);
            read.n_faulty += faults.len() as u64;
            read.faults.extend(faults);
            read.faults.sort_by_key(|fault| fault.line);
        } else if self.pronounced.is_some() {
            Pronunciations::leave_out(&mut read.split, corpus);
        }
        if let Some(spelling) = self.spelled {
            spelling.add(&mut read.split, corpus);
        }
        if let Some(sentences) = self.sentences {
            sentences.divide(&mut read.split, corpus);
        }
        read
    }
}

/// The files of an input with the value of the field in their paths: itself, or those that its pattern
/// matches.
pub fn files(input: &CorpusFile) -> Result<Vec<(CorpusFile, Option<String>)>, LoadError> {
    let Location::File(path) = &input.location else { return Ok(vec![(input.clone(), None)]) };
    if !is_pattern(path) {
        return Ok(vec![(input.clone(), None)]);
    }
    let unreadable = |why: String| LoadError::Unreadable { file: input.name.clone(), why };
    let found = matches(path).map_err(|error| unreadable(error.to_string()))?;
    if found.is_empty() {
        return Err(unreadable("no such file".to_owned()));
    }
    // As short as the name of the pattern: what they have in common is at the start of the path.
    let prefix = path.to_string_lossy();
    let prefix = prefix.strip_suffix(input.name.as_ref()).unwrap_or_default();
    let file = |Match { path, value }: Match| {
        let name = path.to_string_lossy();
        let name = name.strip_prefix(prefix).unwrap_or(&name).into();
        (CorpusFile { location: Location::File(path), name }, value)
    };
    Ok(found.into_iter().map(file).collect())
}

/// The contents of a file of a format, from disk or embedded in the program.
pub fn open(
    input: &CorpusFile,
    format: &dyn Format,
    samples: &Samples,
) -> Result<Source, LoadError> {
    let bytes = contents_of(input, &|bytes| format.decode(bytes), samples)?;
    let folder = match &input.location {
        Location::File(path) => SourceFolder::OnDisk(path.parent().unwrap_or(path).to_owned()),
        Location::Sample(path) => SourceFolder::of_sample(path, samples),
    };
    Ok(Source { name: input.name.clone(), bytes, folder, field: None })
}

/// The contents of a file, decoded unless it is embedded in the program.
fn contents_of(
    input: &CorpusFile,
    decode: &dyn Fn(Vec<u8>) -> Result<Vec<u8>, String>,
    samples: &Samples,
) -> Result<Arc<[u8]>, LoadError> {
    let bytes = match &input.location {
        Location::File(path) => regular_file::read(path)
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => "no such file".into(),
                io::ErrorKind::IsADirectory => "a folder, not a file".into(),
                _ => error.to_string(),
            })
            .and_then(decode)
            .map(Arc::from),
        Location::Sample(path) => match samples.get(path.as_str()) {
            Some(bytes) => Ok(Arc::from(*bytes)),
            None => Err("no such sample inside the program".into()),
        },
    };
    bytes.map_err(|why| LoadError::Unreadable { file: input.name.clone(), why })
}

struct Loading<'a> {
    spec: &'a Load<'a>,
    samples: &'a Samples,
    dictionary: Option<&'a Dictionary>,
    corpus: Corpus,
    faults: Vec<LoadError>,
}

impl Loading<'_> {
    fn split(&mut self, split: Split, inputs: &[CorpusFile]) -> SplitData {
        let Some(mut read) = self.read(split, inputs) else { return SplitData::default() };
        read.split.files = std::mem::take(&mut read.files);
        if self.spec.faults.of(split) == FaultPolicy::Skip && !read.is_unusable {
            let n_faulty = read.n_faulty;
            self.corpus.add_irregular(split, Treatment::SkippedExamples, n_faulty, read.faults);
        } else if !read.faults.is_empty() {
            self.faults.extend(read.faults.into_iter().map(LoadError::Line));
            return read.split;
        }
        if read.split.examples.is_empty() {
            let what =
                if read.n_faulty > 0 { "no examples without a fault" } else { "no examples" };
            self.faults.push(LoadError::Empty { file: read.split.file.clone(), what });
        }
        read.split
    }

    /// Reads the files of a split, those that belong together at a time; `None` if one cannot be opened.
    fn read(&mut self, split: Split, inputs: &[CorpusFile]) -> Option<Read> {
        let n_faults = self.faults.len();
        let groups = match groups(inputs) {
            Ok(groups) => groups,
            Err(errors) => {
                self.faults.extend(errors);
                return None;
            }
        };
        let mut all = Read::default();
        all.split.file = inputs.first().map(|input| input.name.clone()).unwrap_or_default();
        let is_one = inputs.len() > 1 && !have_pattern(inputs);
        for Group { files, value } in groups {
            let mut sources = Vec::with_capacity(files.len());
            for file in &files {
                match open(file, self.spec.format, self.samples) {
                    Ok(source) => sources.push(source),
                    Err(error) => self.faults.push(error),
                }
            }
            if sources.len() < files.len() {
                continue;
            }
            let value = value.as_deref();
            let with = (Labels::Required, self.dictionary);
            let mut read = self.spec.read(&sources, value, with, &mut self.corpus);
            self.add_replaced(split, std::mem::take(&mut read.replaced));
            if !is_one {
                let examples = read.split.examples.iter_mut();
                examples.for_each(|example| example.file = Some(sources[0].name.clone()));
            }
            all.split.examples.extend(read.split.examples);
            match (&all.split.collection, read.split.collection) {
                (Some(_), Some(_)) => {
                    let why = "expected one collection of documents, found a second one; name its file without a \
                               pattern";
                    let file = sources[0].name.clone();
                    self.faults.push(LoadError::Unreadable { file, why: why.to_owned() });
                }
                (None, collection) => all.split.collection = collection,
                (Some(_), None) => {}
            }
            all.faults.extend(read.faults);
            all.n_faulty += read.n_faulty;
            all.is_unusable |= read.is_unusable;
            all.files.extend(read.files);
        }
        (self.faults.len() == n_faults).then_some(all)
    }

    /// Lists the lines in which bytes were replaced.
    fn add_replaced(&mut self, split: Split, lines: Vec<ReadError>) {
        self.corpus.add_irregular(split, Treatment::ReplacedBytes, lines.len() as u64, lines);
    }

    /// The examples of train that are held out for a split, if its input says so.
    fn held_out(
        &mut self,
        split: Split,
        input: Option<&SplitInput>,
        train: &mut SplitData,
    ) -> Option<SplitData> {
        let Some(SplitInput::HeldOut(hold_out)) = input else { return None };
        let held_out = hold_out.take(train);
        if self.faults.is_empty() {
            let (none_left, none) = match split {
                Split::Test => (
                    "no examples are left in train once test is held out",
                    "no examples are held out for test",
                ),
                Split::Train | Split::Dev => (
                    "no examples are left in train once dev is held out",
                    "no examples are held out for dev",
                ),
            };
            self.check_held_out(train, none_left);
            self.check_held_out(&held_out, none);
        }
        Some(held_out)
    }

    fn check_held_out(&mut self, split: &SplitData, what: &'static str) {
        if split.examples.is_empty() {
            self.faults.push(LoadError::Empty { file: split.file.clone(), what });
        }
    }
}

#[cfg(test)]
mod tests;
