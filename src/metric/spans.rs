//! Spans in a sequence of tags, and the schemes that encode spans as tags.
//!
//! A tag is a prefix and a type, split at the first hyphen: `B-NP`, `I-date-of-birth`, `O`.
//! [`spans`] decodes any sequence, valid or not, by the rules of `conlleval.pl` (Tjong Kim Sang and
//! Buchholz 2000), the scorer of the `CoNLL` shared tasks: an `I-` after `O` starts a span, and so
//! does any change of type. Which sequences are *valid* depends on the [`Scheme`].

mod form;
mod scheme;

pub use form::TagForm;
pub use scheme::{Scheme, TagFault, TagScheme};

/// The tag of a token that belongs to no span.
pub const OUTSIDE: &str = "O";

/// Consecutive tokens with a type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The first token.
    pub start: usize,
    /// The index after the last token.
    pub end: usize,
    /// The part of the tags after the first hyphen.
    pub kind: String,
}

/// The spans of a sequence by the rules of conlleval, from left to right.
///
/// ```
/// use auxdesk::metric::spans::spans;
/// let found = spans(&["I-NP", "I-NP", "B-NP", "O", "E-VP"]);
/// let places: Vec<_> = found.iter().map(|span| (span.start, span.end)).collect();
/// assert_eq!(places, [(0, 2), (2, 3), (4, 5)]);
/// ```
pub fn spans<S: AsRef<str>>(tags: &[S]) -> Vec<Span> {
    let mut found = Vec::new();
    let mut open: Option<usize> = None;
    let mut before = split(OUTSIDE);
    let closing = std::iter::once(OUTSIDE);
    for (idx, tag) in tags.iter().map(AsRef::as_ref).chain(closing).enumerate() {
        let now = split(tag);
        if ends(before, now)
            && let Some(start) = open.take()
        {
            found.push(Span { start, end: idx, kind: before.1.to_owned() });
        }
        if starts(before, now) {
            open = Some(idx);
        }
        before = now;
    }
    found
}

/// Prefix and type of a tag; a tag without a hyphen is all prefix.
pub(super) fn split(tag: &str) -> (&str, &str) {
    tag.split_once('-').unwrap_or((tag, ""))
}

/// Whether a span ends between two neighbouring tags: `endOfChunk` of conlleval.
pub(super) fn ends(before: (&str, &str), now: (&str, &str)) -> bool {
    // As bytes, whose comparison is inlined: all tokens of a split pass through here.
    match (before.0.as_bytes(), now.0.as_bytes()) {
        (b"E" | b"S", _) | (b"B" | b"I", b"B" | b"S" | b"O") => true,
        (prefix, _) => prefix != b"O" && prefix != b"." && before.1 != now.1,
    }
}

/// Whether a span starts between two neighbouring tags: `startOfChunk` of conlleval.
pub(super) fn starts(before: (&str, &str), now: (&str, &str)) -> bool {
    match (before.0.as_bytes(), now.0.as_bytes()) {
        (_, b"B" | b"S") | (b"E" | b"S" | b"O", b"E" | b"I") => true,
        (_, prefix) => prefix != b"O" && prefix != b"." && before.1 != now.1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(tags: &str) -> Vec<(usize, usize, String)> {
        let tags: Vec<&str> = tags.split(' ').collect();
        spans(&tags).into_iter().map(|span| (span.start, span.end, span.kind)).collect()
    }

    #[test]
    fn a_span_without_a_b_tag_is_still_a_span() {
        assert_eq!(places("O I-NP I-NP O"), [(1, 3, "NP".into())]);
        assert_eq!(places("B-NP I-VP"), [(0, 1, "NP".into()), (1, 2, "VP".into())]);
    }

    #[test]
    fn end_and_single_tags_close_an_open_span() {
        assert_eq!(places("B-X E-X E-X"), [(0, 2, "X".into()), (2, 3, "X".into())]);
        assert_eq!(
            places("I-X S-X I-X"),
            [(0, 1, "X".into()), (1, 2, "X".into()), (2, 3, "X".into())]
        );
    }

    #[test]
    fn a_type_may_contain_hyphens() {
        assert_eq!(places("B-date-of-birth I-date-of-birth"), [(0, 2, "date-of-birth".into())]);
    }

    #[test]
    fn a_sequence_without_tokens_has_no_spans() {
        assert!(spans::<&str>(&[]).is_empty());
    }
}
