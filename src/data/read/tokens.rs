//! Tokenization, for formats whose texts are not tokenized in the file.
//!
//! `space` is for tokenized texts. Only ASCII white space separates tokens, so that U+00A0 or, in
//! Latin-1, U+0085 stays part of a token, as in every other format.
//!
//! `words` is for raw text. Any white space separates words; then each punctuation mark is a token
//! of its own, and a run of the same mark is one token (`...`, `!!`). A mark stays inside a word
//! where it is part of it: an apostrophe or a hyphen between letters or digits (`don't`,
//! `well-made`), a period, comma or colon between digits (`3.50`, `10:30`). It knows no
//! abbreviations and is independent of the language.

use std::ops::Range;

use super::{Axis, Field, FieldForm, Positions, Schema, SequenceSpec};
use crate::keys::{DefaultValue, Key, ValueType, Values};

/// The key that formats of texts share.
pub(super) const KEY: Key = Key::with_default(
    "tokens",
    ValueType::Choice(&["space", "words"]),
    "\"space\"",
    "tokenization; space: at white space; words: punctuation separated from words too",
);

/// The same key for formats whose texts are raw.
pub(super) const RAW_KEY: Key = Key { default: DefaultValue::Toml("\"words\""), ..KEY };

/// The schema of texts, each a sequence with the name of its field, and further fields.
pub(super) fn schema(texts: &[&str], others: impl IntoIterator<Item = Field>) -> Schema {
    let sequence = |name: &&str| SequenceSpec { name: (*name).to_owned(), is_list: false };
    let words = texts.iter().enumerate();
    let words = words.map(|(at, name)| Field::new(name, Axis::Sequence(at), FieldForm::Symbols));
    Schema {
        sequences: texts.iter().map(sequence).collect(),
        fields: words.chain(others).collect(),
    }
}

/// The byte offsets of the tokens in a text.
pub(super) fn bytes(text: &str, tokens: &[&str]) -> Vec<(u32, u32)> {
    let place = |token: &&str| {
        let start = token.as_ptr() as usize - text.as_ptr() as usize;
        (start as u32, (start + token.len()) as u32)
    };
    tokens.iter().map(place).collect()
}

/// The tokens that a range of bytes touches, as a span, if there are any; the tokens are in order.
pub(super) fn touched(tokens: &Positions, range: Range<usize>) -> Option<Range<u32>> {
    let first = n_while(tokens, |bytes| bytes.end <= range.start);
    let after = n_while(tokens, |bytes| bytes.start < range.end);
    (first < after).then_some(first as u32..after as u32)
}

