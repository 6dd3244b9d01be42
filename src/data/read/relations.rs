//! Relations: entities and the relations between them, in the format in which CoNLL04 (Roth and Yih 2004) is
//! distributed by Bekoulis et al. (2018).
//!
//! A sentence starts at a line `#doc ID`; no empty line ends it. The columns, separated by single tabs, are the index
//! of the token from 0, the token, its entity tag (IOB2), and two lists in the notation of Python and of equal length:
//! relations, and the token that each points to. A relation is noted at the last token of its first entity, with the
//! index of the last token of its second; `['N']` with the own index stands for none.
//!
//! The entities are read from the tags as conlleval reads them: an `I-` after another tag starts one. The arguments of
//! a relation have no labels; the type of an entity is in `entities`. Input to `predict` may have the first two
//! columns only, and then the tags of predicted relations mark their arguments. Predictions are those of `entity`,
//! `entities` and `relations`, classes only if they are tags. The prediction of a faulty sentence is `O`, and `['N']`
//! for relations.

mod rows;

use std::collections::HashMap;

use super::{
    Axis, Corpus, Example, Field, FieldForm, FieldValues, Format, Labels, Read, ReadError, Schema,
    Source,
    encoding::{self, Decoder, Encoding},
    iob::{self, OUTSIDE, TaggedSpan},
    lines::{Line, lines, read_sentences},
};
use crate::{
    data::{
        Prediction,
        prediction::FieldPredictions,
        structure::{SpanRelation, TokenSpan},
        write::{UnwritableError, by_line, only_of, splice, tags},
    },
    keys::{Key, Values},
};
use rows::{Row, pairs};

pub(super) struct Relations;

const DOC: &[u8] = b"#doc";

/// The fields: the token, its tag, the entities of the tags, and the relations.
const FIELDS: [&str; 4] = ["form", "entity", "entities", "relations"];

const KEYS: &[Key] = &[encoding::KEY, encoding::INVALID];

/// The tag of a token, and its relations with the tokens that they point to.
type Noted<'a> = (String, Vec<(&'a str, u32)>);

