//! Table: one example per line, its text and labels in columns (sentiment, topics, questions …).
//!
//! Empty lines are not examples. An empty label cell is a missing label, so that texts with and
//! without labels can be mixed. A column of `sets` has any number of labels separated by `|`; there
//! a single `|` is the empty set, and an empty cell is still missing. A column of `numbers` has one number.
//!
//! A cell of CSV in quotes may hold line breaks (RFC 4180); the line of its example is the first one.
//!
//! Pitfall: separated by spaces (`LABEL the text`), a line with only a text looks like any other.
//! `labels` decides what the input to `predict` is.

mod cells;
mod labels;
mod layout;
mod records;

use std::collections::HashMap;

use super::{
    Axis, Corpus, Example, Field, FieldForm, Format, FoundLabels, KnownLabels, Labels, Read,
    ReadError, Schema, Source, columns, encoding,
    lines::{COMMENT, check_comment, read_each},
    tokens,
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
use layout::{Layout, named, texts};
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
    Key::optional("numbers", NAMES, "columns with a number, such as a score"),
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
        let sets = values.texts("sets");
        for key in ["text", "sets", "numbers"] {
            for name in values.texts(key) {
                if !columns.contains(&name) {
                    let hint = hint(name, columns.iter().copied());
                    faults.push((key, format!("no column named {name:?}{hint}")));
                } else if key != "text" && texts.contains(&name) {
                    faults.push((
                        key,
                        format!("the column {name:?} is the text, not {}", holds(key)),
                    ));
                } else if key == "numbers" && sets.contains(&name) {
                    faults.push((key, format!("the column {name:?} has sets, not numbers")));
                }
            }
        }
        faults
    }

    fn schema(&self, values: &Values) -> Schema {
        let (texts, sets, numbers) = (texts(values), values.texts("sets"), values.texts("numbers"));
        let named = named(values).into_iter();
        let others = named.filter(|column| !texts.contains(column)).map(|column| {
            if sets.contains(&column) {
                Field::new(column, Axis::Example, FieldForm::Labels)
            } else if numbers.contains(&column) {
                Field::new(column, Axis::Example, FieldForm::Numbers)
            } else {
                Field::of_examples(column)
            }
        });
        tokens::schema(&texts, others)
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
        Read { replaced: layout.decoder.replaced(&source.name), is_unusable, ..read }
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

/// What the columns of a key have, in messages.
fn holds(key: &str) -> &'static str {
    if key == "numbers" { "numbers" } else { "labels" }
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
