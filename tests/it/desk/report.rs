//! The closing message after the desk, and that the command in it repeats the session.

use std::fs;

use auxdesk::protocol::{Event, event::StepDone};

use super::{CTRL_R, CTRL_U, Desk};
use crate::runs::{Here, finish, journal};

/// The steps of a run, without their times.
fn steps(events: Vec<Event>) -> Vec<StepDone> {
    let steps = events.into_iter().filter_map(|event| match event {
        Event::StepDone(step) => Some(StepDone { at_ms: 0, step_ms: 0, ..step }),
        _ => None,
    });
    steps.collect()
}

#[test]
fn the_closing_messages_command_repeats_the_session_bit_for_bit() {
    let here = Here::new();
    let mut desk = Desk::training(&here, (120, 40), &["--set", "train.evaluate_every=25"]);
    let keys = ["L", "2m", "u", CTRL_R, "4s", "S", "a", "3w0.3 over 20\r", "A"];
    for keys in keys.iter().copied().chain([format!("r{CTRL_U}0.002\r").as_str()]) {
        let before = desk.happened(0).len();
        desk.press(keys);
        let answer =
            |desk: &Desk| desk.happened(before).into_iter().find(|event| event.answers().is_some());
        desk.pty.wait_for("it is done", |_| answer(&desk).is_some());
        desk.shows(&answer(&desk).expect("it has been waited for"));
        let n_steps = desk.n_steps();
        desk.pty.wait_for("a few steps on", |_| desk.n_steps() > n_steps + 3);
    }
    desk.press(" ");
    desk.pty.wait_for_text("PAUSED");
    desk.press(">1l>");
    desk.pty.wait_for("both steps are done", |_| {
        let happened = desk.happened(0);
        let n_steps = desk.n_steps() as u64;
        matches!(happened.last(), Some(Event::Paused(paused)) if paused.step.0 == n_steps)
            && happened.iter().filter(|event| event.kind() == "paused").count() == 3
    });
    desk.press(" ");
    desk.trains_on();
    desk.quit();

    let text = desk.pty.text();
    let line = |start: &str| {
        let found = text.lines().find(|line| line.starts_with(start));
        found.unwrap_or_else(|| panic!("no line begins {start:?}:\n{text}"))
    };
    line("chunk f1 on dev: ");
    line("chunk f1 on test: ");
    line("manual changes:");
    line("  train.learning_rate 0.0005 to 0.002");
    line("the run is in run");
    line("  auxdesk replay run");
    line("  auxdesk evaluate run");
    assert_eq!(line("  auxdesk train"), "  auxdesk train run/recipe.toml --moves run");

    let again = line("  auxdesk train").split_whitespace().skip(1);
    let exited = finish(&mut here.auxdesk(again));
    assert_eq!(exited.code, Some(0), "{}", exited.err);
    let again = fs::read_dir(here.path("runs")).unwrap().next().unwrap().unwrap().path();
    let (one, other) = (steps(desk.events()), steps(journal(&again).events));
    assert!(one.len() > 50);
    let differs = one.iter().zip(&other).find(|(one, other)| one != other);
    assert!(differs.is_none(), "{differs:?}");
    assert_eq!(one.len(), other.len());
    for command in ["  auxdesk replay", "  auxdesk evaluate"] {
        let exited = finish(&mut here.auxdesk(line(command).split_whitespace().skip(1)));
        assert_eq!(exited.code, Some(0), "{}", exited.err);
    }
}

#[test]
fn the_closing_message_without_changes_has_no_moves() {
    let here = Here::new();
    let mut desk = Desk::training(&here, (120, 40), &[]);
    desk.quit();
    let text = desk.pty.text();
    assert!(text.contains("chunk f1 on dev: ") && text.contains("the run is in run"), "{text}");
    assert!(!text.contains("manual changes") && !text.contains("--moves"), "{text}");
}
