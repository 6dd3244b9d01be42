//! Corpus formats: bytes to examples. One format a file, one line in the table.

mod columns;
mod conllu;
#[cfg(test)]
mod corpora_test;
mod encoding;
#[cfg(test)]
mod fuzz;
mod jsonl;
mod lines;
mod table;
#[cfg(test)]
mod testing;
mod tokens;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use thiserror::Error;

use super::{
    Axis, Corpus, Example, Field, FieldForm, FieldValues, Positions, Schema, SequenceSpec,
    SplitData, prediction::FieldPredictions, write::UnwritableError,
};
use crate::keys::{Key, Values};

/// Every format auxdesk reads, in the order `auxdesk list` shows them.
pub const FORMATS: &[&dyn Format] =
    &[&columns::Columns, &conllu::Conllu, &table::Table, &jsonl::Jsonl];

/// Formats that recipes may already name and that are still to come.
pub const PLANNED: &[&str] = &["parallel", "audio", "frames"];

/// The format of that name.
pub fn find(name: &str) -> Option<&'static dyn Format> {
    FORMATS.iter().copied().find(|format| format.name() == name)
}

/// Bytes of a corpus and what to call them in messages.
#[derive(Clone, Debug)]
pub struct Source {
    /// The file, as messages name it: a path, or `sample:PATH`.
    pub name: Arc<str>,
    /// Its bytes, as they stand in the file.
    pub bytes: Arc<[u8]>,
}

/// A fault of one line of a corpus.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{file}:{line}: {what}")]
pub struct ReadError {
    /// The file, as messages name it.
    pub file: Arc<str>,
    /// The line, counted from 1.
    pub line: u32,
    /// What was found and what was wanted.
    pub what: String,
}

/// A file format of corpora, with the keys that a `[[corpus]]` of it may have.
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
///     fn read(&self, source: &Source, _: &Values, _: Labels, corpus: &mut Corpus) -> Read {
///         let text = String::from_utf8_lossy(&source.bytes);
///         let examples = text.lines().zip(1..).map(|(line, number)| {
///             let tokens = line.split_whitespace();
///             let symbols: Vec<_> = tokens.map(|token| corpus.lexicons[0].intern(token)).collect();
///             Example::of_tokens(vec![number; symbols.len()], vec![Some(FieldValues::Symbols(symbols))])
///         });
///         let examples = examples.filter(|example| !example.is_empty()).collect();
///         Read { split: SplitData { examples, file: source.name.clone() }, ..Read::default() }
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
/// let source = Source { name: "two.txt".into(), bytes: b"Go on .\n\nStop .\n"[..].into() };
/// let mut corpus = Corpus::of_schema(Lines.schema(&Values::default()));
/// let split = Lines.read(&source, &Values::default(), Labels::Optional, &mut corpus).split;
/// assert_eq!((split.size().examples, split.size().tokens), (2, 5));
/// ```
pub trait Format: Sync {
    /// What recipes say.
    fn name(&self) -> &'static str;
    /// One line for `auxdesk list`: lower case, no full stop.
    fn about(&self) -> &'static str;
    /// What a recipe may say, beyond the keys of every corpus.
    fn keys(&self) -> &'static [Key];
    /// What is wrong with these values beyond their types, each with the key it is said under.
    fn check(&self, _values: &Values) -> Vec<(&'static str, String)> {
        Vec::new()
    }
    /// The sequences and fields that its examples have under these keys.
    fn schema(&self, values: &Values) -> Schema;
    /// Reads one file into examples, interning strings in `corpus.lexicons` (one for each of
    /// `corpus.fields`). Every faulty line is reported and an example with one is left out; whether
    /// that is a refusal or a count is the caller's affair.
    fn read(&self, source: &Source, values: &Values, labels: Labels, corpus: &mut Corpus) -> Read;
    /// Writes the input back with the predictions of a field, of which the i-th is of the i-th example that
    /// [`Format::read`] gave, or says that it has no place for such predictions. Examples that are not among
    /// them, and every other byte, stay as they were.
    fn write(
        &self,
        source: &Source,
        values: &Values,
        examples: &[Example],
        field: &FieldPredictions<'_>,
    ) -> Result<Vec<u8>, UnwritableError>;
}

/// Whether labels must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Labels {
    /// Training, dev and test need every declared column.
    Required,
    /// Input to `predict` may lack what comes after the first field; what a sentence lacks is
    /// `None` in its example.
    Optional,
}

/// What reading a file gave.
#[derive(Clone, Debug, Default)]
pub struct Read {
    /// The examples without a fault, in the file's order.
    pub split: SplitData,
    /// Every fault, in the file's order.
    pub faults: Vec<ReadError>,
    /// How many examples had a fault.
    pub n_faulty: u64,
}

/// Where files of a recipe are found: paths on disk, and what is shipped inside the program.
pub type Samples = BTreeMap<&'static str, &'static [u8]>;

/// A path of a recipe, resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A file on disk.
    File(PathBuf),
    /// A file inside the program, without the `sample:`.
    Sample(String),
}
