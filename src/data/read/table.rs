//! Table: one example per line, its text and labels in columns (sentiment, topics, questions …).
//!
//! Empty lines are not examples. An empty label cell is a missing label, so that texts with and
//! without labels can be mixed. A column of `sets` has any number of labels separated by `|`; there
//! a single `|` is the empty set, and an empty cell is still missing.
//!
//! A cell of CSV in quotes may hold line breaks (RFC 4180); the line of its example is the first one.
//!
//! Pitfall: separated by spaces (`LABEL the text`), a line with only a text looks like any other.
//! `labels` decides what the input to `predict` is.

mod cells;
mod labels;
mod records;

use std::collections::HashMap;

use super::{
    Axis, Corpus, Example, Field, FieldForm, FieldValues, Format, FoundLabels, KnownLabels, Labels,
    Positions, Read, ReadError, Schema, Source, columns,
    encoding::{self, Decoder},
    lines::{COMMENT, Line, check_comment, lines, read_each},
    tokens::{self, Tokens},
};
use crate::{
    data::{
        Lexicon, Prediction,
        prediction::FieldPredictions,
        write::{UnwritableError, named as named_classes, splice},
    },
    keys::{Key, ValueType, Values},
    nearest::hint,
};
use cells::{Cells, Separator};
use records::records;

pub(super) struct Table;

const NAMES: ValueType = ValueType::List(&ValueType::Text);

const KEYS: &[Key] = &[
    Key::required("columns", NAMES, "name of every column; _ ignores one"),
    Key::optional(
        "text",
        ValueType::Either(&[ValueType::Text, NAMES]),
        "the columns with texts, all others are labels; none: \"text\", else the last one",
    ),
    Key::optional("sets", NAMES, "columns with sets of labels, separated by |"),
    Key::with_default(
        "separator",
        ValueType::Choice(&["auto", "tab", "comma", "space"]),
        "\"auto\"",
        "column separator; auto: tab or comma, by the first line; space: the first space only",
    ),
    Key::with_default(
        "header",
        ValueType::Choice(&["none", "skip"]),
        "\"none\"",
        "whether the first line is a header to skip",
    ),
    COMMENT,
    tokens::KEY,
    encoding::KEY,
    encoding::INVALID,
];

impl Format for Table {
    fn name(&self) -> &'static str {
        "table"
    }

    fn about(&self) -> &'static str {
        "one example per line, text and labels in columns"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn check(&self, values: &Values) -> Vec<(&'static str, String)> {
        let mut faults = columns::check_names(values);
        faults.extend(check_comment(values));
        let columns = named(values);
        let texts = texts(values);
        for key in ["text", "sets"] {
            for name in values.texts(key) {
                if !columns.contains(&name) {
                    let hint = hint(name, columns.iter().copied());
                    faults.push((key, format!("no column named {name:?}{hint}")));
                } else if key == "sets" && texts.contains(&name) {
                    faults.push((key, format!("the column {name:?} is the text, not labels")));
                }
            }
        }
        faults
    }

    fn schema(&self, values: &Values) -> Schema {
        let (texts, sets) = (texts(values), values.texts("sets"));
        let named = named(values).into_iter();
        let others = named.filter(|column| !texts.contains(column)).map(|column| {
            if sets.contains(&column) {
                Field::new(column, Axis::Example, FieldForm::Labels)
            } else {
                Field::of_examples(column)
            }
        });
        tokens::schema(&texts, others)
    }

    fn read(&self, source: &Source, values: &Values, labels: Labels, corpus: &mut Corpus) -> Read {
        let layout = Layout::new(values, &source.bytes, labels);
        let records = records(&source.bytes, layout.separator);
        // Lines within a record with a stray quote may be examples; to skip the record would lose them all.
        let mut is_unusable = false;
        let read = read_each(source, records, |line| {
            if !layout.has_example(line) {
                return Ok(None);
            }
            let n_breaks = line.n_breaks();
            let reach = |what: String, note: &str| {
                if n_breaks == 0 {
                    return what;
                }
                let last = line.number as usize + n_breaks;
                format!("{what} (a quoted cell reaches from here to line {last}{note})")
            };
            let text = layout.decoder.decode(line).map_err(|what| reach(what, ""))?;
            layout.example(&text, line, corpus).map(Some).map_err(|what| {
                is_unusable |= n_breaks > 0;
                reach(what, ", in which there may be other examples: not skipped")
            })
        });
        Read { replaced: layout.decoder.replaced(), is_unusable, ..read }
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
        let found = labels::find(&layout, source, known, skips_faults)?;
        Ok(match labels::strange_header(&layout, source) {
            Some(note) => found.and(&note),
            None => found,
        })
    }

    fn write(
        &self,
        source: &Source,
        values: &Values,
        examples: &[Example],
        field: &FieldPredictions<'_>,
    ) -> Result<Vec<u8>, UnwritableError> {
        let layout = Layout::new(values, &source.bytes, field.labels);
        let mut cells = HashMap::new();
        for (example, prediction) in examples.iter().zip(field.predictions) {
            let cell = cell(prediction, field.names)
                .ok_or(UnwritableError { format: self.name(), what: prediction.describe() })?;
            cells.insert(example.line, cell);
        }
        let edits = records(&source.bytes, layout.separator).filter_map(|line| {
            let cell = if layout.has_example(&line) {
                // The prediction of a faulty line is empty.
                cells.get(&line.number).cloned().unwrap_or_default()
            } else if layout.header == Some(line.number) {
                layout.header(&line, field.field)
            } else {
                return None;
            };
            let new = layout.separator.appended(&cell);
            Some((line.end()..line.end(), layout.decoder.encoding.encode(&new)))
        });
        Ok(splice(&source.bytes, edits))
    }
}

