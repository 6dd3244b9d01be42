//! Columns: one token per line, one field per column, a blank line after each sentence (CoNLL 2000,
//! 2003 …).
//!
//! Columns are separated by a tab or by runs of spaces, and by no other character, so a token may
//! contain U+00A0. `-DOCSTART-` lines, which CoNLL 2003 has between documents, are not tokens.
//!
//! Predictions are a further column of every line that has any, so that conlleval and similar scripts
//! find the same number of columns in each: a `-DOCSTART-` line has `O` there, a skipped token `_`.

mod labels;

use std::{borrow::Cow, ops::RangeInclusive};

use super::{
    Corpus, Example, Field, FieldValues, Format, FoundLabels, KnownLabels, Labels, Read, ReadError,
    Schema, Source,
    encoding::{self, Decoder},
    lines::{COMMENT, Line, check_comment, lines, read_sentences},
};
use crate::{
    data::{
        prediction::FieldPredictions,
        write::{UnwritableError, by_line, splice},
    },
    keys::{Key, ValueType, Values},
};

pub(super) struct Columns;

const KEYS: &[Key] = &[
    Key::required(
        "columns",
        ValueType::List(&ValueType::Text),
        "name of every column; _ ignores one",
    ),
    Key::with_default(
        "separator",
        ValueType::Choice(&["auto", "tab", "space"]),
        "\"auto\"",
        "column separator; auto: tab if the first token line has one, else space",
    ),
    Key::optional(
        UNLABELLED,
        ValueType::Text,
        "what stands in place of a label at a token without one, for example _; in all columns but the first",
    ),
    COMMENT,
    Key::optional(STRIP_PREFIX, ValueType::Text, "prefix to strip from each token, such as en:"),
    encoding::KEY,
    encoding::INVALID,
];

const UNLABELLED: &str = "unlabelled";
const STRIP_PREFIX: &str = "strip_prefix";

impl Format for Columns {
    fn name(&self) -> &'static str {
        "columns"
    }

    fn about(&self) -> &'static str {
        "one token per line with labels in columns, a blank line after each sentence"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn check(&self, values: &Values) -> Vec<(&'static str, String)> {
        check_names(values).into_iter().chain(check_comment(values)).collect()
    }

    fn schema(&self, values: &Values) -> Schema {
        let columns = values.texts("columns").into_iter().filter(|column| *column != "_");
        let field = |(at, name): (usize, &str)| match values.text_if_set(UNLABELLED) {
            Some(mark) if at > 0 => Field::of_tokens(name).with_placeholder(mark, false),
            _ => Field::of_tokens(name),
        };
        Schema::of_tokens(columns.enumerate().map(field).collect())
    }

    fn read(
        &self,
        sources: &[Source],
        values: &Values,
        labels: Labels,
        corpus: &mut Corpus,
    ) -> Read {
        let source = &sources[0];
        let layout = Layout::new(values, &source.bytes, labels);
        let is_break = |line: &Line<'_>| line.is_blank() || starts_document(line);
        let read = read_sentences(source, is_break, |sentence, faults| {
            let n_faults = faults.len();
            let mut fault =
                |line, what| faults.push(ReadError { file: source.name.clone(), line, what });
            let texts = layout.decode(sentence, &mut fault);
            let rows = layout.rows(&texts, &mut fault);
            (faults.len() == n_faults).then(|| layout.example(&rows, corpus))
        });
        Read { replaced: layout.decoder.replaced(&source.name), ..read }
    }

    fn find_labels(
        &self,
        sources: &[Source],
        values: &Values,
        known: &KnownLabels,
        skips_faults: bool,
    ) -> Result<FoundLabels, ReadError> {
        let source = &sources[0];
        let layout = Layout::new(values, &source.bytes, Labels::Required);
        labels::find(&layout, source, known, skips_faults)
    }

    fn no_prediction(&self) -> &'static str {
        SKIPPED
    }

    fn write(
        &self,
        source: &Source,
        values: &Values,
        examples: &[Example],
        field: &FieldPredictions<'_>,
    ) -> Result<Vec<u8>, UnwritableError> {
        let layout = Layout::new(values, &source.bytes, field.labels);
        let labels = by_line(self.name(), examples, field)?;
        let has_column = |line: &Line<'_>| layout.is_token(line) || starts_document(line);
        let edits = lines(&source.bytes).filter(has_column).map(|line| {
            let separator = layout.separator.byte(line.bytes);
            let mut new = vec![separator];
            if starts_document(&line) {
                let n_missing = layout.n_cells.saturating_sub(layout.separator.n_cells(line.bytes));
                new.extend([b'O', separator].repeat(n_missing));
                new.push(b'O');
            } else {
                let label = labels.get(&line.number).map_or(SKIPPED, String::as_str);
                new.extend(layout.decoder.encoding.encode(label));
            }
            (line.end()..line.end(), new)
        });
        Ok(splice(&source.bytes, edits))
    }
}

