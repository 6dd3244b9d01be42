//! SemEval: two marked entities and their relation, in the format of SemEval-2010 task 8 (Hendrickx et al. 2010).
//!
//! An example is a line with its number, a tab and the text in double quotes, in which `<e1>…</e1>` and `<e2>…</e2>`
//! mark the entities; a line with the relation, directed as it is written (`Cause-Effect(e2,e1)`); and optionally a
//! line that starts with `Comment`. Empty lines separate examples, except where there is only the line of the text.
//!
//! The markers are not part of the text: byte offsets of tokens are those in the text without them. A token never
//! crosses a marker, so that an entity consists of whole tokens also where only a part of a word is marked. The fields
//! `distance_1` and `distance_2` are the signed distances of each token from an entity, for an encoder to read (Zeng
//! et al. 2014): 0 inside, -1 for the token before it, 1 for the one after it.
//!
//! The prediction replaces the line of the relation, or is inserted where there is none; that of a faulty example is
//! `_`. The official scorer reads a line with the number and the relation for each example: the first
//! field of the line of the text, a tab, and the line after it.

use std::collections::HashMap;

use super::{
    Axis, Corpus, Example, Field, FieldForm, FieldValues, Format, FoundLabels, KnownLabels, Labels,
    Positions, Read, ReadError, Schema, Source,
    encoding::{self, Decoder, Encoding},
    lines::{Line, lines},
    tokens::{self, Tokens},
};
use crate::{
    data::{
        prediction::FieldPredictions,
        structure::TokenSpan,
        write::{UnwritableError, only_class, only_of, splice},
    },
    keys::{Key, ValueType, Values},
};

pub(super) struct Semeval;

const FORM: &str = "form";

const MAX_DISTANCE: &str = "max_distance";

/// The labels of the two entities, which are the names of their markers.
const ENTITIES: [&str; 2] = ["e1", "e2"];

const RELATION: &str = "relation";

const KEYS: &[Key] = &[
    Key::with_default(
        MAX_DISTANCE,
        ValueType::Count(1),
        "30",
        "largest distance of a token from an entity; longer ones are clipped to it",
    ),
    tokens::RAW_KEY,
    encoding::KEY,
    encoding::INVALID,
];

impl Format for Semeval {
    fn name(&self) -> &'static str {
        "semeval"
    }

    fn about(&self) -> &'static str {
        "texts with two marked entities and their relation, as in SemEval-2010 task 8"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn schema(&self, _values: &Values) -> Schema {
        Schema::of_tokens(vec![
            Field::of_tokens(FORM),
            Field::of_tokens("distance_1"),
            Field::of_tokens("distance_2"),
            Field::new("entities", Axis::Sequence(0), FieldForm::Spans),
            Field::of_examples(RELATION),
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
        let mut read = Read::default();
        read.split.file = source.name.clone();
        for block in blocks(&source.bytes) {
            match block.example(values, &decoder, labels, corpus) {
                Ok(example) => read.split.examples.push(example),
                Err((line, what)) => {
                    read.faults.push(ReadError { file: source.name.clone(), line, what });
                }
            }
        }
        read.n_faulty = read.faults.len() as u64;
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
        let mut blocks = blocks(&sources[0].bytes).into_iter().filter(|block| block.is_text);
        let is_labelled = blocks.all(|block| block.relation.is_some());
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
        only_of(self.name(), &[RELATION], field)?;
        let mut relations = HashMap::new();
        for (example, prediction) in examples.iter().zip(field.predictions) {
            let relation = only_class(self.name(), prediction, field.names)?;
            relations.extend(relation.map(|relation| (example.line, relation)));
        }
        let encoding = Encoding::of(values);
        let edits = blocks(&source.bytes).into_iter().filter(|block| block.is_text).map(|block| {
            let name = relations.get(&block.text.number).copied();
            let name = encoding.encode(name.unwrap_or(self.no_prediction()));
            if let Some(line) = block.relation {
                return (line.start..line.end(), name);
            }
            // After the text, with the same line ending.
            let end = block.text.end();
            let ending = source.bytes[end..].split_inclusive(|&byte| byte == b'\n').next();
            let ending = ending.filter(|ending| ending.ends_with(b"\n")).unwrap_or(b"\n");
            (end..end, [ending, &name].concat())
        });
        Ok(splice(&source.bytes, edits))
    }
}

/// The lines of an example; or a line that belongs to none.
struct Block<'a> {
    text: Line<'a>,
    relation: Option<Line<'a>>,
    /// Whether the first line starts with a number and a tab.
    is_text: bool,
}

fn blocks(bytes: &[u8]) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut is_open = false;
    for line in lines(bytes) {
        if line.is_blank() {
            is_open = false;
            continue;
        }
        let digits = line.bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let is_text = digits > 0 && line.bytes.get(digits) == Some(&b'\t');
        if !is_text && is_open {
            if line.bytes.starts_with(b"Comment") {
                continue;
            }
            if let Some(block) = blocks.last_mut().filter(|block| block.relation.is_none()) {
                block.relation = Some(line);
                continue;
            }
        }
        is_open = is_text;
        blocks.push(Block { text: line, relation: None, is_text });
    }
    blocks
}

