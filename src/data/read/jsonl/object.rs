//! Converts a line's object to an example, or reports a fault.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{
    super::{
        Axis, Corpus, Example, Field, FieldForm, FieldValues, Positions,
        tokens::{self, Tokens},
    },
    structure::{self, ReadFrames, describe},
};
use crate::{
    data::{
        Lexicon,
        structure::{GraphArc, SpanRelation, TokenSpan},
    },
    nearest::hint,
};

/// A line's object.
pub(in crate::data::read) type Object = Map<String, Value>;

/// Parses the object of a line.
pub(in crate::data::read) fn parse(text: &str) -> Result<Object, String> {
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(other) => Err(format!("{}, expected an object", describe(&other))),
        Err(error) => {
            let what = error.to_string();
            let what = what.split(" at line ").next().unwrap_or_default();
            let hint = if error.is_eof() { "; expected a whole object in each line" } else { "" };
            Err(format!("not JSON at column {}: {what}{hint}", error.column()))
        }
    }
}

/// How the fields of an object are read, in addition to the corpus's declarations.
pub(in crate::data::read) struct Layout {
    /// The texts that an object must have.
    pub(in crate::data::read) required: RequiredTexts,
    /// Their tokenization.
    pub(in crate::data::read) tokens: Tokens,
}

/// The texts that an object must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::data::read) enum RequiredTexts {
    /// Its only one.
    One,
    /// The key of each, whose value may be `null`.
    Keys,
    /// None.
    None,
}

/// A sequence that was found.
struct FoundSequence<'o> {
    /// One token per position; empty for frames.
    tokens: Vec<Cow<'o, str>>,
    /// The frames, for a sequence of frames.
    frames: Option<ReadFrames>,
    positions: Positions,
}

impl Layout {
    /// The example of an object, whose frames `frames` reads from the value of their key.
    pub(in crate::data::read) fn example(
        &self,
        object: &Object,
        line: u32,
        corpus: &mut Corpus,
        mut frames: impl FnMut(&str, &Value) -> Result<ReadFrames, String>,
    ) -> Result<Example, String> {
        let mut sequences = Vec::with_capacity(corpus.sequences.len());
        for (at, spec) in corpus.sequences.iter().enumerate() {
            // Every sequence has the name of its field.
            let has_frames = corpus.fields[at].form == FieldForm::Frames;
            sequences.push(match (spec.is_list, has_frames) {
                (true, _) => self.items(&spec.name, object, line)?,
                (_, true) => frames_of(&spec.name, object, line, &mut frames)?,
                _ => self.text(&spec.name, object, line)?,
            });
        }
        if sequences.iter().all(Option::is_none) {
            return Err("every sequence is missing; expected one at the least".to_owned());
        }
        let others = corpus.fields.iter().skip(sequences.len());
        let others = others.map(|field| found(object, field, &sequences));
        let others: Vec<Option<Found<'_>>> = others.collect::<Result<_, _>>()?;
        // Strings are interned once the whole object is without a fault, so that a faulty one adds
        // none.
        let mut lexicons = corpus.lexicons.iter_mut();
        let words = sequences.iter().zip(&mut lexicons).map(|(sequence, lexicon)| {
            let FoundSequence { tokens, frames, .. } = sequence.as_ref()?;
            Some(match frames {
                Some(ReadFrames { width, picture, numbers }) => {
                    let numbers = numbers.as_slice().into();
                    FieldValues::Frames { width: *width, picture: *picture, numbers }
                }
                None => Found::Each(tokens.clone()).intern(lexicon),
            })
        });
        let mut fields: Vec<Option<FieldValues>> = words.collect();
        fields.extend(others.into_iter().zip(lexicons).map(|(found, of)| Some(found?.intern(of))));
        let positions = sequences.into_iter().map(|sequence| Some(sequence?.positions));
        Ok(Example { line, file: None, sequences: positions.collect(), fields })
    }

