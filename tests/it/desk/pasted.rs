//! What is pasted is text, whatever letters are in it.

use auxdesk::protocol::Event;

use super::{Desk, SIZE};
use crate::runs::Here;

/// Ten thousand characters, every one of them a key of the desk.
fn letters() -> String {
    "qy\rmls hn\x03u".repeat(1_000)
}

#[test]
fn ten_thousand_pasted_characters_press_no_key() {
    let here = Here::new();
    let mut desk = Desk::training(&here, SIZE, &[]);
    desk.pty.paste(&letters());
    desk.pty.wait_for_text("pasted text was ignored: no prompt is open");
    desk.trains_on();
    assert_eq!(desk.happened(0).len(), 1, "{:?}", desk.happened(0));
    // Nor do they answer a question.
    desk.press("q");
    desk.pty.wait_for_text("stop this run?");
    desk.pty.paste(&letters());
    desk.trains_on();
    desk.pty.wait_for_text("stop this run?");
    desk.press("n");
    desk.quit();
}

#[test]
fn ten_thousand_pasted_characters_fill_the_line_that_is_open() {
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
