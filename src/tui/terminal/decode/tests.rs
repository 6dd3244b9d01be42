use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use proptest::prelude::*;

use super::*;

const NONE: KeyModifiers = KeyModifiers::NONE;
const SHIFT: KeyModifiers = KeyModifiers::SHIFT;
const ALT: KeyModifiers = KeyModifiers::ALT;
const CONTROL: KeyModifiers = KeyModifiers::CONTROL;

fn all(decoder: &mut Decoder) -> Vec<TerminalInput> {
    std::iter::from_fn(|| decoder.next()).collect()
}

/// The inputs decoded from these bytes at once, and from the same bytes one by one with pauses
/// shorter than any timeout.
fn decode(bytes: &[u8]) -> Vec<TerminalInput> {
    let mut at_once = Decoder::default();
    at_once.push(bytes);
    let mut one_by_one = Decoder::default();
    for &byte in bytes {
        one_by_one.push(&[byte]);
        one_by_one.quiet(ESC_TIMEOUT / 2);
    }
    let inputs = all(&mut at_once);
    assert_eq!(all(&mut one_by_one), inputs);
    inputs
}

fn pressed(code: KeyCode, modifiers: KeyModifiers) -> TerminalInput {
    TerminalInput::Key(KeyEvent::new(code, modifiers))
}

#[test]
fn key_sequences_of_terminals_are_decoded() {
    let known: &[(&[u8], KeyCode, KeyModifiers)] = &[
        (b"l", KeyCode::Char('l'), NONE),
        (b"L", KeyCode::Char('L'), SHIFT),
        ("é".as_bytes(), KeyCode::Char('é'), NONE),
        ("😀".as_bytes(), KeyCode::Char('😀'), NONE),
        (b"\r", KeyCode::Enter, NONE),
        (b"\n", KeyCode::Char('j'), CONTROL),
        (b"\t", KeyCode::Tab, NONE),
        (b"\x7f", KeyCode::Backspace, NONE),
        (b"\x03", KeyCode::Char('c'), CONTROL),
        (b"\x1a", KeyCode::Char('z'), CONTROL),
        (b"\0", KeyCode::Char(' '), CONTROL),
        (b"\x1bx", KeyCode::Char('x'), ALT),
        (b"\x1bX", KeyCode::Char('X'), ALT.union(SHIFT)),
        (b"\x1b[A", KeyCode::Up, NONE),
        (b"\x1bOB", KeyCode::Down, NONE),
        (b"\x1b[1;2D", KeyCode::Left, SHIFT),
        (b"\x1b[1;5C", KeyCode::Right, CONTROL),
        (b"\x1b[1;2:1C", KeyCode::Right, SHIFT),
        (b"\x1b[Z", KeyCode::BackTab, SHIFT),
        (b"\x1b[H", KeyCode::Home, NONE),
        (b"\x1b[4~", KeyCode::End, NONE),
        (b"\x1b[5;3~", KeyCode::PageUp, ALT),
        (b"\x1b[3~", KeyCode::Delete, NONE),
        (b"\x1bOP", KeyCode::F(1), NONE),
        (b"\x1b[[E", KeyCode::F(5), NONE),
        (b"\x1b[17~", KeyCode::F(6), NONE),
        (b"\x1b[24;5~", KeyCode::F(12), CONTROL),
        (b"\x1b[114;5u", KeyCode::Char('r'), CONTROL),
        (b"\x1b[27;5;114~", KeyCode::Char('r'), CONTROL),
        (b"\x1b[97;2u", KeyCode::Char('A'), SHIFT),
        (b"\x1b[13;2u", KeyCode::Enter, SHIFT),
        (b"\x1b[9;2u", KeyCode::BackTab, SHIFT),
    ];
    for &(bytes, code, modifiers) in known {
        let shown = bytes.escape_ascii();
        assert_eq!(decode(bytes), [pressed(code, modifiers)], "{shown}");
        let twice = [bytes, bytes].concat();
        assert_eq!(decode(&twice).len(), 2, "{shown}, twice");
    }
}

