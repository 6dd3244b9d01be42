//! Span encodings: that of the corpus, and that of training.

use std::{borrow::Cow, collections::BTreeSet};

use super::{ENCODE, FORM, INVALID, SCHEME};
use crate::{
    data::Vocabulary,
    keys::Values,
    metric::{Scheme, Span, TagForm, TagScheme},
    model::head::Allowed,
};

/// The span encodings of the corpus and of training.
#[derive(Clone, Copy)]
pub(super) struct Coding {
    pub(super) scheme: Option<TagScheme>,
    pub(super) encode: Option<TagScheme>,
    /// Whether tags that the scheme forbids are faults. Otherwise they are read as conlleval reads them.
    pub(super) is_strict: bool,
}

impl Coding {
    pub(super) fn of(values: &Values) -> Self {
        let form = values.text_if_set(FORM).and_then(TagForm::find);
        let form = form.unwrap_or(TagForm::PrefixHyphen);
        let scheme = |key| {
            let scheme = values.text_if_set(key).and_then(Scheme::find)?;
            // The tags of io have no form: equal schemes must be equal values.
            let form = if scheme == Scheme::Io { TagForm::PrefixHyphen } else { form };
            Some(TagScheme { scheme, form })
        };
        let read = scheme(SCHEME);
        let is_strict = values.text_if_set(INVALID) == Some("refuse");
        Self { scheme: read, encode: scheme(ENCODE).or(read), is_strict }
    }

    /// Whether tags are trained in the corpus's encoding.
    pub(super) fn is_plain(self) -> bool {
        self.scheme == self.encode
    }

    /// Converts tags from the corpus's encoding to that of training. A sequence that its scheme forbids has the
    /// spans that conlleval reads in it.
    pub(super) fn trained<'t>(self, tags: &[&'t str]) -> Vec<Cow<'t, str>> {
        match self.scheme {
            Some(scheme) if self.is_plain() && scheme.count_faults(tags) > 0 => {
                let repaired = scheme.encode(&scheme.spans(tags), tags.len());
                repaired.into_iter().map(Cow::Owned).collect()
            }
            _ => recode(tags, self.scheme, self.encode),
        }
    }

    /// Converts tags from the encoding of training to the corpus's.
    pub(super) fn read<'t>(self, tags: &[&'t str]) -> Vec<Cow<'t, str>> {
        recode(tags, self.encode, self.scheme)
    }

    /// Every tag of the corpus's encoding that a trained tag can be converted to.
    pub(super) fn read_tags(self, trained: &Vocabulary) -> Vec<String> {
        let Some(scheme) = self.scheme.filter(|_| !self.is_plain()) else { return Vec::new() };
        let Some(encode) = self.encode else { return Vec::new() };
        let kinds = trained.iter().flat_map(|(tag, _)| encode.spans(&[tag]));
        let kinds: BTreeSet<String> = kinds.map(|span| span.kind).collect();
        let tags = kinds.iter().flat_map(|kind| {
            // One span of one token, then two adjacent ones of three: together they have every
            // prefix.
            let of = |start, end| Span { start, end, kind: kind.clone() };
            scheme.encode(&[of(0, 1), of(1, 4), of(4, 7)], 8)
        });
        tags.collect()
    }
}

fn recode<'t>(
    tags: &[&'t str],
    from: Option<TagScheme>,
    to: Option<TagScheme>,
) -> Vec<Cow<'t, str>> {
    match (from, to) {
        // Spans are read by conlleval's rules, so a malformed sequence keeps the spans that it is
        // scored for.
        (Some(from), Some(to)) if from != to => {
            to.encode(&from.spans(tags), tags.len()).into_iter().map(Cow::Owned).collect()
        }
        _ => tags.iter().map(|&tag| Cow::Borrowed(tag)).collect(),
    }
}

/// The transitions that the scheme allows between trained tags.
pub(super) fn allowed(scheme: TagScheme, vocabulary: &Vocabulary) -> Allowed {
    let tags: Vec<String> = vocabulary.iter().map(|(tag, _)| tag.to_owned()).collect();
    Box::new(move |from, to| {
        let tag = |id: Option<usize>| id.map(|id| tags[id].as_str());
        scheme.allowed(tag(from), tag(to))
    })
}
