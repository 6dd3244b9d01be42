//! The layout of a table: its columns, separator and header, and the example of a line.

use super::{
    super::{
        Corpus, Example, FieldValues, Labels, Positions,
        encoding::Decoder,
        lines::{COMMENT, Line, lines},
        tokens::{self, Tokens},
    },
    cells::{Cells, Separator},
    records::records,
};
use crate::keys::Values;

/// The named columns.
pub(super) fn named(values: &Values) -> Vec<&str> {
    values.texts("columns").into_iter().filter(|column| *column != "_").collect()
}

/// The named columns with texts.
pub(super) fn texts(values: &Values) -> Vec<&str> {
    let said = values.texts("text");
    if !said.is_empty() {
        return said;
    }
    let columns = named(values);
    let text = columns.iter().find(|column| **column == "text").or(columns.last());
    text.copied().into_iter().collect()
}

/// The layout of lines, from the recipe and the file's first line.
pub(super) struct Layout<'a> {
    /// The columns of the file: without labels, only those that a line has then.
    pub(super) columns: Vec<&'a str>,
    pub(super) texts: Vec<&'a str>,
    pub(super) sets: Vec<&'a str>,
    pub(super) numbers: Vec<&'a str>,
    pub(super) separator: Separator,
    pub(super) decoder: Decoder,
    pub(super) tokens: Tokens,
    /// The start of comments.
    pub(super) comment: Option<&'a str>,
    /// The line of the header, if there is one.
    pub(super) header: Option<u32>,
}

impl<'a> Layout<'a> {
    pub(super) fn new(values: &'a Values, bytes: &'a [u8], labels: Labels) -> Self {
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
            numbers: values.texts("numbers"),
            decoder,
            tokens: Tokens::of(values),
            comment,
            header,
        }
    }

    /// Whether a line is an example, or a faulty one.
    pub(super) fn has_example(&self, line: &Line<'_>) -> bool {
        has_content(line, self.comment) && self.header != Some(line.number)
    }

    /// The name of the column of predictions under a header, which no other column has.
    pub(super) fn header(&self, line: &Line<'_>, field: &str) -> String {
        let text = self.decoder.decode_lossily(line);
        let cells = self.separator.cells(&text, self.columns.len()).unwrap_or_default();
        let name = if field.is_empty() { "predicted".into() } else { format!("predicted_{field}") };
        let is_taken = |name: &str| cells.iter().any(|cell| cell.trim_ascii() == name);
        let numbered = (2..).map(|n| format!("{name}_{n}"));
        let mut names = std::iter::once(name.clone()).chain(numbered);
        names.find(|name| !is_taken(name)).unwrap_or_default()
    }

    pub(super) fn example(
        &self,
        text: &str,
        line: &Line<'_>,
        corpus: &mut Corpus,
    ) -> Result<Example, String> {
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
                return Ok(Some(FieldValues::Symbols(symbols.collect())));
            }
            let name = field.name.as_str();
            let label = cell(name).map_or("", str::trim_ascii);
            Ok(if label.is_empty() {
                None
            } else if self.sets.contains(&name) {
                Some(FieldValues::labels(label.split('|').map(str::trim_ascii), lexicon))
            } else if self.numbers.contains(&name) {
                Some(FieldValues::Numbers([self.number(name, label)?].into()))
            } else {
                Some(FieldValues::Label(lexicon.intern(label)))
            })
        });
        let fields = fields.collect::<Result<_, String>>()?;
        Ok(Example { line: line.number, file: None, sequences, fields })
    }

    /// The number in a cell of this column.
    fn number(&self, name: &str, cell: &str) -> Result<f32, String> {
        let number = cell.parse().ok().filter(|number: &f32| number.is_finite());
        number.ok_or_else(|| {
            let column = self.columns.iter().position(|column| *column == name);
            let place = column.map_or(0, |column| column + 1);
            format!("expected a finite number in column {place} ({name}), found {cell:?}")
        })
    }

    /// Whether a line with that number of columns may be one of a file without labels.
    pub(super) fn fits_unlabelled(&self, n_cells: usize) -> bool {
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
