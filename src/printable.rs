//! Text that others wrote, made safe to print: names, labels, file names, notes and quotations from
//! corpora, recipes and journals.
//!
//! A character that controls a terminal (C0, DEL, C1), reorders what surrounds it (bidirectional
//! marks, embeddings and overrides) or cannot be seen (zero width, fillers, tags) is replaced by its
//! escape in Rust's notation, `\u{1b}`: it can do nothing, and the reader sees that it is there.
//! Results for programs stay as they are, except that JSON has such characters as its own escapes,
//! which every parser reads as the same text.

use std::{
    borrow::Cow,
    fmt::Write as _,
    io::{self, Write as _},
};

use serde::Serialize;

/// Whether a character would not be seen as itself.
pub fn is_unprintable(c: char) -> bool {
    // Nearly all text, first.
    if matches!(c, ' '..='~') {
        return false;
    }
    c.is_control()
        // Soft hyphen, joiners, fillers, invisible vowels.
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}')
        || matches!(c, '\u{180b}'..='\u{180f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}')
        // Bidirectional marks, embeddings, overrides and isolates.
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}')
        // Zero width, separators of lines and paragraphs, invisible operators, isolates.
        || matches!(c, '\u{200b}'..='\u{200d}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{206f}')
        // Annotations, musical controls, tags and supplementary variation selectors.
        || matches!(c, '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a character of a text with these neighbours would not be seen as itself. Joiners are ordinary
/// orthography between characters of scripts that need them (Persian, Hindi, Sinhala) and of emoji.
fn is_escaped(before: Option<char>, c: char, after: Option<char>) -> bool {
    // Latin, Greek and Cyrillic are below.
    let joins = |c: Option<char>| {
        c.is_some_and(|c| c >= '\u{590}' && !is_unprintable(c) && !c.is_whitespace())
    };
    let is_joiner = matches!(c, '\u{200c}' | '\u{200d}');
    is_unprintable(c) && !(is_joiner && joins(before) && joins(after))
}

/// The characters of a text, each with whether it would not be seen as itself there.
fn marked(text: &str) -> impl Iterator<Item = (char, bool)> {
    let mut chars = text.chars().peekable();
    let mut before = None;
    std::iter::from_fn(move || {
        let c = chars.next()?;
        let is_escaped = is_escaped(before, c, chars.peek().copied());
        before = Some(c);
        Some((c, is_escaped))
    })
}

/// A text for one line: line breaks and tabs are escaped too.
pub fn printable(text: &str) -> Cow<'_, str> {
    escaped(text, None)
}

/// A text of several lines, whose line breaks are ours. What others wrote into it must not add
/// lines: where it may contain line breaks, it goes through [`printable`] first.
pub fn printable_lines(text: &str) -> Cow<'_, str> {
    escaped(text, Some('\n'))
}

/// A text with its unprintable characters escaped but for one.
fn escaped(text: &str, kept: Option<char>) -> Cow<'_, str> {
    if !text.chars().any(|c| is_unprintable(c) && Some(c) != kept) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for (c, is_escaped) in marked(text) {
        push(&mut safe, c, is_escaped && Some(c) != kept);
    }
    Cow::Owned(safe)
}

/// The beginning of a text for one line, at most this many characters: spaces that look like U+0020 and are
/// others are escaped too.
pub fn excerpt(text: &str, max_chars: usize) -> String {
    let mut shown = String::with_capacity(text.len().min(4 * max_chars));
    for (at, (c, is_escaped)) in marked_with_spaces(text).enumerate() {
        if at == max_chars {
            shown.push('…');
            break;
        }
        push(&mut shown, c, is_escaped);
    }
    shown
}

/// Whether a text has a character that cannot be seen, or that looks like a space and is another one.
pub fn has_invisible(text: &str) -> bool {
    marked_with_spaces(text).any(|(_, is_escaped)| is_escaped)
}

fn marked_with_spaces(text: &str) -> impl Iterator<Item = (char, bool)> {
    let is_other_space = |c: char| c.is_whitespace() && c != ' ';
    marked(text).map(move |(c, is_escaped)| (c, is_escaped || is_other_space(c)))
}

