//! How tags are read, and what is trained: one scheme of spans written as another.

use std::collections::BTreeSet;

use super::{ENCODE, SCHEME};
use crate::{
    data::Vocabulary,
    keys::Values,
    metric::{Scheme, Span, spans::spans},
    model::head::Allowed,
};

/// How labels are read, and what is trained.
#[derive(Clone, Copy)]
pub(super) struct Coding {
    pub(super) scheme: Option<Scheme>,
    pub(super) encode: Option<Scheme>,
}

impl Coding {
    pub(super) fn of(values: &Values) -> Self {
        let scheme = |key| values.text_if_said(key).and_then(Scheme::find);
        let read = scheme(SCHEME);
        Self { scheme: read, encode: scheme(ENCODE).or(read) }
    }

    /// Whether tags are trained as they are read.
    pub(super) fn is_plain(self) -> bool {
        self.scheme == self.encode
    }

    /// The tags as they are trained, from tags as they are read.
    pub(super) fn trained(self, tags: &[&str]) -> Vec<String> {
        Self::recode(tags, self.scheme, self.encode)
    }

    /// The tags as they are read, from tags as they are trained.
    pub(super) fn read<S: AsRef<str>>(self, tags: &[S]) -> Vec<String> {
        Self::recode(tags, self.encode, self.scheme)
    }

    /// Every tag as it is read that a trained tag may become.
    pub(super) fn read_tags(self, trained: &Vocabulary) -> Vec<String> {
        let Some(scheme) = self.scheme.filter(|_| !self.is_plain()) else { return Vec::new() };
        let kinds = trained.iter().flat_map(|(tag, _)| spans(&[tag]));
        let kinds: BTreeSet<String> = kinds.map(|span| span.kind).collect();
        let tags = kinds.iter().flat_map(|kind| {
            // A token alone, then two neighbours of three tokens: every prefix there is.
            let of = |start, end| Span { start, end, kind: kind.clone() };
            scheme.encode(&[of(0, 1), of(1, 4), of(4, 7)], 8)
        });
        tags.collect()
    }

    fn recode<S: AsRef<str>>(tags: &[S], from: Option<Scheme>, to: Option<Scheme>) -> Vec<String> {
        match to {
            // By conlleval's rules, so that a broken sequence has the spans it is scored for.
            Some(to) if from != Some(to) => to.encode(&spans(tags), tags.len()),
            _ => tags.iter().map(|tag| tag.as_ref().to_owned()).collect(),
        }
    }
}

/// Which trained tag may follow which.
pub(super) fn allowed(scheme: Scheme, vocabulary: &Vocabulary) -> Allowed {
    let tags: Vec<String> = vocabulary.iter().map(|(tag, _)| tag.to_owned()).collect();
    Box::new(move |from, to| {
        let tag = |id: Option<usize>| id.map(|id| tags[id].as_str());
        scheme.allowed(tag(from), tag(to))
    })
}
