//! SQuAD: questions about passages, whose answers are spans of the passage (Rajpurkar et al. 2016), as one JSON
//! document: `data[].paragraphs[].{context, qas[].{id, question, answers[].{text, answer_start}}}`.
//!
//! An example is a question with its passage. `answer_start` counts Unicode characters, and the text of an answer must
//! be in the passage there; its tokens are those that it touches, as an answer may be a part of one. A question with
//! an empty list of answers, or with `is_impossible`, has no answer. Numbers of lines are those of the file, which may
//! be a single one.
//!
//! Predictions are a file of their own, as the official script reads it: an object that maps the id of each question
//! to the text of its answer. The answer to a faulty question, or to one without a prediction, is empty.

mod json;

use std::collections::{HashMap, HashSet};

use super::{
    Axis, Corpus, Example, Field, FieldForm, FieldValues, Format, Labels, Positions, Read,
    ReadError, Schema, Source,
    encoding::{self, Decoder},
    lines::lines,
    tokens::{self, Tokens},
};
use crate::{
    data::{
        Prediction, prediction::FieldPredictions, structure::TokenSpan, write::UnwritableError,
    },
    keys::{Key, Values},
};
use json::Node;

pub(super) struct Squad;

const CONTEXT: &str = "context";
const QUESTION: &str = "question";
const ANSWER: &str = "answer";
const ID: &str = "id";

const KEYS: &[Key] = &[tokens::RAW_KEY, encoding::INVALID];

impl Format for Squad {
    fn name(&self) -> &'static str {
        "squad"
    }

    fn about(&self) -> &'static str {
        "questions about passages whose answers are spans of the passage: SQuAD's JSON"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn schema(&self, _values: &Values) -> Schema {
        let others = [
            Field::new(ANSWER, Axis::Sequence(0), FieldForm::Answers),
            Field::new(ID, Axis::Example, FieldForm::Text),
        ];
        tokens::schema(&[CONTEXT, QUESTION], others)
    }

    fn read(
        &self,
        sources: &[Source],
        values: &Values,
        labels: Labels,
        corpus: &mut Corpus,
    ) -> Read {
        let source = &sources[0];
        let mut read = Read::default();
        read.split.file = source.name.clone();
        let decoder = Decoder::new(values, &source.bytes);
        read.replaced = decoder.replaced(&source.name);
        let mut fault = |line, what| {
            read.faults.push(ReadError { file: source.name.clone(), line, what });
        };
        for line in lines(&source.bytes) {
            if let Err(what) = decoder.decode(&line) {
                fault(line.number, what);
                read.is_unusable = true;
            }
        }
        let text = text(source);
        let document = Document::new(&text);
        let mut seen = HashSet::new();
        let mut examples = Vec::new();
        if !read.is_unusable {
            match document.questions(|at, what| fault(document.line(at), what)) {
                Err((line, what)) => {
                    fault(line, what);
                    read.is_unusable = true;
                }
                Ok(questions) => {
                    for question in questions {
                        match question.example(&document, values, labels, &mut seen, corpus) {
                            Ok(example) => examples.push(example),
                            Err((at, what)) => fault(document.line(at), what),
                        }
                    }
                }
            }
        }
        read.split.examples = examples;
        read.faults.sort_by_key(|fault| fault.line);
        read.n_faulty = read.faults.len() as u64;
        read
    }

    fn write(
        &self,
        source: &Source,
        values: &Values,
        examples: &[Example],
        field: &FieldPredictions<'_>,
    ) -> Result<Vec<u8>, UnwritableError> {
        let mut spans = HashMap::new();
        let at = self.schema(values).fields.iter().position(|field| field.name == ID);
        for (example, prediction) in examples.iter().zip(field.predictions) {
            let span = match prediction {
                Prediction::Spans(spans) => spans.first(),
                Prediction::None => None,
                other => {
                    return Err(UnwritableError { format: self.name(), what: other.describe() });
                }
            };
            let Some(Some(FieldValues::Text(id))) = at.and_then(|at| example.fields.get(at)) else {
                continue;
            };
            let context = example.sequences[0].as_ref();
            let bytes = span.zip(context).and_then(|(span, context)| {
                let is_there = span.start < span.end && span.end as usize <= context.len();
                let [first, last] = is_there.then(|| [span.start, span.end - 1])?;
                Some(context.bytes(first as usize)?.start..context.bytes(last as usize)?.end)
            });
            spans.insert(id.clone(), bytes);
        }
        let text = text(source);
        let questions = Document::new(&text).questions(|_, _| {}).unwrap_or_default();
        let mut entries = Vec::new();
        for question in questions {
            let Some(id) = question.node.get(ID).and_then(Node::string) else { continue };
            let context = question.context.string().unwrap_or_default();
            let range = spans.get(id.as_ref()).cloned().flatten();
            let answer = range.and_then(|range| context.get(range)).unwrap_or_default();
            let [id, answer] = [id.as_ref(), answer].map(serde_json::Value::from);
            entries.push(format!("  {id}: {answer}"));
        }
        Ok(format!("{{\n{}\n}}\n", entries.join(",\n")).into_bytes())
    }
}

