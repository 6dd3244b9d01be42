//! The annotations of one document: spans of its tokens, and pairs of these.

use std::collections::HashMap;

use super::super::{Positions, iob::TaggedSpan, lines::integer, tokens};

/// The annotations that are read.
pub(super) struct Annotations<'t> {
    /// In the order of the file.
    pub(super) spans: Vec<TaggedSpan<'t>>,
    /// The indices of two spans, and the type of their relation.
    pub(super) pairs: Vec<(usize, usize, &'t str)>,
}

impl<'t> Annotations<'t> {
    /// Those of a file, for a text and its tokens; each fault has its line.
    pub(super) fn new(
        annotations: &'t str,
        text: &str,
        positions: &Positions,
        mut fault: impl FnMut(u32, String),
    ) -> Self {
        let mut offsets: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        offsets.push(text.len());
        let document = Document { text, offsets, positions };
        let mut found = Self { spans: Vec::new(), pairs: Vec::new() };
        let mut ids: HashMap<&str, Option<usize>> = HashMap::new();
        let mut relations = Vec::new();
        for (line, content) in (1..).zip(annotations.split('\n')) {
            let content = content.trim_end_matches('\r');
            let (id, rest) = content.split_once('\t').unwrap_or((content, ""));
            match id.chars().next() {
                None | Some('A' | 'M' | 'E' | 'N' | '#') => {}
                Some('T') => {
                    let span = document.span(rest);
                    let at = span.is_ok().then_some(found.spans.len());
                    match span {
                        Ok(span) => found.spans.push(span),
                        Err(what) => fault(line, format!("{id}: {what}")),
                    }
                    if ids.insert(id, at).is_some() {
                        fault(line, format!("{id}: expected each id once, found it again"));
                    }
                }
                Some('R' | '*') => relations.push((line, id, rest)),
                Some(_) => {
                    let what = format!(
                        "annotation {id:?}, expected one that starts with T, R, *, A, M, E, N or #"
                    );
                    fault(line, what);
                }
            }
        }
        for (line, id, rest) in relations {
            let mut parts = rest.split_ascii_whitespace();
            let kind = parts.next().unwrap_or_default();
            let is_relation = id != "*";
            let names: Vec<&str> = parts
                .map(|part| {
                    part.split_once(':').filter(|_| is_relation).map_or(part, |(_, name)| name)
                })
                .collect();
            if names.len() < 2 || is_relation && names.len() > 2 {
                let wanted = if is_relation { "two spans" } else { "two spans or more" };
                fault(line, format!("{id}: expected a type and {wanted}, found {rest:?}"));
                continue;
            }
            let missing = names.iter().find(|name| !ids.contains_key(*name));
            if let Some(name) = missing {
                fault(line, format!("{id}: expected the id of a span, found {name:?}"));
                continue;
            }
            // A span with a fault of its own has been reported.
            let spans: Option<Vec<usize>> = names.iter().map(|name| ids[name]).collect();
            if let Some([first, others @ ..]) = spans.as_deref() {
                found.pairs.extend(others.iter().map(|&other| (*first, other, kind)));
            }
        }
        found
    }
}

/// A text with its tokens.
struct Document<'d> {
    text: &'d str,
    /// The byte offset of each character, and the length of the text.
    offsets: Vec<usize>,
    positions: &'d Positions,
}

impl Document<'_> {
    /// A span with its type: `Type 0 3;8 12 TAB text`.
    fn span<'t>(&self, annotation: &'t str) -> Result<TaggedSpan<'t>, String> {
        let (place, surface) = annotation.split_once('\t').unwrap_or((annotation, ""));
        let (kind, fragments) = place.split_once(' ').unwrap_or((place, ""));
        let fragments: Option<Vec<(usize, usize)>> = fragments
            .split(';')
            .map(|fragment| {
                let (start, end) = fragment.trim_ascii().split_once(' ')?;
                Some((integer(start)?, integer(end)?)).filter(|(start, end)| start < end)
            })
            .collect();
        let Some(fragments) = fragments.filter(|_| !kind.is_empty()) else {
            return Err(format!("expected a type, a start and a larger end, found {place:?}"));
        };
        let n = self.offsets.len() - 1;
        let bytes = |(start, end): (usize, usize)| {
            Some((*self.offsets.get(start)?, *self.offsets.get(end)?))
        };
        let ranges: Option<Vec<_>> = fragments.iter().map(|&fragment| bytes(fragment)).collect();
        let Some(ranges) = ranges else {
            return Err(format!(
                "expected offsets from 0 to {n}, the characters of the text, found {place:?}"
            ));
        };
        let parts: Vec<&str> = ranges.iter().map(|&(start, end)| &self.text[start..end]).collect();
        let found = parts.join(" ").replace(['\r', '\n'], " ");
        if found != surface {
            let in_bytes = fragments.iter().map(|&(start, end)| self.text.get(start..end));
            let in_bytes: Option<Vec<&str>> = in_bytes.collect();
            let hint = match in_bytes {
                Some(parts) if parts.join(" ") == surface => {
                    "; the offsets count bytes, expected characters"
                }
                _ => "",
            };
            return Err(format!("expected {surface:?} at {place:?}, found {found:?}{hint}"));
        }
        let start = ranges.iter().map(|(start, _)| *start).min().unwrap_or_default();
        let end = ranges.iter().map(|(_, end)| *end).max().unwrap_or_default();
        let touched = tokens::touched(self.positions, start..end);
        let touched =
            touched.ok_or_else(|| format!("expected a token at {place:?}, found none"))?;
        Ok((touched.start, touched.end, Some(kind)))
    }
}
