//! Document: a file is one text. With a folder for each class, `train = "articles/{label}/*.txt"`.
//!
//! With `sentences = true` the text is a list of sentences. With `summaries = true` each text has a summary in a file of
//! its own, and `extract` says of each sentence whether the summary has it (`yes` or `no`): two patterns name them
//! (`train = ["articles/{label}/*.txt", "summaries/{label}/*.txt"]`), and files of the same name, but for the ending, and
//! of the same class belong together.
//!
//! The prediction for a file is a line of its own; that of `extract` is the extracted sentences, a line each.

mod sentences;

use super::{
    Axis, Corpus, Example, Field, FieldForm, FieldValues, Format, FoundLabels, KnownLabels, Labels,
    Positions, Read, ReadError, Schema, SequenceSpec, Source,
    encoding::{self, Decoder, Encoding},
    lines::lines,
    sentence_split, table,
    tokens::{self, Tokens},
};
use crate::{
    data::{Prediction, prediction::FieldPredictions, write::UnwritableError},
    keys::{Key, ValueType, Values},
};

pub(super) struct Document;

const TEXT: &str = "text";
const EXTRACT: &str = "extract";
const SUMMARY: &str = "summary";

const SENTENCES: &str = "sentences";
const SUMMARIES: &str = "summaries";

/// Whether a summary has a sentence.
const ANSWERS: [&str; 2] = ["no", "yes"];

const KEYS: &[Key] = &[
    Key::with_default(
        SENTENCES,
        ValueType::Switch,
        "false",
        "split the text into a list of sentences",
    ),
    Key::with_default(
        SUMMARIES,
        ValueType::Switch,
        "false",
        "each text has a summary in a file of its own, with some of its sentences",
    ),
    sentence_split::ABBREVIATIONS,
    tokens::KEY,
    encoding::KEY,
    encoding::INVALID,
];

impl Format for Document {
    fn name(&self) -> &'static str {
        "document"
    }

    fn about(&self) -> &'static str {
        "one text per file, for example in a folder for each class; also with a summary each"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn check(&self, values: &Values) -> Vec<(&'static str, String)> {
        let lacks = values.switch(SUMMARIES) && !values.switch(SENTENCES);
        let what =
            "expected `sentences = true`, as a summary has some of them, found false; set it";
        lacks.then(|| (SUMMARIES, what.to_owned())).into_iter().collect()
    }

    fn schema(&self, values: &Values) -> Schema {
        if !values.switch(SENTENCES) {
            return tokens::schema(&[TEXT], []);
        }
        let mut fields = vec![Field::of_tokens(TEXT)];
        if values.switch(SUMMARIES) {
            fields.push(Field::new(EXTRACT, Axis::Items(0), FieldForm::Symbols));
            fields.push(Field::new(SUMMARY, Axis::Example, FieldForm::Text));
        }
        Schema { sequences: vec![SequenceSpec { name: TEXT.to_owned(), is_list: true }], fields }
    }

    fn aligned(&self, values: &Values) -> Vec<String> {
        let files: &[&str] = if values.switch(SUMMARIES) { &[TEXT, SUMMARY] } else { &[] };
        files.iter().map(|name| (*name).to_owned()).collect()
    }

    fn read(&self, sources: &[Source], values: &Values, _: Labels, corpus: &mut Corpus) -> Read {
        let source = &sources[0];
        let decoder = Decoder::new(values, &source.bytes);
        let mut read = Read::default();
        read.split.file = source.name.clone();
        let file = File { source, decoder: &decoder, values };
        let example = if values.switch(SENTENCES) {
            let summary = sources.get(1).map(|source| summary(source, values, &mut read));
            file.in_sentences(summary, corpus, &mut read.faults)
        } else {
            file.whole(corpus, &mut read.faults)
        };
        if example.is_empty() && read.faults.is_empty() {
            let what = "the file has no text; expected at least one token".to_owned();
            read.faults.push(file.fault(1, what));
        }
        if read.faults.is_empty() {
            read.split.examples.push(example);
        } else {
            read.n_faulty = 1;
        }
        read.replaced.extend(decoder.replaced(&source.name));
        read
    }

    fn find_labels(
        &self,
        sources: &[Source],
        _values: &Values,
        _known: &KnownLabels,
        _skips_faults: bool,
    ) -> Result<FoundLabels, ReadError> {
        let labels = if sources.len() > 1 { Labels::Required } else { Labels::Absent };
        Ok(FoundLabels::sure(labels))
    }

    fn write(
        &self,
        source: &Source,
        values: &Values,
        _examples: &[Example],
        field: &FieldPredictions<'_>,
    ) -> Result<Vec<u8>, UnwritableError> {
        let Some(prediction) = field.predictions.first() else {
            return Ok(Encoding::of(values).encode("\n"));
        };
        if let (EXTRACT, Prediction::Classes(classes)) = (field.field, prediction)
            && values.switch(SENTENCES)
        {
            let decoder = Decoder::new(values, &source.bytes);
            let file = File { source, decoder: &decoder, values };
            let sentences = file.sentences(&mut Vec::new());
            let extracted = sentences.iter().zip(classes);
            let extracted = extracted.filter(|(_, class)| field.names.get(**class) == ANSWERS[1]);
            let written: String =
                extracted.map(|(sentence, _)| sentence.text.clone() + "\n").collect();
            return Ok(Encoding::of(values).encode(&written));
        }
        let cell = table::cell(prediction, field.names)
            .ok_or(UnwritableError { format: self.name(), what: prediction.describe() })?;
        Ok(Encoding::of(values).encode(&(cell + "\n")))
    }
}

