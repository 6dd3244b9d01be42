//! Document: a file is one text. With a folder for each class, `train = "articles/{label}/*.txt"`.
//!
//! The prediction for a file is a line of its own.

use super::{
    Corpus, Example, FieldValues, Format, Labels, Read, ReadError, Schema, Source,
    encoding::{self, Decoder, Encoding},
    lines::lines,
    table,
    tokens::{self, Tokens},
};
use crate::{
    data::{prediction::FieldPredictions, write::UnwritableError},
    keys::{Key, Values},
};

pub(super) struct Document;

const TEXT: &str = "text";

const KEYS: &[Key] = &[tokens::KEY, encoding::KEY, encoding::INVALID];

impl Format for Document {
    fn name(&self) -> &'static str {
        "document"
    }

    fn about(&self) -> &'static str {
        "one text per file, for example in a folder for each class"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn schema(&self, _values: &Values) -> Schema {
        tokens::schema(&[TEXT], [])
    }

    fn read(&self, sources: &[Source], values: &Values, _: Labels, corpus: &mut Corpus) -> Read {
        let source = &sources[0];
        let (decoder, tokens) = (Decoder::new(values, &source.bytes), Tokens::of(values));
        let mut read = Read::default();
        read.split.file = source.name.clone();
        let (mut numbers, mut symbols) = (Vec::new(), Vec::new());
        for line in lines(&source.bytes) {
            match decoder.decode(&line) {
                Ok(text) => {
                    symbols.extend(
                        tokens
                            .split(&text)
                            .into_iter()
                            .map(|token| corpus.lexicons[0].intern(token)),
                    );
                    numbers.resize(symbols.len(), line.number);
                }
                Err(what) => {
                    let file = source.name.clone();
                    read.faults.push(ReadError { file, line: line.number, what });
                }
            }
        }
        if symbols.is_empty() && read.faults.is_empty() {
            let what = "the file has no text; expected at least one token".to_owned();
            read.faults.push(ReadError { file: source.name.clone(), line: 1, what });
        }
        if read.faults.is_empty() {
            let fields = vec![Some(FieldValues::Symbols(symbols))];
            read.split.examples.push(Example::of_tokens(numbers, fields));
        } else {
            read.n_faulty = 1;
        }
        read.replaced = decoder.replaced(&source.name);
        read
    }

    fn write(
        &self,
        _source: &Source,
        values: &Values,
        _examples: &[Example],
        field: &FieldPredictions<'_>,
    ) -> Result<Vec<u8>, UnwritableError> {
        let cell = field.predictions.first().map(|prediction| {
            table::cell(prediction, field.names)
                .ok_or(UnwritableError { format: self.name(), what: prediction.describe() })
        });
        Ok(Encoding::of(values).encode(&(cell.transpose()?.unwrap_or_default() + "\n")))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Labels, testing::Setting};

    #[test]
    fn a_file_is_a_text_of_several_lines() {
        let setting = Setting::new("document");
        let reading = setting.read("Title here\n\nOne text .\n");
        assert_eq!(reading.shown(), ["Title|here|One|text|."]);
        let lines: Vec<u32> = reading.read.split.examples[0].lines().collect();
        assert_eq!(lines, [1, 1, 3, 3, 3]);
        assert_eq!(setting.write_each(&reading, "label", |_| vec!["X".into()]), b"X\n");
        let empty = setting.read_as("\n \n", Labels::Absent);
        assert_eq!(empty.faults(), ["f:1: the file has no text; expected at least one token"]);
        let latin: &[u8] = b"caf\xe9\n";
        assert_eq!(setting.read(latin).read.n_faulty, 1);
        let setting = setting.say("encoding", "latin-1");
        let reading = setting.read(latin);
        assert_eq!(reading.shown(), ["caf\u{e9}"]);
        assert_eq!(setting.write_each(&reading, "label", |_| vec!["n\u{e9}".into()]), b"n\xe9\n");
    }
}