/// The text of a file, without a byte order mark; U+FFFD is in place of what is not UTF-8.
fn text(source: &Source) -> String {
    let text = String::from_utf8_lossy(&source.bytes);
    text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned()
}

/// The text of a file.
struct Document<'t> {
    text: &'t str,
    /// The byte offset of each line break.
    breaks: Vec<usize>,
}

/// A question and its passage.
struct Question<'t> {
    context: Node<'t>,
    node: Node<'t>,
}

/// A place in the text, and what is wrong there.
type Wrong<'t> = (Node<'t>, String);

impl<'t> Document<'t> {
    fn new(text: &'t str) -> Self {
        Self { text, breaks: text.match_indices('\n').map(|(at, _)| at).collect() }
    }

    /// The line of a value.
    fn line(&self, node: Node<'_>) -> u32 {
        let offset = node.offset_in(self.text);
        1 + self.breaks.partition_point(|&at| at < offset) as u32
    }

    /// All questions. What is not an object or an array as expected is a fault; the error is that of a text that is
    /// no such document, with its line.
    fn questions(
        &self,
        mut fault: impl FnMut(Node<'t>, String),
    ) -> Result<Vec<Question<'t>>, (u32, String)> {
        if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(self.text) {
            let what = error.to_string();
            let what = what.split(" at line ").next().unwrap_or_default();
            return Err((
                error.line().max(1) as u32,
                format!("not JSON at column {}: {what}", error.column()),
            ));
        }
        let root = Node::of(self.text);
        let mut all = |node: Node<'t>, key: &str| -> Vec<Node<'t>> {
            match node.get(key) {
                Some(array) if array.is_array() => array.items(),
                Some(other) => {
                    fault(other, format!("{key:?} is {}, expected an array", other.describe()));
                    Vec::new()
                }
                None => {
                    fault(
                        node,
                        format!(
                            "{} without a key {key:?}, expected an array there",
                            node.describe()
                        ),
                    );
                    Vec::new()
                }
            }
        };
        let mut questions = Vec::new();
        for article in all(root, "data") {
            for paragraph in all(article, "paragraphs") {
                let context = paragraph.get(CONTEXT).unwrap_or(paragraph);
                let nodes = all(paragraph, "qas").into_iter();
                questions.extend(nodes.map(|node| Question { context, node }));
            }
        }
        Ok(questions)
    }
}

