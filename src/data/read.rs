//! Corpus formats: bytes to examples. One format per file, one entry each in the table.

mod audio;
mod babi;
mod book;
mod brat;
mod columns;
mod conllu;
#[cfg(test)]
mod corpora_test;
mod document;
mod encoding;
mod evidence;
mod folder;
mod frames;
#[cfg(test)]
mod fuzz;
mod iob;
mod jsonl;
mod lines;
mod parallel;
mod relations;
mod sdp;
mod semeval;
mod sentence_split;
mod smart;
mod squad;
mod table;
#[cfg(test)]
mod testing;
mod tokens;

use std::{collections::BTreeMap, fmt, path::PathBuf, sync::Arc};

use thiserror::Error;

pub use super::schema::Labels;
pub use evidence::{FoundLabels, KnownLabels};
pub use folder::SourceFolder;

use super::{
    Axis, Corpus, Example, Field, FieldForm, FieldValues, Positions, Schema, SequenceSpec,
    SplitData, contents, prediction::FieldPredictions, write::UnwritableError,
};
use crate::{
    keys::{Key, Values},
    printable::printable,
    protocol::event::IrregularLine,
};

/// All formats, in the order of `auxdesk list`.
pub const FORMATS: &[&dyn Format] = &[
    &columns::Columns,
    &conllu::Conllu,
    &table::Table,
    &document::Document,
    &parallel::Parallel,
    &jsonl::Jsonl,
    &sdp::Sdp,
    &semeval::Semeval,
    &relations::Relations,
    &babi::Babi,
    &squad::Squad,
    &brat::Brat,
    &book::Book,
    &smart::Smart,
    &audio::Audio,
    &frames::Frames,
];

/// Formats that recipes may name but that are not implemented yet.
pub const PLANNED: &[&str] = &[];

/// The format with that name.
pub fn find(name: &str) -> Option<&'static dyn Format> {
    FORMATS.iter().copied().find(|format| format.name() == name)
}

/// The contents of a corpus file, as [`Format::decode`] returns them, and its name in messages.
#[derive(Clone, Debug)]
pub struct Source {
    /// The name of the file in messages: a path, or `sample:PATH`.
    pub name: Arc<str>,
    /// The text of the file, in the encoding that the recipe declares.
    pub bytes: Arc<[u8]>,
    /// Its folder, from which the other files that it names are read.
    pub folder: SourceFolder,
    /// The field whose file it is, where there is one for each field; `None` if that follows from its position.
    pub field: Option<String>,
}

impl Source {
    /// Contents in no folder.
    pub fn new(name: impl Into<Arc<str>>, bytes: impl Into<Arc<[u8]>>) -> Self {
        Self { name: name.into(), bytes: bytes.into(), folder: SourceFolder::Unknown, field: None }
    }
}

/// A fault of one line of a corpus.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Error)]
pub struct ReadError {
    /// The name of the file in messages.
    pub file: Arc<str>,
    /// The line, counted from 1.
    pub line: u32,
    /// What was found and what was expected.
    pub what: String,
}

impl fmt::Display for ReadError {
    /// One line, whatever names and quotations it has.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, what } = self;
        f.write_str(&printable(&format!("{file}:{line}: {what}")))
    }
}

impl From<ReadError> for IrregularLine {
    fn from(ReadError { file, line, what }: ReadError) -> Self {
        Self { file: file.to_string(), line, what }
    }
}

