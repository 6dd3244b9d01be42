//! bAbI: questions about stories (Weston et al. 2015), each with its answer and the sentences that support it.
//!
//! A line is a number, a space and a sentence; the number starts again at 1 in a new story. A line with tabs is a
//! question: its text, the answer, and the numbers of its supporting sentences, separated by spaces. An example is a
//! question with the sentences of its story before it, of which `max_sentences` keeps the last ones; the supporting
//! ones among them are `yes`, the others `no`. Questions are not part of the story, but are counted in its numbers.
//! An answer of several words or items is one label.
//!
//! In input to `predict` without labels a question is a line that ends with `?`. A predicted answer, or predicted
//! supporting sentences, replace those of the line. The answer to a faulty question is `_`.

use std::collections::HashMap;

use super::{
    Axis, Corpus, Example, Field, FieldForm, FieldValues, Format, FoundLabels, KnownLabels, Labels,
    Positions, Read, ReadError, Schema, SequenceSpec, Source,
    encoding::{self, Decoder, Encoding},
    lines::{Line, lines},
    tokens::{self, Tokens},
};
use crate::{
    data::{
        Prediction,
        prediction::FieldPredictions,
        write::{UnwritableError, only_class, only_of, splice},
    },
    keys::{Key, ValueType, Values},
};

pub(super) struct Babi;

/// The sequences, which have the names of their fields.
const QUESTION: &str = "question";
const STORY: &str = "story";

const ANSWER: &str = "answer";
const SUPPORTING: &str = "supporting";

const MAX_SENTENCES: &str = "max_sentences";

const KEYS: &[Key] = &[
    Key::optional(
        MAX_SENTENCES,
        ValueType::Count(1),
        "number of sentences before a question that are read, the last ones; default: all",
    ),
    tokens::RAW_KEY,
    encoding::KEY,
    encoding::INVALID,
];

impl Format for Babi {
    fn name(&self) -> &'static str {
        "babi"
    }

    fn about(&self) -> &'static str {
        "questions about stories with answers and supporting sentences, as in bAbI"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn schema(&self, _values: &Values) -> Schema {
        let sequence = |name: &str, is_list| SequenceSpec { name: name.to_owned(), is_list };
        Schema {
            sequences: vec![sequence(QUESTION, false), sequence(STORY, true)],
            fields: vec![
                Field::of_tokens(QUESTION),
                Field::new(STORY, Axis::Sequence(1), FieldForm::Symbols),
                Field::of_examples(ANSWER),
                Field::new(SUPPORTING, Axis::Items(1), FieldForm::Symbols),
            ],
        }
    }

    fn read(
        &self,
        sources: &[Source],
        values: &Values,
        labels: Labels,
        corpus: &mut Corpus,
    ) -> Read {
        let source = &sources[0];
        let decoder = Decoder::new(values, &source.bytes);
        let mut read = Read::default();
        read.split.file = source.name.clone();
        let most = values.count_if_set(MAX_SENTENCES).unwrap_or(usize::MAX);
        let mut story = Story { labels, most, tokens: Tokens::of(values), ..Story::default() };
        for line in lines(&source.bytes).filter(|line| !line.is_blank()) {
            let is_first = line.bytes.starts_with(b"1 ");
            if is_first {
                read.n_faulty += story.n_faulty();
                story.start();
            }
            let example = match decoder.decode(&line) {
                Ok(text) => story.line(line.number, &text, corpus),
                Err(what) => {
                    // The number still counts, or the next line would be reported too.
                    story.next += 1;
                    Err(what)
                }
            };
            match example {
                Ok(example) => read.split.examples.extend(example),
                Err(what) => {
                    if is_question(&line) {
                        story.n_left_out += 1;
                    } else {
                        story.is_faulty = true;
                    }
                    read.faults.push(ReadError {
                        file: source.name.clone(),
                        line: line.number,
                        what,
                    });
                }
            }
        }
        read.n_faulty += story.n_faulty();
        read.replaced = decoder.replaced(&source.name);
        read
    }

    fn find_labels(
        &self,
        sources: &[Source],
        _values: &Values,
        _known: &KnownLabels,
        _skips_faults: bool,
    ) -> Result<FoundLabels, ReadError> {
        let mut questions = lines(&sources[0].bytes).filter(is_question);
        let is_labelled = questions.all(|line| line.bytes.contains(&b'\t'));
        Ok(FoundLabels::sure(if is_labelled { Labels::Required } else { Labels::Absent }))
    }

    fn no_prediction(&self) -> &'static str {
        "_"
    }

    fn write(
        &self,
        source: &Source,
        values: &Values,
        examples: &[Example],
        field: &FieldPredictions<'_>,
    ) -> Result<Vec<u8>, UnwritableError> {
        only_of(self.name(), &[ANSWER, SUPPORTING], field)?;
        let is_supporting = field.field == SUPPORTING;
        let numbers: HashMap<u32, String> = lines(&source.bytes)
            .map(|line| (line.number, String::from_utf8_lossy(number(line.bytes)).into_owned()))
            .collect();
        let mut cells = HashMap::new();
        for (example, prediction) in examples.iter().zip(field.predictions) {
            let cell = match (prediction, &example.sequences[1]) {
                (Prediction::Classes(classes), Some(story)) if is_supporting => {
                    supporting(story, classes, field, &numbers)
                }
                _ => only_class(self.name(), prediction, field.names)?.map(str::to_owned),
            };
            cells.extend(cell.map(|cell| (example.line, cell)));
        }
        let encoding = Encoding::of(values);
        let edits = lines(&source.bytes).filter(is_question).filter_map(|line| {
            let nothing = if is_supporting { "" } else { self.no_prediction() };
            let new = encoding.encode(cells.get(&line.number).map_or(nothing, String::as_str));
            let column = 1 + usize::from(is_supporting);
            if let Some(cell) = line.cells().nth(column) {
                return Some((cell, new));
            }
            let tabs = "\t".repeat(column + 1 - line.cells().count());
            let end = line.end()..line.end();
            (!new.is_empty()).then(|| (end, [tabs.as_bytes(), &new].concat()))
        });
        Ok(splice(&source.bytes, edits))
    }
}

