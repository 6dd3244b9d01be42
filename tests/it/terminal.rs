//! The terminal is given back, whatever happens: its modes are the same before and after.

mod child;

use std::fs;

use tempfile::TempDir;

use crate::{
    pty::{Ended, Modes, Pty, child_of, signal},
    runs::wait_until,
};

/// The tiny desk in a terminal, and the terminal's modes before it came.
struct Desk {
    pty: Pty,
    before: Modes,
    folder: TempDir,
}

impl Desk {
    fn alone() -> Self {
        Self::start(Pty::start)
    }

    fn under_a_shell() -> Self {
        Self::start(Pty::under_a_shell)
    }

    fn start(start: impl Fn(&std::process::Command, u16, u16) -> Pty) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // What a terminal is like that nobody has touched.
        let untouched = Pty::start(&std::process::Command::new("cat"), 80, 24);
        let before = untouched.modes();
        let pty = start(&child::command(folder.path()), 80, 24);
        let desk = Self { pty, before, folder };
        desk.is_up("hello");
        desk
    }

    /// Waits for a text on the desk's screen.
    fn is_up(&self, text: &str) {
        self.pty.wait_for_text(text);
        let modes = self.pty.modes();
        assert!(modes.is_alternate_screen && modes.is_cursor_hidden && modes.is_paste_marked);
        assert_ne!(modes.mouse, self.before.mouse);
        assert_ne!(modes.line, self.before.line);
    }

    fn leaves(&mut self, code: u32) {
        assert_eq!(self.pty.wait(), Ended { code: Some(code), signal: None });
        assert_eq!(self.pty.modes(), self.before);
    }

    /// Waits until the shell says a status again.
    fn shell_says(&self, status: &str) {
        self.pty.wait_for(&format!("the shell says {status}"), |pty| {
            let modes = pty.modes();
            !modes.is_alternate_screen && pty.text().trim_end().ends_with(status)
        });
    }

    /// How far the trainer is, and how many frames have been drawn.
    fn progress(&self) -> (u64, u64) {
        let mut progress = (0, 0);
        wait_until("the trainer has written a whole line", || {
            let line = fs::read_to_string(self.folder.path().join(child::TICKS));
            let line = line.unwrap_or_default();
            let numbers = line.strip_suffix('\n').and_then(|line| line.split_once(' '));
            numbers.is_some_and(|(ticks, frames)| {
                progress = (ticks.parse().unwrap(), frames.parse().unwrap());
                true
            })
        });
        progress
    }

    fn trains_on(&self) {
        let (from, _) = self.progress();
        wait_until("training goes on", || self.progress().0 > from + 20);
    }

    /// Waits until the screen's thread stands while training goes on.
    fn is_stuck(&self) {
        wait_until("the screen stands", || {
            let (_, n_frames) = self.progress();
            self.trains_on();
            self.progress().1 == n_frames
        });
    }

    /// The tiny desk's process, which is not the shell's.
    fn id_under_shell(&self) -> u32 {
        child_of(self.pty.id()).unwrap()
    }
}

#[test]
fn leaving_gives_the_terminal_back() {
    let mut desk = Desk::alone();
    desk.pty.send("ab");
    desk.is_up("keys 2");
    desk.pty.send("q");
    desk.leaves(0);
    assert!(desk.pty.text().contains("left with 0"), "{}", desk.pty.text());
}

#[test]
fn a_panic_in_drawing_is_read_on_a_terminal_that_was_given_back() {
    let mut desk = Desk::alone();
    desk.pty.send("p");
    desk.leaves(101);
    assert!(desk.pty.text().contains("the desk panics"), "{}", desk.pty.text());
}

#[test]
fn a_panic_in_the_trainer_leaves_the_desk_as_it_is() {
    let mut desk = Desk::alone();
    desk.pty.send("t");
    desk.is_up("the trainer panicked");
    assert!(!desk.pty.written().contains("the trainer panics"));
    desk.pty.send("q");
    desk.leaves(0);
}

#[test]
fn esc_is_a_key_and_an_arrow_sent_in_pieces_is_one_key() {
    let mut desk = Desk::alone();
    desk.pty.send("\x1b");
    desk.is_up("esc");
    desk.is_up("keys 1");
    desk.pty.send("\x1b[");
    desk.pty.send("A");
    desk.is_up("keys 2");
    desk.pty.send("\x1b[<64;7;3M");
    desk.is_up("ScrollUp at 6");
    desk.pty.send("q");
    desk.leaves(0);
}

#[test]
fn ten_thousand_pasted_characters_press_no_key() {
    let mut desk = Desk::alone();
    desk.pty.paste(&"qptf".repeat(2_500));
    desk.is_up("pasted 10000");
    desk.is_up("keys 0");
    desk.pty.send("q");
    desk.leaves(0);
}

