//! A terminal that accepts no more output: the run does not wait for it.

use std::{fs, path::PathBuf};

use auxdesk::{bus::SCREEN_CAPACITY, protocol::event::Reason};

use super::{Desk, RunEnd, endless};
use crate::{
    pty::signal,
    runs::{Here, wait_until},
};

/// Steps of a millisecond, a thousand of which are soon done.
const FAST: &[&str] = &["--set", "train.batch_size=4"];

/// A size whose frames soon fill the terminal's buffer.
const LARGE: (u16, u16) = (200, 60);

/// The folder of the drawing thread.
fn screen_thread(program: u32) -> PathBuf {
    let tasks = fs::read_dir(format!("/proc/{program}/task")).unwrap();
    let mut folders = tasks.map(|task| task.unwrap().path());
    let is_it = |folder: &PathBuf| fs::read_to_string(folder.join("comm")).unwrap() == "screen\n";
    folders.find(is_it).unwrap()
}

/// Stops reading from the terminal until the drawing thread is blocked while more events have been
/// emitted than its channel holds.
fn stall(desk: &Desk, program: u32) {
    desk.pty.stop_reading();
    // CPU time, of which a thread that polls for keys uses a little each time.
    let place = screen_thread(program).join("schedstat");
    let used = || fs::read_to_string(&place).unwrap();
    let (mut since, mut n_steps) = (used(), desk.n_steps());
    wait_until("the screen stands", || {
        if used() != since {
            (since, n_steps) = (used(), desk.n_steps());
        }
        desk.n_steps() > n_steps + SCREEN_CAPACITY
    });
}

#[test]
fn training_continues_and_sigterm_ends_the_run_cleanly() {
    let here = Here::new();
    // Below a shell: if the program is the terminal's only process, the system discards unread
    // output when it ends, including the sequence that restores the modes.
    let desk = Desk::under_a_shell(&here, &mut endless(&here, FAST), LARGE);
    let program = desk.below_the_shell().unwrap();
    stall(&desk, program);
    signal(program, "TERM");
    wait_until("the program ends", || desk.below_the_shell().is_none());
    assert_eq!(desk.pty.modes().line, desk.before.line);
    desk.ended(RunEnd::Stopped, Reason::Signal);
    let missed = desk.happened(0).iter().any(|event| event.kind() == "screen_missed");
    assert!(missed, "the journal says what the screen did not show");
    desk.pty.read_on();
    desk.shell_says("[143]");
    assert_eq!(desk.pty.text().trim(), "[143]", "nothing is said that nobody waited for");
}

#[test]
fn a_terminal_that_is_read_again_shows_the_current_state_and_missed_events() {
    let here = Here::new();
    let mut desk = Desk::training(&here, LARGE, FAST);
    stall(&desk, desk.pty.id());
    desk.pty.read_on();
    desk.pty.wait_for_text("missed ");
    desk.is_live();
    desk.press("2L");
    // Its event may be among those that the screen missed; every later step has the weight.
    desk.pty.wait_for_text("weight      0.625");
    desk.quit();
    desk.ended(RunEnd::Stopped, Reason::Key);
}
