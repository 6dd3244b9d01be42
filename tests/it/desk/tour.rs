//! The tour of the first start, and its end.

use std::{fs, os::unix::fs::PermissionsExt};

use super::{Desk, SIZE, quiet};
use crate::{
    pty::Pty,
    runs::{ENDLESS, Here, finish},
};

const ENDED: &str = "state/auxdesk/tour-ended";

/// A run at the desk of somebody who has this state folder.
fn training<'a>(here: &'a Here, run: &str, (cols, rows): (u16, u16)) -> Desk<'a> {
    let _ = fs::remove_dir_all(here.path(run));
    let mut command = quiet(here, run, ENDLESS, &[]);
    let desk = Desk::open(here, command.env("XDG_STATE_HOME", here.path("state")), (cols, rows));
    desk.pty.wait_for_text("frequency");
    desk
}

fn has_tour(pty: &Pty) -> bool {
    pty.text().contains("tour ")
}

#[test]
fn each_line_goes_on_when_it_is_done_and_the_end_is_kept() {
    let here = Here::new();
    for size in [SIZE, (40, 10)] {
        let _ = fs::remove_file(here.path(ENDED));
        let mut desk = training(&here, "run", size);
        // On a screen without a chart, the third stop is the page of the chart.
        let is_small = size != SIZE;
        let (look, gradients) = if is_small { ("v", "vv") } else { ("{", "vvv") };
        let stops = [("1/5", "j"), ("2/5", "H"), ("3/5", look), ("4/5", "u"), ("5/5", gradients)];
        for (number, keys) in stops {
            if is_small {
                // A message takes the line of the tour until the next key.
                desk.press("y");
            }
            desk.pty.wait_for_text(&format!("tour {number}"));
            assert!(!here.path(ENDED).exists(), "{number}");
            desk.press(keys);
            if ["H", "u"].contains(&keys) {
                desk.pty.wait_for_text("gain of pos");
            }
        }
        desk.pty.wait_for_text("is over");
        desk.pty.wait_for("the end is kept", |_| here.path(ENDED).is_file());
        desk.press("j");
        desk.pty.wait_for("the tour is gone", |pty| !has_tour(pty));
        desk.quit();
    }
    let mut desk = training(&here, "run", SIZE);
    desk.pty.wait_for_text("? help");
    assert!(!has_tour(&desk.pty), "it is over");
    desk.quit();
}

#[test]
fn a_key_ends_the_tour_for_good() {
    let here = Here::new();
    let mut desk = training(&here, "run", SIZE);
    desk.pty.wait_for_text("X ends the tour");
    desk.press("X");
    desk.pty.wait_for_text("the tour is over, and is not shown again");
    desk.pty.wait_for("the end is kept", |_| here.path(ENDED).is_file());
    desk.quit();
    let mut desk = training(&here, "run", SIZE);
    desk.pty.wait_for_text("? help");
    assert!(!has_tour(&desk.pty));
    desk.quit();
}

#[test]
fn a_state_folder_that_cannot_be_written_is_no_failure() {
    let here = Here::new();
    // Also for root, to whom no permission is denied.
    here.write("state", "a file");
    fs::set_permissions(here.path("state"), fs::Permissions::from_mode(0o400)).unwrap();
    let mut desk = training(&here, "run", SIZE);
    desk.pty.wait_for_text("tour 1/5");
    desk.press("X");
    desk.pty.wait_for_text("the tour is over");
    desk.trains_on();
    desk.quit();
    assert!(here.read("run/diagnostics.log").contains("the end of the tour cannot be recorded"));
    let desk = training(&here, "run", SIZE);
    desk.pty.wait_for_text("tour 1/5");
}

#[test]
fn whoever_cannot_follow_it_has_no_tour() {
    let here = Here::new();
    let run = here.finished("run", 20, &[]);
    for args in [&["replay", "run"][..], &["continue", "run", "--steps", "1000000", "--observe"]] {
        let mut command = here.auxdesk(args);
        let desk = Desk::open(&here, command.env("XDG_STATE_HOME", here.path("state")), SIZE);
        desk.pty.wait_for_text("frequency");
        desk.pty.wait_for_text("? help");
        assert!(!has_tour(&desk.pty), "{args:?}");
    }
    let mut headless = here.tiny("headless", 20, &["--headless"]);
    let exited = finish(headless.env("XDG_STATE_HOME", here.path("state")));
    assert_eq!(exited.code, Some(0));
    assert!(!exited.err.contains("tour"));
    assert!(!here.path(ENDED).exists());
    assert!(run.is_dir());
}
