//! brat: texts with standoff annotation (Stenetorp et al. 2012), as in ScienceIE: of each document a file of the text
//! and one of its annotations. Two patterns name them (`train = ["train/*.txt", "train/*.ann"]`); files of the same
//! name, but for the ending, belong together.
//!
//! Read are text-bound annotations (`T1 TAB Type start end TAB text`), relations (`R1 TAB Type Arg1:T1 Arg2:T2`) and
//! equivalences (`* TAB Type T1 T2 …`, which become relations from the first to each other); attributes, events,
//! normalizations and notes (`A`, `M`, `E`, `N`, `#`) are not. Offsets count Unicode characters, and the text between
//! them must be the one that is given. A span has the tokens that it touches; of a discontinuous one (`0 3;8 12`) those
//! from its start to its end. `entity` has the tags of the spans in IOB2, of overlapping ones those of the longest.
//!
//! Predictions of `entity`, `entities` or `relations` are the annotations of one document, with the offsets of whole
//! tokens; classes must be tags. The arguments of predicted
//! relations that have no type of their own are of the type `Entity`. There is no prediction for a faulty document.

mod annotations;

use std::{collections::BTreeMap, fmt::Write as _};

use super::{
    Axis, Corpus, Example, Field, FieldForm, FieldValues, Format, FoundLabels, KnownLabels, Labels,
    Positions, Read, ReadError, Schema, Source,
    encoding::{self, Decoder, Encoding},
    iob,
    lines::lines,
    tokens::{self, Tokens},
};
use crate::{
    data::{
        Lexicon, Prediction,
        prediction::FieldPredictions,
        structure::{SpanRelation, TokenSpan},
        write::{UnwritableError, named, only_of},
    },
    keys::{Key, ValueType, Values},
};
use annotations::Annotations;

pub(super) struct Brat;

/// The fields of annotations: the tag of each token, the entities, and their relations.
const LABELS: [&str; 3] = ["entity", "entities", "relations"];

const EQUIVALENCES: &str = "equivalences";

/// The type of a span without one.
const UNTYPED: &str = "Entity";

const KEYS: &[Key] = &[
    Key::with_default(
        EQUIVALENCES,
        ValueType::List(&ValueType::Text),
        "[\"Equiv\", \"Synonym-of\"]",
        "relations without a direction, which predictions have as lines that start with *",
    ),
    tokens::RAW_KEY,
    encoding::KEY,
    encoding::INVALID,
];

