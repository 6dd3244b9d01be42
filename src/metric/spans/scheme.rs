//! The usual encodings of spans as tags, and their valid sequences.
//!
//! iob1 (Ramshaw and Marcus 1995): `I-`, and `B-` only between two neighbours of one type.
//! iob2 (Ratnaparkhi 1998), also called BIO: every span starts with `B-`.
//! iobes (also BIOES): `B- I- E-` for long spans and `S-` for a span of one token. bilou has the letters `L` and `U`
//! for `E` and `S`; bmes (Chinese word segmentation) has `M` for `I`.
//! io: the type alone; two neighbouring spans of one type are read as one.

use std::borrow::Cow;

use super::{OUTSIDE, Span, TagForm, spans};

/// An encoding of spans as tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `B-` only where a span directly follows another one of its type.
    Iob1,
    /// `B-` at the start of every span.
    Iob2,
    /// `B-` at the start, `E-` at the end, `S-` for a single token.
    Iobes,
    /// iobes with `L-` and `U-` for `E-` and `S-`.
    Bilou,
    /// iobes with `M-` for `I-`.
    Bmes,
    /// The type alone.
    Io,
}

/// A scheme and the form of its tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TagScheme {
    /// The scheme.
    pub scheme: Scheme,
    /// The form; io has none, as its tags have no letter.
    pub form: TagForm,
}

/// The place of a token in its span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Outside,
    Begin,
    Inside,
    End,
    Single,
}

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

impl Scheme {
    /// The names in recipes.
    pub const NAMES: &[&str] = &["iob1", "iob2", "iobes", "bilou", "bmes", "io"];

    /// All schemes, in the order of their names.
    pub const ALL: &[Self] =
        &[Self::Iob1, Self::Iob2, Self::Iobes, Self::Bilou, Self::Bmes, Self::Io];

    /// The scheme with that name.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|scheme| scheme.name() == name)
    }

    /// Its name in recipes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Iob1 => "iob1",
            Self::Iob2 => "iob2",
            Self::Iobes => "iobes",
            Self::Bilou => "bilou",
            Self::Bmes => "bmes",
            Self::Io => "io",
        }
    }

    /// Its letters and what they stand for; io has none.
    fn letters(self) -> &'static [(&'static str, Place)] {
        use Place::{Begin, End, Inside, Single};
        match self {
            Self::Iob1 | Self::Iob2 => &[("B", Begin), ("I", Inside)],
            Self::Iobes => &[("B", Begin), ("I", Inside), ("E", End), ("S", Single)],
            Self::Bilou => &[("B", Begin), ("I", Inside), ("L", End), ("U", Single)],
            Self::Bmes => &[("B", Begin), ("M", Inside), ("E", End), ("S", Single)],
            Self::Io => &[],
        }
    }
}

impl From<Scheme> for TagScheme {
    /// In the usual form.
    fn from(scheme: Scheme) -> Self {
        Self { scheme, form: TagForm::PrefixHyphen }
    }
}

impl TagScheme {
    /// Place and type of a tag; `None` if the scheme has no such tag.
    fn parse(self, tag: &str) -> Option<(Place, &str)> {
        if tag == OUTSIDE {
            return Some((Place::Outside, ""));
        }
        if self.scheme == Scheme::Io {
            return Some((Place::Inside, tag));
        }
        let (letter, kind) = self.form.split(tag);
        let mut letters = self.scheme.letters().iter();
        letters.find(|(other, _)| *other == letter).map(|(_, place)| (*place, kind))
    }

    /// The tag of a place in a span of that type.
    fn tag(self, place: Place, kind: &str) -> String {
        match self.scheme {
            Scheme::Io => kind.to_owned(),
            _ => self.form.join(self.letter(place), kind),
        }
    }

