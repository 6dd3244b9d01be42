//! JSON lines: an example a line, an object with a text, tags of its tokens and labels of the whole.
//!
//! What an object lacks, or holds as `null`, is missing; only its text must be there. Numbers and
//! `true` are labels by the way JSON writes them, so `1` and `1.0` are two. Lines of white space alone
//! are no examples. JSON is UTF-8, so there is no key for another encoding.
//!
//! Trap: an object that has a key `predicted` already gets a second one; readers take the last.

mod object;
mod predicted;

use super::{
    Corpus, Example, Format, Labels, Read, Source,
    lines::{lines, read_lines},
    tokens::{self, Tokens},
};
use crate::{
    data::{
        prediction::FieldPredictions,
        write::{UnwritableError, splice},
    },
    keys::{Key, Takes, Values},
};
use object::Layout;

pub(super) struct Jsonl;

const NAMES: Takes = Takes::List(&Takes::Text);

const KEYS: &[Key] = &[
    Key::with_default(
        "text",
        Takes::Either(&[Takes::Text, NAMES]),
        "\"text\"",
        "the key of the text: a string, or an array of its tokens",
    ),
    Key::optional("tags", NAMES, "keys of arrays with as many strings as there are tokens"),
    Key::optional("labels", NAMES, "keys of a string, a number, true or false"),
    Key::optional("sets", NAMES, "keys of arrays that hold any number of labels"),
    tokens::KEY,
];

/// The keys of a recipe that name fields, in the order of the fields.
const FIELDS: [&str; 4] = ["text", "tags", "labels", "sets"];

impl Format for Jsonl {
    fn name(&self) -> &'static str {
        "jsonl"
    }

    fn about(&self) -> &'static str {
        "an object a line: a text, tags of its tokens, labels of the whole"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn check(&self, values: &Values) -> Vec<(&'static str, String)> {
        let names = FIELDS.map(|key| values.texts(key).into_iter().map(move |name| (key, name)));
        let names: Vec<_> = names.into_iter().flatten().collect();
        let twice = names
            .iter()
            .enumerate()
            .filter(|&(at, (_, name))| names[..at].iter().any(|(_, other)| other == name));
        let mut faults: Vec<_> = twice
            .map(|(_, (key, name))| (*key, format!("two fields are named {name:?}")))
            .collect();
        if values.texts("text").len() > 1 {
            faults.push(("text", "not built yet: several texts in an example".into()));
        }
        faults
    }

    fn fields(&self, values: &Values) -> Vec<String> {
        FIELDS.iter().flat_map(|key| strings(values, key)).collect()
    }

    fn labels(&self, values: &Values) -> Vec<String> {
        strings(values, "labels")
    }

    fn sets(&self, values: &Values) -> Vec<String> {
        strings(values, "sets")
    }

    fn read(&self, source: &Source, values: &Values, _gold: Labels, corpus: &mut Corpus) -> Read {
        let layout = Layout {
            texts: values.texts("text"),
            tags: values.texts("tags"),
            labels: values.texts("labels"),
            sets: values.texts("sets"),
            tokens: Tokens::of(values),
        };
        read_lines(source, |line| {
            if line.is_blank() {
                return Ok(None);
            }
            let object = object::parse(line)?;
            layout.example(&object, line.number, corpus).map(Some)
        })
    }

    fn write(
        &self,
        source: &Source,
        values: &Values,
        examples: &[Example],
        field: &FieldPredictions<'_>,
    ) -> Result<Vec<u8>, UnwritableError> {
        let is_label = values.texts("labels").contains(&field.field);
        let is_array = !is_label && self.fields(values).iter().any(|name| name == field.field);
        // Examples and their lines are both in the file's order.
        let mut pairs = examples.iter().zip(field.predictions).peekable();
        let edits = lines(&source.bytes).filter_map(|line| {
            let (_, prediction) =
                pairs.next_if(|(example, _)| example.lines.first() == Some(&line.number))?;
            let value = predicted::value(prediction, field.names, is_array);
            let brace = line.start + line.bytes.iter().rposition(|&byte| byte == b'}')?;
            Some((brace..brace, format!(", \"predicted\": {value}").into_bytes()))
        });
        Ok(splice(&source.bytes, edits))
    }
}

fn strings(values: &Values, key: &str) -> Vec<String> {
    values.texts(key).into_iter().map(String::from).collect()
}

#[cfg(test)]
mod tests;