impl Format for Relations {
    fn name(&self) -> &'static str {
        "relations"
    }

    fn about(&self) -> &'static str {
        "entities and their relations, in the #doc format of CoNLL04"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn schema(&self, _values: &Values) -> Schema {
        let [form, entity, entities, relations] = FIELDS;
        Schema::of_tokens(vec![
            Field::of_tokens(form),
            Field::of_tokens(entity),
            Field::new(entities, Axis::Sequence(0), FieldForm::Spans),
            Field::new(relations, Axis::Sequence(0), FieldForm::Relations),
        ])
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
        let is_break = |line: &Line<'_>| line.is_blank() || line.bytes.starts_with(DOC);
        let read = read_sentences(source, is_break, |sentence, faults| {
            let n_faults = faults.len();
            let mut fault =
                |line, what| faults.push(ReadError { file: source.name.clone(), line, what });
            let mut rows = Vec::with_capacity(sentence.len());
            for (at, line) in (0..).zip(sentence) {
                let row = decoder.decode(line);
                match row.and_then(|text| Row::new(line.number, &text, at, sentence.len(), labels))
                {
                    Ok(row) => rows.push(row),
                    Err(what) => fault(line.number, what),
                }
            }
            if rows.len() < sentence.len() {
                return None;
            }
            let tags = rows.iter().map(|row| row.tag.as_deref().unwrap_or(OUTSIDE));
            let spans = iob::spans(tags);
            let pairs = match (pairs(&rows, &spans), labels) {
                (Err((line, what)), Labels::Required) => {
                    fault(line, what);
                    None
                }
                // Input to `predict` may contain relations that will be replaced.
                (pairs, _) => pairs.ok(),
            };
            (faults.len() == n_faults).then(|| example(&rows, &spans, pairs, corpus))
        });
        Read { replaced: decoder.replaced(&source.name), ..read }
    }

    fn no_prediction(&self) -> &'static str {
        OUTSIDE
    }

    fn write(
        &self,
        source: &Source,
        values: &Values,
        examples: &[Example],
        field: &FieldPredictions<'_>,
    ) -> Result<Vec<u8>, UnwritableError> {
        let [_, labels @ ..] = FIELDS;
        only_of(self.name(), &labels, field)?;
        let encoding = Encoding::of(values);
        if field.field != FIELDS[3] {
            let labels = by_line(self.name(), examples, field)?;
            if labels.values().any(|label| iob::parts(label).is_none()) {
                return Err(UnwritableError { format: self.name(), what: iob::NO_TAGS });
            }
            let edits = words(&source.bytes).map(|line| {
                let label = labels.get(&line.number).map_or(OUTSIDE, String::as_str);
                match line.cells().nth(2) {
                    Some(cell) => (cell, encoding.encode(label)),
                    None => (line.end()..line.end(), encoding.encode(&format!("\t{label}"))),
                }
            });
            return Ok(splice(&source.bytes, edits));
        }
        // By line: the tag of an argument, the relations and the tokens that they point to.
        let mut noted: HashMap<u32, Noted<'_>> = HashMap::new();
        for (example, prediction) in examples.iter().zip(field.predictions) {
            let relations = match prediction {
                Prediction::Relations(relations) => relations.as_slice(),
                Prediction::None => &[],
                other => {
                    return Err(UnwritableError { format: self.name(), what: other.describe() });
                }
            };
            let arguments: Vec<TokenSpan> =
                relations.iter().flat_map(|one| [one.from, one.to]).collect();
            let tags = tags(&arguments, field.names, example.len());
            let rows = example.lines().zip(tags.into_iter().map(|tag| (tag, Vec::new())));
            noted.extend(rows);
            for SpanRelation { from, to, label } in relations {
                let line = example.line_of(from.end as usize - 1);
                let relation = (field.names.get(*label), to.end - 1);
                noted.entry(line).or_default().1.push(relation);
            }
        }
        let none = (OUTSIDE.to_owned(), Vec::new());
        let edits = words(&source.bytes).map(|line| {
            let (tag, relations) = noted.get(&line.number).unwrap_or(&none);
            let index = line.cells().next().map_or(&[][..], |cell| &source.bytes[cell]);
            let lists = rows::lists(relations, &String::from_utf8_lossy(index));
            let (start, tag) = match line.cells().nth(2) {
                Some(cell) => (cell.end, String::new()),
                None => (line.end(), format!("\t{tag}")),
            };
            (start..line.end(), encoding.encode(&format!("{tag}\t{lists}")))
        });
        Ok(splice(&source.bytes, edits))
    }
}

fn example(
    rows: &[Row],
    spans: &[TaggedSpan<'_>],
    pairs: Option<Vec<(usize, usize, &str)>>,
    corpus: &mut Corpus,
) -> Example {
    let [forms, tags, entities, relations, ..] = corpus.lexicons.as_mut_slice() else {
        unreachable!("the corpus has the fields of the format");
    };
    let symbols = rows.iter().map(|row| forms.intern(&row.form)).collect();
    let mut fields = vec![Some(FieldValues::Symbols(symbols))];
    let is_tagged = rows.iter().all(|row| row.tag.is_some());
    fields.push(FieldValues::of_positions(
        rows.iter().map(|row| row.tag.as_ref().filter(|_| is_tagged).map(|tag| tags.intern(tag))),
    ));
    let all = spans.iter().map(|&(start, end, label)| {
        let label = label.map(|label| entities.intern(label));
        TokenSpan { start, end, label }
    });
    fields.push(is_tagged.then(|| FieldValues::Spans(all.collect())));
    fields.push(pairs.filter(|_| is_tagged).map(|pairs| {
        let argument = |at: usize| TokenSpan { start: spans[at].0, end: spans[at].1, label: None };
        let all = pairs.into_iter().map(|(from, to, label)| SpanRelation {
            from: argument(from),
            to: argument(to),
            label: relations.intern(label),
        });
        FieldValues::Relations(all.collect())
    }));
    fields.resize(corpus.fields.len(), None);
    Example::of_tokens(rows.iter().map(|row| row.line).collect(), fields)
}

/// The lines that look like those of tokens: an index and a token at least.
fn words(bytes: &[u8]) -> impl Iterator<Item = Line<'_>> {
    let is_word = |line: &Line<'_>| {
        line.bytes.first().is_some_and(u8::is_ascii_digit) && line.cells().count() > 1
    };
    lines(bytes).filter(is_word)
}

#[cfg(test)]
mod tests;
