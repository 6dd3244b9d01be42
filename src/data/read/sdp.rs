//! SDP: semantic dependency graphs in the format of SemEval-2015 task 18 (Oepen et al. 2015), a word per line with
//! columns separated by single tabs, and an empty line after each sentence.
//!
//! The columns are id, form, lemma, pos, top (`+` or `-`), pred (`+` or `-`), frame, and one for each word of the
//! sentence whose pred is `+`, in their order: so their number changes from sentence to sentence. A cell of such a
//! column is the label of the arc from its predicate to the word of the line. A top is an arc from the root with the
//! label `top`. `_` is no value. The last line `#ID` before the words is the id of a sentence, which has no space; so
//! neither the header `#SDP 2015` nor other comments are one. An id without words is a fault.
//!
//! With several `graphs` each has a file of its own. Sentences are joined by their id, in the order of the first
//! file, which also gives form, lemma, pos and frame; a sentence that another file lacks has no such graph. Line
//! numbers of examples are those of the first file. Input to `predict` is a file of any of the graphs, or its first
//! four columns. Predictions are those of a graph, of the lemma, the pos or the frame. The graph of a faulty sentence
//! is empty.

mod sentence;

use std::collections::{BTreeSet, HashMap};

use super::{
    Axis, Corpus, Example, Field, FieldForm, FieldValues, Format, Labels, Read, ReadError, Schema,
    Source,
    columns::twice,
    encoding::{self, Decoder, Encoding},
    lines::{Line, lines},
};
use crate::{
    data::{
        Lexicon, Prediction,
        prediction::FieldPredictions,
        structure::GraphArc,
        write::{UnwritableError, by_line, only_of, splice},
    },
    keys::{Key, ValueType, Values},
};
use sentence::{Sentence, sentences};

pub(super) struct Sdp;

const GRAPHS: &str = "graphs";

const FORM: &str = "form";

/// The fields with a string per word, and their columns.
const COLUMNS: [(&str, usize); 4] = [(FORM, 1), ("lemma", 2), ("pos", 3), ("frame", 6)];

/// The number of columns before those of the graph.
const N_WORD_COLUMNS: usize = 4;

/// What stands in a column without a value.
const NOTHING: &str = "_";

/// The label of an arc from the root.
const TOP: &str = "top";

const KEYS: &[Key] = &[
    Key::with_default(
        GRAPHS,
        ValueType::Either(&[ValueType::Text, ValueType::List(&ValueType::Text)]),
        "\"graph\"",
        "name of the graph, or of the graph of each file",
    ),
    encoding::KEY,
    encoding::INVALID,
];