/// A prediction as a cell; `None` if a cell cannot represent it. The empty set is a bar, as an
/// empty cell is missing.
pub(super) fn cell(prediction: &Prediction, names: &Lexicon) -> Option<String> {
    Some(match prediction {
        Prediction::Classes(classes) => named_classes(classes, names).join(" "),
        Prediction::LabelSet(classes) if classes.is_empty() => "|".to_owned(),
        Prediction::LabelSet(classes) => named_classes(classes, names).join("|"),
        Prediction::Numbers(numbers) => {
            numbers.iter().map(f32::to_string).collect::<Vec<_>>().join(" ")
        }
        Prediction::Texts(texts) => texts.first().map(|best| best.text.clone()).unwrap_or_default(),
        Prediction::None => String::new(),
        _ => return None,
    })
}

/// The named columns.
fn named(values: &Values) -> Vec<&str> {
    values.texts("columns").into_iter().filter(|column| *column != "_").collect()
}

/// The named columns with texts.
fn texts(values: &Values) -> Vec<&str> {
    let said = values.texts("text");
    if !said.is_empty() {
        return said;
    }
    let columns = named(values);
    let text = columns.iter().find(|column| **column == "text").or(columns.last());
    text.copied().into_iter().collect()
}

/// The layout of lines, from the recipe and the file's first line.
struct Layout<'a> {
    /// The columns of the file: without labels, only those that a line has then.
    columns: Vec<&'a str>,
    texts: Vec<&'a str>,
    sets: Vec<&'a str>,
    separator: Separator,
    decoder: Decoder,
    tokens: Tokens,
    /// The start of comments.
    comment: Option<&'a str>,
    /// The line of the header, if there is one.
    header: Option<u32>,
}

