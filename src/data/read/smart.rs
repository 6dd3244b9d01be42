//! SMART: the layout of test collections such as Cranfield (Cleverdon 1967), as the SMART system reads them (Salton
//! 1971): documents that queries rank, and judgements of their relevance.
//!
//! A corpus has three files: queries, documents and judgements. In the first two a line `.I N` begins a text with the
//! number N, and a line of a period and a capital letter one of its sections, of which `sections` are read. A
//! judgement is a line `QUERY DOCUMENT`, `QUERY DOCUMENT GRADE`, or `QUERY ITERATION DOCUMENT GRADE` as trec_eval reads
//! it; without a grade it is 1. Several files number queries by their place: `query_numbers = "ordinal"`. `relevance`
//! maps grades to numbers where a small grade is the best.
//!
//! An example is a query. Its documents are those that are judged, and in an evaluation the whole collection, of which
//! those without a judgement are irrelevant; a batch has each document once. A document may be empty, a query may not.
//!
//! Predictions are a run as trec_eval reads it: the first 1,000 documents of each query, with the numbers that
//! judgements have.

mod judgements;
mod texts;

use std::{fmt::Write as _, sync::Arc};

use super::{
    Axis, Corpus, Example, Field, FieldForm, FieldValues, Format, FoundLabels, KnownLabels, Labels,
    Positions, Read, ReadError, Schema, SequenceSpec, Source,
    encoding::{self, Decoder, Encoding},
    tokens::{self, Tokens},
};
use crate::{
    data::{
        Collection, Lexicon, Prediction, Symbol,
        collection::Document,
        prediction::{FieldPredictions, ranked},
        write::UnwritableError,
    },
    keys::{Key, MAX_NUMBER, ValueType, Values},
};
use judgements::{Judgements, Numbered};
use texts::{Text, texts};

pub(super) struct Smart;

const QUERY: &str = "query";
const DOCUMENTS: &str = "documents";
const RELEVANCE: &str = "relevance";
const ID: &str = "id";
const SECTIONS: &str = "sections";
const NUMBERS: &str = "query_numbers";
const ORDINAL: &str = "ordinal";

const KEYS: &[Key] = &[
    Key::with_default(
        SECTIONS,
        ValueType::List(&ValueType::Text),
        "[\"T\", \"W\"]",
        "sections of a text that are read, in the order of the file",
    ),
    Key::with_default(
        NUMBERS,
        ValueType::Choice(&["given", ORDINAL]),
        "\"given\"",
        "numbers by which judgements name queries: those after .I, or their places in the file, from 1",
    ),
    Key::optional(
        RELEVANCE,
        ValueType::Map(&ValueType::Number(0.0, MAX_NUMBER)),
        "relevance that each grade of a judgement stands for; default: the grade itself",
    ),
    tokens::KEY,
    encoding::KEY,
    encoding::INVALID,
];

/// The documents of a query that a run has, as in TREC.
const MOST_RANKED: usize = 1_000;

