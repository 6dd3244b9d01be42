//! The terminal is restored in all cases: its modes are the same before and after.

mod child;

use std::fs;

use tempfile::TempDir;

use crate::{
    pty::{Ended, Modes, Pty, child_of, signal},
    runs::wait_until,
};

/// The tiny desk in a terminal, and the terminal's modes before it started.
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
        // The modes of an untouched terminal.
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

    /// Waits until the shell prints a status again.
    fn shell_says(&self, status: &str) {
        self.pty.wait_for(&format!("the shell says {status}"), |pty| {
            let modes = pty.modes();
            !modes.is_alternate_screen && pty.text().trim_end().ends_with(status)
        });
    }

    /// The trainer's progress, and the number of frames drawn.
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

    /// Waits until the screen's thread is blocked while training continues.
    fn is_stuck(&self) {
        wait_until("the screen stands", || {
            let (_, n_frames) = self.progress();
            self.trains_on();
            self.progress().1 == n_frames
        });
    }

    /// The process of the tiny desk, which is not the shell's.
    fn id_under_shell(&self) -> u32 {
        child_of(self.pty.id()).unwrap()
    }
}

#[test]
fn quitting_restores_the_terminal() {
    let mut desk = Desk::alone();
    desk.pty.send("ab");
    desk.is_up("keys 2");
    desk.pty.send("q");
    desk.leaves(0);
    assert!(desk.pty.text().contains("left with 0"), "{}", desk.pty.text());
}

#[test]
fn a_panic_in_drawing_is_printed_on_a_restored_terminal() {
    let mut desk = Desk::alone();
    desk.pty.send("p");
    desk.leaves(101);
    assert!(desk.pty.text().contains("the desk panics"), "{}", desk.pty.text());
}

#[test]
fn a_panic_in_the_trainer_does_not_end_the_desk() {
    let mut desk = Desk::alone();
    desk.pty.send("t");
    desk.is_up("the trainer panicked");
    assert!(!desk.pty.written().contains("the trainer panics"));
    desk.pty.send("q");
    desk.leaves(0);
}

#[test]
fn esc_is_a_key_and_a_split_arrow_sequence_is_one_key() {
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
fn ten_thousand_pasted_characters_are_not_keys() {
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
fn a_resize_is_drawn_at_once() {
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
fn ctrl_z_restores_the_terminal_and_fg_returns_to_the_desk() {
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
fn training_continues_in_the_background_and_does_not_touch_the_terminal() {
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
fn a_run_that_ends_in_the_background_does_not_touch_the_terminal() {
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
fn a_stop_signal_from_outside_restores_the_terminal() {
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
fn the_desk_sets_its_modes_again_after_sigstop() {
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
fn ctrl_z_without_job_control_does_nothing() {
    let mut desk = Desk::alone();
    desk.pty.send("\x1a");
    desk.is_up("not suspended");
    desk.pty.send("q");
    desk.leaves(0);
}

#[test]
fn a_blocked_terminal_is_restored_and_the_program_ends() {
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

// The program's CPU time is read from /proc, which only Linux has.
#[cfg(target_os = "linux")]
#[test]
fn a_terminal_that_is_gone_is_reported_and_uses_no_cpu() {
    let mut desk = Desk::alone();
    desk.pty.hang_up();
    assert_eq!(desk.pty.wait(), Ended { code: Some(child::GONE_CODE), signal: None });
    let gone = fs::read_to_string(desk.folder.path().join(child::GONE)).unwrap();
    let hundredths: u64 = gone.parse().unwrap();
    assert!(hundredths <= 25, "{hundredths} hundredths of a second of work in half a second");
}
