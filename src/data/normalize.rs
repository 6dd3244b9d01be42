//! Normalization of strings before they are counted and looked up.

use std::borrow::Cow;

/// How a string is normalized before it is counted or looked up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Normalize {
    /// `Paris` counts as `paris`.
    pub lowercase: bool,
    /// `1984` counts as `0000` (Rei 2017); the digits 0 to 9 only.
    pub zero_digits: bool,
}

impl Normalize {
    /// The normalized string.
    pub fn apply<'a>(&self, item: &'a str) -> Cow<'a, str> {
        let mut item = Cow::Borrowed(item);
        // Copies only if something changes: most tokens are lower-case and have no digits.
        if self.lowercase && item.chars().any(|char| !char.is_ascii() || char.is_ascii_uppercase())
        {
            item = Cow::Owned(item.to_lowercase());
        }
        if self.zero_digits && item.bytes().any(|byte| matches!(byte, b'1'..=b'9')) {
            item = Cow::Owned(item.replace(|char: char| char.is_ascii_digit(), "0"));
        }
        item
    }
}

/// Further normalization of words that are not found as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backoff {
    /// The word in lower case is tried.
    pub lowercase: bool,
    /// Then, or only, the word with its digits replaced by 0.
    pub zero_digits: bool,
}

/// The forms in which a word is looked up, from the first that is found: the normalized word, then
/// its forms under back-off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forms {
    /// The normalization of the first form.
    pub first: Normalize,
    /// The further forms.
    pub backoff: Backoff,
}

impl Forms {
    /// What is found for the first form of a word for which anything is.
    pub fn find<T>(&self, word: &str, mut get: impl FnMut(&str) -> Option<T>) -> Option<T> {
        let first = self.first.apply(word);
        if let Some(found) = get(&first) {
            return Some(found);
        }
        let Backoff { lowercase, zero_digits } = self.backoff;
        let lower = Normalize { lowercase, zero_digits: false }.apply(&first);
        if lower != first
            && let Some(found) = get(&lower)
        {
            return Some(found);
        }
        let zeros = Normalize { lowercase: false, zero_digits }.apply(&lower);
        if zeros == lower { None } else { get(&zeros) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_option_changes_only_its_own_characters() {
        let neither = Normalize::default();
        let lower = Normalize { lowercase: true, ..neither };
        let both = Normalize { zero_digits: true, ..lower };
        assert_eq!(neither.apply("Élan-42"), "Élan-42");
        assert_eq!(lower.apply("Élan-42"), "élan-42");
        assert_eq!(both.apply("Élan-42"), "élan-00");
        assert!(matches!(both.apply("plain-00"), Cow::Borrowed("plain-00")));
        assert_eq!(both.apply("½ ٣"), "½ ٣");
    }

    #[test]
    fn a_word_is_found_by_its_first_known_form() {
        let known = ["Paris", "paris", "may", "0000", "IN-00", "in-00"];
        let find = |word: &str, lowercase, zero_digits| {
            let backoff = Backoff { lowercase, zero_digits };
            let forms = Forms { first: Normalize::default(), backoff };
            forms.find(word, |form| known.iter().copied().find(|other| *other == form))
        };
        assert_eq!(find("Paris", true, true), Some("Paris"));
        assert_eq!(find("PARIS", true, true), Some("paris"));
        assert_eq!(find("May", false, true), None);
        assert_eq!(find("1984", true, true), Some("0000"));
        assert_eq!(find("1984", true, false), None);
        assert_eq!(find("IN-42", false, true), Some("IN-00"));
        assert_eq!(find("IN-42", true, true), Some("in-00"));
        assert_eq!(find("unknown", true, true), None);
    }
}