/// A file format of corpora, with the keys that it adds to a `[[corpus]]`.
///
/// ```
/// use auxdesk::{
///     data::{
///         Corpus, Example, Field, FieldValues, Prediction, Schema, SplitData,
///         prediction::FieldPredictions,
///         read::{Format, Labels, Read, Source},
///         write::UnwritableError,
///     },
///     keys::{Key, Values},
/// };
///
/// /// A sentence a line, tokens separated by white space, no labels.
/// struct Lines;
///
/// impl Format for Lines {
///     fn name(&self) -> &'static str {
///         "lines"
///     }
///
///     fn about(&self) -> &'static str {
///         "a sentence a line, tokens separated by white space"
///     }
///
///     fn keys(&self) -> &'static [Key] {
///         &[]
///     }
///
///     fn schema(&self, _values: &Values) -> Schema {
///         Schema::of_tokens(vec![Field::of_tokens("form")])
///     }
///
///     fn read(&self, sources: &[Source], _: &Values, _: Labels, corpus: &mut Corpus) -> Read {
///         let source = &sources[0];
///         let text = String::from_utf8_lossy(&source.bytes);
///         let examples = text.lines().zip(1..).map(|(line, number)| {
///             let tokens = line.split_whitespace();
///             let symbols: Vec<_> = tokens.map(|token| corpus.lexicons[0].intern(token)).collect();
///             Example::of_tokens(vec![number; symbols.len()], vec![Some(FieldValues::Symbols(symbols))])
///         });
///         let examples = examples.filter(|example| !example.is_empty()).collect();
///         Read { split: SplitData { examples, file: source.name.clone(), ..SplitData::default() }, ..Read::default() }
///     }
///
///     // Predictions a line, where the input had its sentence.
///     fn write(
///         &self,
///         source: &Source,
///         _values: &Values,
///         examples: &[Example],
///         field: &FieldPredictions<'_>,
///     ) -> Result<Vec<u8>, UnwritableError> {
///         let text = String::from_utf8_lossy(&source.bytes);
///         let mut lines = vec![String::new(); text.lines().count()];
///         for (example, prediction) in examples.iter().zip(field.predictions) {
///             let Prediction::Classes(classes) = prediction else {
///                 let what = prediction.describe();
///                 return Err(UnwritableError { format: self.name(), what });
///             };
///             let names: Vec<&str> = classes.iter().map(|class| field.names.get(*class)).collect();
///             lines[example.line as usize - 1] = names.join(" ");
///         }
///         Ok(lines.iter().flat_map(|line| format!("{line}\n").into_bytes()).collect())
///     }
/// }
///
/// let source = Source::new("two.txt", &b"Go on .\n\nStop .\n"[..]);
/// let mut corpus = Corpus::of_schema(Lines.schema(&Values::default()));
/// let split = Lines.read(&[source], &Values::default(), Labels::Absent, &mut corpus).split;
/// assert_eq!((split.size().examples, split.size().tokens), (2, 5));
/// ```
pub trait Format: Sync {
    /// Its name in recipes.
    fn name(&self) -> &'static str;
    /// One line for `auxdesk list`: lower case, no full stop.
    fn about(&self) -> &'static str;
    /// Its keys, in addition to those of every corpus.
    fn keys(&self) -> &'static [Key];
    /// Faults of these values beyond their types, each with its key.
    fn check(&self, _values: &Values) -> Vec<(&'static str, String)> {
        Vec::new()
    }
    /// The sequences and fields that its examples have with these keys.
    fn schema(&self, values: &Values) -> Schema;
    /// The contents of a file, from its bytes: text, as [`contents::text`] returns it, unless
    /// the format has other files too. The error follows the file's name.
    fn decode(&self, bytes: Vec<u8>) -> Result<Vec<u8>, String> {
        contents::text(bytes)
    }
    /// The paths of the other files that a file names, in its folder.
    fn named_files(&self, _source: &Source, _values: &Values) -> Vec<String> {
        Vec::new()
    }
    /// Reads a file, or line-aligned files, into examples, interning strings in `corpus.lexicons` (one for
    /// each of `corpus.fields`). Every faulty line is reported and its example left out; the caller decides
    /// whether to refuse the corpus or to count the fault.
    fn read(
        &self,
        sources: &[Source],
        values: &Values,
        labels: Labels,
        corpus: &mut Corpus,
    ) -> Read;
    /// The fields whose values are in line-aligned files of their own, in the order of the files; empty
    /// if all of an example is in one file.
    fn aligned(&self, _values: &Values) -> Vec<String> {
        Vec::new()
    }
    /// The list of texts that all examples of a split share, if there is one: none of its documents belongs to an
    /// example alone.
    fn collection(&self) -> Option<&'static str> {
        None
    }
    /// Decides by the whole of an input to `predict` whether it has labels, where its lines do not
    /// say so themselves. The error is that of an input that can be read either way; where faulty
    /// examples are skipped, a few odd lines are faulty ones.
    fn find_labels(
        &self,
        _sources: &[Source],
        _values: &Values,
        _known: &KnownLabels,
        _skips_faults: bool,
    ) -> Result<FoundLabels, ReadError> {
        Ok(FoundLabels::sure(Labels::Absent))
    }
    /// What stands in place of the prediction of a faulty line; empty if nothing does.
    fn no_prediction(&self) -> &'static str {
        ""
    }
    /// Writes the predictions of a field into the input; the i-th one is for the i-th example that
    /// [`Format::read`] returned. Fails if the format cannot store such predictions. The prediction
    /// of a faulty line is [`Format::no_prediction`], and every other byte is unchanged.
    fn write(
        &self,
        source: &Source,
        values: &Values,
        examples: &[Example],
        field: &FieldPredictions<'_>,
    ) -> Result<Vec<u8>, UnwritableError>;
}

/// The result of reading a file.
#[derive(Clone, Debug, Default)]
pub struct Read {
    /// The examples without a fault, in the order of the file.
    pub split: SplitData,
    /// All faults, in the order of the file.
    pub faults: Vec<ReadError>,
    /// The number of faulty examples.
    pub n_faulty: u64,
    /// The lines in which invalid bytes were replaced, as the recipe allows.
    pub replaced: Vec<ReadError>,
    /// Whether the faults make the other examples unusable too.
    pub is_unusable: bool,
    /// The file of each field, if they have files of their own.
    pub files: BTreeMap<String, Arc<str>>,
}

/// The files embedded in the program, by path.
pub type Samples = BTreeMap<&'static str, &'static [u8]>;

/// A path of a recipe, resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A file on disk.
    File(PathBuf),
    /// A file inside the program, without the `sample:`.
    Sample(String),
}
