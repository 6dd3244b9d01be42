//! Span encodings: that of the corpus, and that of training.

use std::{borrow::Cow, collections::BTreeSet};

use super::{ENCODE, FORM, INVALID, SCHEME, TYPES};
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
    /// Whether spans keep their types. Otherwise only boundaries are trained, predicted and scored.
    pub(super) has_types: bool,
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
        let has_types = values.switch(TYPES);
        Self { scheme: read, encode: scheme(ENCODE).or(read), is_strict, has_types }
    }

    /// Whether tags are trained as the corpus has them.
    pub(super) fn is_plain(self) -> bool {
        self.has_types && self.scheme == self.encode
    }

    /// The key that makes trained tags others than the corpus's, as messages show it.
    pub(super) fn recoding_key(self) -> &'static str {
        if self.has_types { "`encode`" } else { "`types = false`" }
    }

    /// Converts tags as the corpus has them to those of training. A sequence that its scheme forbids has the
    /// spans that conlleval reads in it.
    pub(super) fn trained<'t>(self, tags: &[&'t str]) -> Vec<Cow<'t, str>> {
        match (self.scheme, self.encode) {
            (Some(scheme), Some(encode)) if !self.has_types => untyped(tags, scheme, encode),
            (Some(scheme), _) if self.is_plain() && scheme.count_faults(tags) > 0 => {
                let repaired = scheme.encode(&scheme.spans(tags), tags.len());
                repaired.into_iter().map(Cow::Owned).collect()
            }
            _ => recode(tags, self.scheme, self.encode),
        }
    }

    /// Converts tags as the corpus has them to those that are scored.
    pub(super) fn scored<'t>(self, tags: &[&'t str]) -> Vec<Cow<'t, str>> {
        match self.scheme {
            Some(scheme) if !self.has_types => untyped(tags, scheme, scheme),
            _ => recode(tags, self.scheme, self.scheme),
        }
    }

    /// Converts tags of training to those that are scored, in the corpus's encoding.
    pub(super) fn read<'t>(self, tags: &[&'t str]) -> Vec<Cow<'t, str>> {
        match (self.encode, self.scheme) {
            (Some(encode), Some(scheme)) if !self.has_types && encode != scheme => {
                untyped(tags, encode, scheme)
            }
            _ => recode(tags, self.encode, self.scheme),
        }
    }

    /// Every tag of the corpus's encoding that a trained tag can be converted to.
    pub(super) fn read_tags(self, trained: &Vocabulary) -> Vec<String> {
        let Some(scheme) = self.scheme.filter(|_| !self.is_plain()) else { return Vec::new() };
        let Some(encode) = self.encode else { return Vec::new() };
        let kinds: BTreeSet<String> = if self.has_types {
            let spans = trained.iter().flat_map(|(tag, _)| encode.spans(&[tag]));
            spans.map(|span| span.kind).collect()
        } else {
            BTreeSet::from([no_type(scheme).to_owned()])
        };
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

/// Converts tags to those of their spans without types.
fn untyped<'t>(tags: &[&'t str], from: TagScheme, to: TagScheme) -> Vec<Cow<'t, str>> {
    let kind = no_type(to);
    let spans = from.spans(tags).into_iter().map(|span| Span { kind: kind.to_owned(), ..span });
    let tags = to.encode(&spans.collect::<Vec<_>>(), tags.len());
    tags.into_iter().map(Cow::Owned).collect()
}

/// What stands for the type of a span without one: nothing, or in io, whose tags are types alone, a letter.
fn no_type(scheme: TagScheme) -> &'static str {
    if scheme.scheme == Scheme::Io { "I" } else { "" }
}

/// The transitions that the scheme allows between trained tags.
pub(super) fn allowed(scheme: TagScheme, vocabulary: &Vocabulary) -> Allowed {
    let tags: Vec<String> = vocabulary.iter().map(|(tag, _)| tag.to_owned()).collect();
    Box::new(move |from, to| {
        let tag = |id: Option<usize>| id.map(|id| tags[id].as_str());
        scheme.allowed(tag(from), tag(to))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{Located, Value};

    fn coding(scheme: &str, encode: &str) -> Coding {
        let text = |text: &str| Located::by_default(Value::Text(text.to_owned()));
        let types = Located::by_default(Value::Switch(false));
        let keys = [
            (SCHEME.to_owned(), text(scheme)),
            (ENCODE.to_owned(), text(encode)),
            (TYPES.to_owned(), types),
        ];
        Coding::of(&Values::new(keys.into()))
    }

    /// Two adjacent keyphrases of different types, a third of the same type as the second, and a last one of one token.
    const SPANS: [(usize, usize, &str); 4] =
        [(0, 2, "Task"), (2, 3, "Process"), (3, 6, "Process"), (7, 8, "Task")];

    fn tags(scheme: Scheme, of: impl Fn(&str) -> String) -> Vec<String> {
        let span = |(start, end, kind)| Span { start, end, kind: of(kind) };
        TagScheme::from(scheme).encode(&SPANS.map(span), 8)
    }

    #[test]
    fn without_types_adjacent_spans_keep_their_boundaries_in_every_encoding() {
        for scheme in Scheme::ALL.iter().copied().filter(|scheme| *scheme != Scheme::Io) {
            let typed = tags(scheme, str::to_owned);
            let typed: Vec<&str> = typed.iter().map(String::as_str).collect();
            let scored = tags(scheme, |_| String::new());
            for encode in Scheme::ALL.iter().copied().filter(|scheme| *scheme != Scheme::Io) {
                let coding = coding(scheme.name(), encode.name());
                assert!(!coding.is_plain());
                let trained = coding.trained(&typed);
                assert_eq!(trained, tags(encode, |_| String::new()), "{scheme:?} {encode:?}");
                let trained: Vec<&str> = trained.iter().map(AsRef::as_ref).collect();
                assert_eq!(coding.read(&trained), scored, "{scheme:?} {encode:?}");
                assert_eq!(coding.scored(&typed), scored, "{scheme:?} {encode:?}");
                let known = coding.read_tags(&Vocabulary::default());
                assert!(scored.iter().filter(|tag| *tag != "O").all(|tag| known.contains(tag)));
            }
        }
        let iob2 = coding("iob2", "iob2");
        assert_eq!(iob2.trained(&["B-Task", "I-Task", "I-Process"]), ["B", "I", "B"]);
    }

    #[test]
    fn without_types_the_tags_of_io_are_a_letter() {
        let io = coding("io", "iobes");
        let tags = ["Task", "Process", "O", "Task"];
        assert_eq!(io.trained(&tags), ["S", "S", "O", "S"]);
        assert_eq!(io.scored(&tags), ["I", "I", "O", "I"]);
        assert_eq!(io.read(&["B", "E", "O", "S"]), ["I", "I", "O", "I"]);
        assert_eq!(coding("iobes", "io").read(&["I", "I", "O", "I"]), ["B", "E", "O", "S"]);
        assert_eq!(io.read_tags(&Vocabulary::default()).first().map(String::as_str), Some("I"));
    }
}