/// The prediction of a skipped token.
const SKIPPED: &str = "_";

/// Faults of the column names.
pub(super) fn check_names(values: &Values) -> Vec<(&'static str, String)> {
    let columns = values.texts("columns");
    let mut faults = twice("columns", "columns", &columns);
    if columns.iter().all(|column| *column == "_") {
        faults.push(("columns", "no column has a name".into()));
    }
    faults
}

/// A fault at a key for each name that occurs again; `_` may.
pub(super) fn twice(key: &'static str, what: &str, names: &[&str]) -> Vec<(&'static str, String)> {
    let again = names.iter().enumerate();
    let again = again.filter(|&(at, name)| *name != "_" && names[..at].contains(name));
    again.map(|(_, name)| (key, format!("two {what} are named {name:?}"))).collect()
}

/// The fault of each field whose name stands before it, in one list of names or in several, by their keys.
pub(super) fn fields_twice(values: &Values, keys: &[&'static str]) -> Vec<(&'static str, String)> {
    let names =
        keys.iter().flat_map(|&key| values.texts(key).into_iter().map(move |name| (key, name)));
    let names: Vec<(&str, &str)> = names.collect();
    let again = names.iter().enumerate();
    let again = again.filter(|&(at, (_, name))| names[..at].iter().any(|(_, other)| other == name));
    again.map(|(_, (key, name))| (*key, format!("two fields are named {name:?}"))).collect()
}

/// The separator of columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Separator {
    Tab,
    /// Runs of spaces and tabs, also at the ends of a line.
    Space,
}

impl Separator {
    fn cells(self, text: &str) -> Vec<&str> {
        match self {
            Self::Tab => text.split('\t').collect(),
            Self::Space => text.split([' ', '\t']).filter(|cell| !cell.is_empty()).collect(),
        }
    }

    /// The number of cells of a line.
    fn n_cells(self, line: &[u8]) -> usize {
        self.cells(&String::from_utf8_lossy(line)).len()
    }

    /// The separator of a line's last two cells.
    fn byte(self, line: &[u8]) -> u8 {
        let is_separator = |byte: &u8| matches!(byte, b' ' | b'\t');
        let last = line.trim_ascii_end().iter().rev().find(|byte| is_separator(byte));
        match self {
            Self::Tab => b'\t',
            Self::Space => last.copied().unwrap_or(b' '),
        }
    }

    fn other(self) -> (Self, &'static str) {
        if self == Self::Tab { (Self::Space, "space") } else { (Self::Tab, "tab") }
    }
}

/// The line number of a token and its cells.
type Row<'a> = (u32, Vec<&'a str>);

/// The layout of lines, from the recipe and the file's first token line.
struct Layout<'a> {
    columns: Vec<&'a str>,
    separator: Separator,
    decoder: Decoder,
    /// The start of comments.
    comment: Option<&'a str>,
    /// The prefix to strip from tokens.
    prefix: &'a str,
    /// The number of columns of the first token line.
    n_cells: usize,
    /// The number of columns of every line.
    wanted: RangeInclusive<usize>,
    /// What stands in place of a label at a token without one.
    unlabelled: Option<&'a str>,
}

impl<'a> Layout<'a> {
    fn new(values: &'a Values, bytes: &[u8], labels: Labels) -> Self {
        let columns = values.texts("columns");
        let comment = values.text_if_set(COMMENT.name);
        let mut tokens = lines(bytes).filter(|line| is_token(line, comment));
        let first = tokens.next().map_or(&b""[..], |line| line.bytes);
        let separator = match values.text("separator") {
            "tab" => Separator::Tab,
            "space" => Separator::Space,
            _ if first.contains(&b'\t') => Separator::Tab,
            _ => Separator::Space,
        };
        let n_cells = separator.n_cells(first);
        let wanted = match labels {
            Labels::Required => columns.len()..=columns.len(),
            Labels::Absent => without_labels(&columns, n_cells),
        };
        let unlabelled = values.text_if_set(UNLABELLED);
        let prefix = values.text_if_set(STRIP_PREFIX).unwrap_or_default();
        let decoder = Decoder::new(values, bytes);
        Self { columns, separator, decoder, comment, prefix, n_cells, wanted, unlabelled }
    }