impl Format for Brat {
    fn name(&self) -> &'static str {
        "brat"
    }

    fn about(&self) -> &'static str {
        "texts with entities and relations in files of their own: brat's standoff annotation"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn schema(&self, _values: &Values) -> Schema {
        let [entity, entities, relations] = LABELS;
        Schema::of_tokens(vec![
            Field::of_tokens("form"),
            Field::of_tokens(entity),
            Field::new(entities, Axis::Sequence(0), FieldForm::Spans),
            Field::new(relations, Axis::Sequence(0), FieldForm::Relations),
        ])
    }

    fn aligned(&self, _values: &Values) -> Vec<String> {
        ["text", "annotations"].map(str::to_owned).into()
    }

    fn read(&self, sources: &[Source], values: &Values, _: Labels, corpus: &mut Corpus) -> Read {
        let mut read = Read::default();
        read.split.file = sources[0].name.clone();
        let mut texts = Vec::with_capacity(sources.len());
        for source in sources {
            let decoder = Decoder::new(values, &source.bytes);
            texts.push(whole(source, &decoder, &mut read.faults));
            read.replaced.extend(decoder.replaced(&source.name));
        }
        let text = &texts[0];
        let split = Tokens::of(values).split(text);
        let bytes = tokens::bytes(text, &split);
        let breaks: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
        let line =
            |&(start, _): &(u32, u32)| 1 + breaks.partition_point(|&at| at < start as usize) as u32;
        let positions = Positions::on_lines(bytes.iter().map(line).collect()).at_bytes(Some(bytes));
        if split.is_empty() && read.faults.is_empty() {
            let what = "the file has no text; expected at least one token".to_owned();
            read.faults.push(ReadError { file: sources[0].name.clone(), line: 1, what });
        }
        let n_faults = read.faults.len();
        let annotations = sources.get(1).zip(texts.get(1)).map(|(source, of)| {
            let fault = |line, what| {
                read.faults.push(ReadError { file: source.name.clone(), line, what });
            };
            Annotations::new(of, text, &positions, fault)
        });
        read.faults[n_faults..].sort_by_key(|fault| fault.line);
        if read.faults.is_empty() {
            read.split.examples.push(example(&split, positions, annotations, corpus));
        } else {
            read.n_faulty = 1;
        }
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
        examples: &[Example],
        field: &FieldPredictions<'_>,
    ) -> Result<Vec<u8>, UnwritableError> {
        only_of(self.name(), &LABELS, field)?;
        let text = whole(source, &Decoder::new(values, &source.bytes), &mut Vec::new());
        let Some((example, prediction)) = examples.first().zip(field.predictions.first()) else {
            return Ok(Vec::new());
        };
        let Some(positions) = &example.sequences[0] else { return Ok(Vec::new()) };
        let equivalences = values.texts(EQUIVALENCES);
        let (ids, written) = (BTreeMap::new(), String::new());
        let characters = text.char_indices().map(|(at, _)| at).collect();
        let mut lines = Lines { text: &text, characters, positions, ids, n_spans: 0, written };
        match prediction {
            Prediction::Spans(spans) => {
                for span in spans {
                    lines.span(span, span.label.map(|label| field.names.get(label)));
                }
            }
            Prediction::Classes(classes) if classes.len() == positions.len() => {
                let tags = named(classes, field.names);
                if tags.iter().any(|tag| iob::parts(tag).is_none()) {
                    return Err(UnwritableError { format: self.name(), what: iob::NO_TAGS });
                }
                for (start, end, kind) in iob::spans(tags.iter().map(String::as_str)) {
                    lines.span(&TokenSpan { start, end, label: None }, kind);
                }
            }
            Prediction::Relations(relations) => {
                lines.relations(relations, field.names, &equivalences);
            }
            Prediction::None => {}
            other => return Err(UnwritableError { format: self.name(), what: other.describe() }),
        }
        Ok(Encoding::of(values).encode(&lines.written))
    }
}

/// The text of a file with its line endings; the lines that cannot be decoded are faults.
fn whole(source: &Source, decoder: &Decoder, faults: &mut Vec<ReadError>) -> String {
    let mut text = String::with_capacity(source.bytes.len());
    let mut done = None;
    for line in lines(&source.bytes) {
        // Line endings are ASCII in every encoding.
        let ending = done.map_or(&[][..], |done| &source.bytes[done..line.start]);
        text.push_str(&String::from_utf8_lossy(ending));
        match decoder.decode(&line) {
            Ok(decoded) => text.push_str(&decoded),
            Err(what) => {
                text.push_str(&decoder.decode_lossily(&line));
                faults.push(ReadError { file: source.name.clone(), line: line.number, what });
            }
        }
        done = Some(line.end());
    }
    let ending = done.map_or(&[][..], |done| &source.bytes[done..]);
    text + &String::from_utf8_lossy(ending)
}