/// The numbers of the sentences that are predicted to be supporting.
fn supporting(
    story: &Positions,
    classes: &[u32],
    field: &FieldPredictions<'_>,
    numbers: &HashMap<u32, String>,
) -> Option<String> {
    let mut at = 0;
    let mut found = Vec::new();
    for (n_tokens, class) in story.items().into_iter().zip(classes) {
        if field.names.get(*class) == "yes" {
            found.push(numbers.get(&story.line(at))?.as_str());
        }
        at += n_tokens;
    }
    Some(found.join(" "))
}

/// Whether a line is a question: it has an answer after a tab, or ends with a question mark.
fn is_question(line: &Line<'_>) -> bool {
    line.bytes.contains(&b'\t') || line.bytes.trim_ascii_end().ends_with(b"?")
}

/// The digits at the start of a line.
fn number(bytes: &[u8]) -> &[u8] {
    let n = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    &bytes[..n]
}

/// A story up to a line.
struct Story {
    labels: Labels,
    /// The largest number of sentences of an example.
    most: usize,
    tokens: Tokens,
    /// The number of the next line.
    next: u64,
    sentences: Vec<Sentence>,
    /// Whether a line of it has a fault.
    is_faulty: bool,
    /// The questions that were left out.
    n_left_out: u64,
}

struct Sentence {
    number: u64,
    line: u32,
    tokens: Vec<String>,
    bytes: Vec<(u32, u32)>,
}

impl Story {
    fn start(&mut self) {
        *self = Self { next: 1, sentences: Vec::new(), is_faulty: false, n_left_out: 0, ..*self };
    }

    /// The number of its faulty examples; a fault without a question after it counts as one.
    fn n_faulty(&self) -> u64 {
        self.n_left_out.max(u64::from(self.is_faulty))
    }