impl<'a> Layout<'a> {
    fn new(values: &'a Values, bytes: &'a [u8], labels: Labels) -> Self {
        let (columns, texts) = (values.texts("columns"), texts(values));
        let (decoder, separator) = (Decoder::new(values, bytes), values.text("separator"));
        let comment = values.text_if_set(COMMENT.name);
        let has_header = values.text("header") == "skip";
        let header = lines(bytes).find(|line| has_content(line, comment));
        let header = header.filter(|_| has_header).map(|line| line.number);
        // Without labels, a header may have columns that the lines lack.
        let is_first = |line: &Line<'_>| {
            has_content(line, comment)
                && (labels == Labels::Required || header != Some(line.number))
        };
        let text = |line: Line<'a>| decoder.decode_lossily(&line);
        let line = lines(bytes).find(is_first).map(text).unwrap_or_default();
        let record = records(bytes, Separator::Comma).find(is_first).map(text).unwrap_or_default();
        let (separator, columns) = match labels {
            Labels::Required => (Separator::of(separator, columns.len(), &line, &record), columns),
            Labels::Absent => {
                let separator = Separator::of_texts(separator, texts.len(), &line, &record);
                (separator, without_labels(&columns, &texts, separator, &record))
            }
        };
        Self {
            separator,
            columns,
            texts,
            sets: values.texts("sets"),
            decoder,
            tokens: Tokens::of(values),
            comment,
            header,
        }
    }

    /// Whether a line is an example, or a faulty one.
    fn has_example(&self, line: &Line<'_>) -> bool {
        has_content(line, self.comment) && self.header != Some(line.number)
    }

    /// The name of the column of predictions under a header, which no other column has.
    fn header(&self, line: &Line<'_>, field: &str) -> String {
        let text = self.decoder.decode_lossily(line);
        let cells = self.separator.cells(&text, self.columns.len()).unwrap_or_default();
        let name = if field.is_empty() { "predicted".into() } else { format!("predicted_{field}") };
        let is_taken = |name: &str| cells.iter().any(|cell| cell.trim_ascii() == name);
        let numbered = (2..).map(|n| format!("{name}_{n}"));
        let mut names = std::iter::once(name.clone()).chain(numbered);
        names.find(|name| !is_taken(name)).unwrap_or_default()
    }

    fn example(&self, text: &str, line: &Line<'_>, corpus: &mut Corpus) -> Result<Example, String> {
        let cells = self.separator.cells(text, self.columns.len())?;
        if cells.len() != self.columns.len() {
            return Err(self.miscounted(text, &cells));
        }
        if line.number == 1 {
            check_header(&self.columns, &cells)?;
        }
        let cell = |name: &str| {
            let column = self.columns.iter().position(|column| *column == name)?;
            Some(cells[column].as_ref())
        };
        let mut tokens = Vec::with_capacity(self.texts.len());
        let mut sequences = Vec::with_capacity(self.texts.len());
        for name in &self.texts {
            let text = cell(name).unwrap_or_default();
            let split = self.tokens.split(text);
            if split.is_empty() {
                return Err(format!("the text ({name}) is empty; expected at least one token"));
            }
            let positions = Positions::on_line(line.number, split.len());
            sequences.push(Some(positions.at_bytes(Some(tokens::bytes(text, &split)))));
            tokens.push(split);
        }
        let fields = corpus.fields.iter().zip(&mut corpus.lexicons).enumerate();
        let fields = fields.map(|(at, (field, lexicon))| {
            if let Some(tokens) = tokens.get(at) {
                let symbols = tokens.iter().map(|token| lexicon.intern(token));
                return Some(FieldValues::Symbols(symbols.collect()));
            }
            let name = field.name.as_str();
            let label = cell(name)?.trim_ascii();
            if label.is_empty() {
                None
            } else if self.sets.contains(&name) {
                Some(FieldValues::labels(label.split('|').map(str::trim_ascii), lexicon))
            } else {
                Some(FieldValues::Label(lexicon.intern(label)))
            }
        });
        Ok(Example { line: line.number, file: None, sequences, fields: fields.collect() })
    }

    /// Whether a line with that number of columns may be one of a file without labels.
    fn fits_unlabelled(&self, n_cells: usize) -> bool {
        n_cells == self.texts.len() || ends_after_texts(&self.columns, &self.texts, n_cells)
    }

    fn miscounted(&self, text: &str, cells: &Cells<'_>) -> String {
        let s = if cells.len() == 1 { "" } else { "s" };
        let n_wanted = self.columns.len();
        // A line that has the right number of cells with its own separator was probably meant for
        // it.
        let other = self.separator.other(text, n_wanted).filter(|_| cells.len() == 1);
        let hint = match other {
            Some(other) => format!("; separator = {other:?} would give {n_wanted}"),
            None => String::new(),
        };
        let (n_cells, columns) = (cells.len(), self.columns.join(", "));
        format!("{n_cells} column{s}, expected {n_wanted} ({columns}){hint}")
    }
}

/// Whether a line is neither empty nor a comment.
fn has_content(line: &Line<'_>, comment: Option<&str>) -> bool {
    !line.bytes.is_empty() && !line.is_comment(comment)
}

/// The columns of a file without labels, from its first line: it lacks those at the end, or has only
/// the texts.
fn without_labels<'a>(
    columns: &[&'a str],
    texts: &[&str],
    separator: Separator,
    first: &str,
) -> Vec<&'a str> {
    let n_cells = match separator {
        // Any number of words is one text.
        Separator::Space | Separator::None => texts.len(),
        _ => separator.cells(first, columns.len()).map_or(0, |cells| cells.len()),
    };
    if ends_after_texts(columns, texts, n_cells) {
        return columns[..n_cells].to_vec();
    }
    columns.iter().copied().filter(|column| texts.contains(column)).collect()
}

/// Whether the first columns, fewer than all, have all texts.
fn ends_after_texts(columns: &[&str], texts: &[&str], n_cells: usize) -> bool {
    n_cells < columns.len() && texts.iter().all(|text| columns[..n_cells].contains(text))
}

/// Reports a first line with the names of the columns, which is not an example.
fn check_header(columns: &[&str], cells: &Cells<'_>) -> Result<(), String> {
    let mut named = columns.iter().zip(cells).filter(|(column, _)| **column != "_");
    if named.all(|(column, cell)| cell.trim_ascii().eq_ignore_ascii_case(column)) {
        return Err(
            "expected an example, found the names of the columns; set header = \"skip\" if the file \
                    starts with them"
                .into(),
        );
    }
    Ok(())
}

/// The last line of each record, by its first one.
#[cfg(test)]
pub(super) fn record_ends(
    values: &Values,
    bytes: &[u8],
    labels: Labels,
) -> std::collections::BTreeMap<u32, u32> {
    let records = records(bytes, Layout::new(values, bytes, labels).separator);
    records.map(|line| (line.number, line.number + line.n_breaks() as u32)).collect()
}

#[cfg(test)]
mod tests;
