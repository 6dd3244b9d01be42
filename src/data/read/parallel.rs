//! Parallel: line-aligned files, one for each field: texts in several languages, or texts with files of
//! tags and labels. Line N of each file belongs to one example.
//!
//! Lines that are empty in every file are not examples, nor are empty lines at the end of some. Files with
//! different numbers of other lines are refused, also where faulty examples are skipped: from the first
//! missing line on, all would be aligned wrongly.
//!
//! Input to `predict` is the files of the texts that are read, in their order, or all files. Predictions are a file of
//! their own, line-aligned with the input.

use std::collections::HashMap;

use super::{
    Axis, Corpus, Example, Field, FieldForm, FieldValues, Format, FoundLabels, KnownLabels, Labels,
    Positions, Read, ReadError, Schema, Source, columns,
    encoding::{self, Decoder, Encoding},
    lines::{Line, lines},
    table,
    tokens::{self, Tokens},
};
use crate::{
    data::{prediction::FieldPredictions, write::UnwritableError},
    keys::{Key, ValueType, Values},
    nearest::hint,
};

pub(super) struct Parallel;

const NAMES: ValueType = ValueType::List(&ValueType::Text);

const FIELDS: &str = "fields";

/// The keys that name fields other than texts.
const ROLES: [&str; 3] = ["tags", "labels", "sets"];

const KEYS: &[Key] = &[
    Key::required(FIELDS, NAMES, "name of the field of each file; those not named below are texts"),
    Key::optional("tags", NAMES, "fields with one tag per token of the first text"),
    Key::optional("labels", NAMES, "fields with one label per line"),
    Key::optional("sets", NAMES, "fields with sets of labels, separated by |"),
    tokens::KEY,
    encoding::KEY,
    encoding::INVALID,
];

impl Format for Parallel {
    fn name(&self) -> &'static str {
        "parallel"
    }

    fn about(&self) -> &'static str {
        "line-aligned files, one for each field: texts, tags of their tokens, labels"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn check(&self, values: &Values) -> Vec<(&'static str, String)> {
        let fields = values.texts(FIELDS);
        let mut faults = columns::twice(FIELDS, "fields", &fields);
        for key in ROLES {
            for name in values.texts(key).into_iter().filter(|name| !fields.contains(name)) {
                let hint = hint(name, fields.iter().copied());
                faults.push((key, format!("no field named {name:?} in `{FIELDS}`{hint}")));
            }
        }
        let named: Vec<&str> = ROLES.iter().flat_map(|key| values.texts(key)).collect();
        let again = named.iter().enumerate().filter(|&(at, name)| named[..at].contains(name));
        let what = |name| format!("the field {name:?} is named by two of tags, labels and sets");
        faults.extend(again.map(|(_, name)| (FIELDS, what(name))));
        if texts(values).is_empty() {
            faults.push((FIELDS, "every field has tags or labels; expected a text".to_owned()));
        }
        faults
    }

    fn schema(&self, values: &Values) -> Schema {
        let [tags, _, sets] = ROLES.map(|key| values.texts(key));
        let texts = texts(values);
        let others = values.texts(FIELDS).into_iter().filter(|name| !texts.contains(name));
        let others = others.map(|name| {
            if tags.contains(&name) {
                Field::of_tokens(name)
            } else if sets.contains(&name) {
                Field::new(name, Axis::Example, FieldForm::Labels)
            } else {
                Field::of_examples(name)
            }
        });
        tokens::schema(&texts, others.collect::<Vec<_>>())
    }

    fn aligned(&self, values: &Values) -> Vec<String> {
        values.texts(FIELDS).into_iter().map(str::to_owned).collect()
    }

    fn read(
        &self,
        sources: &[Source],
        values: &Values,
        labels: Labels,
        corpus: &mut Corpus,
    ) -> Read {
        let fields = match labels {
            Labels::Required => values.texts(FIELDS),
            Labels::Absent => texts(values),
        };
        let fields = sources.iter().zip(fields);
        let fields: Vec<&str> =
            fields.map(|(source, field)| source.field.as_deref().unwrap_or(field)).collect();
        let mut read = Read::default();
        read.split.file = sources[0].name.clone();
        let file = |(field, source): (&&str, &Source)| ((*field).to_owned(), source.name.clone());
        read.files = fields.iter().zip(sources).map(file).collect();
        let mut files: Vec<_> = sources.iter().map(|source| lines(&source.bytes)).collect();
        let layout = Layout {
            fields,
            decoders: sources.iter().map(|source| Decoder::new(values, &source.bytes)).collect(),
            tokens: Tokens::of(values),
            sources,
        };
        for number in 1.. {
            let row: Vec<Option<Line<'_>>> = files.iter_mut().map(Iterator::next).collect();
            let Some(there) = row.iter().position(Option::is_some) else { break };
            if let Some(missing) = row.iter().position(Option::is_none) {
                // Blank lines at the end of a file are no examples.
                let others = files.iter_mut().flatten();
                if row.into_iter().flatten().chain(others).all(|line| line.is_blank()) {
                    break;
                }
                read.faults = vec![layout.unpaired(number, there, missing)];
                read.split.examples.clear();
                read.is_unusable = true;
                break;
            }
            let row: Vec<Line<'_>> = row.into_iter().flatten().collect();
            if row.iter().all(Line::is_blank) {
                continue;
            }
            match layout.example(&row, corpus) {
                Ok(example) => read.split.examples.push(example),
                Err(fault) => read.faults.push(fault),
            }
        }
        read.n_faulty = read.faults.len() as u64;
        let decoded = layout.decoders.iter().zip(sources);
        read.replaced =
            decoded.flat_map(|(decoder, source)| decoder.replaced(&source.name)).collect();
        read
    }

    fn find_labels(
        &self,
        sources: &[Source],
        values: &Values,
        _known: &KnownLabels,
        _skips_faults: bool,
    ) -> Result<FoundLabels, ReadError> {
        let has_all = sources.len() == values.texts(FIELDS).len();
        let labels = if has_all { Labels::Required } else { Labels::Absent };
        Ok(FoundLabels::sure(labels))
    }

    fn write(
        &self,
        source: &Source,
        values: &Values,
        examples: &[Example],
        field: &FieldPredictions<'_>,
    ) -> Result<Vec<u8>, UnwritableError> {
        let mut cells = HashMap::new();
        for (example, prediction) in examples.iter().zip(field.predictions) {
            let cell = table::cell(prediction, field.names)
                .ok_or(UnwritableError { format: self.name(), what: prediction.describe() })?;
            cells.insert(example.line, cell);
        }
        let mut line = |line: Line<'_>| cells.remove(&line.number).unwrap_or_default() + "\n";
        let written: String = lines(&source.bytes).map(&mut line).collect();
        Ok(Encoding::of(values).encode(&written))
    }
}