impl Block<'_> {
    /// The example, or a line and what is wrong with it.
    fn example(
        &self,
        values: &Values,
        decoder: &Decoder,
        labels: Labels,
        corpus: &mut Corpus,
    ) -> Result<Example, (u32, String)> {
        let line = self.text.number;
        let text = decoder.decode(&self.text).map_err(|what| (line, what))?;
        let quoted =
            text.split_once('\t').filter(|_| self.is_text).map(|(_, quoted)| quoted.trim_ascii());
        let quoted = quoted.and_then(|quoted| quoted.strip_prefix('"')?.strip_suffix('"'));
        let quoted = quoted.ok_or_else(|| {
            (
                line,
                "expected a number, a tab and a text in double quotes, found another line"
                    .to_owned(),
            )
        })?;
        let marked = Marked::new(quoted, Tokens::of(values)).map_err(|what| (line, what))?;
        let relation = match &self.relation {
            Some(of) => Some(decoder.decode(of).map_err(|what| (of.number, what))?),
            None if labels == Labels::Required => {
                let what = "expected a line with the relation after the text, found none";
                return Err((line, what.to_owned()));
            }
            None => None,
        };
        let positions = Positions::on_line(line, marked.tokens.len()).at_bytes(Some(marked.bytes));
        let most = values.count(MAX_DISTANCE) as i64;
        let [words, distances_1, distances_2, entities, relations, ..] =
            corpus.lexicons.as_mut_slice()
        else {
            unreachable!("the corpus has the fields of the format");
        };
        let mut fields = Vec::with_capacity(corpus.fields.len());
        let symbols = marked.tokens.iter().map(|token| words.intern(token)).collect();
        fields.push(Some(FieldValues::Symbols(symbols)));
        for (lexicon, (start, end)) in [distances_1, distances_2].into_iter().zip(marked.entities) {
            let distance = |at: i64| match at {
                at if at < i64::from(start) => at - i64::from(start),
                at => (at + 1 - i64::from(end)).max(0),
            };
            let symbols = (0..marked.tokens.len() as i64)
                .map(|at| lexicon.intern(&distance(at).clamp(-most, most).to_string()))
                .collect();
            fields.push(Some(FieldValues::Symbols(symbols)));
        }
        let spans = ENTITIES.iter().zip(marked.entities).map(|(name, (start, end))| {
            let label = Some(entities.intern(name));
            TokenSpan { start, end, label }
        });
        fields.push(Some(FieldValues::Spans(spans.collect())));
        fields.push(relation.map(|name| FieldValues::Label(relations.intern(name.trim_ascii()))));
        fields.resize(corpus.fields.len(), None);
        Ok(Example { line, file: None, sequences: vec![Some(positions)], fields })
    }
}

/// The tokens of a text without its markers.
struct Marked<'t> {
    tokens: Vec<&'t str>,
    /// The byte offsets of each token in the text without the markers.
    bytes: Vec<(u32, u32)>,
    /// The start and the exclusive end of each entity, in tokens.
    entities: [(u32, u32); 2],
}

impl<'t> Marked<'t> {
    fn new(text: &'t str, cut: Tokens) -> Result<Self, String> {
        let mut marked = Self { tokens: Vec::new(), bytes: Vec::new(), entities: [(0, 0); 2] };
        let (mut rest, mut removed) = (text, 0);
        let mut expected = vec!["<e1>", "<e2>"];
        while let Some((at, marker)) = next_marker(rest) {
            if !expected.contains(&marker) {
                let wanted = match expected.join(" or ") {
                    none if none.is_empty() => "no further marker".to_owned(),
                    some => some,
                };
                return Err(format!("expected {wanted}, found {marker}"));
            }
            marked.add(text, &rest[..at], removed, cut);
            rest = &rest[at + marker.len()..];
            removed += marker.len();
            let position = marked.tokens.len() as u32;
            let entity = usize::from(marker.ends_with("2>"));
            if marker.starts_with("</") {
                if marked.entities[entity].0 == position {
                    return Err(format!("expected a token before {marker}, found none"));
                }
                marked.entities[entity].1 = position;
                let opening = ["<e1>", "<e2>"].into_iter().zip(marked.entities);
                expected = opening.filter(|(_, (_, end))| *end == 0).map(|(of, _)| of).collect();
            } else {
                marked.entities[entity].0 = position;
                expected = vec![["</e1>", "</e2>"][entity]];
            }
        }
        if !expected.is_empty() {
            let wanted = expected.join(" and ");
            return Err(format!("expected {wanted} in the text, found none"));
        }
        marked.add(text, rest, removed, cut);
        Ok(marked)
    }

    /// Adds the tokens of a piece of the text, before which markers of that many bytes were removed.
    fn add(&mut self, text: &str, piece: &'t str, removed: usize, cut: Tokens) {
        let tokens = cut.split(piece);
        let bytes = tokens::bytes(text, &tokens).into_iter();
        self.bytes.extend(bytes.map(|(start, end)| (start - removed as u32, end - removed as u32)));
        self.tokens.extend(tokens);
    }
}

/// The first marker in a text, with its offset.
fn next_marker(text: &str) -> Option<(usize, &'static str)> {
    let markers = ["<e1>", "</e1>", "<e2>", "</e2>"];
    markers.into_iter().filter_map(|marker| Some((text.find(marker)?, marker))).min()
}

#[cfg(test)]
mod tests;
