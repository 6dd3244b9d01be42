//! A key press and its notation: `ctrl-r`, `shift-left`, `space`, `?`, `l`.
//!
//! Terminals report the same key press in several ways: with or without SHIFT beside an upper-case
//! letter, Shift-Tab as its own code or as SHIFT and Tab, Ctrl-I as Tab. A [`KeyPress`] is
//! normalized, so that bound and pressed keys can be compared.

use std::{cmp::Ordering, fmt, str::FromStr};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use thiserror::Error;

use super::Glyphs;
use crate::nearest::nearest;

/// One key press.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyPress {
    // Normalized: Shift-Tab and characters have no SHIFT modifier, and a key without a name is
    // Null.
    code: KeyCode,
    modifiers: KeyModifiers,
}

/// The names of keys that are not characters.
const NAMES: &[(&str, KeyCode)] = &[
    ("space", KeyCode::Char(' ')),
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pageup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("f1", KeyCode::F(1)),
    ("f2", KeyCode::F(2)),
    ("f3", KeyCode::F(3)),
    ("f4", KeyCode::F(4)),
    ("f5", KeyCode::F(5)),
    ("f6", KeyCode::F(6)),
    ("f7", KeyCode::F(7)),
    ("f8", KeyCode::F(8)),
    ("f9", KeyCode::F(9)),
    ("f10", KeyCode::F(10)),
    ("f11", KeyCode::F(11)),
    ("f12", KeyCode::F(12)),
];

/// In the order in which they are written.
const MODIFIERS: &[(&str, KeyModifiers)] =
    &[("ctrl", KeyModifiers::CONTROL), ("alt", KeyModifiers::ALT), ("shift", KeyModifiers::SHIFT)];

impl KeyPress {
    /// As the footer shows it: arrow keys as arrow characters where the glyph set has them.
    pub fn shown(self, glyphs: &Glyphs) -> String {
        let name = match self.code {
            KeyCode::Left => glyphs.key_left,
            KeyCode::Right => glyphs.key_right,
            KeyCode::Up => glyphs.key_up,
            KeyCode::Down => glyphs.key_down,
            _ => return self.to_string(),
        };
        let mut shown = String::new();
        for (modifier, _) in MODIFIERS.iter().filter(|(_, held)| self.modifiers.contains(*held)) {
            shown.push_str(modifier);
            shown.push('-');
        }
        shown + name
    }

    fn new(code: KeyCode, modifiers: KeyModifiers) -> Self {
        let (ctrl, shift) = (KeyModifiers::CONTROL, KeyModifiers::SHIFT);
        // Terminals report other modifiers only on request, and we request none.
        let mut modifiers = modifiers & (ctrl | KeyModifiers::ALT | shift);
        let shifted = modifiers.contains(shift);
        let code = match code {
            KeyCode::Char(c) => {
                // The character implies it.
                modifiers.remove(shift);
                if modifiers.contains(ctrl) {
                    match lower(c) {
                        // A terminal sends the same byte for both.
                        'i' => KeyCode::Tab,
                        'm' => KeyCode::Enter,
                        '[' => KeyCode::Esc,
                        c => KeyCode::Char(c),
                    }
                } else {
                    KeyCode::Char(if shifted { upper(c) } else { c })
                }
            }
            KeyCode::Tab | KeyCode::BackTab if shifted || code == KeyCode::BackTab => {
                modifiers.remove(shift);
                KeyCode::BackTab
            }
            code if NAMES.iter().any(|(_, named)| *named == code) => code,
            _ => KeyCode::Null,
        };
        // Ctrl-I, Ctrl-M and Ctrl-[ are reported as these keys, without a modifier.
        if matches!(code, KeyCode::Tab | KeyCode::Enter | KeyCode::Esc) {
            modifiers.remove(ctrl);
        }
        Self { code, modifiers }
    }
}

/// The key press of an event. The caller must check the event's `kind` first, which may be a
/// release.
impl From<KeyPress> for KeyEvent {
    fn from(key: KeyPress) -> Self {
        Self::new(key.code, key.modifiers)
    }
}

impl From<KeyEvent> for KeyPress {
    fn from(event: KeyEvent) -> Self {
        Self::new(event.code, event.modifiers)
    }
}

impl Ord for KeyPress {
    fn cmp(&self, other: &Self) -> Ordering {
        let codes = self.code.partial_cmp(&other.code).expect("codes of keys have a total order");
        codes.then(self.modifiers.bits().cmp(&other.modifiers.bits()))
    }
}