impl Format for Sdp {
    fn name(&self) -> &'static str {
        "sdp"
    }

    fn about(&self) -> &'static str {
        "semantic dependency graphs of SDP 2015; of several formalisms, one file for each"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn check(&self, values: &Values) -> Vec<(&'static str, String)> {
        let graphs = values.texts(GRAPHS);
        let mut faults = twice(GRAPHS, "graphs", &graphs);
        let words = COLUMNS.map(|(name, _)| name);
        let taken = graphs.iter().filter(|name| words.contains(name));
        faults.extend(taken.map(|name| {
            let what = format!("expected another name than {}, found {name:?}", words.join(", "));
            (GRAPHS, what)
        }));
        if graphs.is_empty() {
            faults.push((GRAPHS, "expected at least one graph, found none".to_owned()));
        }
        faults
    }

    fn schema(&self, values: &Values) -> Schema {
        let words = COLUMNS.iter().map(|(name, _)| match *name {
            FORM => Field::of_tokens(name),
            _ => Field::of_tokens(name).with_placeholder(NOTHING, true),
        });
        let graph = |name| Field::new(name, Axis::Sequence(0), FieldForm::Arcs);
        Schema::of_tokens(words.chain(values.texts(GRAPHS).into_iter().map(graph)).collect())
    }

    fn aligned(&self, values: &Values) -> Vec<String> {
        let graphs = values.texts(GRAPHS);
        if graphs.len() > 1 { graphs.into_iter().map(str::to_owned).collect() } else { Vec::new() }
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
        let mut files = sources.iter().map(|source| {
            let decoder = Decoder::new(values, &source.bytes);
            let found = sentences(source, &decoder, labels, &mut read.faults);
            read.replaced.extend(decoder.replaced(&source.name));
            found
        });
        let first = files.next().unwrap_or_default();
        let others: Vec<Vec<Sentence>> = files.collect();
        let joined = Joined::new(sources, &first, &others, &mut read.faults);
        for (sentence, graphs) in first.iter().zip(joined.graphs) {
            match graphs {
                Some(graphs) => read.split.examples.push(example(sentence, &graphs, corpus)),
                None => read.n_faulty += 1,
            }
        }
        read.n_faulty += joined.n_unmatched;
        read
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
        let labels = COLUMNS.iter().map(|(name, _)| *name).filter(|name| *name != FORM);
        let fields: Vec<&str> = labels.chain(values.texts(GRAPHS)).collect();
        only_of(self.name(), &fields, field)?;
        let encoding = Encoding::of(values);
        let rows = lines(&source.bytes).filter(is_word);
        if let Some(&(_, column)) = COLUMNS.iter().find(|(name, _)| *name == field.field) {
            let labels = by_line(self.name(), examples, field)?;
            let edits = rows.filter_map(|line| {
                let label = labels.get(&line.number).map_or(NOTHING, String::as_str);
                if let Some(cell) = line.cells().nth(column) {
                    return Some((cell, encoding.encode(label)));
                }
                // Only the columns of a word: the frame is appended, after top and pred.
                let is_bare = line.cells().count() == N_WORD_COLUMNS;
                let new = encoding.encode(&format!("\t-\t-\t{label}"));
                is_bare.then_some((line.end()..line.end(), new))
            });
            return Ok(splice(&source.bytes, edits));
        }
        let mut graphs = HashMap::new();
        for (example, prediction) in examples.iter().zip(field.predictions) {
            let arcs = match prediction {
                Prediction::Arcs(arcs) => arcs.as_slice(),
                Prediction::None => &[],
                other => {
                    return Err(UnwritableError { format: self.name(), what: other.describe() });
                }
            };
            let rows = graph_cells(example.len(), arcs, field.names)
                .ok_or(UnwritableError { format: self.name(), what: "arcs without labels" })?;
            graphs.extend(example.lines().zip(rows));
        }
        let edits = rows.filter_map(|line| {
            let start = line.cells().nth(N_WORD_COLUMNS - 1)?.end;
            let frame = line.cells().nth(6).map_or(NOTHING.as_bytes(), |cell| &source.bytes[cell]);
            let (flags, args) = graphs.remove(&line.number).unwrap_or(("-\t-", String::new()));
            let new = [b"\t", flags.as_bytes(), b"\t", frame, &encoding.encode(&args)].concat();
            Some((start..line.end(), new))
        });
        Ok(splice(&source.bytes, edits))
    }
}

/// The graphs of each sentence of the first file.
struct Joined<'a> {
    /// The arcs of each graph, if there is one; `None` for a sentence with a fault in any file.
    graphs: Vec<Option<Vec<Option<&'a [FoundArc]>>>>,
    /// Sentences of other files that the first lacks.
    n_unmatched: u64,
}

