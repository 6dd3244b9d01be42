//! Sequences of tags that a scheme forbids, and the scheme of a corpus in which most of them are forbidden.

use super::{OUTSIDE, Place, Scheme, TagForm, TagScheme};

/// A violation of the scheme in a sequence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct TagFault {
    /// The index of the tag in its sentence, from 0.
    pub idx: usize,
    /// What was found and what was expected.
    pub reason: String,
    /// Whether the scheme has no such tag; otherwise it has the tag, but not at this place.
    pub is_unknown: bool,
}

impl TagScheme {
    /// All violations in a sequence, in order.
    pub fn faults<S: AsRef<str>>(self, tags: &[S]) -> Vec<TagFault> {
        self.list_faults(whole(tags))
    }

    /// The same for a sequence in which tokens may lack a tag: anything may be there, so a violation needs two
    /// neighbours with a tag, or one that the scheme does not have.
    pub fn faults_of_labelled(self, tags: &[Option<&str>]) -> Vec<TagFault> {
        self.list_faults(tags.iter().copied())
    }

    fn list_faults<'t>(self, tags: impl Iterator<Item = Option<&'t str>>) -> Vec<TagFault> {
        let mut faults = Vec::new();
        self.each_fault(tags, |fault| {
            faults.push(TagFault {
                idx: fault.idx,
                reason: self.describe(&fault),
                is_unknown: matches!(fault.what, Violation::Unknown(_)),
            });
        });
        faults
    }

    /// The number of violations in a sequence.
    pub fn count_faults<S: AsRef<str>>(self, tags: &[S]) -> u64 {
        self.count(whole(tags))
    }

    /// The same for a sequence in which tokens may lack a tag.
    pub fn count_faults_of_labelled(self, tags: &[Option<&str>]) -> u64 {
        self.count(tags.iter().copied())
    }

    fn count<'t>(self, tags: impl Iterator<Item = Option<&'t str>>) -> u64 {
        let mut n = 0;
        self.each_fault(tags, |_| n += 1);
        n
    }

    fn each_fault<'t>(
        self,
        tags: impl Iterator<Item = Option<&'t str>>,
        mut found: impl FnMut(Found<'t>),
    ) {
        let (mut before, mut last) = (None, 0);
        // After a token without a tag anything may follow, and after an unknown tag: one mistake is one fault.
        let mut may_follow = false;
        for (idx, tag) in tags.enumerate() {
            let is_known = tag.is_some_and(|tag| self.knows(tag));
            match tag {
                Some(tag) if !is_known => found(Found { idx, what: Violation::Unknown(tag) }),
                Some(tag) if !may_follow && !self.allowed(before, Some(tag)) => {
                    found(Found { idx, what: Violation::Misplaced { before, tag } });
                }
                _ => {}
            }
            (before, last, may_follow) = (tag, idx, !is_known);
        }
        if let Some(open) = before.filter(|_| !may_follow && !self.allowed(before, None)) {
            found(Found { idx: last, what: Violation::Open(open) });
        }
    }

    /// Of a corpus with many violations of this scheme, the scheme and form that it follows instead; `None` if
    /// there are few violations, or if no other scheme has far fewer.
    /// A token may lack a tag.
    pub fn recognize(self, sentences: &[&[Option<&str>]]) -> Option<Self> {
        let of = |scheme: Self, tags: &&[Option<&str>]| scheme.count_faults_of_labelled(tags);
        let count = |scheme: Self| sentences.iter().map(|tags| of(scheme, tags)).sum::<u64>();
        let n_faults = count(self);
        if n_faults < FEWEST_RECOGNIZED {
            return None;
        }
        let of_form = |form| {
            let with_letters = Scheme::ALL.iter().filter(|scheme| **scheme != Scheme::Io);
            with_letters.map(move |&scheme| Self { scheme, form })
        };
        let other_forms = TagForm::ALL.iter().copied().filter(|form| *form != self.form);
        let mut others = of_form(self.form).chain(other_forms.flat_map(of_form));
        let found = others.find(|&other| other != self && 20 * count(other) <= n_faults);
        found.or_else(|| {
            // Every tag is one of io; a column of other labels rarely has O for most tokens.
            let tags = || sentences.iter().copied().flatten().copied().flatten();
            let n_outside = tags().filter(|tag| *tag == OUTSIDE).count();
            let has_letters = tags().any(|tag| tag != OUTSIDE && self.knows(tag));
            let is_io = !has_letters && 2 * n_outside >= tags().count();
            is_io.then_some(Self { scheme: Scheme::Io, form: TagForm::PrefixHyphen })
        })
    }

    /// The tags of the scheme, for messages.
    fn tags(self) -> String {
        let letters = self.scheme.letters().iter();
        let tags: Vec<String> = letters.map(|(letter, _)| self.form.join(letter, "TYPE")).collect();
        let (last, others) =
            tags.split_last().expect("a scheme whose tags may be unknown has letters");
        format!("O, {} or {last}", others.join(", "))
    }

    fn describe(self, fault: &Found<'_>) -> String {
        let name = self.scheme.name();
        let mark = |place| self.form.mark(self.letter(place));
        let (before, tag) = match fault.what {
            Violation::Unknown(tag) => {
                let article = if name.starts_with('i') { "an" } else { "a" };
                return format!("expected {article} {name} tag ({}), found {tag}", self.tags());
            }
            Violation::Open(last) => {
                let (end, single) = (mark(Place::End), mark(Place::Single));
                return format!(
                    "expected {end} or {single} at the end of the sentence, found {last}"
                );
            }
            Violation::Misplaced { before, tag } => (before, tag),
        };
        let (place, kind) = self.parse(tag).unwrap_or((Place::Outside, ""));
        let position = match before {
            Some(before) => format!("after {before}"),
            None => "at the start of the sentence".to_owned(),
        };
        let (begin, single) = (mark(Place::Begin), mark(Place::Single));
        let (expected, rule) = match (self.scheme, place) {
            (Scheme::Iob1, _) => (
                self.tag(Place::Inside, kind),
                format!("{begin} only directly after a span of the same type"),
            ),
            (Scheme::Iob2, _) => {
                (self.tag(Place::Begin, kind), format!("every span starts with {begin}"))
            }
            (_, Place::Inside | Place::End) => (
                format!("{} or {}", self.tag(Place::Begin, kind), self.tag(Place::Single, kind)),
                format!("a span starts with {begin} or {single}"),
            ),
            _ => {
                let (inside, end) = (mark(Place::Inside), mark(Place::End));
                (format!("{inside} or {end}"), format!("a span ends with {end}"))
            }
        };
        format!("expected {expected} {position}, found {tag} ({name}: {rule})")
    }
}

/// With fewer violations, no other scheme is looked for.
const FEWEST_RECOGNIZED: u64 = 10;

/// The tags of a sequence in which every token has one.
fn whole<S: AsRef<str>>(tags: &[S]) -> impl Iterator<Item = Option<&str>> {
    tags.iter().map(|tag| Some(tag.as_ref()))
}

/// A violation, before its message.
struct Found<'t> {
    idx: usize,
    what: Violation<'t>,
}

enum Violation<'t> {
    /// The scheme has no such tag.
    Unknown(&'t str),
    /// The tag may not follow the one before it.
    Misplaced { before: Option<&'t str>, tag: &'t str },
    /// The sentence ends inside a span.
    Open(&'t str),
}