impl PartialOrd for KeyPress {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for KeyPress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, _) in MODIFIERS.iter().filter(|(_, held)| self.modifiers.contains(*held)) {
            write!(f, "{name}-")?;
        }
        match self.code {
            KeyCode::BackTab => f.write_str("shift-tab"),
            KeyCode::Char(c) if c != ' ' => write!(f, "{c}"),
            code => {
                let name = NAMES.iter().find(|(_, named)| *named == code);
                f.write_str(name.map_or("a key without a name", |(name, _)| name))
            }
        }
    }
}

/// Why a text is not a key.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Neither one character nor a name.
    #[error("no key named {found:?}; {hint}")]
    Unknown {
        /// What was found.
        found: String,
        /// What may have been meant.
        hint: String,
    },
    /// A modifier other than `ctrl`, `alt` or `shift`.
    #[error("no modifier named {found:?} in {whole:?}; {hint}")]
    Modifier {
        /// What was found.
        found: String,
        /// The text that it was found in.
        whole: String,
        /// What may have been meant.
        hint: String,
    },
    /// Shift with a character that is not a letter, which no terminal reports.
    #[error("invalid key {0:?}: write the character that it types")]
    Shifted(String),
}

/// Letters are case-sensitive: `L` and `shift-l` are the same key. Names and modifiers are not.
impl FromStr for KeyPress {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let mut modifiers = KeyModifiers::NONE;
        let mut rest = text;
        // The last part may be the dash itself.
        while let Some((word, after)) = rest.split_once('-') {
            if word.is_empty() || after.is_empty() {
                break;
            }
            let named = MODIFIERS.iter().find(|(name, _)| word.eq_ignore_ascii_case(name));
            let Some((_, modifier)) = named else { return Err(no_modifier(text, rest, word)) };
            modifiers |= *modifier;
            rest = after;
        }
        let code = code(rest)?;
        if let KeyCode::Char(c) = code
            && modifiers.contains(KeyModifiers::SHIFT)
            && lower(c) == upper(c)
        {
            return Err(KeyError::Shifted(text.to_owned()));
        }
        Ok(Self::new(code, modifiers))
    }
}

fn code(text: &str) -> Result<KeyCode, KeyError> {
    let mut chars = text.chars();
    if let (Some(c), None) = (chars.next(), chars.next())
        && !c.is_control()
    {
        return Ok(KeyCode::Char(c));
    }
    let named = NAMES.iter().find(|(name, _)| text.eq_ignore_ascii_case(name));
    named.map(|(_, code)| *code).ok_or_else(|| {
        let names = NAMES.iter().map(|(name, _)| *name);
        let hint = nearest(text, names).map_or_else(
            || {
                let all: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
                // The function keys are not listed.
                format!("expected one character, {} or f1 to f12", all[..all.len() - 12].join(", "))
            },
            |name| format!("did you mean {name:?}?"),
        );
        KeyError::Unknown { found: text.to_owned(), hint }
    })
}

/// The text before a dash is not a modifier; `page-up` may be meant as a name.
fn no_modifier(whole: &str, rest: &str, word: &str) -> KeyError {
    if let Some(name) = nearest(rest, NAMES.iter().map(|(name, _)| *name)) {
        let hint = format!("did you mean {name:?}?");
        return KeyError::Unknown { found: rest.to_owned(), hint };
    }
    let hint = nearest(word, MODIFIERS.iter().map(|(name, _)| *name)).map_or_else(
        || "expected ctrl, alt or shift".to_owned(),
        |name| format!("did you mean {name:?}?"),
    );
    KeyError::Modifier { found: word.to_owned(), whole: whole.to_owned(), hint }
}

fn lower(c: char) -> char {
    alone(c.to_lowercase()).unwrap_or(c)
}

fn upper(c: char) -> char {
    alone(c.to_uppercase()).unwrap_or(c)
}

