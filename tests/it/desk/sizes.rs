//! The desk at all sizes, and terminals that cannot show it.

use super::{Desk, RunEnd, SIZE, endless, quiet};
use crate::runs::Here;
use auxdesk::protocol::event::Reason;

/// Lines are printed instead of a desk, with one message that says why.
fn lines_and(desk: &mut Desk, why: &str) {
    desk.pty.wait_for_text("step ");
    desk.leaves(0);
    let written = desk.pty.written();
    assert!(!written.contains('\x1b'), "{written:?}");
    let said: Vec<&str> = written.lines().filter(|line| line.contains("progress lines")).collect();
    assert_eq!(said, [format!("{why}; printing progress lines")]);
    assert!(written.starts_with(why), "{written}");
    desk.ended(RunEnd::Finished, Reason::Steps);
}

#[test]
fn a_resize_is_drawn_and_a_size_that_is_too_small_does_not_stop_training() {
    let here = Here::new();
    let mut desk = Desk::training(&here, SIZE, &[]);
    assert!(desk.pty.text().contains("desk"));
    desk.pty.resize(200, 60);
    // Vertical strips, and the panels beside them.
    desk.pty.wait_for_text("parameters");
    desk.pty.wait_for_text("? help");
    desk.pty.resize(40, 10);
    desk.pty.wait_for("four strips are all there is", |pty| {
        let text = pty.text();
        ["LIVE", "chunk", "pos", "next-word", "frequency", "? help"]
            .iter()
            .all(|it| text.contains(it))
            && !text.contains("events")
    });
    for (cols, rows) in [(39, 10), (40, 9), (5, 2)] {
        desk.pty.resize(cols, rows);
        desk.pty.wait_for("it says what it needs", |pty| {
            "needs 40x10".starts_with(pty.text().trim()) && !pty.text().trim().is_empty()
        });
        desk.trains_on();
    }
    desk.pty.resize(SIZE.0, SIZE.1);
    desk.is_live();
    desk.pty.wait_for_text("events");
    // Keys still have the same meaning.
    desk.done_by("l");
    desk.quit();
}

#[test]
fn a_terminal_that_is_too_small_at_the_start_gets_progress_lines() {
    let here = Here::new();
    let mut desk = Desk::open(&here, &mut quiet(&here, "run", 20, &[]), (120, 9));
    lines_and(&mut desk, "the desk needs at least 40x10, and this terminal has 120x9");
}

#[test]
fn a_dumb_terminal_gets_progress_lines() {
    let here = Here::new();
    for (run, term) in [("run", "dumb"), ("other", "")] {
        let mut train = quiet(&here, run, 20, &[]);
        let mut desk = Desk::open(&here, train.env("TERM", term), (120, 40));
        lines_and(&mut desk, "TERM names a terminal without cursor addressing");
    }
}

#[test]
fn a_replay_on_a_dumb_terminal_prints_lines() {
    let here = Here::new();
    here.finished("run", 20, &[]);
    let mut replay = here.auxdesk(["replay", "run"]);
    let mut desk = Desk::open(&here, replay.env("TERM", "dumb"), (120, 40));
    lines_and(&mut desk, "TERM names a terminal without cursor addressing");
}

#[test]
fn headless_prints_lines_without_a_message() {
    for option in ["--headless", "--plain", "--json"] {
        let here = Here::new();
        let train = &mut quiet(&here, "run", 20, &[option]);
        let mut desk = Desk::open(&here, train, (120, 40));
        desk.leaves(0);
        let written = desk.pty.written();
        assert!(!written.contains('\x1b') && !written.contains("progress lines"), "{written:?}");
        assert!(written.starts_with("0:00:0"), "{written}");
    }
}

#[test]
fn a_pipe_gets_progress_lines() {
    let here = Here::new();
    let mut shell = here.shell("\"$@\" | cat", &endless(&here, &[]));
    let desk = Desk::open(&here, &mut shell, (120, 40));
    desk.pty.wait_for_text("tokens/s");
    desk.is_restored();
    assert!(!desk.pty.written().contains('\x1b'));
}
