//! The sentences of one file: their words, and the graph that the columns after them encode.

use super::{
    super::{
        Labels, ReadError, Source,
        encoding::Decoder,
        lines::{Line, integer, lines},
    },
    FoundArc, N_WORD_COLUMNS, NOTHING, TOP,
};

/// The columns before those of the predicates.
const N_COLUMNS: usize = 7;

/// A sentence of one file.
#[derive(Default)]
pub(super) struct Sentence {
    /// The id, without `#`.
    pub(super) id: Option<String>,
    /// The line of its id, or its first one.
    pub(super) line: u32,
    pub(super) words: Vec<Word>,
    /// The arcs, unless it has none of the columns of a graph.
    pub(super) graph: Option<Vec<FoundArc>>,
    /// Whether a fault of it has been reported.
    pub(super) is_faulty: bool,
}

/// A word.
pub(super) struct Word {
    pub(super) line: u32,
    text: String,
}

impl Word {
    /// Its columns, the id first.
    pub(super) fn cells(&self) -> std::str::Split<'_, char> {
        self.text.split('\t')
    }
}

impl Sentence {
    /// The first difference of the words from those of the same sentence in another file, with its line.
    pub(super) fn difference(&self, other: &Self, file: &str) -> Option<(u32, String)> {
        let form = |word: &Word| word.cells().nth(1).unwrap_or_default().to_owned();
        for (at, (word, wanted)) in (1..).zip(self.words.iter().zip(&other.words)) {
            if form(word) != form(wanted) {
                let (found, line) = (form(word), wanted.line);
                let what = format!(
                    "word {at} is {found:?}, expected {:?}, as in {file}:{line}",
                    form(wanted)
                );
                return Some((word.line, what));
            }
        }
        let (n, wanted) = (self.words.len(), other.words.len());
        let what = || format!("{n} words, expected {wanted}, as in {file}:{}", other.line);
        (n != wanted).then(|| (self.line, what()))
    }
}

/// The sentences of a file; the faults are added, in the order of the file.
pub(super) fn sentences(
    source: &Source,
    decoder: &Decoder,
    labels: Labels,
    faults: &mut Vec<ReadError>,
) -> Vec<Sentence> {
    let mut all = Vec::new();
    let mut block: Vec<Line<'_>> = Vec::new();
    let mut end = |block: &mut Vec<Line<'_>>| {
        let mut wrong = Vec::new();
        let sentence = sentence(block, decoder, labels, &mut wrong);
        block.clear();
        wrong.sort_by_key(|(line, _)| *line);
        let is_faulty = !wrong.is_empty();
        let fault = |(line, what)| ReadError { file: source.name.clone(), line, what };
        faults.extend(wrong.into_iter().map(fault));
        if is_faulty || !sentence.words.is_empty() {
            all.push(Sentence { is_faulty, ..sentence });
        }
    };
    for line in lines(&source.bytes) {
        if line.is_blank() {
            end(&mut block);
        } else {
            block.push(line);
        }
    }
    end(&mut block);
    all
}

fn sentence(
    block: &[Line<'_>],
    decoder: &Decoder,
    labels: Labels,
    wrong: &mut Vec<(u32, String)>,
) -> Sentence {
    let mut sentence =
        Sentence { line: block.first().map_or(1, |line| line.number), ..Sentence::default() };
    let mut next = 1;
    for line in block {
        let text = match decoder.decode(line) {
            Ok(text) => text,
            Err(what) => {
                wrong.push((line.number, what));
                // The id still counts, or the next line would be reported too.
                next += 1;
                continue;
            }
        };
        if let Some(id) = text.strip_prefix('#').map(str::trim_ascii_end) {
            // The header of a file has a space, as other comments have.
            let is_id = !id.is_empty() && !id.contains(char::is_whitespace);
            if is_id && sentence.words.is_empty() {
                sentence.id = Some(id.to_owned());
                sentence.line = line.number;
            }
            continue;
        }
        let id = text.split('\t').next().unwrap_or_default();
        let found: Option<u64> = integer(id);
        if found != Some(next) {
            wrong.push((line.number, format!("id {id:?}, expected {next}")));
        } else if text.split('\t').any(str::is_empty) {
            let at = 1 + text.split('\t').take_while(|cell| !cell.is_empty()).count();
            wrong.push((line.number, format!("column {at} is empty; _ stands for nothing")));
        }
        // A missing or additional word is a single fault, not one for each following line.
        next = found.unwrap_or(next).saturating_add(1);
        sentence.words.push(Word { line: line.number, text: text.into_owned() });
    }
    if let Some(id) = sentence.id.as_ref().filter(|_| wrong.is_empty() && sentence.words.is_empty())
    {
        wrong.push((sentence.line, format!("expected words after #{id}, found none")));
    }
    if wrong.is_empty() {
        let mut of_graph = Vec::new();
        let graph = graph(&sentence.words, labels, &mut of_graph);
        match labels {
            Labels::Required => wrong.append(&mut of_graph),
            // Input to `predict` may contain a graph that will be replaced; the words must be there.
            Labels::Absent => {
                let short = |word: &&Word| word.cells().count() < N_WORD_COLUMNS;
                let short = sentence.words.iter().filter(short);
                wrong.extend(short.map(|word| {
                    (
                        word.line,
                        format!("{}, expected at least 4 (id, form, lemma, pos)", n_columns(word)),
                    )
                }));
            }
        }
        sentence.graph = graph.filter(|_| of_graph.is_empty());
    }
    sentence
}

/// The arcs of a sentence; `None` if only the columns of the words are there, where that is allowed.
fn graph(words: &[Word], labels: Labels, wrong: &mut Vec<(u32, String)>) -> Option<Vec<FoundArc>> {
    let is_bare = words.iter().all(|word| word.cells().count() == N_WORD_COLUMNS);
    if is_bare && labels == Labels::Absent {
        return None;
    }
    let is_pred = |word: &&Word| word.cells().nth(5) == Some("+");
    let preds: Vec<u32> =
        (0..).zip(words).filter(|(_, word)| is_pred(word)).map(|(at, _): (u32, _)| at).collect();
    let mut arcs = Vec::new();
    for (dependent, word) in (0..).zip(words) {
        let cells: Vec<&str> = word.cells().collect();
        let wanted = N_COLUMNS + preds.len();
        if cells.len() != wanted {
            let s = if preds.len() == 1 { "" } else { "s" };
            let what = format!(
                "{}, expected {wanted}: id, form, lemma, pos, top, pred, frame, and one for each of {} predicate{s}",
                n_columns(word),
                preds.len()
            );
            wrong.push((word.line, what));
            continue;
        }
        for (cell, name) in cells[4..6].iter().zip(["top", "pred"]) {
            if !["+", "-"].contains(cell) {
                wrong.push((
                    word.line,
                    format!("column {name} is {cell:?}, expected \"+\" or \"-\""),
                ));
            }
        }
        if cells[4] == "+" {
            arcs.push((None, dependent, TOP.to_owned()));
        }
        for (&head, label) in preds.iter().zip(&cells[N_COLUMNS..]) {
            if *label == NOTHING {
                continue;
            }
            if head == dependent {
                let what = format!(
                    "an arc {label:?} from the word to itself, expected one to another word"
                );
                wrong.push((word.line, what));
            }
            arcs.push((Some(head), dependent, (*label).to_owned()));
        }
    }
    Some(arcs)
}

/// The number of columns, for messages.
fn n_columns(word: &Word) -> String {
    match word.cells().count() {
        1 => "1 column".to_owned(),
        n => format!("{n} columns"),
    }
}
