//! Pasted text is never taken for keys.

use auxdesk::protocol::Event;

use super::{Desk, SIZE};
use crate::runs::Here;

/// Ten thousand characters, each of which is a key of the desk.
fn letters() -> String {
    "qy\rmls hn\x03u".repeat(1_000)
}

#[test]
fn ten_thousand_pasted_characters_are_not_keys() {
    let here = Here::new();
    let mut desk = Desk::training(&here, SIZE, &[]);
    desk.pty.paste(&letters());
    desk.pty.wait_for_text("pasted text was ignored: no prompt is open");
    desk.trains_on();
    assert_eq!(desk.happened(0).len(), 1, "{:?}", desk.happened(0));
    // They do not answer a confirmation either.
    desk.press("q");
    desk.pty.wait_for_text("stop this run?");
    desk.pty.paste(&letters());
    desk.trains_on();
    desk.pty.wait_for_text("stop this run?");
    desk.press("n");
    desk.quit();
}

#[test]
fn ten_thousand_pasted_characters_go_into_the_open_prompt() {
    let here = Here::new();
    let mut desk = Desk::training(&here, SIZE, &[]);
    desk.press("n");
    desk.pty.wait_for_text("Enter adds it at this step");
    desk.pty.paste(&letters());
    desk.pty.wait_for_text("qy mls hn u");
    desk.trains_on();
    assert_eq!(desk.happened(0).len(), 1, "{:?}", desk.happened(0));
    let Event::Noted(note) = desk.done_by("\r") else { panic!("a note") };
    assert!(note.text.starts_with("qy mls hn uqy mls hn u"), "{}", note.text);
    assert!((450..=500).contains(&note.text.chars().count()), "{}", note.text.len());
    assert!(!note.text.contains(char::is_control));
    desk.quit();
}
