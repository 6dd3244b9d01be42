//! CoNLL-U, the format of Universal Dependencies: ten columns per word, separated by single tabs.
//!
//! Ranges (`1-2`, the written form of several words) and empty nodes (`8.1`) are not words and are
//! skipped. A line that starts with `#` is a comment: a word whose form is `#` starts with its id.
//! `_` means that a value is not specified, so the word has no label there: it is neither a class nor scored. Three
//! columns differ: a form may be `_`, and then its lemma too, and in a file with features `_` is a word without
//! features. As the input of an encoder `_` is a word.
//!
//! The column DEPS is the enhanced graph of a sentence; arcs from and to empty nodes are left out.
//!
//! A prediction of a column replaces its values; what no column holds is in comments and attributes
//! (`predicted`). The prediction of a faulty sentence is `_`.

mod enhanced;
mod predicted;

use std::{collections::HashMap, ops::Range};

use super::{
    Axis, Corpus, Example, Field, FieldForm, FieldValues, Format, Labels, Read, ReadError, Schema,
    Source,
    encoding::{self, Decoder, Encoding},
    lines::{Line, integer, lines, read_sentences},
};
use crate::{
    data::{
        Prediction,
        prediction::FieldPredictions,
        structure::GraphArc,
        write::{UnwritableError, by_line, splice},
    },
    keys::{Key, Values},
};

/// The columns after the id, in the order of the file.
const FIELDS: [&str; 9] = [FORM, LEMMA, "upos", "xpos", FEATS, HEAD, "deprel", DEPS, "misc"];

/// What stands in a column without a value.
const NOTHING: &str = "_";

/// The column of the word as it is written, the first one after the id.
const FORM: &str = "form";

/// The column of the lemma.
const LEMMA: &str = "lemma";

/// The column of morphological features.
const FEATS: &str = "feats";

/// The column of the enhanced graph.
const DEPS: &str = "deps";

/// The column of the heads, which are numbers: the arc of each word from its head.
const HEAD: &str = "head";

pub(super) struct Conllu;

const KEYS: &[Key] = &[encoding::KEY, encoding::INVALID];

impl Format for Conllu {
    fn name(&self) -> &'static str {
        "conllu"
    }

    fn about(&self) -> &'static str {
        "CoNLL-U, the ten columns of Universal Dependencies"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn schema(&self, _values: &Values) -> Schema {
        let field = |name: &str| match name {
            HEAD | DEPS => Field::new(name, Axis::Sequence(0), FieldForm::Arcs),
            FORM => Field::of_tokens(name),
            _ => Field::of_tokens(name).with_placeholder(NOTHING, true),
        };
        Schema::of_tokens(FIELDS.map(field).into())
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
        let has_feats = has_feats(&source.bytes);
        let read = read_sentences(
            source,
            |line: &Line<'_>| line.is_blank(),
            |sentence, faults| {
                let n_faults = faults.len();
                let mut texts = Vec::with_capacity(sentence.len());
                let mut ids = Ids { next: 1 };
                let mut fault =
                    |line, what| faults.push(ReadError { file: source.name.clone(), line, what });
                for line in sentence.iter().filter(|line| !line.bytes.starts_with(b"#")) {
                    let kept = match decoder.decode(line) {
                        Ok(text) => ids.check(&text).map(|is_word| is_word.then_some(text)),
                        Err(what) => {
                            // The id still counts, or the next line would be reported too.
                            let _ = ids.check(&String::from_utf8_lossy(line.bytes));
                            Err(what)
                        }
                    };
                    match kept {
                        Ok(word) => texts.extend(word.map(|text| (line.number, text))),
                        Err(what) => fault(line.number, what),
                    }
                }
                let words: Vec<(u32, Vec<&str>)> = texts
                    .iter()
                    .map(|(number, text)| (*number, text.split('\t').skip(1).collect()))
                    .collect();
                if faults.len() > n_faults {
                    return None;
                }
                let at = column(HEAD);
                let at = at.filter(|&at| words.iter().any(|(_, cells)| cells[at] != NOTHING));
                let mut wrong = Vec::new();
                let heads = at.map(|at| heads(&words, at, |line, what| wrong.push((line, what))));
                // Input to `predict` may contain values that will be replaced.
                let heads = heads.filter(|_| wrong.is_empty());
                let of_deps = column(DEPS).map_or_else(Vec::new, |at| enhanced::faults(&words, at));
                let found = Found { heads, has_deps: of_deps.is_empty(), has_feats };
                if labels == Labels::Required {
                    let fault = |(line, what)| ReadError { file: source.name.clone(), line, what };
                    faults.extend(wrong.into_iter().chain(of_deps).map(fault));
                }
                (faults.len() == n_faults).then(|| example(&words, &found, corpus))
            },
        );
        Read { replaced: decoder.replaced(&source.name), ..read }
    }

    fn no_prediction(&self) -> &'static str {
        NOTHING
    }

    fn write(
        &self,
        source: &Source,
        values: &Values,
        examples: &[Example],
        field: &FieldPredictions<'_>,
    ) -> Result<Vec<u8>, UnwritableError> {
        let encoding = Encoding::of(values);
        let graph = || enhanced::cells(examples, field).zip(column(DEPS));
        let graph = (field.field == DEPS).then(graph).flatten();
        // By column, in the order of the file.
        let columns: Vec<(usize, HashMap<u32, String>)> = match (arcs(examples, field), field.field)
        {
            _ if graph.is_some() => graph.into_iter().map(|(cells, at)| (at, cells)).collect(),
            (Some((heads, relations)), _) => {
                let columns = column(HEAD).into_iter().zip([heads]);
                columns.chain(column("deprel").into_iter().zip([relations])).collect()
            }
            (None, name) => {
                let labels = by_line(self.name(), examples, field)?;
                let of = predicted::Named::new(name, encoding, &labels);
                if predicted::is_of_sentences(examples, field.predictions) {
                    return Ok(splice(&source.bytes, of.comments(&source.bytes)));
                }
                match column(name).filter(|_| name != FORM) {
                    Some(column) => vec![(column, labels)],
                    None => return Ok(splice(&source.bytes, of.attributes(&source.bytes))),
                }
            }
        };
        let edits = lines(&source.bytes).flat_map(|line| {
            let edit = |(column, labels): &(usize, HashMap<u32, String>)| {
                let label = labels.get(&line.number).map(String::as_str);
                let label = label.or_else(|| is_word(&line).then_some(NOTHING))?;
                Some((cell(&line, *column)?, encoding.encode(label)))
            };
            columns.iter().filter_map(edit).collect::<Vec<_>>()
        });
        Ok(splice(&source.bytes, edits))
    }
}