/// The fields with texts.
fn texts(values: &Values) -> Vec<&str> {
    let others: Vec<&str> = ROLES.iter().flat_map(|key| values.texts(key)).collect();
    values.texts(FIELDS).into_iter().filter(|name| !others.contains(name)).collect()
}

/// How the lines of the files are read.
struct Layout<'a> {
    /// The field of each file.
    fields: Vec<&'a str>,
    /// The decoder of each file.
    decoders: Vec<Decoder>,
    tokens: Tokens,
    sources: &'a [Source],
}

impl Layout<'_> {
    fn fault(&self, file: usize, line: u32, what: String) -> ReadError {
        ReadError { file: self.sources[file].name.clone(), line, what }
    }

    /// The fault of a line that one file has and another lacks.
    fn unpaired(&self, line: u32, there: usize, missing: usize) -> ReadError {
        let (other, last) = (&self.sources[missing].name, line - 1);
        let what = format!(
            "expected as many lines in every file, found none in {other} after line {last}; align the files"
        );
        self.fault(there, line, what)
    }

    fn example(&self, row: &[Line<'_>], corpus: &mut Corpus) -> Result<Example, ReadError> {
        let number = row[0].number;
        let mut texts = Vec::with_capacity(row.len());
        for (file, line) in row.iter().enumerate() {
            let text = self.decoders[file].decode(line);
            texts.push(text.map_err(|what| self.fault(file, number, what))?);
        }
        let file_of = |name: &str| self.fields.iter().position(|field| *field == name);
        let mut sequences = Vec::with_capacity(corpus.sequences.len());
        let mut tokens = Vec::with_capacity(corpus.fields.len());
        // Texts are the first fields.
        for (at, field) in corpus.fields.iter().enumerate() {
            let found = file_of(&field.name).map(|file| (file, self.tokens.split(&texts[file])));
            let is_text = at < corpus.sequences.len();
            tokens.push(match (found, field.axis) {
                (Some((file, split)), _) if is_text => {
                    if split.is_empty() {
                        let name = &field.name;
                        let what =
                            format!("the text ({name}) is empty; expected at least one token");
                        return Err(self.fault(file, number, what));
                    }
                    let positions = Positions::on_line(number, split.len());
                    sequences
                        .push(Some(positions.at_bytes(Some(tokens::bytes(&texts[file], &split)))));
                    Some(split)
                }
                (Some((file, _)), Axis::Sequence(_)) => {
                    let tags: Vec<&str> = texts[file].split_ascii_whitespace().collect();
                    let wanted = sequences[0].as_ref().map_or(0, Positions::len);
                    if tags.len() != wanted {
                        let (n, name) = (tags.len(), &corpus.sequences[0].name);
                        let what =
                            format!("{n} tags, expected {wanted}, one for each token of {name}");
                        return Err(self.fault(file, number, what));
                    }
                    Some(tags)
                }
                (Some((file, _)), _) => Some(vec![texts[file].trim_ascii()]),
                (None, _) => {
                    if is_text {
                        sequences.push(None);
                    }
                    None
                }
            });
        }
        let fields = corpus.fields.iter().zip(&mut corpus.lexicons).zip(tokens);
        let fields = fields.map(|((field, lexicon), tokens)| {
            let tokens = tokens?;
            match field.form {
                FieldForm::Symbols => Some(FieldValues::Symbols(
                    tokens.iter().map(|token| lexicon.intern(token)).collect(),
                )),
                _ if tokens[0].is_empty() => None,
                FieldForm::Labels => {
                    Some(FieldValues::labels(tokens[0].split('|').map(str::trim_ascii), lexicon))
                }
                _ => Some(FieldValues::Label(lexicon.intern(tokens[0]))),
            }
        });
        Ok(Example { line: number, file: None, sequences, fields: fields.collect() })
    }
}

#[cfg(test)]
mod tests;
