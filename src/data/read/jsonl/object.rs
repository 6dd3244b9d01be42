//! A line's object to an example, or what is wrong with it.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::super::{Corpus, Example, Field, lines::Line, tokens::Tokens};
use crate::nearest::hint;

/// A line's object.
pub(super) type Object = Map<String, Value>;

/// The object of a line.
pub(super) fn parse(line: &Line<'_>) -> Result<Object, String> {
    let text = std::str::from_utf8(line.bytes).map_err(|error| {
        let offset = line.start + error.valid_up_to();
        format!("byte {offset} of the file is not UTF-8; JSON is UTF-8")
    })?;
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(other) => Err(format!("{}, wanted an object", describe(&other))),
        Err(error) => {
            let what = error.to_string();
            let what = what.split(" at line ").next().unwrap_or_default();
            let hint = if error.is_eof() { "; wanted a whole object in each line" } else { "" };
            Err(format!("not JSON at column {}: {what}{hint}", error.column()))
        }
    }
}

/// The keys of the fields of an object, by what they hold.
pub(super) struct Layout<'a> {
    pub(super) texts: Vec<&'a str>,
    pub(super) tags: Vec<&'a str>,
    pub(super) labels: Vec<&'a str>,
    pub(super) sets: Vec<&'a str>,
    pub(super) tokens: Tokens,
}

impl Layout<'_> {
    pub(super) fn example(
        &self,
        object: &Object,
        line: u32,
        corpus: &mut Corpus,
    ) -> Result<Example, String> {
        let fields = self.fields(object)?;
        let n_tokens = match fields.first() {
            Some(Some(Found::Each(tokens))) => tokens.len(),
            _ => 0,
        };
        // Strings are interned once the whole object is without fault, so that a faulty one leaves none.
        let fields = fields.into_iter().zip(&mut corpus.lexicons).map(|(found, lexicon)| {
            Some(match found? {
                Found::Each(items) => {
                    Field::Symbols(items.iter().map(|item| lexicon.intern(item)).collect())
                }
                Found::One(item) => Field::Label(lexicon.intern(&item)),
                Found::Set(items) => Field::labels(items.iter().map(AsRef::as_ref), lexicon),
            })
        });
        Ok(Example { fields: fields.collect(), lines: vec![line; n_tokens] })
    }

    fn fields<'o>(&self, object: &'o Object) -> Result<Vec<Option<Found<'o>>>, String> {
        let mut fields = Vec::new();
        for key in &self.texts {
            fields.push(Some(Found::Each(self.text(key, object)?)));
        }
        let n_tokens = match fields.first() {
            Some(Some(Found::Each(tokens))) => tokens.len(),
            _ => 0,
        };
        for key in &self.tags {
            let tags = said(object, key).map(|value| tags(key, value, n_tokens)).transpose()?;
            fields.push(tags.map(Found::Each));
        }
        for key in &self.labels {
            let label = said(object, key).map(|value| label(key, value)).transpose()?;
            fields.push(label.filter(|label| !label.is_empty()).map(Found::One));
        }
        for key in &self.sets {
            let set = said(object, key).map(|value| scalars(key, value, "label")).transpose()?;
            fields.push(set.map(Found::Set));
        }
        Ok(fields)
    }

    fn text<'o>(&self, key: &str, object: &'o Object) -> Result<Vec<Cow<'o, str>>, String> {
        let Some(value) = object.get(key) else {
            let hint = hint(key, object.keys().map(String::as_str));
            return Err(format!("no key {key:?}{hint}"));
        };
        let tokens = match value {
            Value::String(text) => self.tokens.split(text).into_iter().map(Cow::Borrowed).collect(),
            Value::Array(_) => scalars(key, value, "token")?,
            other => {
                return Err(format!(
                    "{key:?} is {}, wanted a string or an array of tokens",
                    describe(other)
                ));
            }
        };
        if tokens.is_empty() {
            return Err(format!("the text ({key}) is empty; wanted one token at the least"));
        }
        Ok(tokens)
    }
}

/// What an object holds under one key.
enum Found<'o> {
    /// A string for each token.
    Each(Vec<Cow<'o, str>>),
    /// One for the whole.
    One(Cow<'o, str>),
    /// Any number for the whole.
    Set(Vec<Cow<'o, str>>),
}

/// The value of a key, unless it is missing.
fn said<'o>(object: &'o Object, key: &str) -> Option<&'o Value> {
    object.get(key).filter(|value| !value.is_null())
}

fn tags<'o>(key: &str, value: &'o Value, n_tokens: usize) -> Result<Vec<Cow<'o, str>>, String> {
    let tags = scalars(key, value, "tag")?;
    if tags.len() != n_tokens {
        let s = if tags.len() == 1 { "" } else { "s" };
        return Err(format!("{key:?} has {} item{s}, wanted {n_tokens}, one a token", tags.len()));
    }
    Ok(tags)
}

fn label<'o>(key: &str, value: &'o Value) -> Result<Cow<'o, str>, String> {
    scalar(value).ok_or_else(|| {
        let hint =
            if value.is_array() { "; name the key under sets if it may hold several" } else { "" };
        let found = describe(value);
        format!("{key:?} is {found}, wanted a string, a number, true or false{hint}")
    })
}

/// The items of an array, none of them empty.
fn scalars<'o>(key: &str, value: &'o Value, noun: &str) -> Result<Vec<Cow<'o, str>>, String> {
    let Value::Array(items) = value else {
        return Err(format!("{key:?} is {}, wanted an array", describe(value)));
    };
    let items = items.iter().zip(1..).map(|(item, at)| match scalar(item) {
        Some(string) if string.is_empty() => Err(format!("{noun} {at} of {key:?} is empty")),
        Some(string) => Ok(string),
        None => Err(format!("{noun} {at} of {key:?} is {}, wanted a string", describe(item))),
    });
    items.collect()
}

/// The string of a value that stands for one.
fn scalar(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(string) => Some(string.as_str().into()),
        Value::Number(number) => Some(number.to_string().into()),
        Value::Bool(switch) => Some(switch.to_string().into()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn describe(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