/// The place of a column in [`FIELDS`].
fn column(name: &str) -> Option<usize> {
    FIELDS.iter().position(|field| *field == name)
}

/// The bytes of a column of [`FIELDS`] in a line that has it.
fn cell(line: &Line<'_>, column: usize) -> Option<Range<usize>> {
    let mut cells = line.bytes.split(|&byte| byte == b'\t');
    let before: usize = cells.by_ref().take(column + 1).map(|cell| cell.len() + 1).sum();
    let start = line.start + before;
    Some(start..start + cells.next()?.len())
}

/// Whether a line looks like a word's: its id is a number.
fn is_word(line: &Line<'_>) -> bool {
    let id = line.bytes.split(|&byte| byte == b'\t').next();
    let id = id.and_then(|id| std::str::from_utf8(id).ok());
    matches!(id.and_then(Id::parse), Some(Id::Word(_)))
}

/// The head and the relation of each word's line, if trees are predicted.
fn arcs(
    examples: &[Example],
    field: &FieldPredictions<'_>,
) -> Option<(HashMap<u32, String>, HashMap<u32, String>)> {
    let is_arcs = |prediction: &Prediction| matches!(prediction, Prediction::Arcs(_));
    if field.field != HEAD && !field.predictions.iter().any(is_arcs) {
        return None;
    }
    let (mut heads, mut relations) = (HashMap::new(), HashMap::new());
    for (example, prediction) in examples.iter().zip(field.predictions) {
        let arcs = match prediction {
            Prediction::Arcs(arcs) => arcs.as_slice(),
            Prediction::None => &[],
            _ => return None,
        };
        for arc in arcs {
            let line = example.line_of(arc.dependent as usize);
            heads.insert(line, arc.head.map_or(0, |head| head + 1).to_string());
            let relation = arc.label.map_or("_", |label| field.names.get(label));
            relations.insert(line, relation.to_owned());
        }
    }
    Some((heads, relations))
}