fn example(
    split: &[&str],
    positions: Positions,
    annotations: Option<Annotations<'_>>,
    corpus: &mut Corpus,
) -> Example {
    let [forms, tags, entities, relations, ..] = corpus.lexicons.as_mut_slice() else {
        unreachable!("the corpus has the fields of the format");
    };
    let symbols = split.iter().map(|token| forms.intern(token)).collect();
    let mut fields = vec![Some(FieldValues::Symbols(symbols))];
    if let Some(Annotations { spans, pairs }) = annotations {
        let tagged = iob::tags(&spans, split.len());
        fields
            .push(Some(FieldValues::Symbols(tagged.iter().map(|tag| tags.intern(tag)).collect())));
        let all = spans.iter().map(|&(start, end, kind)| TokenSpan {
            start,
            end,
            label: kind.map(|kind| entities.intern(kind)),
        });
        fields.push(Some(FieldValues::Spans(all.collect())));
        let argument = |at: usize| TokenSpan { start: spans[at].0, end: spans[at].1, label: None };
        let all = pairs.into_iter().map(|(from, to, label)| SpanRelation {
            from: argument(from),
            to: argument(to),
            label: relations.intern(label),
        });
        fields.push(Some(FieldValues::Relations(all.collect())));
    }
    fields.resize(corpus.fields.len(), None);
    let line = positions.line(0);
    Example { line, file: None, sequences: vec![Some(positions)], fields }
}

/// The annotations of a document, as they are written.
struct Lines<'t> {
    text: &'t str,
    /// The first byte of each character.
    characters: Vec<usize>,
    positions: &'t Positions,
    /// The ids of the arguments of relations.
    ids: BTreeMap<TokenSpan, usize>,
    n_spans: usize,
    written: String,
}

impl Lines<'_> {
    /// Adds the line of a span, and returns its number; a span that the text does not have is left out.
    fn span(&mut self, span: &TokenSpan, kind: Option<&str>) -> Option<usize> {
        let last = span.end.checked_sub(1).filter(|last| *last >= span.start)? as usize;
        if last >= self.positions.len() {
            return None;
        }
        let start = self.positions.bytes(span.start as usize)?.start;
        let end = self.positions.bytes(last)?.end;
        self.n_spans += 1;
        let n = self.n_spans;
        self.ids.insert(*span, n);
        let characters = |end: usize| self.characters.partition_point(|&at| at < end);
        let surface = self.text[start..end].replace(['\r', '\n'], " ");
        let (first, after) = (characters(start), characters(end));
        let kind = kind.unwrap_or(UNTYPED);
        // Writing to a string cannot fail.
        let _ = writeln!(self.written, "T{n}\t{kind} {first} {after}\t{surface}");
        Some(n)
    }

    /// Adds the lines of relations after those of their arguments. Equivalences that share an argument are one line.
    fn relations(&mut self, relations: &[SpanRelation], names: &Lexicon, equivalences: &[&str]) {
        let mut found = Vec::with_capacity(relations.len());
        for relation in relations {
            let mut id = |span: &TokenSpan| match self.ids.get(span) {
                Some(&id) => Some(id),
                None => self.span(span, span.label.map(|label| names.get(label))),
            };
            if let Some((from, to)) = id(&relation.from).zip(id(&relation.to)) {
                found.push((from, to, names.get(relation.label)));
            }
        }
        let mut classes: Vec<(&str, Vec<usize>)> = Vec::new();
        let mut n = 0;
        for (from, to, label) in found {
            if !equivalences.contains(&label) {
                n += 1;
                let _ = writeln!(self.written, "R{n}\t{label} Arg1:T{from} Arg2:T{to}\t");
                continue;
            }
            let has = |(of, ids): &&mut (&str, Vec<usize>)| {
                *of == label && (ids.contains(&from) || ids.contains(&to))
            };
            let Some((_, ids)) = classes.iter_mut().find(has) else {
                classes.push((label, vec![from, to]));
                continue;
            };
            for id in [from, to] {
                if !ids.contains(&id) {
                    ids.push(id);
                }
            }
        }
        for (label, ids) in classes {
            let ids: Vec<String> = ids.iter().map(|id| format!("T{id}")).collect();
            let _ = writeln!(self.written, "*\t{label} {}", ids.join(" "));
        }
    }
}

#[cfg(test)]
mod tests;
