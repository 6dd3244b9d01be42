//! Writes predictions into files; every other byte is unchanged.

use std::{collections::HashMap, ops::Range};

use thiserror::Error;

use super::{Example, Lexicon, Prediction, prediction::FieldPredictions, structure::TokenSpan};

/// Why a format cannot store a prediction.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "{format:?} has no place for {what}; take a corpus of format \"jsonl\", which has one for everything"
)]
pub struct UnwritableError {
    /// The format's name.
    pub format: &'static str,
    /// The kind of the prediction: `a vector`.
    pub what: &'static str,
}

impl Prediction {
    /// Its kind, for messages: `a vector`.
    pub fn describe(&self) -> &'static str {
        match self {
            Self::Classes(_) => "classes",
            Self::LabelSet(_) => "a set of labels",
            Self::Numbers(_) => "numbers",
            Self::Arcs(_) => "a dependency tree",
            Self::Spans(_) => "spans",
            Self::Relations(_) => "relations",
            Self::Texts(_) => "texts",
            Self::Ranking(_) => "a ranking",
            Self::Vector(_) => "a vector",
            Self::None => "nothing",
        }
    }
}

/// Refuses predictions of a field that is not among those which a format has a place for.
pub(super) fn only_of(
    format: &'static str,
    fields: &[&str],
    field: &FieldPredictions<'_>,
) -> Result<(), UnwritableError> {
    let what = "predictions of a field that is not one of its labels";
    if fields.contains(&field.field) { Ok(()) } else { Err(UnwritableError { format, what }) }
}

/// New bytes for a range of the old ones; an empty range inserts.
pub(super) type Edit = (Range<usize>, Vec<u8>);

/// Applies edits, which must be in order and must not overlap.
pub(super) fn splice(bytes: &[u8], edits: impl IntoIterator<Item = Edit>) -> Vec<u8> {
    let mut written = Vec::with_capacity(bytes.len() + bytes.len() / 4);
    let mut done = 0;
    for (range, new) in edits {
        written.extend_from_slice(&bytes[done..range.start]);
        written.extend_from_slice(&new);
        done = range.end;
    }
    written.extend_from_slice(&bytes[done..]);
    written
}

/// The value to add to each line of the file that has a token: a class, a number, or the tag of a
/// span.
pub(super) fn by_line(
    format: &'static str,
    examples: &[Example],
    field: &FieldPredictions<'_>,
) -> Result<HashMap<u32, String>, UnwritableError> {
    let mut by_line = HashMap::new();
    for (example, prediction) in examples.iter().zip(field.predictions) {
        let texts: Vec<String> = match prediction {
            Prediction::Classes(classes) => named(classes, field.names),
            Prediction::Numbers(numbers) => numbers.iter().map(f32::to_string).collect(),
            Prediction::Spans(spans) => tags(spans, field.names, example.len()),
            Prediction::None => Vec::new(),
            other => return Err(UnwritableError { format, what: other.describe() }),
        };
        by_line.extend(example.lines().zip(texts));
    }
    Ok(by_line)
}

/// The name of the class of a whole example, if one is predicted.
pub(super) fn only_class<'a>(
    format: &'static str,
    prediction: &Prediction,
    names: &'a Lexicon,
) -> Result<Option<&'a str>, UnwritableError> {
    match prediction {
        Prediction::Classes(classes) if classes.len() == 1 => Ok(Some(names.get(classes[0]))),
        Prediction::None => Ok(None),
        Prediction::Classes(_) => Err(UnwritableError { format, what: "several classes" }),
        other => Err(UnwritableError { format, what: other.describe() }),
    }
}

/// The names of classes.
pub(super) fn named(classes: &[u32], names: &Lexicon) -> Vec<String> {
    classes.iter().map(|class| names.get(*class).to_owned()).collect()
}

/// Spans in IOB2 (Ratnaparkhi 1998); of two overlapping spans, the one that starts first has the
/// tokens.
pub(super) fn tags(spans: &[TokenSpan], names: &Lexicon, n_tokens: usize) -> Vec<String> {
    let mut tags = vec!["O".to_owned(); n_tokens];
    let mut spans = spans.to_vec();
    spans.sort();
    let mut end = 0;
    for span in spans.into_iter().filter(|span| span.end as usize <= n_tokens) {
        if span.start < end {
            continue;
        }
        for at in span.start..span.end {
            let mut tag = if at == span.start { "B" } else { "I" }.to_owned();
            if let Some(label) = span.label {
                tag = format!("{tag}-{}", names.get(label));
            }
            tags[at as usize] = tag;
        }
        end = span.end;
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_change_only_their_ranges() {
        let edits = [(1..1, b"+".to_vec()), (2..3, b"XY".to_vec()), (5..5, b"!".to_vec())];
        assert_eq!(splice(b"abcde", edits), b"a+bXYde!");
        assert_eq!(splice(b"abcde", []), b"abcde");
    }

    #[test]
    fn spans_become_tags_and_nested_ones_are_dropped() {
        let names = ["NP", "VP"].into_iter().collect();
        let span = |start, end, label| TokenSpan { start, end, label: Some(label) };
        let spans = [span(3, 4, 1), span(0, 2, 0), span(1, 2, 1), span(2, 3, 0), span(4, 9, 0)];
        assert_eq!(tags(&spans, &names, 5), ["B-NP", "I-NP", "B-NP", "B-VP", "O"]);
        let nameless = TokenSpan { start: 1, end: 3, label: None };
        assert_eq!(tags(&[nameless], &names, 4), ["O", "B", "I", "O"]);
    }
}
