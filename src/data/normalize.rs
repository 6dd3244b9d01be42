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
}
