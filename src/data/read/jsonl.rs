//! JSON lines: one object per line, with texts, tags of their tokens, labels of the example, and
//! other fields that its keys declare.
//!
//! Keys that an object lacks, or whose value is `null`, are missing; only its text is required (of
//! several, each key). Numbers and `true` are labels in their JSON notation, so `1` and `1.0` are
//! different. Lines of white space only are skipped. JSON is UTF-8, so there is no key for another
//! encoding.
//!
//! Tags, arcs, spans and relations refer to the tokens of the first text. Positions count from 0,
//! and the end of a span is exclusive; the positions of an arc count from 1, as in CoNLL-U, and
//! head 0 is the root.
//!
//! Pitfall: an object that already has a key `predicted` gets a second one; readers use the last.

mod object;
mod predicted;
mod structure;

use serde_json::Value;

use super::{
    Axis, Corpus, Example, Field, FieldForm, Format, Labels, Read, Schema, SequenceSpec, Source,
    columns,
    encoding::{self, Decoder},
    lines::{lines, read_lines},
    tokens::{self, Tokens},
};
use crate::{
    data::{
        prediction::FieldPredictions,
        write::{UnwritableError, splice},
    },
    keys::{Key, ValueType, Values},
};
pub(super) use object::{Layout, Object, RequiredTexts, label, no_key, said};
pub(super) use structure::{ReadFrames, describe, frames};

pub(super) struct Jsonl;

const NAMES: ValueType = ValueType::List(&ValueType::Text);

const KEYS: &[Key] = &[
    Key::with_default(
        "text",
        ValueType::Either(&[ValueType::Text, NAMES]),
        "\"text\"",
        "the keys of the texts: a string, or an array of its tokens",
    ),
    Key::optional("items", NAMES, "keys of arrays of texts, such as candidates"),
    Key::optional("frames", NAMES, "keys of arrays of vectors, or of pictures, of one size"),
    Key::optional("tags", NAMES, "keys of arrays with one tag per token"),
    Key::optional(
        "item_tags",
        NAMES,
        "keys of arrays with as many strings as the first of items has",
    ),
    Key::optional("labels", NAMES, "keys of labels: a string, a number, true or false"),
    Key::optional("sets", NAMES, "keys of sets of labels: arrays of any length"),
    Key::optional("numbers", NAMES, "keys of a number, or of an array of numbers"),
    Key::optional("arcs", NAMES, "keys of arrays of [head, dependent] or [head, dependent, label]"),
    Key::optional("spans", NAMES, "keys of arrays of [start, end] or [start, end, label]"),
    Key::optional("answers", NAMES, "keys of arrays of spans, any one of which is right"),
    Key::optional("relations", NAMES, "keys of arrays of [[start, end], [start, end], label]"),
    Key::optional("raw", NAMES, "keys of strings that are kept as they stand"),
    tokens::KEY,
    encoding::INVALID,
];

/// The recipe keys that name fields, in the order of the fields, and the form of their values.
const FIELDS: [(&str, FieldForm); 13] = [
    ("text", FieldForm::Symbols),
    ("items", FieldForm::Symbols),
    ("frames", FieldForm::Frames),
    ("tags", FieldForm::Symbols),
    ("item_tags", FieldForm::Symbols),
    ("labels", FieldForm::Label),
    ("sets", FieldForm::Labels),
    ("numbers", FieldForm::Numbers),
    ("arcs", FieldForm::Arcs),
    ("spans", FieldForm::Spans),
    ("answers", FieldForm::Answers),
    ("relations", FieldForm::Relations),
    ("raw", FieldForm::Text),
];

