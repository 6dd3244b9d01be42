//! The usual encodings of spans as tags, and their valid sequences.
//!
//! iob1 (Ramshaw and Marcus 1995): `I-`, and `B-` only between two neighbours of one type.
//! iob2 (Ratnaparkhi 1998), also called BIO: every span starts with `B-`.
//! iobes (also BIOES): `B- I- E-` for long spans and `S-` for a span of one token. bilou has the letters `L` and `U`
//! for `E` and `S`; bmes (Chinese word segmentation) has `M` for `I`.
//! io: the type alone; two neighbouring spans of one type are read as one.

mod faults;

use std::borrow::Cow;

pub use faults::TagFault;

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
}

#[cfg(test)]
mod tests;
