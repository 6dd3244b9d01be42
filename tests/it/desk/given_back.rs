//! However the desk ends, its terminal is restored.

use auxdesk::protocol::{Event, event::Reason};

use super::{CTRL_C, CTRL_Z, Desk, RunEnd, SIZE, endless, quiet};
use crate::{
    pty::{Ended, signal},
    runs::{Here, wait_until, whole_checkpoint},
};

#[test]
fn q_and_y_stop_and_evaluate_the_run_and_exit_with_0() {
    let here = Here::new();
    let mut desk = Desk::training(&here, SIZE, &[]);
    desk.press("q");
    desk.pty.wait_for_text("stop this run?");
    // Neither the key that asked nor Enter is an answer.
    desk.press("q\r");
    desk.trains_on();
    desk.press("n");
    desk.pty.wait_for("the question is gone", |pty| !pty.text().contains("stop this run?"));
    desk.trains_on();
    desk.quit();
    desk.ended(RunEnd::Stopped, Reason::Key);
    assert_eq!(whole_checkpoint(&desk.run(), "last").state.step().0 as usize, desk.n_steps());
}

#[test]
fn a_run_that_has_finished_stays_until_q() {
    let here = Here::new();
    let mut desk = Desk::open(&here, &mut here.tiny("run", 20, &[]), SIZE);
    desk.pty.wait_for_text("FINISHED");
    desk.pty.wait_for_text("the run has ended; q quits, C trains it on");
    desk.is_up();
    desk.press("q");
    desk.leaves(0);
    desk.ended(RunEnd::Finished, Reason::Steps);
}

#[test]
fn a_signal_after_the_end_of_a_run_is_a_success() {
    let here = Here::new();
    let mut desk = Desk::open(&here, &mut here.tiny("run", 20, &[]), SIZE);
    desk.pty.wait_for_text("FINISHED");
    desk.pty.signal("TERM");
    desk.leaves(0);
}

#[test]
fn ctrl_c_at_the_desk_ends_the_run_with_130() {
    let here = Here::new();
    let mut desk = Desk::training(&here, SIZE, &[]);
    desk.press(CTRL_C);
    desk.leaves(130);
    desk.pty.wait_for_text("auxdesk continue run");
    desk.ended(RunEnd::Stopped, Reason::Signal);
}

#[test]
fn ctrl_c_at_the_desk_works_where_sigint_is_ignored() {
    let here = Here::new();
    let mut shell = here.shell("trap '' INT; exec \"$@\"", &endless(&here, &[]));
    let mut desk = Desk::open(&here, &mut shell, SIZE);
    desk.is_live();
    desk.pty.signal("INT");
    desk.trains_on();
    desk.press(CTRL_C);
    desk.leaves(130);
    desk.ended(RunEnd::Stopped, Reason::Signal);
}

#[test]
fn a_second_ctrl_c_at_the_desk_aborts_with_130() {
    let here = Here::new();
    // A step of many seconds, which the first Ctrl-C waits for and the second one does not.
    let sets = ["encoder.trunk.width=256", "encoder.trunk.layers=6", "train.batch_size=160"];
    let slow: Vec<&str> = sets.iter().flat_map(|set| ["--set", *set]).collect();
    let mut desk = Desk::training(&here, SIZE, &slow);
    desk.press(CTRL_C);
    desk.pty.wait_for_text("press Ctrl-C again to abort");
    desk.press(CTRL_C);
    desk.leaves(130);
    let kinds: Vec<_> = desk.events().iter().map(Event::kind).collect();
    assert_eq!(kinds, ["run_started"], "nobody waited for the step or wrote an end");
}

/// A signal while the desk is shown.
fn signalled(name: &str, code: u32) {
    let here = Here::new();
    let mut desk = Desk::training(&here, SIZE, &[]);
    desk.pty.signal(name);
    desk.leaves(code);
    desk.ended(RunEnd::Stopped, Reason::Signal);
    assert_eq!(whole_checkpoint(&desk.run(), "last").state.step().0 as usize, desk.n_steps());
}

#[test]
fn sigterm_ends_the_desk_with_143() {
    signalled("TERM", 143);
}

#[test]
fn sighup_ends_the_desk_with_129() {
    signalled("HUP", 129);
}

#[test]
fn closing_the_window_ends_the_run_with_129() {
    let here = Here::new();
    let mut desk = Desk::training(&here, SIZE, &[]);
    desk.pty.hang_up();
    assert_eq!(desk.pty.wait(), Ended { code: Some(129), signal: None });
    desk.ended(RunEnd::Stopped, Reason::Signal);
}

