//! Tags of spans in IOB2 (Ratnaparkhi 1998), read as conlleval reads them: an `I-` after another tag starts a span.

/// The tag of a token outside of spans.
pub(super) const OUTSIDE: &str = "O";

/// What a format of spans has no place for.
pub(super) const NO_TAGS: &str = "classes that are no tags in IOB2";

/// The start, exclusive end and type of a span.
pub(super) type TaggedSpan<'t> = (u32, u32, Option<&'t str>);

/// The prefix and the type of a tag: `O`, `B`, `I`, `B-TYPE` or `I-TYPE`.
pub(super) fn parts(tag: &str) -> Option<(char, Option<&str>)> {
    match tag {
        OUTSIDE => Some(('O', None)),
        "B" => Some(('B', None)),
        "I" => Some(('I', None)),
        _ => {
            let (prefix, kind) = tag.split_once('-').filter(|(_, kind)| !kind.is_empty())?;
            match prefix {
                "B" => Some(('B', Some(kind))),
                "I" => Some(('I', Some(kind))),
                _ => None,
            }
        }
    }
}

/// The spans of the tags of a sequence; a string that is no tag is read as `O`.
pub(super) fn spans<'t>(tags: impl IntoIterator<Item = &'t str>) -> Vec<TaggedSpan<'t>> {
    let mut spans: Vec<TaggedSpan<'t>> = Vec::new();
    for (at, tag) in (0..).zip(tags) {
        match parts(tag) {
            None | Some(('O', _)) => {}
            Some((prefix, kind)) => match spans.last_mut() {
                Some((_, end, of)) if prefix == 'I' && *end == at && *of == kind => *end += 1,
                _ => spans.push((at, at + 1, kind)),
            },
        }
    }
    spans
}

/// The tags of spans; of overlapping ones the longest has the tokens, of equally long ones the first.
pub(super) fn tags(spans: &[TaggedSpan<'_>], n_tokens: usize) -> Vec<String> {
    let mut tags = vec![OUTSIDE.to_owned(); n_tokens];
    let mut longest: Vec<&TaggedSpan<'_>> = spans.iter().collect();
    longest.sort_by_key(|(start, end, _)| (std::cmp::Reverse(end - start), *start));
    for (start, end, kind) in longest {
        let Some(free) = tags.get_mut(*start as usize..*end as usize) else { continue };
        if free.iter().any(|tag| tag != OUTSIDE) {
            continue;
        }
        for (at, tag) in free.iter_mut().enumerate() {
            let prefix = if at == 0 { "B" } else { "I" };
            *tag = kind.map_or(prefix.to_owned(), |kind| format!("{prefix}-{kind}"));
        }
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_become_spans_as_conlleval_reads_them() {
        let all = ["I-X", "I-X", "I-Y", "B-Y", "O", "B", "I", "S-X", "I-X"];
        let wanted = [
            (0, 2, Some("X")),
            (2, 3, Some("Y")),
            (3, 4, Some("Y")),
            (5, 7, None),
            (8, 9, Some("X")),
        ];
        assert_eq!(spans(all), wanted);
        assert_eq!((parts("B-"), parts("S-X"), parts("")), (None, None, None));
    }

    #[test]
    fn of_overlapping_spans_the_longest_has_the_tags() {
        let spans =
            [(0, 2, Some("X")), (1, 4, Some("Y")), (4, 5, None), (4, 5, Some("Z")), (5, 9, None)];
        assert_eq!(tags(&spans, 6), ["O", "B-Y", "I-Y", "I-Y", "B", "O"]);
    }
}
