//! Span encodings: that of the corpus, and that of training.

use std::collections::BTreeSet;

use super::{ENCODE, SCHEME};
use crate::{
    data::Vocabulary,
    keys::Values,
    metric::{Scheme, Span, spans::spans},
    model::head::Allowed,
};

/// The span encodings of the corpus and of training.
#[derive(Clone, Copy)]
pub(super) struct Coding {
    pub(super) scheme: Option<Scheme>,
    pub(super) encode: Option<Scheme>,
}

impl Coding {
    pub(super) fn of(values: &Values) -> Self {
        let scheme = |key| values.text_if_set(key).and_then(Scheme::find);
        let read = scheme(SCHEME);
        Self { scheme: read, encode: scheme(ENCODE).or(read) }
    }

    /// Whether tags are trained in the corpus's encoding.
    pub(super) fn is_plain(self) -> bool {
        self.scheme == self.encode
    }

    /// Converts tags from the corpus's encoding to that of training.
    pub(super) fn trained(self, tags: &[&str]) -> Vec<String> {
        Self::recode(tags, self.scheme, self.encode)
    }

    /// Converts tags from the encoding of training to the corpus's.
    pub(super) fn read<S: AsRef<str>>(self, tags: &[S]) -> Vec<String> {
        Self::recode(tags, self.encode, self.scheme)
    }

    /// Every tag of the corpus's encoding that a trained tag can be converted to.
    pub(super) fn read_tags(self, trained: &Vocabulary) -> Vec<String> {
        let Some(scheme) = self.scheme.filter(|_| !self.is_plain()) else { return Vec::new() };
        let kinds = trained.iter().flat_map(|(tag, _)| spans(&[tag]));
        let kinds: BTreeSet<String> = kinds.map(|span| span.kind).collect();
        let tags = kinds.iter().flat_map(|kind| {
            // One span of one token, then two adjacent ones of three: together they have every
            // prefix.
            let of = |start, end| Span { start, end, kind: kind.clone() };
            scheme.encode(&[of(0, 1), of(1, 4), of(4, 7)], 8)
        });
        tags.collect()
    }

    fn recode<S: AsRef<str>>(tags: &[S], from: Option<Scheme>, to: Option<Scheme>) -> Vec<String> {
        match to {
            // Spans are read by conlleval's rules, so a malformed sequence keeps the spans that it
            // is scored for.
            Some(to) if from != Some(to) => to.encode(&spans(tags), tags.len()),
            _ => tags.iter().map(|tag| tag.as_ref().to_owned()).collect(),
        }
    }
}

/// The transitions that the scheme allows between trained tags.
pub(super) fn allowed(scheme: Scheme, vocabulary: &Vocabulary) -> Allowed {
    let tags: Vec<String> = vocabulary.iter().map(|(tag, _)| tag.to_owned()).collect();
    Box::new(move |from, to| {
        let tag = |id: Option<usize>| id.map(|id| tags[id].as_str());
        scheme.allowed(tag(from), tag(to))
    })
}