/// The number of tokens before the first one that does not hold what all those before it do, by bisection; 0 without
/// offsets.
fn n_while(tokens: &Positions, holds: impl Fn(Range<usize>) -> bool) -> usize {
    let (mut low, mut high) = (0, tokens.len());
    while low < high {
        let middle = low.midpoint(high);
        if tokens.bytes(middle).is_some_and(&holds) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

/// The tokenization of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tokens {
    /// At white space.
    Space,
    /// At white space and punctuation.
    Words,
}

impl Tokens {
    /// The value of [`KEY`].
    pub(super) fn of(values: &Values) -> Self {
        if values.text(KEY.name) == "words" { Self::Words } else { Self::Space }
    }

    /// The tokens of a text, none of them empty.
    pub(super) fn split(self, text: &str) -> Vec<&str> {
        match self {
            Self::Space => text.split_ascii_whitespace().collect(),
            Self::Words => text.split_whitespace().flat_map(words).collect(),
        }
    }
}

/// The tokens of a text without white space.
fn words(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut start = 0;
    let mut before = None;
    for (at, char) in text.char_indices() {
        let after = text[at + char.len_utf8()..].chars().next();
        if before.is_some_and(|before| is_border(before, char, after, &text[start..at])) {
            tokens.push(&text[start..at]);
            start = at;
        }
        before = Some(char);
    }
    tokens.push(&text[start..]);
    tokens
}

/// Whether a token ends between two characters; `token` is its text so far.
fn is_border(before: char, char: char, after: Option<char>, token: &str) -> bool {
    match (is_mark(before), is_mark(char)) {
        (false, false) => false,
        (true, true) => before != char,
        (false, true) => !after.is_some_and(|after| belongs(before, char, after)),
        // A mark that is part of a word is in a token that began with the word.
        (true, false) => token.starts_with(is_mark),
    }
}

/// Whether a mark is part of the word around it.
fn belongs(before: char, mark: char, after: char) -> bool {
    match mark {
        '\'' | '\u{2019}' | '-' | '\u{2010}' | '\u{2011}' => {
            before.is_alphanumeric() && after.is_alphanumeric()
        }
        '.' | ',' | ':' => before.is_numeric() && after.is_numeric(),
        _ => false,
    }
}

/// Whether a character is punctuation or a symbol. Any other character is part of a word: a
/// combining mark or a joiner must not split it.
fn is_mark(char: char) -> bool {
    let is_listed = char.is_ascii_punctuation()
        || matches!(
            char,
            '\u{a1}'..='\u{bf}'
                | '\u{d7}'
                | '\u{f7}'
                | '\u{2010}'..='\u{2027}'
                | '\u{2030}'..='\u{205e}'
                | '\u{20a0}'..='\u{20cf}'
                | '\u{2190}'..='\u{2bff}'
                | '\u{3001}'..='\u{3003}'
                | '\u{3008}'..='\u{3020}'
                | '\u{ff01}'..='\u{ff65}'
                | '\u{1f000}'..='\u{1faff}'
        );
    // U+00AD, the soft hyphen, is always inside a word.
    is_listed && !char.is_alphanumeric() && char != '\u{ad}'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn space_splits_at_ascii_white_space_only() {
        assert_eq!(Tokens::Space.split(" a,  b\tc "), ["a,", "b", "c"]);
        assert_eq!(Tokens::Space.split("a\u{a0}b \u{85}"), ["a\u{a0}b", "\u{85}"]);
        assert_eq!(Tokens::Space.split(" \t"), [""; 0]);
    }

    #[test]
    fn words_are_separated_from_punctuation_but_keep_inner_marks() {
        for (text, wanted) in [
            ("Well, don't!", "Well|,|don't|!"),
            ("(a \"good\" one)...", "(|a|\"|good|\"|one|)|..."),
            ("wait!!?", "wait|!!|?"),
            ("a well-made, 3.50-pound thing", "a|well-made|,|3.50-pound|thing"),
            ("at 10:30: 1,000.", "at|10:30|:|1,000|."),
            ("'tis the dogs' day", "'|tis|the|dogs|'|day"),
            (
                "l\u{2019}\u{e9}t\u{e9} \u{ab}\u{a0}oui\u{a0}\u{bb}",
                "l\u{2019}\u{e9}t\u{e9}|\u{ab}|oui|\u{bb}",
            ),
            ("e\u{301}t 50\u{20ac} \u{1f600}\u{1f600}", "e\u{301}t|50|\u{20ac}|\u{1f600}\u{1f600}"),
            ("a--b a.b", "a|--|b|a|.|b"),
        ] {
            assert_eq!(Tokens::Words.split(text).join("|"), wanted, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_range_touches_the_tokens_of_which_it_has_a_byte(
            lengths in prop::collection::vec((0..3_u32, 1..4_u32), 0..12),
            (start, n) in (0..40_usize, 0..20_usize),
        ) {
            let mut end = 0;
            let place = |(gap, n): (u32, u32)| {
                let start = end + gap;
                end = start + n;
                (start, end)
            };
            let bytes: Vec<(u32, u32)> = lengths.into_iter().map(place).collect();
            let range = start..start + n;
            let touches = |(from, to): &(u32, u32)| {
                (*from as usize) < range.end && *to as usize > range.start
            };
            let first = bytes.iter().position(touches);
            let last = bytes.iter().rposition(touches);
            let wanted = first.zip(last).map(|(first, last)| first as u32..last as u32 + 1);
            let tokens = Positions::on_line(1, bytes.len()).at_bytes(Some(bytes.clone()));
            prop_assert_eq!(touched(&tokens, range), wanted);
        }

        #[test]
        fn tokens_contain_every_character_but_white_space(text in any::<String>()) {
            let tokens = Tokens::Words.split(&text);
            prop_assert!(tokens.iter().all(|token| !token.is_empty()));
            let without: String = text.split_whitespace().collect();
            prop_assert_eq!(tokens.concat(), without);
            let apart = tokens.join(" ");
            prop_assert_eq!(tokens, Tokens::Words.split(&apart));
        }
    }
}