/// The arc of each word from its head: the column has the head's id, 0 for the root, and `_` for no
/// arc.
fn heads(
    words: &[(u32, Vec<&str>)],
    at: usize,
    mut fault: impl FnMut(u32, String),
) -> Vec<GraphArc> {
    let mut arcs = Vec::with_capacity(words.len());
    for (dependent, (line, cells)) in (0..).zip(words) {
        let head = match cells[at] {
            "_" => continue,
            cell => integer(cell).filter(|head: &u64| *head <= words.len() as u64),
        };
        match head {
            Some(head) => {
                let head = (head as u32).checked_sub(1);
                arcs.push(GraphArc { head, dependent, label: None });
            }
            None => fault(
                *line,
                format!("head {:?}, expected a number from 0 to {}", cells[at], words.len()),
            ),
        }
    }
    arcs
}

/// Whether any word of a file has features. Then `_` is a word without features, a value like any other;
/// otherwise the file does not specify them.
fn has_feats(text: &[u8]) -> bool {
    let column = column(FEATS).map_or(0, |at| at + 1);
    let words = lines(text).filter(|line| line.bytes.first().is_some_and(u8::is_ascii_digit));
    let mut feats = words.filter_map(|line| line.bytes.split(|&byte| byte == b'\t').nth(column));
    feats.any(|cell| cell != NOTHING.as_bytes())
}

/// What a sentence has beside strings.
struct Found {
    heads: Option<Vec<GraphArc>>,
    /// Whether its enhanced graph has no fault.
    has_deps: bool,
    has_feats: bool,
}

fn example(words: &[(u32, Vec<&str>)], found: &Found, corpus: &mut Corpus) -> Example {
    let fields = corpus.lexicons.iter_mut().enumerate().map(|(field, lexicon)| {
        let name = *FIELDS.get(field)?;
        if name == HEAD {
            return found.heads.as_deref().map(|heads| FieldValues::Arcs(heads.into()));
        }
        if name == DEPS {
            let arcs = found.has_deps.then(|| enhanced::arcs(words, field, lexicon)).flatten();
            return arcs.map(|arcs| FieldValues::Arcs(arcs.into()));
        }
        // A form may be an underscore, and then its lemma is one.
        let is_value = |cells: &[&str]| match name {
            FORM => true,
            LEMMA => cells[0] == NOTHING,
            FEATS => found.has_feats,
            _ => false,
        };
        FieldValues::of_positions(words.iter().map(|(_, cells)| {
            let cell = cells[field];
            (cell != NOTHING || is_value(cells)).then(|| lexicon.intern(cell))
        }))
    });
    Example::of_tokens(words.iter().map(|&(number, _)| number).collect(), fields.collect())
}

/// The ids of a sentence, which are 1, 2, 3, …
struct Ids {
    next: u64,
}

impl Ids {
    /// Whether a line is a word's; the error says what is wrong with it.
    fn check(&mut self, text: &str) -> Result<bool, String> {
        let cells: Vec<&str> = text.split('\t').collect();
        let id = cells[0];
        let wanted = self.next;
        let is_word = match Id::parse(id) {
            Some(Id::Word(word)) => {
                // A missing or additional word is a single fault, not one for each following line.
                self.next = word.saturating_add(1);
                if word != wanted {
                    return Err(format!("id {word}, expected {wanted}"));
                }
                true
            }
            Some(Id::Range(first, last)) => {
                if first != wanted || last < first {
                    return Err(format!("range {id}, expected one that starts at {wanted}"));
                }
                false
            }
            Some(Id::Empty) => false,
            None => return Err(format!("id {id:?}, expected {wanted}")),
        };
        if cells.len() != FIELDS.len() + 1 {
            let s = if cells.len() == 1 { "" } else { "s" };
            return Err(format!(
                "{} column{s}, expected 10 (id, {})",
                cells.len(),
                FIELDS.join(", ")
            ));
        }
        match cells.iter().position(|cell| cell.is_empty()) {
            Some(at) => {
                let field = FIELDS[at - 1];
                Err(format!("column {} ({field}) is empty; _ stands for nothing", at + 1))
            }
            None => Ok(is_word),
        }
    }
}

/// The contents of the first column.
enum Id {
    Word(u64),
    Range(u64, u64),
    Empty,
}

impl Id {
    fn parse(id: &str) -> Option<Self> {
        if let Some((first, last)) = id.split_once('-') {
            return Some(Self::Range(integer(first)?, integer(last)?));
        }
        if let Some((word, place)) = id.split_once('.') {
            return integer::<u64>(word).and(integer::<u64>(place)).map(|_| Self::Empty);
        }
        integer(id).map(Self::Word)
    }
}

#[cfg(test)]
mod tests;