    fn text<'o>(
        &self,
        key: &str,
        object: &'o Object,
        line: u32,
    ) -> Result<Option<FoundSequence<'o>>, String> {
        let value = match (object.get(key), self.required) {
            (None | Some(Value::Null), RequiredTexts::None)
            | (Some(Value::Null), RequiredTexts::Keys) => return Ok(None),
            (Some(value), _) => value,
            (None, _) => return Err(no_key(key, object)),
        };
        let (tokens, bytes) = self.tokens(key, value)?;
        if tokens.is_empty() {
            return Err(format!("the text ({key}) is empty; expected at least one token"));
        }
        let positions = Positions::on_line(line, tokens.len()).at_bytes(bytes);
        Ok(Some(FoundSequence { tokens, frames: None, positions }))
    }

    /// A list of texts, each of which may be empty.
    fn items<'o>(
        &self,
        key: &str,
        object: &'o Object,
        line: u32,
    ) -> Result<Option<FoundSequence<'o>>, String> {
        let Some(value) = said(object, key) else { return Ok(None) };
        let Value::Array(items) = value else {
            return Err(format!("{key:?} is {}, expected an array of texts", describe(value)));
        };
        let (mut all, mut lengths) = (Vec::new(), Vec::new());
        let mut places = Some(Vec::new());
        for (item, at) in items.iter().zip(1..) {
            let (tokens, bytes) = self.tokens(&format!("{key}[{at}]"), item)?;
            lengths.push(tokens.len() as u32);
            all.extend(tokens);
            places = places.zip(bytes).map(|(places, bytes)| [places, bytes].concat());
        }
        let positions = Positions::on_line(line, all.len()).at_bytes(places).in_items(lengths);
        Ok(Some(FoundSequence { tokens: all, frames: None, positions }))
    }

    /// The tokens of a text, with their byte offsets if it is a string.
    fn tokens<'o>(&self, key: &str, value: &'o Value) -> Result<Tokenised<'o>, String> {
        match value {
            Value::String(text) => {
                let tokens = self.tokens.split(text);
                let bytes = tokens::bytes(text, &tokens);
                Ok((tokens.into_iter().map(Cow::Borrowed).collect(), Some(bytes)))
            }
            Value::Array(_) => Ok((scalars(key, value, "token")?, None)),
            other => Err(format!(
                "{key:?} is {}, expected a string or an array of tokens",
                describe(other)
            )),
        }
    }
}

/// Tokens, and their byte offsets in the raw text, if there is one.
type Tokenised<'o> = (Vec<Cow<'o, str>>, Option<Vec<(u32, u32)>>);

fn frames_of<'o>(
    key: &str,
    object: &'o Object,
    line: u32,
    read: &mut impl FnMut(&str, &Value) -> Result<ReadFrames, String>,
) -> Result<Option<FoundSequence<'o>>, String> {
    let Some(value) = said(object, key) else { return Ok(None) };
    let frames = read(key, value)?;
    let positions = Positions::on_line(line, frames.n_frames());
    Ok(Some(FoundSequence { tokens: Vec::new(), frames: Some(frames), positions }))
}

/// The fault of an object without a key.
pub(in crate::data::read) fn no_key(key: &str, object: &Object) -> String {
    format!("no key {key:?}{}", hint(key, object.keys().map(String::as_str)))
}

/// The value of a field that is not a sequence.
fn found<'o>(
    object: &'o Object,
    field: &Field,
    sequences: &[Option<FoundSequence<'o>>],
) -> Result<Option<Found<'o>>, String> {
    let key = field.name.as_str();
    let Some(value) = said(object, key) else { return Ok(None) };
    let of = |at: usize| sequences[at].as_ref().map(|sequence| &sequence.positions);
    let n_tokens = match field.axis {
        Axis::Sequence(at) => of(at).map_or(0, Positions::len),
        Axis::Items(at) => of(at).map_or(0, |positions| positions.items().len()),
        Axis::Example => 0,
    };
    Ok(Some(match field.form {
        FieldForm::Symbols => {
            let noun = if matches!(field.axis, Axis::Items(_)) { "item" } else { "token" };
            Found::Each(tags(key, value, n_tokens, noun)?)
        }
        FieldForm::Labels => Found::Set(scalars(key, value, "label")?),
        FieldForm::Label => match label(key, value)? {
            label if label.is_empty() => return Ok(None),
            label => Found::One(label),
        },
        FieldForm::Numbers => {
            Found::Whole(FieldValues::Numbers(structure::numbers(key, value)?.into()))
        }
        FieldForm::Text => match value {
            Value::String(text) => Found::Whole(FieldValues::Text(text.as_str().into())),
            other => return Err(format!("{key:?} is {}, expected a string", describe(other))),
        },
        FieldForm::Arcs => Found::Arcs(structure::arcs(key, value, n_tokens)?),
        FieldForm::Spans => Found::Spans(structure::spans(key, value, n_tokens)?),
        FieldForm::Answers => Found::Answers(structure::spans(key, value, n_tokens)?),
        FieldForm::Relations => Found::Relations(structure::relations(key, value, n_tokens)?),
        FieldForm::Segments | FieldForm::Frames => return Ok(None),
    }))
}