#[test]
fn ten_thousand_keys_at_once_are_all_read() {
    let mut desk = Desk::alone();
    desk.pty.send(&"a".repeat(10_000));
    desk.is_up("keys 10000");
    desk.pty.send("q");
    desk.leaves(0);
}

#[test]
fn a_new_size_is_drawn_at_once() {
    let mut desk = Desk::alone();
    for (cols, rows) in [(120, 40), (40, 10), (200, 60)] {
        desk.pty.resize(cols, rows);
        desk.is_up(&format!("size {cols}x{rows}"));
        assert!(desk.pty.text().starts_with("hello\nkeys 0\n"));
    }
    desk.pty.send("q");
    desk.leaves(0);
}

#[test]
fn ctrl_z_gives_the_terminal_to_the_shell_and_fg_brings_the_desk_back() {
    let mut desk = Desk::under_a_shell();
    for round in 1..=2 {
        desk.pty.send("\x1a");
        desk.shell_says("]");
        assert_eq!(desk.pty.modes(), desk.before, "round {round}");
        desk.pty.send("fg\n");
        desk.is_up("continued");
    }
    desk.pty.send("q");
    desk.shell_says("[0]");
    desk.pty.send("exit\n");
    desk.leaves(0);
}

#[test]
fn training_goes_on_in_the_background_and_leaves_the_terminal_alone() {
    let mut desk = Desk::under_a_shell();
    desk.pty.send("\x1a");
    desk.shell_says("]");
    desk.pty.send("bg\n");
    desk.shell_says("[0]");
    desk.trains_on();
    assert_eq!(desk.pty.modes(), desk.before);
    desk.pty.send("fg\n");
    desk.is_up("continued");
    desk.pty.send("q");
    desk.shell_says("[0]");
}

#[test]
fn a_run_that_ends_in_the_background_leaves_the_terminal_alone() {
    let mut desk = Desk::under_a_shell();
    let id = desk.id_under_shell();
    desk.pty.send("\x1a");
    desk.shell_says("]");
    desk.pty.send("bg\n");
    desk.trains_on();
    signal(id, "TERM");
    desk.pty.send("wait\n");
    desk.shell_says("[0]");
    desk.pty.send("exit\n");
    desk.leaves(0);
}

#[test]
fn a_stop_from_outside_gives_the_terminal_back_too() {
    let mut desk = Desk::under_a_shell();
    signal(desk.id_under_shell(), "TSTP");
    desk.shell_says("]");
    assert_eq!(desk.pty.modes(), desk.before);
    desk.pty.send("fg\n");
    desk.is_up("hello");
    desk.pty.send("q");
    desk.shell_says("[0]");
}

#[test]
fn after_a_stop_that_can_not_be_put_off_the_desk_sets_its_modes_again() {
    let mut desk = Desk::under_a_shell();
    let id = desk.id_under_shell();
    signal(id, "STOP");
    desk.pty.wait_for("the shell has seen it", |pty| pty.text().contains(']'));
    desk.pty.send("bg\n");
    desk.trains_on();
    desk.pty.send("fg\n");
    desk.pty.wait_for("the desk is drawn anew", |pty| !pty.text().contains(']'));
    desk.pty.send("a");
    desk.is_up("keys 1");
    desk.pty.send("q");
    desk.shell_says("[0]");
    assert_eq!(desk.pty.modes(), desk.before);
}

#[test]
fn ctrl_z_without_a_shell_above_stops_nothing() {
    let mut desk = Desk::alone();
    desk.pty.send("\x1a");
    desk.is_up("not suspended");
    desk.pty.send("q");
    desk.leaves(0);
}

#[test]
fn a_terminal_that_takes_no_more_output_gets_its_modes_back_and_the_program_ends() {
    let mut desk = Desk::alone();
    desk.pty.stop_reading();
    desk.pty.send("f");
    desk.is_stuck();
    desk.pty.signal("TERM");
    assert_eq!(desk.pty.wait(), Ended { code: Some(143), signal: None });
    assert_eq!(desk.pty.modes().line, desk.before.line);
    desk.pty.read_on();
    desk.leaves(143);
}

// The CPU time that the program has used is read from /proc, which only Linux has.
#[cfg(target_os = "linux")]
#[test]
fn a_terminal_that_has_gone_is_told_and_costs_nothing() {
    let mut desk = Desk::alone();
    desk.pty.hang_up();
    assert_eq!(desk.pty.wait(), Ended { code: Some(child::GONE_CODE), signal: None });
    let gone = fs::read_to_string(desk.folder.path().join(child::GONE)).unwrap();
    let hundredths: u64 = gone.parse().unwrap();
    assert!(hundredths <= 25, "{hundredths} hundredths of a second of work in half a second");
}