/// A sentence that has a token.
struct Tokenized {
    text: String,
    /// The line that it starts on.
    line: u32,
    tokens: Vec<String>,
}

/// A file of a text, and how it is read.
struct File<'a> {
    source: &'a Source,
    decoder: &'a Decoder,
    values: &'a Values,
}

impl File<'_> {
    fn fault(&self, line: u32, what: String) -> ReadError {
        ReadError { file: self.source.name.clone(), line, what }
    }

    /// The text as one sequence of tokens.
    fn whole(&self, corpus: &mut Corpus, faults: &mut Vec<ReadError>) -> Example {
        let tokens = Tokens::of(self.values);
        let (mut numbers, mut symbols) = (Vec::new(), Vec::new());
        for line in lines(&self.source.bytes) {
            match self.decoder.decode(&line) {
                Ok(text) => {
                    let tokens = tokens.split(&text).into_iter();
                    symbols.extend(tokens.map(|token| corpus.lexicons[0].intern(token)));
                    numbers.resize(symbols.len(), line.number);
                }
                Err(what) => faults.push(self.fault(line.number, what)),
            }
        }
        Example::of_tokens(numbers, vec![Some(FieldValues::Symbols(symbols))])
    }

    /// The text as a list of sentences, with its summary.
    fn in_sentences(
        &self,
        summary: Option<String>,
        corpus: &mut Corpus,
        faults: &mut Vec<ReadError>,
    ) -> Example {
        let sentences = self.sentences(faults);
        let (mut numbers, mut lengths, mut symbols) = (Vec::new(), Vec::new(), Vec::new());
        for Tokenized { line, tokens, .. } in &sentences {
            symbols.extend(tokens.iter().map(|token| corpus.lexicons[0].intern(token)));
            lengths.push(tokens.len() as u32);
            numbers.resize(symbols.len(), *line);
        }
        let mut fields = vec![Some(FieldValues::Symbols(symbols))];
        if self.values.switch(SUMMARIES) {
            let extract = summary.as_ref().map(|summary| {
                let texts = sentences.iter().map(|sentence| sentence.text.as_str());
                let has = sentences::extracted(texts, summary).into_iter();
                has.map(|has| corpus.lexicons[1].intern(ANSWERS[usize::from(has)])).collect()
            });
            fields.push(extract.map(FieldValues::Symbols));
            fields.push(summary.map(|summary| FieldValues::Text(summary.into())));
        }
        let line = numbers.first().copied().unwrap_or(1);
        let sequences = vec![Some(Positions::on_lines(numbers).in_items(lengths))];
        Example { line, file: None, sequences, fields }
    }

    /// The sentences that have a token.
    fn sentences(&self, faults: &mut Vec<ReadError>) -> Vec<Tokenized> {
        let abbreviations = self.values.texts(sentence_split::ABBREVIATIONS.name);
        let tokens = Tokens::of(self.values);
        let fault = |line, what| faults.push(self.fault(line, what));
        let bytes = &self.source.bytes;
        let found = sentences::sentences(bytes, self.decoder, &abbreviations, fault).into_iter();
        let tokenized = found.map(|sentences::Sentence { text, line }| {
            let tokens = tokens.split(&text).into_iter().map(str::to_owned).collect();
            Tokenized { text, line, tokens }
        });
        tokenized.filter(|sentence| !sentence.tokens.is_empty()).collect()
    }
}

/// The text of a summary, which has at least one character.
fn summary(source: &Source, values: &Values, read: &mut Read) -> String {
    let decoder = Decoder::new(values, &source.bytes);
    let mut text = String::new();
    let mut fault =
        |line, what| read.faults.push(ReadError { file: source.name.clone(), line, what });
    for line in lines(&source.bytes).filter(|line| !line.is_blank()) {
        match decoder.decode(&line) {
            Ok(decoded) => text += &(decoded.trim().to_owned() + "\n"),
            Err(what) => fault(line.number, what),
        }
    }
    if text.is_empty() {
        fault(1, "the file has no text; expected a summary".to_owned());
    }
    read.replaced.extend(decoder.replaced(&source.name));
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests;
