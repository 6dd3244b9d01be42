//! The form of a tag: on which side of the type the letter is, and what separates them.

/// How letter and type form a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagForm {
    /// `B-PER`, split at the first hyphen.
    PrefixHyphen,
    /// `B_PER`, split at the first underscore.
    PrefixUnderscore,
    /// `PER-B`, split at the last hyphen.
    SuffixHyphen,
    /// `PER_B`, split at the last underscore.
    SuffixUnderscore,
}

impl TagForm {
    /// The names in recipes: each shows the form.
    pub const NAMES: &[&str] = &["B-PER", "B_PER", "PER-B", "PER_B"];

    /// All forms, in the order of their names.
    pub const ALL: &[Self] =
        &[Self::PrefixHyphen, Self::PrefixUnderscore, Self::SuffixHyphen, Self::SuffixUnderscore];

    /// The form with that name.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|form| form.name() == name)
    }

    /// Its name in recipes.
    pub fn name(self) -> &'static str {
        match self {
            Self::PrefixHyphen => "B-PER",
            Self::PrefixUnderscore => "B_PER",
            Self::SuffixHyphen => "PER-B",
            Self::SuffixUnderscore => "PER_B",
        }
    }

    /// Letter and type of a tag; a tag without a separator is all letter.
    pub(super) fn split(self, tag: &str) -> (&str, &str) {
        let parts = match self {
            Self::PrefixHyphen => tag.split_once('-'),
            Self::PrefixUnderscore => tag.split_once('_'),
            Self::SuffixHyphen => tag.rsplit_once('-').map(|(kind, letter)| (letter, kind)),
            Self::SuffixUnderscore => tag.rsplit_once('_').map(|(kind, letter)| (letter, kind)),
        };
        parts.unwrap_or((tag, ""))
    }

    /// The tag of a letter and a type. Without a type, as in word segmentation, it is the letter alone.
    pub(super) fn join(self, letter: &str, kind: &str) -> String {
        if kind.is_empty() {
            return letter.to_owned();
        }
        match self {
            Self::PrefixHyphen => format!("{letter}-{kind}"),
            Self::PrefixUnderscore => format!("{letter}_{kind}"),
            Self::SuffixHyphen => format!("{kind}-{letter}"),
            Self::SuffixUnderscore => format!("{kind}_{letter}"),
        }
    }

    /// The letter with its separator, for messages.
    pub(super) fn mark(self, letter: &str) -> String {
        match self {
            Self::PrefixHyphen => format!("{letter}-"),
            Self::PrefixUnderscore => format!("{letter}_"),
            Self::SuffixHyphen => format!("-{letter}"),
            Self::SuffixUnderscore => format!("_{letter}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_shows_its_form() {
        for (form, name) in TagForm::ALL.iter().zip(TagForm::NAMES) {
            assert_eq!(TagForm::find(name), Some(*form));
            assert_eq!(form.join("B", "PER"), *name);
            assert_eq!(form.split(name), ("B", "PER"));
            assert_eq!((form.join("B", ""), form.split("B")), ("B".into(), ("B", "")));
        }
    }

    #[test]
    fn a_type_may_contain_the_separator() {
        assert_eq!(TagForm::PrefixHyphen.split("B-date-of-birth"), ("B", "date-of-birth"));
        assert_eq!(TagForm::SuffixHyphen.split("date-of-birth-B"), ("B", "date-of-birth"));
        assert_eq!(TagForm::PrefixUnderscore.split("B_a_b"), ("B", "a_b"));
        assert_eq!(TagForm::SuffixUnderscore.split("a_b_B"), ("B", "a_b"));
    }
}