// The signals that a program inherited as ignored are read from /proc, which only Linux has.
#[cfg(target_os = "linux")]
#[test]
fn closing_the_window_under_nohup_ends_the_desk_only() {
    let here = Here::new();
    let mut shell = here.shell("trap '' HUP; exec \"$@\"", &endless(&here, &[]));
    let mut desk = Desk::open(&here, &mut shell, SIZE);
    desk.is_live();
    desk.pty.hang_up();
    desk.trains_on();
    desk.pty.signal("TERM");
    assert_eq!(desk.pty.wait(), Ended { code: Some(143), signal: None });
    desk.ended(RunEnd::Stopped, Reason::Signal);
}

#[test]
fn a_panic_in_the_trainer_is_shown_on_the_desk() {
    let here = Here::new();
    let mut train = quiet(&here, "run", 100, &[]);
    let mut desk = Desk::open(&here, train.env("AUXDESK_PANIC_AT_STEP", "15"), SIZE);
    desk.pty.wait_for_text("FAILED");
    let why = "q quits  failed: the trainer panicked  panic requested at step 15";
    desk.pty.wait_for_text(why);
    desk.is_up();
    assert!(!desk.pty.text().contains("panicked at"), "{}", desk.pty.text());
    desk.press("q");
    desk.leaves(1);
    desk.pty.wait_for_text("failed: the trainer panicked  panic requested at step 15");
    desk.ended(RunEnd::Failed, Reason::Panic);
}

#[test]
fn a_failed_write_is_reported_on_the_desk_and_after_it() {
    let here = Here::new();
    let mut shell = here.shell("ulimit -f 40; exec \"$@\"", &endless(&here, &[]));
    let mut desk = Desk::open(&here, &mut shell, (120, 40));
    desk.pty.wait_for_text("FAILED");
    desk.pty.wait_for_text("q quits  failed: could not write to disk");
    desk.press("q");
    desk.leaves(1);
    desk.pty.wait_for_text("run/journal.jsonl: cannot be written: ");
}

#[test]
fn a_panic_in_drawing_ends_the_desk_and_not_the_run() {
    let here = Here::new();
    let mut train = quiet(&here, "run", 100, &[]);
    let mut desk = Desk::open(&here, train.env("AUXDESK_PANIC_AT_FRAME", "2"), (120, 40));
    desk.pty.wait_for_text("panic requested at frame 2");
    desk.pty.wait_for_text("the desk has closed; training continues, printing progress lines");
    desk.is_restored();
    desk.leaves(0);
    desk.ended(RunEnd::Finished, Reason::Steps);
    assert_eq!(desk.n_steps(), 100);
    let text = desk.pty.text();
    assert!(text.contains("finished: "), "{text}");
    assert!(here.read("run/diagnostics.log").contains("panic requested at frame 2"));
}

#[test]
fn ctrl_z_stops_the_program_and_fg_returns_to_the_desk() {
    let here = Here::new();
    let mut desk = Desk::under_a_shell(&here, &mut endless(&here, &[]), SIZE);
    for _ in 0..2 {
        desk.press(CTRL_Z);
        desk.shell_says("]");
        let n_steps = desk.n_steps();
        desk.press("fg\n");
        desk.is_live();
        wait_until("training goes on", || desk.n_steps() > n_steps + 20);
    }
    desk.press("q");
    desk.pty.wait_for_text("stop this run?");
    desk.press("y");
    desk.shell_says("[0]");
    desk.ended(RunEnd::Stopped, Reason::Key);
}

#[test]
fn a_stop_signal_from_outside_restores_the_terminal_until_fg() {
    let here = Here::new();
    let mut desk = Desk::under_a_shell(&here, &mut endless(&here, &[]), SIZE);
    let id = desk.below_the_shell().unwrap();
    signal(id, "TSTP");
    desk.shell_says("]");
    desk.press("fg\n");
    desk.is_live();
    signal(id, "INT");
    desk.shell_says("[130]");
    desk.ended(RunEnd::Stopped, Reason::Signal);
}

#[test]
fn training_continues_in_the_background_without_the_terminal() {
    let here = Here::new();
    let mut desk = Desk::under_a_shell(&here, &mut endless(&here, &[]), SIZE);
    let id = desk.below_the_shell().unwrap();
    desk.press(CTRL_Z);
    desk.shell_says("]");
    desk.press("bg\n");
    desk.shell_says("[0]");
    desk.trains_on();
    desk.is_restored();
    signal(id, "TERM");
    desk.press("wait\n");
    wait_until("the program ends", || desk.below_the_shell().is_none());
    desk.is_restored();
    desk.ended(RunEnd::Stopped, Reason::Signal);
}

#[test]
fn a_failed_allocation_gives_the_terminal_back() {
    let here = Here::new();
    let mut run = endless(&here, &[]);
    run.env("AUXDESK_OUT_OF_MEMORY_AT_STEP", "300");
    let mut desk = Desk::open(&here, &mut run, SIZE);
    desk.leaves(1);
    desk.pty.wait_for_text("out of memory: an allocation of");
}