#[test]
fn esc_is_a_key_after_a_pause() {
    let mut decoder = Decoder::default();
    decoder.push(b"\x1b");
    decoder.quiet(ESC_TIMEOUT / 2);
    assert_eq!(decoder.next(), None);
    decoder.quiet(ESC_TIMEOUT / 2);
    assert_eq!(all(&mut decoder), [pressed(KeyCode::Esc, NONE)]);
    decoder.push(b"\x1b[");
    decoder.quiet(ESC_TIMEOUT);
    assert_eq!(all(&mut decoder), [pressed(KeyCode::Char('['), ALT)]);
    decoder.push(b"\x1b\x1b[A");
    assert_eq!(all(&mut decoder), [pressed(KeyCode::Esc, NONE), pressed(KeyCode::Up, NONE)]);
}

#[test]
fn unknown_sequences_are_dropped_as_a_whole() {
    for bytes in [
        b"\x1b[?62;22c".as_slice(),
        b"\x1b[12;40R",
        b"\x1b[99~",
        b"\x1b[I",
        b"\x1b[M !!",
        b"\x1b[<0;;5M",
        b"\x1b[<200;5;5M",
        b"\x1b[1;2",
        b"\x1b[\x07",
        b"\xff\xfe",
        b"\xc3\x28",
    ] {
        let shown = bytes.escape_ascii();
        let mut bytes = bytes.to_vec();
        bytes.extend(b"\x1b[Aq");
        assert_eq!(
            decode(&bytes),
            [pressed(KeyCode::Up, NONE), pressed(KeyCode::Char('q'), NONE)],
            "{shown}"
        );
    }
}

#[test]
fn pasted_text_is_one_input_without_key_presses() {
    let text = "mmm sss\x1b[A q\r\nqué\r".to_owned();
    let mut bytes = b"\x1b[200~".to_vec();
    bytes.extend(text.as_bytes());
    bytes.extend(b"\x1b[201~z");
    let pasted = TerminalInput::Paste("mmm sss\x1b[A q\nqué\n".to_owned());
    assert_eq!(decode(&bytes), [pasted, pressed(KeyCode::Char('z'), NONE)]);
}

#[test]
fn a_paste_without_an_end_ends_after_a_pause() {
    let mut decoder = Decoder::default();
    decoder.push(b"\x1b[200~text");
    decoder.quiet(PASTE_TIMEOUT / 2);
    assert_eq!(decoder.next(), None);
    decoder.push(b" more");
    decoder.quiet(PASTE_TIMEOUT);
    decoder.push(b"q");
    let pasted = TerminalInput::Paste("text more".to_owned());
    assert_eq!(all(&mut decoder), [pasted, pressed(KeyCode::Char('q'), NONE)]);
}

#[test]
fn mouse_positions_count_from_zero() {
    let mouse =
        |kind, modifiers| TerminalInput::Mouse(MouseEvent { kind, column: 299, row: 4, modifiers });
    let known: &[(&[u8], TerminalInput)] = &[
        (b"\x1b[<0;300;5M", mouse(MouseEventKind::Down(MouseButton::Left), NONE)),
        (b"\x1b[<2;300;5m", mouse(MouseEventKind::Up(MouseButton::Right), NONE)),
        (b"\x1b[<32;300;5M", mouse(MouseEventKind::Drag(MouseButton::Left), NONE)),
        (b"\x1b[<35;300;5M", mouse(MouseEventKind::Moved, NONE)),
        (b"\x1b[<64;300;5M", mouse(MouseEventKind::ScrollUp, NONE)),
        (b"\x1b[<81;300;5M", mouse(MouseEventKind::ScrollDown, CONTROL)),
    ];
    for (bytes, input) in known {
        assert_eq!(decode(bytes), std::slice::from_ref(input), "{}", bytes.escape_ascii());
    }
}

proptest! {
    #[test]
    fn any_bytes_decode_without_panic_and_leave_later_keys_intact(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut decoder = Decoder::default();
        decoder.push(&bytes);
        decoder.quiet(PASTE_TIMEOUT);
        decoder.quiet(ESC_TIMEOUT);
        all(&mut decoder);
        decoder.push(b"q");
        prop_assert_eq!(all(&mut decoder), [pressed(KeyCode::Char('q'), NONE)]);
    }
}
