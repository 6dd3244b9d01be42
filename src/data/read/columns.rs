//! Columns: one token per line, one field per column, a blank line after each sentence (CoNLL 2000,
//! 2003 …).
//!
//! Columns are separated by a tab or by runs of spaces, and by no other character, so a token may
//! contain U+00A0. `-DOCSTART-` lines, which CoNLL 2003 has between documents, are not tokens.

use std::borrow::Cow;

use super::{
    Corpus, Example, Field, FieldValues, Format, Labels, Read, ReadError, Schema, Source,
    encoding::{self, Encoding},
    lines::{Line, lines, read_sentences},
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
    encoding::KEY,
];

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
        check_names(values)
    }

    fn schema(&self, values: &Values) -> Schema {
        let columns = values.texts("columns").into_iter();
        Schema::of_tokens(columns.filter(|column| *column != "_").map(Field::of_tokens).collect())
    }

    fn read(&self, source: &Source, values: &Values, gold: Labels, corpus: &mut Corpus) -> Read {
        let layout = Layout::new(values, &source.bytes);
        let is_break = |line: &Line<'_>| line.is_blank() || starts_document(line);
        read_sentences(source, is_break, |sentence, faults| {
            let n_faults = faults.len();
            let mut fault =
                |line, what| faults.push(ReadError { file: source.name.clone(), line, what });
            let texts = decode(sentence, layout.encoding, &mut fault);
            let rows = layout.rows(&texts, gold, &mut fault);
            (faults.len() == n_faults).then(|| layout.example(&rows, corpus))
        })
    }

    fn write(
        &self,
        source: &Source,
        values: &Values,
        examples: &[Example],
        field: &FieldPredictions<'_>,
    ) -> Result<Vec<u8>, UnwritableError> {
        let layout = Layout::new(values, &source.bytes);
        let labels = by_line(self.name(), examples, field)?;
        let edits = lines(&source.bytes).filter_map(|line| {
            let label = labels.get(&line.number)?;
            let mut new = vec![layout.separator.byte()];
            new.extend(layout.encoding.encode(label));
            Some((line.end()..line.end(), new))
        });
        Ok(splice(&source.bytes, edits))
    }
}

/// Faults of the column names.
pub(super) fn check_names(values: &Values) -> Vec<(&'static str, String)> {
    let columns = values.texts("columns");
    let mut faults: Vec<_> = columns
        .iter()
        .enumerate()
        .filter(|&(at, column)| *column != "_" && columns[..at].contains(column))
        .map(|(_, column)| ("columns", format!("two columns are named {column:?}")))
        .collect();
    if columns.iter().all(|column| *column == "_") {
        faults.push(("columns", "no column has a name".into()));
    }
    faults
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

    fn byte(self) -> u8 {
        if self == Self::Tab { b'\t' } else { b' ' }
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
    encoding: Encoding,
}

impl<'a> Layout<'a> {
    fn new(values: &'a Values, bytes: &[u8]) -> Self {
        let has_tab = || {
            let mut tokens = lines(bytes).filter(|line| !line.is_blank() && !starts_document(line));
            tokens.next().is_some_and(|line| line.bytes.contains(&b'\t'))
        };
        let separator = match values.text("separator") {
            "tab" => Separator::Tab,
            "space" => Separator::Space,
            _ if has_tab() => Separator::Tab,
            _ => Separator::Space,
        };
        Self { columns: values.texts("columns"), separator, encoding: Encoding::of(values) }
    }

    /// The minimum number of columns of a line.
    fn least(&self, gold: Labels) -> usize {
        match gold {
            Labels::Required => self.columns.len(),
            Labels::Optional => {
                self.columns.iter().position(|column| *column != "_").map_or(1, |at| at + 1)
            }
        }
    }

    /// The cells of each line that has no fault.
    fn rows<'t>(
        &self,
        texts: &'t [(u32, Cow<'_, str>)],
        gold: Labels,
        fault: &mut impl FnMut(u32, String),
    ) -> Vec<Row<'t>> {
        let mut rows: Vec<Row<'t>> = Vec::with_capacity(texts.len());
        for (number, text) in texts {
            let cells = self.separator.cells(text);
            if let Some(what) = self.fault(text, &cells, gold) {
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
    fn fault(&self, text: &str, cells: &[&str], gold: Labels) -> Option<String> {
        let wanted = self.least(gold)..=self.columns.len();
        if !wanted.contains(&cells.len()) {
            let range = match gold {
                Labels::Optional if wanted.start() != wanted.end() => {
                    format!("{} to {}", wanted.start(), wanted.end())
                }
                _ => wanted.end().to_string(),
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
            .map(|((column, _), lexicon)| {
                (column < n_cells).then(|| {
                    let cells = rows.iter().map(|(_, cells)| lexicon.intern(cells[column]));
                    FieldValues::Symbols(cells.collect())
                })
            })
            .collect();
        Example::of_tokens(rows.iter().map(|&(number, _)| number).collect(), fields)
    }
}

/// The text of each line that has one.
fn decode<'a>(
    sentence: &[Line<'a>],
    encoding: Encoding,
    fault: &mut impl FnMut(u32, String),
) -> Vec<(u32, Cow<'a, str>)> {
    sentence
        .iter()
        .filter_map(|line| match line.decode(encoding) {
            Ok(text) => Some((line.number, text)),
            Err(what) => {
                fault(line.number, what);
                None
            }
        })
        .collect()
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