/// The value of a key, before its strings are interned.
enum Found<'o> {
    /// A string per token or item.
    Each(Vec<Cow<'o, str>>),
    /// One string for the example.
    One(Cow<'o, str>),
    /// A set of strings for the example.
    Set(Vec<Cow<'o, str>>),
    /// Head, dependent and label.
    Arcs(Vec<(Option<u32>, u32, Option<&'o str>)>),
    Spans(Vec<FoundSpan<'o>>),
    Answers(Vec<FoundSpan<'o>>),
    /// Two spans and a type.
    Relations(Vec<(FoundSpan<'o>, FoundSpan<'o>, &'o str)>),
    /// A value without strings.
    Whole(FieldValues),
}

/// Start, end and label.
type FoundSpan<'o> = (u32, u32, Option<&'o str>);

impl Found<'_> {
    fn intern(self, lexicon: &mut Lexicon) -> FieldValues {
        let span = |(start, end, label): FoundSpan<'_>, lexicon: &mut Lexicon| TokenSpan {
            start,
            end,
            label: label.map(|label| lexicon.intern(label)),
        };
        match self {
            Self::Each(items) => {
                FieldValues::Symbols(items.iter().map(|item| lexicon.intern(item)).collect())
            }
            Self::One(item) => FieldValues::Label(lexicon.intern(&item)),
            Self::Set(items) => FieldValues::labels(items.iter().map(AsRef::as_ref), lexicon),
            Self::Arcs(arcs) => {
                let arcs = arcs.into_iter().map(|(head, dependent, label)| GraphArc {
                    head,
                    dependent,
                    label: label.map(|label| lexicon.intern(label)),
                });
                FieldValues::Arcs(arcs.collect())
            }
            Self::Spans(spans) => {
                FieldValues::Spans(spans.into_iter().map(|found| span(found, lexicon)).collect())
            }
            Self::Answers(spans) => {
                FieldValues::Answers(spans.into_iter().map(|found| span(found, lexicon)).collect())
            }
            Self::Relations(relations) => {
                let relations = relations.into_iter().map(|(from, to, label)| SpanRelation {
                    from: span(from, lexicon),
                    to: span(to, lexicon),
                    label: lexicon.intern(label),
                });
                FieldValues::Relations(relations.collect())
            }
            Self::Whole(values) => values,
        }
    }
}

/// The value of a key, unless it is missing.
pub(in crate::data::read) fn said<'o>(object: &'o Object, key: &str) -> Option<&'o Value> {
    object.get(key).filter(|value| !value.is_null())
}

fn tags<'o>(
    key: &str,
    value: &'o Value,
    n_wanted: usize,
    noun: &str,
) -> Result<Vec<Cow<'o, str>>, String> {
    let tags = scalars(key, value, "tag")?;
    if tags.len() != n_wanted {
        let s = if tags.len() == 1 { "" } else { "s" };
        return Err(format!(
            "{key:?} has {} item{s}, expected {n_wanted}, one per {noun}",
            tags.len()
        ));
    }
    Ok(tags)
}

pub(in crate::data::read) fn label<'o>(
    key: &str,
    value: &'o Value,
) -> Result<Cow<'o, str>, String> {
    scalar(value).ok_or_else(|| {
        let hint =
            if value.is_array() { "; name the key under sets if it may hold several" } else { "" };
        let found = describe(value);
        format!("{key:?} is {found}, expected a string, a number, true or false{hint}")
    })
}

/// The items of an array, none of which may be empty.
fn scalars<'o>(key: &str, value: &'o Value, noun: &str) -> Result<Vec<Cow<'o, str>>, String> {
    let Value::Array(items) = value else {
        return Err(format!("{key:?} is {}, expected an array", describe(value)));
    };
    let items = items.iter().zip(1..).map(|(item, at)| match scalar(item) {
        Some(string) if string.is_empty() => Err(format!("{noun} {at} of {key:?} is empty")),
        Some(string) => Ok(string),
        None => Err(format!("{noun} {at} of {key:?} is {}, expected a string", describe(item))),
    });
    items.collect()
}

/// The string that a value represents, if it is a scalar.
fn scalar(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(string) => Some(string.as_str().into()),
        Value::Number(number) => Some(number.to_string().into()),
        Value::Bool(switch) => Some(switch.to_string().into()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
