//! The three usual encodings of spans as tags, and their valid sequences.
//!
//! iob1 (Ramshaw and Marcus 1995): `I-`, and `B-` only between two neighbours of one type.
//! iob2 (Ratnaparkhi 1998): every span starts with `B-`.
//! iobes (also BIOES, BILOU): `B- I- E-` for long spans and `S-` for a span of one token.

use super::{OUTSIDE, Span, spans, split};

/// An encoding of spans as tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `B-` only where a span directly follows another one of its type.
    Iob1,
    /// `B-` at the start of every span.
    Iob2,
    /// `B-` at the start, `E-` at the end, `S-` for a single token.
    Iobes,
}

/// A violation of the scheme in a sequence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct TagFault {
    /// The index of the tag in its sentence, from 0.
    pub idx: usize,
    /// What was found and what was expected.
    pub reason: String,
}

impl Scheme {
    /// The names in recipes.
    pub const NAMES: &[&str] = &["iob1", "iob2", "iobes"];

    /// The scheme with that name.
    pub fn find(name: &str) -> Option<Self> {
        Some(match name {
            "iob1" => Self::Iob1,
            "iob2" => Self::Iob2,
            "iobes" => Self::Iobes,
            _ => return None,
        })
    }

    /// Its name in recipes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Iob1 => "iob1",
            Self::Iob2 => "iob2",
            Self::Iobes => "iobes",
        }
    }

    /// Whether the scheme has that tag.
    pub fn knows(self, tag: &str) -> bool {
        match split(tag) {
            (OUTSIDE, _) => tag == OUTSIDE,
            ("B" | "I", _) => true,
            ("E" | "S", _) => self == Self::Iobes,
            _ => false,
        }
    }

    /// Whether `to` may follow `from` in a valid sequence; `None` is the start or end of the
    /// sentence.
    ///
    /// Viterbi decoding with this constraint gives only valid spans.
    pub fn allowed(self, from: Option<&str>, to: Option<&str>) -> bool {
        if ![from, to].into_iter().flatten().all(|tag| self.knows(tag)) {
            return false;
        }
        let (before, now) = (split(from.unwrap_or(OUTSIDE)), split(to.unwrap_or(OUTSIDE)));
        let inside = matches!(before.0, "B" | "I");
        let continues = inside && before.1 == now.1;
        match (self, now.0) {
            (Self::Iob1, "B") | (Self::Iob2, "I") | (Self::Iobes, "I" | "E") => continues,
            (Self::Iob1 | Self::Iob2, _) => true,
            (Self::Iobes, _) => !inside,
        }
    }

    /// All violations in a sequence, in order.
    pub fn faults<S: AsRef<str>>(self, tags: &[S]) -> Vec<TagFault> {
        let mut faults = Vec::new();
        let mut before = None;
        // After an unknown tag anything may follow: one mistake is one fault.
        let mut follows_unknown = false;
        for (idx, tag) in tags.iter().map(AsRef::as_ref).enumerate() {
            let known = self.knows(tag);
            if !known {
                let (name, tags) = (self.name(), self.tags());
                let reason = format!("expected an {name} tag ({tags}), found {tag}");
                faults.push(TagFault { idx, reason });
            } else if !follows_unknown && !self.allowed(before, Some(tag)) {
                faults.push(TagFault { idx, reason: self.reason(before, tag) });
            }
            (before, follows_unknown) = (Some(tag), !known);
        }
        if let Some(last) = before.filter(|_| !follows_unknown && !self.allowed(before, None)) {
            let reason = format!("expected E- or S- at the end of the sentence, found {last}");
            faults.push(TagFault { idx: tags.len() - 1, reason });
        }
        faults
    }

    /// The first violation in a sequence, if there is one.
    pub fn validate<S: AsRef<str>>(self, tags: &[S]) -> Result<(), TagFault> {
        self.faults(tags).into_iter().next().map_or(Ok(()), Err)
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
                let prefix = match self {
                    Self::Iobes if first && last => 'S',
                    Self::Iobes if last => 'E',
                    Self::Iob1 if first && touches => 'B',
                    Self::Iob2 | Self::Iobes if first => 'B',
                    _ => 'I',
                };
                *tag = format!("{prefix}-{}", span.kind);
            }
            before = Some(span);
        }
        tags
    }

    /// The same spans in another scheme; an error if the sequence is not valid in this one.
    pub fn convert<S: AsRef<str>>(self, tags: &[S], to: Self) -> Result<Vec<String>, TagFault> {
        self.validate(tags)?;
        Ok(to.encode(&spans(tags), tags.len()))
    }

    fn tags(self) -> &'static str {
        match self {
            Self::Iob1 | Self::Iob2 => "O, B-TYPE or I-TYPE",
            Self::Iobes => "O, B-TYPE, I-TYPE, E-TYPE or S-TYPE",
        }
    }

    fn reason(self, before: Option<&str>, tag: &str) -> String {
        let kind = split(tag).1;
        let position = match before {
            Some(before) => format!("after {before}"),
            None => "at the start of the sentence".to_owned(),
        };
        let (expected, rule) = match (self, split(tag).0) {
            (Self::Iob1, _) => {
                (format!("I-{kind}"), "B- only directly after a span of the same type")
            }
            (Self::Iob2, _) => (format!("B-{kind}"), "every span starts with B-"),
            (Self::Iobes, "I" | "E") => {
                (format!("B-{kind} or S-{kind}"), "a span starts with B- or S-")
            }
            (Self::Iobes, _) => ("I- or E-".to_owned(), "a span ends with E-"),
        };
        format!("expected {expected} {position}, found {tag} ({}: {rule})", self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(scheme: Scheme, tags: &str) -> Result<(), TagFault> {
        scheme.validate(&tags.split(' ').collect::<Vec<_>>())
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

    #[test]
    fn spans_round_trip_through_every_scheme() {
        let tags = ["I-NP", "I-NP", "B-NP", "O", "I-VP", "I-NP", "I-NP", "B-NP"];
        let iobes = Scheme::Iob1.convert(&tags, Scheme::Iobes).unwrap();
        assert_eq!(iobes, ["B-NP", "E-NP", "S-NP", "O", "S-VP", "B-NP", "E-NP", "S-NP"]);
        let iob2 = Scheme::Iobes.convert(&iobes, Scheme::Iob2).unwrap();
        assert_eq!(iob2, ["B-NP", "I-NP", "B-NP", "O", "B-VP", "B-NP", "I-NP", "B-NP"]);
        assert_eq!(Scheme::Iob2.convert(&iob2, Scheme::Iob1).unwrap(), tags);
    }

    #[test]
    fn a_path_is_allowed_exactly_when_the_sequence_is_valid() {
        let tags = ["O", "B-X", "I-X", "E-X", "S-X", "B-Y", "I-Y", "E-Y", "S-Y", "Z-X"];
        for scheme in [Scheme::Iob1, Scheme::Iob2, Scheme::Iobes] {
            for (first, second) in tags.iter().flat_map(|a| tags.iter().map(move |b| (*a, *b))) {
                let path = scheme.allowed(None, Some(first))
                    && scheme.allowed(Some(first), Some(second))
                    && scheme.allowed(Some(second), None);
                let valid = scheme.validate(&[first, second]).is_ok();
                assert_eq!(path, valid, "{} {first} {second}", scheme.name());
            }
        }
    }

    #[test]
    fn every_name_finds_its_scheme() {
        for name in Scheme::NAMES {
            assert_eq!(Scheme::find(name).map(Scheme::name), Some(*name));
        }
        assert_eq!(Scheme::find("bilou"), None);
    }

    #[test]
    fn every_fault_of_a_sentence_is_found_and_a_mistake_is_one_fault() {
        let places = |tags: &[&str]| -> Vec<usize> {
            Scheme::Iob2.faults(tags).iter().map(|fault| fault.idx).collect()
        };
        assert_eq!(places(&["O", "QQ", "I-NP", "O", "I-VP", "ZZ"]), [1, 4, 5]);
        assert!(places(&["B-NP", "I-NP", "O"]).is_empty());
    }
}