impl Format for Smart {
    fn name(&self) -> &'static str {
        "smart"
    }

    fn about(&self) -> &'static str {
        "queries, the documents that all of them rank, and judgements: Cranfield and others of the SMART system"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn schema(&self, _values: &Values) -> Schema {
        let sequence = |name: &str, is_list| SequenceSpec { name: name.to_owned(), is_list };
        Schema {
            sequences: vec![sequence(QUERY, false), sequence(DOCUMENTS, true)],
            fields: vec![
                Field::of_tokens(QUERY),
                Field::new(DOCUMENTS, Axis::Sequence(1), FieldForm::Symbols),
                Field::new(RELEVANCE, Axis::Items(1), FieldForm::Symbols),
                Field::new(ID, Axis::Example, FieldForm::Text),
            ],
        }
    }

    fn aligned(&self, _values: &Values) -> Vec<String> {
        [QUERY, DOCUMENTS, RELEVANCE].map(str::to_owned).into()
    }

    fn collection(&self) -> Option<&'static str> {
        Some(DOCUMENTS)
    }

    fn read(
        &self,
        sources: &[Source],
        values: &Values,
        labels: Labels,
        corpus: &mut Corpus,
    ) -> Read {
        let mut read = Read::default();
        read.split.file = sources[0].name.clone();
        let sections = values.texts(SECTIONS);
        let mut of = |source: &Source| {
            let decoder = Decoder::new(values, &source.bytes);
            let mut faults = Vec::new();
            let found = texts(source, &decoder, &sections, &mut faults);
            read.replaced.extend(decoder.replaced(&source.name));
            (found, faults)
        };
        let (queries, mut faults) = of(&sources[0]);
        let (documents, mut of_documents) = sources.get(1).map(&mut of).unwrap_or_default();
        let tokens = Tokens::of(values);
        let ids: Arc<[Arc<str>]> = documents.iter().map(|it| it.id.as_str().into()).collect();
        let document = |text: &Text| Document {
            line: text.line,
            words: words(tokens, &text.content, &mut corpus.lexicons[1]),
        };
        let documents: Vec<Document> = documents.iter().map(document).collect();
        if let (Some(source), true) = (sources.get(1), of_documents.is_empty())
            && documents.iter().all(|document| document.words.is_empty())
        {
            let what =
                "expected documents with words, found none; set `sections` to those of the file";
            let file = source.name.clone();
            of_documents.push(ReadError { file, line: 1, what: what.to_owned() });
        }
        read.split.collection = Some(Collection { sequence: 1, field: 1, documents }.into());
        let is_ordinal = values.text(NUMBERS) == ORDINAL;
        let number = |(at, query): (usize, &Text)| {
            if is_ordinal { (at + 1).to_string() } else { query.id.clone() }
        };
        let numbers: Vec<String> = queries.iter().enumerate().map(number).collect();
        let judgements = match sources.get(2).filter(|_| labels == Labels::Required) {
            Some(source) => {
                let queries = Numbered {
                    numbers: &numbers,
                    file: &sources[0],
                    has_faults: !faults.is_empty(),
                };
                let documents = Numbered {
                    numbers: &ids,
                    file: &sources[1],
                    has_faults: !of_documents.is_empty(),
                };
                let judged = Judgements::read(source, values, &queries, &documents);
                read.replaced.extend(judged.replaced.iter().cloned());
                Some(judged)
            }
            None => None,
        };
        for (at, (query, number)) in queries.iter().zip(numbers).enumerate() {
            if query.is_faulty {
                read.n_faulty += 1;
                continue;
            }
            let words = words(tokens, &query.content, &mut corpus.lexicons[0]);
            if words.is_empty() {
                let what = format!("expected words in query {}, found none", query.id);
                let file = sources[0].name.clone();
                faults.push(ReadError { file, line: query.line, what });
                read.n_faulty += 1;
                continue;
            }
            let (documents, grades) =
                judgements.as_ref().map_or_else(Default::default, |all| all.of(at));
            let grades: Vec<Symbol> =
                grades.iter().map(|grade| corpus.lexicons[2].intern(grade)).collect();
            read.split.examples.push(Example {
                line: query.line,
                file: None,
                sequences: vec![Some(Positions::on_line(query.line, words.len())), None],
                fields: vec![
                    Some(FieldValues::Symbols(words)),
                    Some(FieldValues::References { documents, ids: ids.clone() }),
                    judgements.as_ref().map(|_| FieldValues::Symbols(grades)),
                    Some(FieldValues::Text(number.into())),
                ],
            });
        }
        faults.sort_by_key(|fault| fault.line);
        let of_judgements = judgements.map(|judged| judged.faults).unwrap_or_default();
        // A document or judgement that cannot be read concerns queries that are not known, and a file without a
        // query is of another layout.
        read.is_unusable = queries.is_empty()
            || sources.len() < 2
            || !(of_documents.is_empty() && of_judgements.is_empty());
        read.faults = [faults, of_documents, of_judgements].concat();
        read
    }

    fn find_labels(
        &self,
        sources: &[Source],
        _values: &Values,
        _known: &KnownLabels,
        _skips_faults: bool,
    ) -> Result<FoundLabels, ReadError> {
        let labels = if sources.len() == 3 { Labels::Required } else { Labels::Absent };
        Ok(FoundLabels::sure(labels))
    }

    fn write(
        &self,
        _source: &Source,
        values: &Values,
        examples: &[Example],
        field: &FieldPredictions<'_>,
    ) -> Result<Vec<u8>, UnwritableError> {
        let mut out = String::new();
        for (example, prediction) in examples.iter().zip(field.predictions) {
            let scores = match prediction {
                Prediction::Ranking(scores) => scores,
                Prediction::None => continue,
                other => {
                    return Err(UnwritableError { format: self.name(), what: other.describe() });
                }
            };
            let [Some(FieldValues::References { ids, .. }), _, Some(FieldValues::Text(number))] =
                &example.fields[1..]
            else {
                continue;
            };
            let order =
                ranked(scores).into_iter().filter_map(|at| Some((ids.get(at)?, scores[at])));
            for (rank, (id, score)) in (1..=MOST_RANKED).zip(order) {
                let _ = writeln!(out, "{number} Q0 {id} {rank} {score} auxdesk");
            }
        }
        Ok(Encoding::of(values).encode(&out))
    }
}

/// The words of a text.
fn words(tokens: Tokens, text: &str, lexicon: &mut Lexicon) -> Vec<Symbol> {
    tokens.split(text).into_iter().map(|word| lexicon.intern(word)).collect()
}

#[cfg(test)]
mod tests;
