//! What the tests of the formats share: a corpus read from a few bytes, and shown as text.

use std::{collections::BTreeMap, fmt};

use super::{Corpus, Example, Format, Gold, Read, Source};
use crate::{
    data::Lexicon,
    keys::{Located, Value, Values},
};

/// A format, its keys and one file.
#[derive(Clone)]
pub(super) struct Setting {
    format: &'static dyn Format,
    values: Values,
}

/// What reading a file gave.
pub(super) struct Reading {
    pub(super) corpus: Corpus,
    pub(super) read: Read,
    source: Source,
}

impl Setting {
    pub(super) fn new(format: &str) -> Self {
        let format = super::find(format).expect("a format of the table");
        let setting = Self { format, values: Values::default() };
        setting.say("separator", "auto").say("encoding", "utf-8")
    }

    pub(super) fn columns(names: &[&str]) -> Self {
        let names = names.iter().map(|name| Located::by_default(Value::Text((*name).into())));
        Self::new("columns").with("columns", Value::List(names.collect()))
    }

    pub(super) fn say(self, key: &str, text: &str) -> Self {
        self.with(key, Value::Text(text.into()))
    }

    fn with(self, key: &str, value: Value) -> Self {
        let mut entries: BTreeMap<_, _> =
            self.values.iter().map(|(key, value)| (key.to_owned(), value.clone())).collect();
        entries.insert(key.into(), Located::by_default(value));
        Self { values: Values::new(entries), ..self }
    }

    pub(super) fn is_columns(&self) -> bool {
        self.format.name() == "columns"
    }

    pub(super) fn check(&self) -> Vec<String> {
        self.format.check(&self.values).into_iter().map(|(_, what)| what).collect()
    }

    pub(super) fn read(&self, bytes: impl AsRef<[u8]>) -> Reading {
        self.read_as(bytes, Gold::Wanted)
    }

    pub(super) fn read_as(&self, bytes: impl AsRef<[u8]>, gold: Gold) -> Reading {
        let source = Source { name: "f".into(), bytes: bytes.as_ref().into() };
        let fields = self.format.fields(&self.values);
        let lexicons = vec![Lexicon::default(); fields.len()];
        let mut corpus = Corpus { fields, lexicons, ..Corpus::default() };
        let read = self.format.read(&source, &self.values, gold, &mut corpus);
        Reading { corpus, read, source }
    }

    /// The file with every token predicted to have this label.
    pub(super) fn write(&self, reading: &Reading, field: &str, label: &str) -> Vec<u8> {
        let labels = |example: &Example| vec![label.to_owned(); example.len()];
        self.write_each(reading, field, labels)
    }

    /// The file with every token predicted to have the label that it has.
    pub(super) fn write_gold(&self, reading: &Reading, field: &str) -> Vec<u8> {
        let at = reading.corpus.field(field).expect("a field of the format");
        let labels = |example: &Example| -> Vec<String> {
            let symbols = example.symbols(at).expect("a field that is there");
            symbols.iter().map(|&symbol| reading.corpus.lexicons[at].get(symbol).into()).collect()
        };
        self.write_each(reading, field, labels)
    }

    fn write_each(
        &self,
        reading: &Reading,
        field: &str,
        labels: impl Fn(&Example) -> Vec<String>,
    ) -> Vec<u8> {
        let examples = &reading.read.part.examples;
        let predicted: Vec<_> = examples.iter().map(labels).collect();
        self.format.write(&reading.source, &self.values, field, examples, &predicted)
    }
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.format.name(), self.values)
    }
}

impl Reading {
    /// Tokens as `form/pos`, joined by a vertical bar; an example a string.
    pub(super) fn shown(&self) -> Vec<String> {
        self.read.part.examples.iter().map(|example| self.show(example)).collect()
    }

    pub(super) fn faults(&self) -> Vec<String> {
        self.read.faults.iter().map(ToString::to_string).collect()
    }

    fn show(&self, example: &Example) -> String {
        let token = |token: usize| -> String {
            let cells = self.corpus.lexicons.iter().enumerate().map(|(field, lexicon)| {
                example.symbols(field).map_or("–", |symbols| lexicon.get(symbols[token]))
            });
            cells.collect::<Vec<_>>().join("/")
        };
        (0..example.len()).map(token).collect::<Vec<_>>().join("|")
    }
}