/// The other case of a character, if it is a single character.
fn alone(mut chars: impl Iterator<Item = char>) -> Option<char> {
    chars.next().filter(|_| chars.next().is_none())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tui::glyphs::{ASCII, BRAILLE};

    fn key(text: &str) -> KeyPress {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn pressed(code: KeyCode, modifiers: KeyModifiers) -> KeyPress {
        KeyEvent::new(code, modifiers).into()
    }

    fn codes() -> impl Strategy<Value = KeyCode> {
        let named: Vec<KeyCode> = NAMES.iter().map(|(_, code)| *code).collect();
        let visible = any::<char>().prop_filter("a character to see", |c| !c.is_control());
        prop_oneof![
            prop::sample::select(named),
            (b' '..=b'~').prop_map(|byte| KeyCode::Char(byte.into())),
            visible.prop_map(KeyCode::Char),
            Just(KeyCode::BackTab),
        ]
    }

    proptest! {
        #[test]
        fn keys_round_trip_through_their_notation(code in codes(), held in 0_u8..64) {
            let key = pressed(code, KeyModifiers::from_bits_truncate(held));
            prop_assert_eq!(key.to_string().parse(), Ok(key));
            prop_assert_eq!(pressed(key.code, key.modifiers), key);
        }

        #[test]
        fn any_text_is_a_key_or_an_error(text in ".{0,12}") {
            if let Ok(key) = text.parse::<KeyPress>() {
                prop_assert_eq!(key.to_string().parse(), Ok(key));
            }
        }

        #[test]
        fn the_order_of_keys_agrees_with_equality(one in codes(), other in codes(), held in 0_u8..8) {
            let held = KeyModifiers::from_bits_truncate(held);
            let (one, other) = (pressed(one, held), pressed(other, KeyModifiers::NONE));
            prop_assert_eq!(one.cmp(&other) == Ordering::Equal, one == other);
            prop_assert_eq!(one.cmp(&other), other.cmp(&one).reverse());
        }
    }

    #[test]
    fn key_names_ignore_case() {
        for (name, code) in NAMES {
            assert_eq!(key(name), pressed(*code, KeyModifiers::NONE));
            assert_eq!(key(&name.to_uppercase()), key(name));
            assert_eq!(key(name).to_string(), *name);
        }
        assert_eq!(key("Ctrl-Alt-Delete").to_string(), "ctrl-alt-delete");
        assert_eq!(key("shift-alt-ctrl-left").to_string(), "ctrl-alt-shift-left");
    }

    #[test]
    fn shift_and_a_letter_is_the_upper_case_letter() {
        let (none, shift) = (KeyModifiers::NONE, KeyModifiers::SHIFT);
        for key_of_l in [
            key("L"),
            key("shift-l"),
            key("shift-L"),
            pressed(KeyCode::Char('L'), none),
            pressed(KeyCode::Char('L'), shift),
            pressed(KeyCode::Char('l'), shift),
        ] {
            assert_eq!(key_of_l.to_string(), "L");
        }
        assert_ne!(key("l"), key("L"));
        assert_eq!(pressed(KeyCode::Char('?'), shift), key("?"));
        assert_eq!(pressed(KeyCode::Char('ß'), shift), key("ß"));
    }

    #[test]
    fn keys_with_the_same_byte_are_equal() {
        let shift_tab = key("shift-tab");
        for parsed in [
            pressed(KeyCode::BackTab, KeyModifiers::SHIFT),
            pressed(KeyCode::BackTab, KeyModifiers::NONE),
            pressed(KeyCode::Tab, KeyModifiers::SHIFT),
        ] {
            assert_eq!((parsed, parsed.to_string().as_str()), (shift_tab, "shift-tab"));
        }
        assert_eq!(key("ctrl-R"), key("ctrl-r"));
        assert_eq!(key("ctrl-shift-r"), key("ctrl-r"));
        assert_eq!(key("ctrl-i"), key("tab"));
        assert_eq!(key("ctrl-m"), key("enter"));
        assert_eq!(key("ctrl-["), key("esc"));
        assert_eq!(key(" "), key("space"));
    }

    #[test]
    fn a_dash_is_a_key() {
        assert_eq!(key("-"), pressed(KeyCode::Char('-'), KeyModifiers::NONE));
        assert_eq!(key("ctrl--"), pressed(KeyCode::Char('-'), KeyModifiers::CONTROL));
    }

    #[test]
    fn an_unknown_key_is_reported_with_the_nearest_name() {
        let wanted = "expected one character, space, enter, esc, tab, backspace, delete, insert, \
                      home, end, pageup, pagedown, up, down, left, right or f1 to f12";
        for (text, error) in [
            ("", format!("no key named \"\"; {wanted}")),
            ("wheel", format!("no key named \"wheel\"; {wanted}")),
            ("ctrl-", format!("no key named \"ctrl-\"; {wanted}")),
            ("entr", "no key named \"entr\"; did you mean \"enter\"?".to_owned()),
            ("ctrl-page-up", "no key named \"page-up\"; did you mean \"pageup\"?".to_owned()),
            ("ctlr-r", "no modifier named \"ctlr\" in \"ctlr-r\"; did you mean \"ctrl\"?".into()),
            (
                "super-r",
                "no modifier named \"super\" in \"super-r\"; expected ctrl, alt or shift".into(),
            ),
            ("shift-1", "invalid key \"shift-1\": write the character that it types".into()),
        ] {
            assert_eq!(text.parse::<KeyPress>().unwrap_err().to_string(), error);
        }
    }

    #[test]
    fn the_footer_shows_arrow_characters_where_the_glyph_set_has_them() {
        assert_eq!(key("shift-left").shown(&BRAILLE), "shift-←");
        assert_eq!(key("shift-left").shown(&ASCII), "shift-left");
        assert_eq!(key("ctrl-r").shown(&BRAILLE), "ctrl-r");
    }
}