/// Adds a character, or its escape.
fn push(safe: &mut String, c: char, is_escaped: bool) {
    if !is_escaped {
        safe.push(c);
    } else if matches!(c, '\n' | '\r' | '\t') {
        safe.extend(c.escape_default());
    } else {
        safe.extend(c.escape_unicode());
    }
}

/// A document as JSON on one line, in which unprintable characters are escaped.
pub fn json(document: &impl Serialize) -> serde_json::Result<String> {
    let text = serde_json::to_string(document)?;
    // serde_json escapes C0 itself, and outside strings JSON is ASCII.
    if !text.chars().any(is_unprintable) {
        return Ok(text);
    }
    let mut safe = String::with_capacity(text.len() + 64);
    for c in text.chars() {
        if is_unprintable(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(safe, "\\u{unit:04x}").expect("a string takes any text");
            }
        } else {
            safe.push(c);
        }
    }
    Ok(safe)
}

/// Prints a message of one or more lines on standard error. A closed pipe has no reader.
pub fn print_message(text: &str) {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let _ = io::stderr().write_all(format!("{}\n", printable_lines(text)).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_can_be_seen_stays() {
        for text in ["B-PER", "Führer", "日本語", "ع", "❤\u{fe0f}", "a b", "ê"] {
            assert!(matches!(printable(text), Cow::Borrowed(_)), "{text}");
        }
    }

    #[test]
    fn controls_overrides_and_invisible_characters_are_escaped() {
        assert_eq!(printable("\u{1b}[2Ja"), "\\u{1b}[2Ja");
        assert_eq!(printable("\u{9b}31m\u{7f}"), "\\u{9b}31m\\u{7f}");
        assert_eq!(printable("a\nb\tc\r"), "a\\nb\\tc\\r");
        assert_eq!(printable("x\u{202e}y\u{2066}z"), "x\\u{202e}y\\u{2066}z");
        assert_eq!(printable("\u{feff}O\u{200b}"), "\\u{feff}O\\u{200b}");
        assert_eq!(printable_lines("one\ntwo\u{7}\n"), "one\ntwo\\u{7}\n");
    }

    #[test]
    fn an_excerpt_shows_spaces_that_are_others_and_ends() {
        let shown = |text| excerpt(text, 60);
        assert_eq!(
            shown("\u{feff}good\u{200b}\u{a0}x\u{202e}y\n"),
            "\\u{feff}good\\u{200b}\\u{a0}x\\u{202e}y\\n"
        );
        assert_eq!(shown("très-bien 好 B-PER"), "très-bien 好 B-PER");
        assert_eq!(shown("\u{17b4}\u{1d173}\u{e0100}"), "\\u{17b4}\\u{1d173}\\u{e0100}");
        assert!(has_invisible("a\u{a0}b") && has_invisible("a\u{feff}"));
        assert!(!has_invisible("می\u{200c}خواهم") && !has_invisible("👩\u{200d}💻 x"));
        assert_eq!(shown(&"x".repeat(99)), "x".repeat(60) + "…");
    }

    #[test]
    fn joiners_stay_where_orthography_has_them() {
        for text in ["می\u{200c}خواهم", "👩\u{200d}💻", "❤\u{fe0f}\u{200d}🔥", "क्\u{200d}ष"]
        {
            assert_eq!(printable(text), text);
        }
        assert_eq!(printable("go\u{200d}od"), "go\\u{200d}od");
        assert_eq!(printable("\u{200c}می\u{200d}"), "\\u{200c}می\\u{200d}");
        assert_eq!(printable("م\u{200d}\u{200d}م"), "م\\u{200d}\\u{200d}م");
    }

    #[test]
    fn json_is_escaped_and_reads_as_the_same_text() {
        let text = "\u{1b}[2J\u{9b}\u{202e}\u{e0041}\"é\u{7f}";
        let json = json(&text).unwrap();
        assert!(!json.chars().any(is_unprintable), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
