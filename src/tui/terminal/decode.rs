//! Decodes bytes from the keyboard into keys, pastes and mouse events.
//!
//! It supports the sequences of xterm and its successors, of the Linux console, and keys as `CSI u`
//! and `CSI 27 ~`, which tmux may be configured to send. Unknown sequences are dropped as a whole,
//! so that the rest of one is never taken for keys: `[` and `A` are keys of the desk.

mod mouse;

use std::{collections::VecDeque, time::Duration};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::TerminalInput;

const ESC: u8 = 0x1b;
const PASTE_ENDS: &[u8] = b"\x1b[201~";

/// The pause after which the start of a sequence is taken for a key: Esc itself, or a key with Alt.
/// The rest of a sequence is sent together with its start, and arrives with it except over a slow
/// connection.
const ESC_TIMEOUT: Duration = Duration::from_millis(25);

/// The pause after which the end of a paste is considered lost; otherwise all later keys would be
/// part of the paste.
const PASTE_TIMEOUT: Duration = Duration::from_secs(5);

/// The maximum length of known sequences, in bytes.
const LONGEST: usize = 64;

/// Decodes bytes as they arrive, in pieces of any size.
#[derive(Default)]
pub(super) struct Decoder {
    /// An incomplete sequence.
    partial: Vec<u8>,
    /// The text pasted so far, during a paste.
    paste: Option<Vec<u8>>,
    /// The time since the last byte.
    quiet: Duration,
    whole: VecDeque<TerminalInput>,
}

/// The result of decoding a prefix.
#[derive(Debug, PartialEq)]
enum Read {
    /// An incomplete sequence.
    Incomplete,
    /// A complete input.
    Complete(TerminalInput),
    /// The start of a paste.
    PasteBegins,
    /// An unknown sequence.
    Unknown,
}

impl Decoder {
    /// Adds bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.quiet = Duration::ZERO;
        for &byte in bytes {
            match &mut self.paste {
                Some(paste) => {
                    paste.push(byte);
                    if paste.ends_with(PASTE_ENDS) {
                        paste.truncate(paste.len() - PASTE_ENDS.len());
                        self.paste_ends();
                    }
                }
                None => self.add(byte),
            }
        }
    }

    /// Adds time without any bytes.
    pub(super) fn quiet(&mut self, more: Duration) {
        self.quiet += more;
        if self.paste.is_some() {
            if self.quiet >= PASTE_TIMEOUT {
                self.paste_ends();
            }
        } else if self.quiet >= ESC_TIMEOUT && !self.partial.is_empty() {
            let alone = match self.partial.as_slice() {
                [ESC] => Some(KeyEvent::from(KeyCode::Esc)),
                &[ESC, byte] => Some(KeyEvent::new(KeyCode::Char(byte.into()), KeyModifiers::ALT)),
                _ => None,
            };
            self.whole.extend(alone.map(TerminalInput::Key));
            self.partial.clear();
        }
    }

    /// The next complete input, in the order of arrival.
    pub(super) fn next(&mut self) -> Option<TerminalInput> {
        self.whole.pop_front()
    }

    fn add(&mut self, byte: u8) {
        // Esc occurs in the middle of no sequence: an incomplete one before it ends.
        if byte == ESC {
            if self.partial == [ESC] {
                self.whole.push_back(TerminalInput::Key(KeyCode::Esc.into()));
            }
            self.partial.clear();
        }
        self.partial.push(byte);
        match read(&self.partial) {
            Read::Incomplete if self.partial.len() < LONGEST => return,
            Read::Complete(input) => self.whole.push_back(input),
            Read::PasteBegins => self.paste = Some(Vec::new()),
            Read::Incomplete | Read::Unknown => {}
        }
        self.partial.clear();
    }

    fn paste_ends(&mut self) {
        let bytes = self.paste.take().unwrap_or_default();
        // Terminals send the line breaks of a paste as the byte of the Enter key.
        let text = String::from_utf8_lossy(&bytes).replace("\r\n", "\n").replace('\r', "\n");
        self.whole.push_back(TerminalInput::Paste(text));
    }
}

fn read(bytes: &[u8]) -> Read {
    match bytes {
        [ESC] | [ESC, b'O'] => Read::Incomplete,
        [ESC, b'[', sequence @ ..] => control_sequence(sequence),
        // Keypad and arrow keys, in the mode that a previous program may have left on.
        &[ESC, b'O', byte] => letter_key(byte).map_or(Read::Unknown, |code| key(code.into())),
        [ESC, rest @ ..] => match plain(rest) {
            Read::Complete(TerminalInput::Key(mut pressed)) => {
                pressed.modifiers |= KeyModifiers::ALT;
                key(pressed)
            }
            other => other,
        },
        _ => plain(bytes),
    }
}

fn key(key: KeyEvent) -> Read {
    Read::Complete(TerminalInput::Key(key))
}