    /// Whether a line is a token's.
    fn is_token(&self, line: &Line<'_>) -> bool {
        is_token(line, self.comment)
    }

    /// The text of each token line that has one.
    fn decode<'t>(
        &self,
        sentence: &[Line<'t>],
        fault: &mut impl FnMut(u32, String),
    ) -> Vec<(u32, Cow<'t, str>)> {
        let tokens = sentence.iter().filter(|line| self.is_token(line));
        let texts = tokens.filter_map(|line| match self.decoder.decode(line) {
            Ok(text) => Some((line.number, text)),
            Err(what) => {
                fault(line.number, what);
                None
            }
        });
        texts.collect()
    }

    /// A token without the prefix to strip.
    fn stripped<'t>(&self, token: &'t str) -> &'t str {
        token.strip_prefix(self.prefix).filter(|rest| !rest.is_empty()).unwrap_or(token)
    }

    /// The cells of each line that has no fault.
    fn rows<'t>(
        &self,
        texts: &'t [(u32, Cow<'_, str>)],
        fault: &mut impl FnMut(u32, String),
    ) -> Vec<Row<'t>> {
        let mut rows: Vec<Row<'t>> = Vec::with_capacity(texts.len());
        for (number, text) in texts {
            let cells = self.separator.cells(text);
            if let Some(what) = self.fault(text, &cells) {
                fault(*number, what);
            } else if let Some((first, others)) = rows.first()
                && others.len() != cells.len()
            {
                fault(
                    *number,
                    format!("{}, but {} in line {first} of its sentence", n(&cells), others.len()),
                );
            } else {
                rows.push((*number, cells));
            }
        }
        rows
    }

    /// The fault of a line's cells, if there is one.
    fn fault(&self, text: &str, cells: &[&str]) -> Option<String> {
        let wanted = &self.wanted;
        if !wanted.contains(&cells.len()) {
            let range = if wanted.start() == wanted.end() {
                wanted.end().to_string()
            } else {
                format!("{} to {}", wanted.start(), wanted.end())
            };
            let (other, name) = self.separator.other();
            let fits = self.columns.len() > 1 && other.cells(text).len() == self.columns.len();
            let hint = if fits {
                format!("; separator = \"{name}\" would give {}", self.columns.len())
            } else {
                String::new()
            };
            return Some(format!(
                "{}, expected {range} ({}){hint}",
                n(cells),
                self.columns.join(", ")
            ));
        }
        // The contents of an ignored column do not matter.
        let mut named = cells.iter().zip(&self.columns).zip(1..).filter(|((_, c), _)| **c != "_");
        named
            .find(|((cell, _), _)| cell.is_empty())
            .map(|((_, column), at)| format!("column {at} ({column}) is empty"))
    }

    fn example(&self, rows: &[Row<'_>], corpus: &mut Corpus) -> Example {
        let n_cells = rows.first().map_or(0, |(_, cells)| cells.len());
        let named = self.columns.iter().enumerate().filter(|(_, column)| **column != "_");
        let fields = named
            .zip(&mut corpus.lexicons)
            .enumerate()
            .map(|(field, ((column, _), lexicon))| {
                if column >= n_cells {
                    return None;
                }
                let mark = self.unlabelled.filter(|_| field > 0);
                FieldValues::of_positions(rows.iter().map(|(_, cells)| {
                    let cell = cells[column];
                    let text = if field == 0 { self.stripped(cell) } else { cell };
                    (Some(cell) != mark).then(|| lexicon.intern(text))
                }))
            })
            .collect();
        Example::of_tokens(rows.iter().map(|&(number, _)| number).collect(), fields)
    }
}

/// The number of columns of a file without labels whose first token line has `n_cells`: it lacks
/// those at the end.
fn without_labels(columns: &[&str], n_cells: usize) -> RangeInclusive<usize> {
    let least = columns.iter().position(|column| *column != "_").map_or(1, |at| at + 1);
    let most = least.max(columns.len().saturating_sub(1));
    let all = least..=most;
    if all.contains(&n_cells) { n_cells..=n_cells } else { all }
}

/// Whether a line is a token's: not the end of a sentence, the start of a document or a comment.
fn is_token(line: &Line<'_>, comment: Option<&str>) -> bool {
    !line.is_blank() && !starts_document(line) && !line.is_comment(comment)
}

fn starts_document(line: &Line<'_>) -> bool {
    let rest = line.bytes.strip_prefix(b"-DOCSTART-");
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b' ' | b'\t')))
}

fn n(cells: &[&str]) -> String {
    match cells.len() {
        1 => "1 column".into(),
        n => format!("{n} columns"),
    }
}

#[cfg(test)]
mod tests;