impl<'a> Joined<'a> {
    fn new(
        sources: &[Source],
        first: &'a [Sentence],
        others: &'a [Vec<Sentence>],
        faults: &mut Vec<ReadError>,
    ) -> Self {
        let mut joined: Vec<_> = first
            .iter()
            .map(|sentence| (!sentence.is_faulty).then(|| vec![sentence.graph.as_deref()]))
            .collect();
        let mut n_unmatched = 0;
        if others.is_empty() {
            return Self { graphs: joined, n_unmatched };
        }
        let mut fault = |file: usize, line, what| {
            faults.push(ReadError { file: sources[file].name.clone(), line, what });
        };
        let mut by_id: HashMap<&str, usize> = HashMap::new();
        for (at, sentence) in first.iter().enumerate() {
            let what = match sentence.id.as_deref().map(|id| (id, by_id.get(id))) {
                None => {
                    "expected a line #ID before the sentence, by which files are joined, found none"
                        .into()
                }
                Some((id, Some(&before))) => {
                    let before = first[before].line;
                    format!(
                        "expected each id once, found #{id} again, which is at line {before} too"
                    )
                }
                Some((id, None)) => {
                    by_id.insert(id, at);
                    continue;
                }
            };
            joined[at] = None;
            fault(0, sentence.line, what);
        }
        for (file, sentences) in (1..).zip(others) {
            joined.iter_mut().flatten().for_each(|graphs| graphs.push(None));
            let mut seen = BTreeSet::new();
            for sentence in sentences {
                let at = sentence.id.as_deref().and_then(|id| by_id.get(id)).copied();
                let Some(at) = at.filter(|&at| seen.insert(at)) else {
                    n_unmatched += 1;
                    let id = sentence.id.as_deref().unwrap_or_default();
                    let what = format!(
                        "expected the id of one of the sentences of {}, each once, found #{id}",
                        sources[0].name
                    );
                    fault(file, sentence.line, what);
                    continue;
                };
                if let Some((line, what)) = sentence.difference(&first[at], &sources[0].name)
                    && !sentence.is_faulty
                    && joined[at].is_some()
                {
                    fault(file, line, what);
                    joined[at] = None;
                }
                if sentence.is_faulty {
                    joined[at] = None;
                }
                if let Some(graph) = joined[at].as_mut().and_then(|graphs| graphs.last_mut()) {
                    *graph = sentence.graph.as_deref();
                }
            }
        }
        Self { graphs: joined, n_unmatched }
    }
}

/// The head of an arc (`None` for the root), its dependent and its label.
type FoundArc = (Option<u32>, u32, String);

fn example(sentence: &Sentence, graphs: &[Option<&[FoundArc]>], corpus: &mut Corpus) -> Example {
    let mut fields = Vec::with_capacity(corpus.lexicons.len());
    let (of_words, of_graphs) = corpus.lexicons.split_at_mut(COLUMNS.len());
    for ((name, column), lexicon) in COLUMNS.into_iter().zip(of_words) {
        fields.push(FieldValues::of_positions(sentence.words.iter().map(|word| {
            // A form may be an underscore.
            let cell = word.cells().nth(column)?;
            (name == FORM || cell != NOTHING).then(|| lexicon.intern(cell))
        })));
    }
    for (arcs, lexicon) in graphs.iter().zip(of_graphs) {
        fields.push(arcs.map(|arcs| {
            let arc = |(head, dependent, label): &FoundArc| {
                let label = Some(lexicon.intern(label));
                GraphArc { head: *head, dependent: *dependent, label }
            };
            FieldValues::Arcs(arcs.iter().map(arc).collect())
        }));
    }
    fields.resize(corpus.fields.len(), None);
    Example::of_tokens(sentence.words.iter().map(|word| word.line).collect(), fields)
}

/// The columns top and pred of each word, and those of the predicates with a tab before each; `None` if an arc
/// has no label.
fn graph_cells(
    n_words: usize,
    arcs: &[GraphArc],
    names: &Lexicon,
) -> Option<Vec<(&'static str, String)>> {
    let heads: BTreeSet<u32> = arcs.iter().filter_map(|arc| arc.head).collect();
    let mut labels: HashMap<(Option<u32>, u32), &str> = HashMap::new();
    for arc in arcs {
        let label = match arc.head {
            None => TOP,
            Some(_) => names.get(arc.label?),
        };
        labels.entry((arc.head, arc.dependent)).or_insert(label);
    }
    let row = |word: u32| {
        let flags = match (labels.contains_key(&(None, word)), heads.contains(&word)) {
            (false, false) => "-\t-",
            (false, true) => "-\t+",
            (true, false) => "+\t-",
            (true, true) => "+\t+",
        };
        let label = |head: &u32| labels.get(&(Some(*head), word)).copied().unwrap_or(NOTHING);
        (flags, heads.iter().flat_map(|head| ["\t", label(head)]).collect())
    };
    Some((0..n_words as u32).map(row).collect())
}

/// Whether a line looks like a word's: it starts with a digit.
fn is_word(line: &Line<'_>) -> bool {
    line.bytes.first().is_some_and(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests;