/// A character, or a key that sends one byte.
fn plain(bytes: &[u8]) -> Read {
    let control = |letter: u8| KeyEvent::new(KeyCode::Char(letter.into()), KeyModifiers::CONTROL);
    let length = match bytes[0] {
        b'\r' => return key(KeyCode::Enter.into()),
        b'\t' => return key(KeyCode::Tab.into()),
        0x7f => return key(KeyCode::Backspace.into()),
        0 => return key(control(b' ')),
        byte @ 0x01..=0x1a => return key(control(byte - 1 + b'a')),
        byte @ 0x1c..=0x1f => return key(control(byte - 0x1c + b'4')),
        0x20..0x80 => 1,
        0xc0..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0..0xf8 => 4,
        _ => return Read::Unknown,
    };
    if bytes.len() < length {
        return Read::Incomplete;
    }
    let character = std::str::from_utf8(bytes).ok().and_then(|text| text.chars().next());
    character.map_or(Read::Unknown, |character| key(character_key(character)))
}

/// A character with the modifiers that it implies.
fn character_key(character: char) -> KeyEvent {
    let is_shifted = character.is_uppercase();
    let modifiers = if is_shifted { KeyModifiers::SHIFT } else { KeyModifiers::NONE };
    KeyEvent::new(KeyCode::Char(character), modifiers)
}

/// The part after `ESC [`.
fn control_sequence(sequence: &[u8]) -> Read {
    match sequence {
        [] | [b'['] => return Read::Incomplete,
        // F1 to F5 of the Linux console.
        &[b'[', byte @ b'A'..=b'E'] => return key(KeyCode::F(byte - b'A' + 1).into()),
        // Mouse events in an encoding that was not requested: three arbitrary bytes follow.
        [b'M', place @ ..] => {
            return if place.len() < 3 { Read::Incomplete } else { Read::Unknown };
        }
        _ => {}
    }
    let (&last, before) = sequence.split_last().expect("the empty one was a part");
    match last {
        0x20..=0x3f => return Read::Incomplete,
        0x40..=0x7e => {}
        _ => return Read::Unknown,
    }
    if let Some(place) = before.strip_prefix(b"<") {
        let mouse = mouse::read(&numbers(place), last);
        return mouse.map_or(Read::Unknown, |mouse| Read::Complete(TerminalInput::Mouse(mouse)));
    }
    let numbers = numbers(before);
    let number = |at: usize| numbers.get(at).copied();
    let pressed = match (last, number(0)) {
        (b'~', Some(200)) => return Read::PasteBegins,
        (b'~', Some(27)) => return number(2).map_or(Read::Unknown, |c| coded(c, number(1))),
        (b'u', Some(code)) => return coded(code, number(1)),
        (b'~', Some(code)) => numbered_key(code).map(KeyEvent::from),
        (b'Z', _) => Some(KeyEvent::new(KeyCode::BackTab, KeyModifiers::SHIFT)),
        (byte, None | Some(1)) => letter_key(byte).map(KeyEvent::from),
        _ => None,
    };
    pressed.map_or(Read::Unknown, |mut pressed| {
        pressed.modifiers |= modifiers(number(1));
        key(pressed)
    })
}

/// The numeric parameters between semicolons, without their subparameters after a colon. None for a
/// sequence with other bytes.
fn numbers(bytes: &[u8]) -> Vec<u32> {
    let number = |part: &[u8]| {
        let digits = part.split(|&byte| byte == b':').next()?;
        std::str::from_utf8(digits).ok()?.parse().ok()
    };
    bytes.split(|&byte| byte == b';').map(number).collect::<Option<_>>().unwrap_or_default()
}

/// One more than a bit mask of the modifiers.
fn modifiers(number: Option<u32>) -> KeyModifiers {
    let bits = number.unwrap_or(1).saturating_sub(1);
    let all = [
        KeyModifiers::SHIFT,
        KeyModifiers::ALT,
        KeyModifiers::CONTROL,
        KeyModifiers::SUPER,
        KeyModifiers::HYPER,
        KeyModifiers::META,
    ];
    let held = all.into_iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1);
    held.map(|(_, modifier)| modifier).collect()
}

/// A key given by the code of its character.
fn coded(code: u32, held: Option<u32>) -> Read {
    let mut modifiers = modifiers(held);
    let code = match code {
        9 if modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
        9 => KeyCode::Tab,
        13 => KeyCode::Enter,
        27 => KeyCode::Esc,
        127 => KeyCode::Backspace,
        code => match char::from_u32(code).filter(|character| !character.is_control()) {
            Some(character) if modifiers.contains(KeyModifiers::SHIFT) => {
                KeyCode::Char(character.to_ascii_uppercase())
            }
            Some(character) => KeyCode::Char(character),
            None => return Read::Unknown,
        },
    };
    if let KeyCode::Char(character) = code {
        modifiers |= character_key(character).modifiers;
    }
    key(KeyEvent::new(code, modifiers))
}

/// `CSI` or `SS3`, then a letter.
fn letter_key(letter: u8) -> Option<KeyCode> {
    Some(match letter {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'F' => KeyCode::End,
        b'H' => KeyCode::Home,
        b'P'..=b'S' => KeyCode::F(letter - b'P' + 1),
        b'M' => KeyCode::Enter,
        _ => return None,
    })
}

/// `CSI`, a number, then `~`.
fn numbered_key(number: u32) -> Option<KeyCode> {
    Some(match number {
        1 | 7 => KeyCode::Home,
        2 => KeyCode::Insert,
        3 => KeyCode::Delete,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        11..=15 => KeyCode::F(number as u8 - 10),
        17..=21 => KeyCode::F(number as u8 - 11),
        23 | 24 => KeyCode::F(number as u8 - 12),
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