impl<'t> Question<'t> {
    fn example(
        &self,
        document: &Document<'t>,
        values: &Values,
        labels: Labels,
        seen: &mut HashSet<String>,
        corpus: &mut Corpus,
    ) -> Result<Example, Wrong<'t>> {
        let string = |node: Option<Node<'t>>, of: Node<'t>, key: &str| match node {
            Some(node) => node.string().ok_or_else(|| {
                (node, format!("{key:?} is {}, expected a string", node.describe()))
            }),
            None => Err((
                of,
                format!("{} without a key {key:?}, expected a string there", of.describe()),
            )),
        };
        let context_node = Some(self.context).filter(|node| !node.is_object());
        let context = string(context_node, self.context, CONTEXT)?;
        let question_node = self.node.get(QUESTION);
        let question = string(question_node, self.node, QUESTION)?;
        let id = string(self.node.get(ID), self.node, ID)?;
        let at = question_node.unwrap_or(self.node);
        if !seen.insert(id.clone().into_owned()) {
            return Err((at, format!("expected each id once, found {id:?} again")));
        }
        let cut = Tokens::of(values);
        let texts = [(&context, CONTEXT, self.context), (&question, QUESTION, at)];
        let mut sequences = Vec::with_capacity(texts.len());
        let mut tokens = Vec::with_capacity(texts.len());
        for (text, name, node) in texts {
            let split = cut.split(text);
            if split.is_empty() {
                return Err((
                    node,
                    format!("the text ({name}) is empty; expected at least one token"),
                ));
            }
            let bytes = tokens::bytes(text, &split);
            let positions = Positions::on_line(document.line(node), split.len());
            sequences.push(Some(positions.at_bytes(Some(bytes))));
            tokens.push(split);
        }
        let passage = sequences[0].as_ref();
        let answers = match (self.answers(&context, passage), labels) {
            (Err(wrong), Labels::Required) => return Err(wrong),
            // Input to `predict` may lack answers, or contain some that will be replaced.
            (answers, _) => answers.ok().flatten(),
        };
        let mut fields: Vec<_> = tokens
            .iter()
            .zip(&mut corpus.lexicons)
            .map(|(split, lexicon)| {
                let symbols = split.iter().map(|token| lexicon.intern(token)).collect();
                Some(FieldValues::Symbols(symbols))
            })
            .collect();
        fields.push(answers.map(|answers| FieldValues::Answers(answers.into())));
        fields.push(Some(FieldValues::Text(id.as_ref().into())));
        fields.resize(corpus.fields.len(), None);
        Ok(Example { line: document.line(at), file: None, sequences, fields })
    }

    /// The answers as spans of the tokens of the passage; `None` if the question has none.
    fn answers(
        &self,
        context: &str,
        passage: Option<&Positions>,
    ) -> Result<Option<Vec<TokenSpan>>, Wrong<'t>> {
        let Some(array) = self.node.get("answers") else {
            return Err((
                self.node,
                "a question without a key \"answers\", expected an array there".into(),
            ));
        };
        if !array.is_array() {
            return Err((array, format!("\"answers\" is {}, expected an array", array.describe())));
        }
        let is_impossible = self.node.get("is_impossible").is_some_and(|node| node.is("true"));
        if is_impossible {
            return Ok(None);
        }
        let mut spans = Vec::new();
        for answer in array.items() {
            let text = answer.get("text").and_then(Node::string);
            let start = answer.get("answer_start").and_then(Node::number);
            let (Some(text), Some(start)) = (text, start) else {
                let what = "expected an answer with a string \"text\" and a number \"answer_start\", found another value";
                return Err((answer, what.to_owned()));
            };
            let span = span(context, passage, &text, start).map_err(|what| (answer, what))?;
            if !spans.contains(&span) {
                spans.push(span);
            }
        }
        Ok(Some(spans).filter(|spans| !spans.is_empty()))
    }
}

/// The tokens of an answer that starts at a character of the passage.
fn span(
    context: &str,
    passage: Option<&Positions>,
    text: &str,
    start: usize,
) -> Result<TokenSpan, String> {
    let offset = context.char_indices().map(|(at, _)| at).nth(start);
    let offset = offset.filter(|&offset| context[offset..].starts_with(text));
    let Some(offset) = offset.filter(|_| !text.is_empty()) else {
        let is_byte =
            context.get(start..).is_some_and(|rest| rest.starts_with(text) && !text.is_empty());
        let there =
            context.find(text).filter(|_| !text.is_empty()).map(|at| context[..at].chars().count());
        return Err(match there {
            _ if is_byte => format!(
                "answer {text:?} is at byte {start} of its passage; expected \"answer_start\" in characters"
            ),
            Some(at) => {
                format!("answer {text:?} is not at character {start} of its passage, but at {at}")
            }
            None => format!("answer {text:?} is not in its passage"),
        });
    };
    let touched = passage.and_then(|of| tokens::touched(of, offset..offset + text.len()));
    let touched = touched.ok_or_else(|| format!("answer {text:?} has no token of its passage"))?;
    Ok(TokenSpan { start: touched.start, end: touched.end, label: None })
}

#[cfg(test)]
mod tests;
