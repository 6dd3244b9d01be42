//! The judgements of a SMART collection: which documents are relevant for which query.

use std::{collections::HashMap, sync::Arc};

use super::super::{
    ReadError, Source,
    encoding::Decoder,
    lines::{Line, lines},
};
use crate::keys::Values;

/// The judged documents of each query.
#[derive(Debug)]
pub(super) struct Judgements {
    of: Vec<Judged>,
    pub(super) faults: Vec<ReadError>,
    pub(super) replaced: Vec<ReadError>,
}

/// The numbers of the texts of a file, which judgements name.
pub(super) struct Numbered<'a, T> {
    pub(super) numbers: &'a [T],
    pub(super) file: &'a Source,
    /// Whether the file has faults: a judgement of a text that it lacks may be one of a faulty text.
    pub(super) has_faults: bool,
}

impl<T: AsRef<str>> Numbered<'_, T> {
    /// The place of each number.
    fn places(&self) -> HashMap<&str, u32> {
        self.numbers.iter().map(AsRef::as_ref).zip(0..).collect()
    }
}

/// The judged documents of a query, each with the relevance that its grade stands for.
#[derive(Clone, Debug, Default)]
struct Judged {
    documents: Vec<u32>,
    relevance: Vec<String>,
}

impl Judgements {
    /// Reads a file of judgements of these queries and documents.
    pub(super) fn read(
        source: &Source,
        values: &Values,
        queries: &Numbered<'_, String>,
        documents: &Numbered<'_, Arc<str>>,
    ) -> Self {
        let (query_of, document_of) = (queries.places(), documents.places());
        let grades = Grades::of(values);
        let decoder = Decoder::new(values, &source.bytes);
        let mut judgements = Self {
            of: vec![Judged::default(); queries.numbers.len()],
            faults: Vec::new(),
            replaced: Vec::new(),
        };
        let mut lines_of = HashMap::<(u32, u32), u32>::new();
        let mut judge = |line: &Line<'_>, of: &mut [Judged]| -> Result<(), String> {
            let text = decoder.decode(line)?;
            let cells: Vec<&str> = text.split_ascii_whitespace().collect();
            let (query, document, grade) = match cells.as_slice() {
                [query, document] => (query, document, "1"),
                [query, document, grade] | [query, _, document, grade] => (query, document, *grade),
                _ => {
                    let n = cells.len();
                    let s = if n == 1 { "" } else { "s" };
                    return Err(format!(
                        "expected a query, a document and a grade, found {n} column{s}"
                    ));
                }
            };
            let Some(&query_at) = query_of.get(query) else {
                if queries.has_faults {
                    return Ok(());
                }
                let (file, n) = (&queries.file.name, queries.numbers.len());
                return Err(format!(
                    "expected a query of {file}, which has {n}, found {query:?}; `query_numbers` says how queries are \
                     numbered"
                ));
            };
            let Some(&document_at) = document_of.get(document) else {
                if documents.has_faults {
                    return Ok(());
                }
                let (file, n) = (&documents.file.name, documents.numbers.len());
                return Err(format!(
                    "expected a document of {file}, which has {n}, found {document:?}"
                ));
            };
            if let Some(first) = lines_of.insert((query_at, document_at), line.number) {
                return Err(format!(
                    "expected one judgement of document {document} for query {query}, found a second one after that \
                     of line {first}"
                ));
            }
            let relevance = grades.relevance(grade)?;
            let of = &mut of[query_at as usize];
            of.documents.push(document_at);
            of.relevance.push(relevance);
            Ok(())
        };
        for line in lines(&source.bytes).filter(|line| !line.is_blank()) {
            if let Err(what) = judge(&line, &mut judgements.of) {
                let (file, line) = (source.name.clone(), line.number);
                judgements.faults.push(ReadError { file, line, what });
            }
        }
        judgements.replaced = decoder.replaced(&source.name);
        judgements
    }

    /// The judged documents of a query, by its place, and the relevance of each.
    pub(super) fn of(&self, query: usize) -> (Vec<u32>, Vec<String>) {
        let Judged { documents, relevance } = &self.of[query];
        (documents.clone(), relevance.clone())
    }
}

/// What grades stand for.
struct Grades(Option<HashMap<String, f64>>);

impl Grades {
    fn of(values: &Values) -> Self {
        let map = values.table(super::RELEVANCE);
        let entries = |map: Values| {
            map.iter().map(|(grade, _)| (grade.to_owned(), map.number(grade))).collect()
        };
        Self(map.map(entries))
    }

    /// The relevance of a grade, as a number.
    fn relevance(&self, grade: &str) -> Result<String, String> {
        match &self.0 {
            Some(map) => {
                if let Some(relevance) = map.get(grade) {
                    return Ok(relevance.to_string());
                }
                let mut known: Vec<&str> = map.keys().map(String::as_str).collect();
                known.sort_unstable();
                Err(format!(
                    "expected a grade of `relevance` ({}), found {grade:?}",
                    known.join(", ")
                ))
            }
            None => match grade.parse::<f64>() {
                Ok(relevance) if relevance.is_finite() && relevance >= 0.0 => {
                    Ok(relevance.to_string())
                }
                _ => Err(format!(
                    "expected a grade of 0 or more, found {grade:?}; set `relevance` to what each grade stands for"
                )),
            },
        }
    }
}