    /// The example of a question; `None` for a sentence, or a question after a fault in its story.
    fn line(
        &mut self,
        line: u32,
        text: &str,
        corpus: &mut Corpus,
    ) -> Result<Option<Example>, String> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let number: Option<u64> = text[..digits].parse().ok();
        let (Some(number), Some(rest)) = (number, text[digits..].strip_prefix(' ')) else {
            self.next += 1;
            return Err("expected a number, a space and a sentence, found another line".to_owned());
        };
        let wanted = std::mem::replace(&mut self.next, number.saturating_add(1));
        if number != wanted {
            let new = if wanted == 1 { "" } else { ", or 1 at the start of a story" };
            return Err(format!("number {number}, expected {wanted}{new}"));
        }
        let mut columns = rest.split('\t');
        let words = columns.next().unwrap_or_default();
        let split = self.tokens.split(words);
        if split.is_empty() {
            return Err("the sentence is empty; expected at least one token".to_owned());
        }
        let bytes = tokens::bytes(text, &split);
        let columns: Vec<&str> = columns.map(str::trim_ascii).collect();
        if columns.is_empty() && !words.trim_ascii_end().ends_with('?') {
            let tokens = split.into_iter().map(str::to_owned).collect();
            self.sentences.push(Sentence { number, line, tokens, bytes });
            return Ok(None);
        }
        if self.is_faulty {
            self.n_left_out += 1;
            return Ok(None);
        }
        let answer = columns.first().copied().filter(|answer| !answer.is_empty());
        if answer.is_none() && self.labels == Labels::Required {
            return Err("expected a tab and an answer after the question, found none".to_owned());
        }
        let sentences = &self.sentences[self.sentences.len().saturating_sub(self.most)..];
        if sentences.is_empty() {
            return Err("expected sentences of a story before the question, found none".to_owned());
        }
        let supporting = match columns.get(1) {
            None => None,
            Some(column) => match self.supporting(column) {
                Err(what) if self.labels == Labels::Required => return Err(what),
                found => found.ok(),
            },
        };
        let [questions, stories, answers, marks, ..] = corpus.lexicons.as_mut_slice() else {
            unreachable!("the corpus has the fields of the format");
        };
        let question = Positions::on_line(line, split.len()).at_bytes(Some(bytes));
        let symbols = split.iter().map(|token| questions.intern(token)).collect();
        let mut fields = vec![Some(FieldValues::Symbols(symbols))];
        let words = sentences.iter().flat_map(|sentence| &sentence.tokens);
        let symbols = words.map(|token| stories.intern(token)).collect();
        fields.push(Some(FieldValues::Symbols(symbols)));
        let lines = sentences.iter().flat_map(|of| vec![of.line; of.tokens.len()]).collect();
        let offsets = sentences.iter().flat_map(|of| of.bytes.iter().copied()).collect();
        let lengths = sentences.iter().map(|of| of.tokens.len() as u32).collect();
        let story = Positions::on_lines(lines).at_bytes(Some(offsets)).in_items(lengths);
        fields.push(answer.map(|answer| FieldValues::Label(answers.intern(answer))));
        fields.push(supporting.map(|numbers| {
            let mark = |of: &Sentence| if numbers.contains(&of.number) { "yes" } else { "no" };
            FieldValues::Symbols(sentences.iter().map(|of| marks.intern(mark(of))).collect())
        }));
        fields.resize(corpus.fields.len(), None);
        Ok(Some(Example { line, file: None, sequences: vec![Some(question), Some(story)], fields }))
    }

    /// The numbers of supporting sentences.
    fn supporting(&self, column: &str) -> Result<Vec<u64>, String> {
        let number = |text: &str| {
            let number = text
                .parse()
                .ok()
                .filter(|number| self.sentences.iter().any(|sentence| sentence.number == *number));
            number.ok_or_else(|| {
                format!("supporting sentence {text:?}, expected the number of a sentence of the story before the question")
            })
        };
        column.split_ascii_whitespace().map(number).collect()
    }
}

impl Default for Story {
    fn default() -> Self {
        Self {
            labels: Labels::Required,
            most: usize::MAX,
            tokens: Tokens::Words,
            next: 1,
            sentences: Vec::new(),
            is_faulty: false,
            n_left_out: 0,
        }
    }
}

#[cfg(test)]
mod tests;