impl Format for Jsonl {
    fn name(&self) -> &'static str {
        "jsonl"
    }

    fn about(&self) -> &'static str {
        "JSON lines: one object per example, with texts, tags of their tokens, labels, spans, arcs, numbers"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn check(&self, values: &Values) -> Vec<(&'static str, String)> {
        let mut faults = columns::fields_twice(values, &FIELDS.map(|(key, _)| key));
        if !values.texts("item_tags").is_empty() && values.texts("items").is_empty() {
            faults.push((
                "item_tags",
                "there are no items to tag; set items or remove item_tags".into(),
            ));
        }
        faults
    }

    fn schema(&self, values: &Values) -> Schema {
        let sequences = ["text", "items", "frames"].map(|key| {
            let names = values.texts(key).into_iter();
            names.map(move |name| SequenceSpec { name: name.to_owned(), is_list: key == "items" })
        });
        let sequences: Vec<SequenceSpec> = sequences.into_iter().flatten().collect();
        let place = |name: &str| sequences.iter().position(|sequence| sequence.name == name);
        let first_items = values.texts("items").first().and_then(|name| place(name));
        let fields = FIELDS.into_iter().flat_map(|(key, form)| {
            let names = values.texts(key).into_iter();
            names.map(move |name| (key, form, name)).collect::<Vec<_>>()
        });
        let fields = fields.map(|(key, form, name)| {
            let axis = match (key, form) {
                ("text" | "items" | "frames", _) => Axis::Sequence(place(name).unwrap_or_default()),
                ("item_tags", _) => Axis::Items(first_items.unwrap_or_default()),
                (
                    _,
                    FieldForm::Symbols
                    | FieldForm::Arcs
                    | FieldForm::Spans
                    | FieldForm::Answers
                    | FieldForm::Relations,
                ) => Axis::Sequence(0),
                _ => Axis::Example,
            };
            Field::new(name, axis, form)
        });
        Schema { fields: fields.collect(), sequences }
    }

    fn read(
        &self,
        sources: &[Source],
        values: &Values,
        _labels: Labels,
        corpus: &mut Corpus,
    ) -> Read {
        let source = &sources[0];
        let has_several = values.texts("text").len() > 1;
        let required = if has_several { RequiredTexts::Keys } else { RequiredTexts::One };
        let layout = Layout { required, tokens: Tokens::of(values) };
        let decoder = Decoder::new(values, &source.bytes);
        read_objects(source, &decoder, |object, line| layout.example(object, line, corpus, frames))
    }

    fn no_prediction(&self) -> &'static str {
        "null"
    }

    fn write(
        &self,
        source: &Source,
        values: &Values,
        examples: &[Example],
        field: &FieldPredictions<'_>,
    ) -> Result<Vec<u8>, UnwritableError> {
        let is_label = values.texts("labels").contains(&field.field);
        let is_array =
            !is_label && self.schema(values).fields.iter().any(|of| of.name == field.field);
        Ok(write_predicted(source, examples, field, is_array))
    }
}

/// Reads an example from the object of each line, given its number; lines of white space only are skipped.
pub(super) fn read_objects(
    source: &Source,
    decoder: &Decoder,
    mut example: impl FnMut(&Object, u32) -> Result<Example, String>,
) -> Read {
    let read = read_lines(source, |line| {
        if line.is_blank() {
            return Ok(None);
        }
        let object = object::parse(&decoder.decode(line)?)?;
        example(&object, line.number).map(Some)
    });
    Read { replaced: decoder.replaced(&source.name), ..read }
}

/// The object of each line that is one.
pub(super) fn objects(source: &Source) -> impl Iterator<Item = Object> + '_ {
    lines(&source.bytes).filter_map(|line| {
        let text = std::str::from_utf8(line.bytes).ok()?;
        object::parse(text).ok()
    })
}

/// Adds a key `predicted` to the object of each example; `is_array` if the field has a value per token.
pub(super) fn write_predicted(
    source: &Source,
    examples: &[Example],
    field: &FieldPredictions<'_>,
    is_array: bool,
) -> Vec<u8> {
    // Examples and their lines are both in the order of the file.
    let mut pairs = examples.iter().zip(field.predictions).peekable();
    let edits = lines(&source.bytes).filter_map(|line| {
        let pair = pairs.next_if(|(example, _)| example.line == line.number);
        let value = match pair {
            Some((_, prediction)) => predicted::value(prediction, field.names, is_array),
            // A faulty example; a line that is no object has no place for a key.
            None => {
                object::parse(std::str::from_utf8(line.bytes).ok()?).ok().map(|_| Value::Null)?
            }
        };
        let brace = line.start + line.bytes.iter().rposition(|&byte| byte == b'}')?;
        let is_empty = line.bytes[..brace - line.start].trim_ascii_end().ends_with(b"{");
        let comma = if is_empty { "" } else { ", " };
        Some((brace..brace, format!("{comma}\"predicted\": {value}").into_bytes()))
    });
    splice(&source.bytes, edits)
}

#[cfg(test)]
mod tests;