    fn letter(self, place: Place) -> &'static str {
        let mut letters = self.scheme.letters().iter();
        letters.find(|(_, other)| *other == place).map_or(OUTSIDE, |(letter, _)| letter)
    }

    /// Whether the scheme has that tag.
    pub fn knows(self, tag: &str) -> bool {
        self.parse(tag).is_some()
    }

    /// The tag in the form that conlleval reads, with a letter of iobes before a hyphen. A tag that the scheme
    /// does not have is unchanged.
    pub fn canonical(self, tag: &str) -> Cow<'_, str> {
        let is_usual = matches!(self.scheme, Scheme::Iob1 | Scheme::Iob2 | Scheme::Iobes)
            && self.form == TagForm::PrefixHyphen;
        match self.parse(tag).filter(|_| !is_usual && tag != OUTSIDE) {
            Some((place, kind)) => Self::from(Scheme::Iobes).tag(place, kind).into(),
            None => tag.into(),
        }
    }

    /// The spans of a sequence by the rules of conlleval; see [`spans`].
    pub fn spans<S: AsRef<str>>(self, tags: &[S]) -> Vec<Span> {
        let tags: Vec<Cow<'_, str>> = tags.iter().map(|tag| self.canonical(tag.as_ref())).collect();
        spans(&tags)
    }

    /// Whether `to` may follow `from` in a valid sequence; `None` is the start or end of the
    /// sentence.
    ///
    /// Viterbi decoding with this constraint gives only valid spans.
    pub fn allowed(self, from: Option<&str>, to: Option<&str>) -> bool {
        let from = self.parse(from.unwrap_or(OUTSIDE));
        let to = self.parse(to.unwrap_or(OUTSIDE));
        from.zip(to).is_some_and(|(before, now)| self.follows(before, now))
    }

    fn follows(self, before: (Place, &str), now: (Place, &str)) -> bool {
        let inside = matches!(before.0, Place::Begin | Place::Inside);
        let continues = inside && before.1 == now.1;
        match (self.scheme, now.0) {
            (Scheme::Iob1, Place::Begin) | (Scheme::Iob2, Place::Inside) => continues,
            (Scheme::Iob1 | Scheme::Iob2 | Scheme::Io, _) => true,
            (_, Place::Inside | Place::End) => continues,
            _ => !inside,
        }
    }

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

    /// The tags of a sentence of `n_tokens` tokens with these spans, which are in order and do not
    /// overlap.
    pub fn encode(self, spans: &[Span], n_tokens: usize) -> Vec<String> {
        let mut tags = vec![OUTSIDE.to_owned(); n_tokens];
        let mut before: Option<&Span> = None;
        for span in spans {
            let touches =
                before.is_some_and(|before| before.end == span.start && before.kind == span.kind);
            let n_inside = span.end - span.start;
            for (idx, tag) in tags[span.start..span.end].iter_mut().enumerate() {
                let (first, last) = (idx == 0, idx + 1 == n_inside);
                let place = match self.scheme {
                    Scheme::Iob1 if first && touches => Place::Begin,
                    Scheme::Iob2 if first => Place::Begin,
                    Scheme::Iob1 | Scheme::Iob2 | Scheme::Io => Place::Inside,
                    _ if first && last => Place::Single,
                    _ if last => Place::End,
                    _ if first => Place::Begin,
                    _ => Place::Inside,
                };
                *tag = self.tag(place, &span.kind);
            }
            before = Some(span);
        }
        tags
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
                return format!("expected an {name} tag ({}), found {tag}", self.tags());
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(scheme: Scheme, tags: &str) -> Result<(), TagFault> {
        let tags: Vec<_> = tags.split(' ').collect();
        TagScheme::from(scheme).faults(&tags).into_iter().next().map_or(Ok(()), Err)
    }

    #[test]
    fn every_scheme_has_its_rules() {
        let cases = [
            (Scheme::Iob1, "I-NP I-NP B-NP I-NP O I-VP I-NP", None),
            (Scheme::Iob1, "O B-NP", Some(1)),
            (Scheme::Iob1, "I-VP B-NP", Some(1)),
            (Scheme::Iob1, "B-NP", Some(0)),
            (Scheme::Iob2, "B-NP I-NP B-NP B-VP O", None),
            (Scheme::Iob2, "O I-NP", Some(1)),
            (Scheme::Iob2, "B-VP I-NP", Some(1)),
            (Scheme::Iob2, "I-NP", Some(0)),
            (Scheme::Iob2, "B-NP E-NP", Some(1)),
            (Scheme::Iobes, "B-NP I-NP E-NP S-NP O S-VP B-NP E-NP", None),
            (Scheme::Iobes, "B-NP O", Some(1)),
            (Scheme::Iobes, "B-NP S-NP", Some(1)),
            (Scheme::Iobes, "B-NP E-VP", Some(1)),
            (Scheme::Iobes, "S-NP E-NP", Some(1)),
            (Scheme::Iobes, "S-NP B-NP", Some(1)),
            (Scheme::Iobes, "E-NP", Some(0)),
            (Scheme::Iob2, "O X-NP", Some(1)),
            (Scheme::Iob2, "O-NP", Some(0)),
            (Scheme::Iob1, "NP", Some(0)),
        ];
        for (scheme, tags, fault) in cases {
            let found = check(scheme, tags).err().map(|fault| fault.idx);
            assert_eq!(found, fault, "{} {tags}", scheme.name());
        }
    }

    #[test]
    fn a_fault_says_what_was_expected_and_found() {
        let said = |scheme, tags| check(scheme, tags).unwrap_err().to_string();
        assert_eq!(
            said(Scheme::Iob2, "O I-NP"),
            "expected B-NP after O, found I-NP (iob2: every span starts with B-)"
        );
        assert_eq!(
            said(Scheme::Iob1, "B-NP"),
            "expected I-NP at the start of the sentence, found B-NP \
             (iob1: B- only directly after a span of the same type)"
        );
        assert_eq!(
            said(Scheme::Iobes, "B-NP"),
            "expected E- or S- at the end of the sentence, found B-NP"
        );
        assert_eq!(
            said(Scheme::Iob2, "X-NP"),
            "expected an iob2 tag (O, B-TYPE or I-TYPE), found X-NP"
        );
    }

    fn split(tags: &str) -> Vec<&str> {
        tags.split(' ').collect()
    }

    #[test]
    fn spans_round_trip_through_every_scheme_and_form() {
        let tags = split("I-NP I-NP B-NP O I-VP I-NP I-NP I-NP B-NP");
        let spans = TagScheme::from(Scheme::Iob1).spans(&tags);
        assert_eq!(TagScheme::from(Scheme::Iob1).encode(&spans, 9), tags);
        for (scheme, form, wanted) in [
            (Scheme::Iob2, TagForm::PrefixHyphen, "B-NP I-NP B-NP O B-VP B-NP I-NP I-NP B-NP"),
            (Scheme::Iobes, TagForm::PrefixHyphen, "B-NP E-NP S-NP O S-VP B-NP I-NP E-NP S-NP"),
            (Scheme::Bilou, TagForm::PrefixUnderscore, "B_NP L_NP U_NP O U_VP B_NP I_NP L_NP U_NP"),
            (Scheme::Bmes, TagForm::SuffixHyphen, "NP-B NP-E NP-S O VP-S NP-B NP-M NP-E NP-S"),
            (Scheme::Iob2, TagForm::SuffixUnderscore, "NP_B NP_I NP_B O VP_B NP_B NP_I NP_I NP_B"),
        ] {
            let scheme = TagScheme { scheme, form };
            let written = scheme.encode(&spans, 9);
            assert_eq!(written, split(wanted));
            assert_eq!(scheme.spans(&written), spans);
            assert_eq!(scheme.count_faults(&written), 0);
        }
        // io cannot tell two neighbours of one type apart.
        let io = TagScheme::from(Scheme::Io);
        assert_eq!(io.encode(&spans, 9), split("NP NP NP O VP NP NP NP NP"));
        let merged = io.spans(&split("NP NP NP O VP NP NP NP NP"));
        let places: Vec<_> = merged.iter().map(|span| (span.start, span.end)).collect();
        assert_eq!(places, [(0, 3), (4, 5), (5, 9)]);
    }

    #[test]
    fn word_segmentation_has_letters_without_a_type() {
        let bmes = TagScheme::from(Scheme::Bmes);
        let tags = split("B M E S B E");
        assert_eq!(bmes.count_faults(&tags), 0);
        assert_eq!(bmes.encode(&bmes.spans(&tags), 6), tags);
        assert_eq!(bmes.faults(&split("B S"))[0].idx, 1);
    }

    #[test]
    fn a_path_is_allowed_exactly_when_the_sequence_is_valid() {
        let letters = ["B", "I", "E", "S", "L", "U", "M", "Z"];
        for (&scheme, &form) in Scheme::ALL
            .iter()
            .flat_map(|scheme| TagForm::ALL.iter().map(move |form| (scheme, form)))
        {
            let scheme = TagScheme { scheme, form };
            let tags = ["X", "Y"].map(|kind| letters.map(|letter| form.join(letter, kind)));
            let tags: Vec<&str> =
                tags.as_flattened().iter().map(String::as_str).chain(["O"]).collect();
            for (first, second) in tags.iter().flat_map(|a| tags.iter().map(move |b| (*a, *b))) {
                let path = scheme.allowed(None, Some(first))
                    && scheme.allowed(Some(first), Some(second))
                    && scheme.allowed(Some(second), None);
                let valid = scheme.count_faults(&[first, second]) == 0;
                assert_eq!(path, valid, "{} {first} {second}", scheme.scheme.name());
            }
        }
    }

    #[test]
    fn every_name_finds_its_scheme() {
        for name in Scheme::NAMES {
            assert_eq!(Scheme::find(name).map(Scheme::name), Some(*name));
        }
        assert_eq!(Scheme::find("bioul"), None);
    }

    #[test]
    fn a_corpus_of_another_scheme_is_recognized_and_a_few_violations_are_not() {
        let repeat = |tags: &'static str, n| {
            vec![tags.split(' ').map(Some).collect::<Vec<Option<&str>>>(); n]
        };
        let recognize = |scheme: Scheme, tags, n| {
            let sentences = repeat(tags, n);
            let sentences: Vec<_> = sentences.iter().map(Vec::as_slice).collect();
            let found = TagScheme::from(scheme).recognize(&sentences);
            found.map(|found| (found.scheme, found.form))
        };
        let usual = TagForm::PrefixHyphen;
        let iob1 = "I-PER I-PER O I-LOC";
        assert_eq!(recognize(Scheme::Iob2, iob1, 5), Some((Scheme::Iob1, usual)));
        assert_eq!(recognize(Scheme::Iob2, iob1, 4), None, "nine violations may be mistakes");
        assert_eq!(recognize(Scheme::Iob1, "O B-PER I-PER O", 10), Some((Scheme::Iob2, usual)));
        assert_eq!(recognize(Scheme::Iob2, "B-X L-X O U-X", 10), Some((Scheme::Bilou, usual)));
        assert_eq!(
            recognize(Scheme::Iob2, "X-B X-I O", 10),
            Some((Scheme::Iob2, TagForm::SuffixHyphen))
        );
        assert_eq!(recognize(Scheme::Iob2, "O PER PER O O", 10), Some((Scheme::Io, usual)));
        assert_eq!(recognize(Scheme::Iob2, "NN VB IN", 10), None, "no tags of spans");
        let mut mostly = repeat("O I-PER", 10_000);
        mostly.extend(repeat("O B-MISC I-MISC", 30));
        let mostly: Vec<_> = mostly.iter().map(Vec::as_slice).collect();
        assert_eq!(TagScheme::from(Scheme::Iob1).recognize(&mostly), None);
    }

    #[test]
    fn tags_beside_a_token_without_one_may_continue_any_span() {
        let faults = |scheme: Scheme, tags: &str| -> Vec<(usize, bool)> {
            let tags: Vec<_> =
                tags.split(' ').map(|tag| Some(tag).filter(|tag| *tag != "_")).collect();
            let scheme = TagScheme::from(scheme);
            let faults = scheme.faults_of_labelled(&tags);
            assert_eq!(scheme.count_faults_of_labelled(&tags), faults.len() as u64);
            faults.iter().map(|fault| (fault.idx, fault.is_unknown)).collect()
        };
        assert_eq!(faults(Scheme::Iob2, "_ I-PER _ I-LOC"), []);
        assert_eq!(faults(Scheme::Iob2, "_ X-PER _"), [(1, true)]);
        assert_eq!(faults(Scheme::Iob2, "I-PER _ O I-PER"), [(0, false), (3, false)]);
        assert_eq!(faults(Scheme::Iobes, "B-PER _ E-PER _"), []);
        assert_eq!(faults(Scheme::Iobes, "_ B-PER"), [(1, false)]);
        assert_eq!(faults(Scheme::Iobes, "B-PER _"), []);
        assert_eq!(faults(Scheme::Iob2, "_ _"), []);
    }

    #[test]
    fn every_fault_of_a_sentence_is_found_and_a_mistake_is_one_fault() {
        let places = |tags: &[&str]| -> Vec<usize> {
            TagScheme::from(Scheme::Iob2).faults(tags).iter().map(|fault| fault.idx).collect()
        };
        assert_eq!(places(&["O", "QQ", "I-NP", "O", "I-VP", "ZZ"]), [1, 4, 5]);
        assert!(places(&["B-NP", "I-NP", "O"]).is_empty());
    }
}
