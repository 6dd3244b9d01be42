//! A journal on the desk, with playback controls.

use super::{Desk, SIZE};
use crate::{pty::Pty, runs::Here};

/// Runs 60 steps in which the gain of `chunk` was changed by hand after step 30, and returns the
/// exact step.
fn moved(here: &Here) -> u64 {
    let header = here.finished("first", 1, &[]);
    let header = std::fs::read_to_string(header.join("journal.jsonl")).unwrap();
    let header = header.lines().next().unwrap();
    let moved = r#"{"kind":"gain_set","at_ms":1,"step":30,"from":31,"objective":"chunk","old":1,"new":0.25,"by":"key","command":1}"#;
    here.write("moves.jsonl", format!("{header}\n{moved}\n"));
    here.finished("run", 60, &["--moves", "moves.jsonl", "--set", "train.evaluate_every=20"]);
    30
}

fn replay<'a>(here: &'a Here, more: &[&str]) -> Desk<'a> {
    let mut args = vec!["replay", "run"];
    args.extend(more);
    let desk = Desk::open(here, &mut here.auxdesk(args), SIZE);
    desk.pty.wait_for_text("REPLAY");
    desk.is_up();
    desk
}

fn is_at(desk: &Desk, step: u64) {
    desk.pty.wait_for_text(&format!("step {step}/60"));
}

fn step(pty: &Pty) -> u64 {
    let text = pty.text();
    let (_, rest) = text.split_once("step ").unwrap_or_default();
    rest.split_once('/').and_then(|(step, _)| step.parse().ok()).unwrap_or(u64::MAX)
}

/// The row of the objective whose gain was changed.
fn chunk(desk: &Desk) -> String {
    let text = desk.pty.text();
    text.lines().find(|line| line.contains("chunk") && line.contains("1*")).unwrap().to_owned()
}

fn gain_is(desk: &Desk, gain: &str) {
    desk.pty.wait_for(&format!("the gain is {gain}"), |_| chunk(desk).contains(gain));
}

#[test]
fn a_replay_opens_at_the_end_and_seeks() {
    let here = Here::new();
    let moved_after = moved(&here);
    let mut desk = replay(&here, &[]);
    is_at(&desk, 60);
    gain_is(&desk, "0.250");
    let handle_at_the_end = chunk(&desk).find('●');
    desk.press("\x1b[H");
    is_at(&desk, 0);
    gain_is(&desk, "1.000");
    assert_ne!(chunk(&desk).find('●'), handle_at_the_end);
    for (keys, step) in [
        ("\x1b[C", 1),
        ("l", 2),
        ("lll", 5),
        ("h", 4),
        ("G12\r", 12),
        ("\x1b[D", 11),
        ("G50%\r", 30),
        ("\x1b[F", 60),
        ("H", 0),
        ("L", 60),
        ("\x1b[H", 0),
    ] {
        desk.press(keys);
        is_at(&desk, step);
    }
    // Events after a step belong to it.
    desk.press(&format!("G{}\r", moved_after - 1));
    is_at(&desk, moved_after - 1);
    gain_is(&desk, "1.000");
    desk.press("l");
    is_at(&desk, moved_after);
    gain_is(&desk, "0.250");
    desk.press("h");
    gain_is(&desk, "1.000");
    desk.press("q");
    desk.leaves(0);
    assert_eq!(desk.pty.text().trim(), "", "nothing is left to say");
}

#[test]
fn seeking_by_events_visits_each_event() {
    let here = Here::new();
    moved(&here);
    let mut desk = replay(&here, &["--at", "0"]);
    is_at(&desk, 0);
    for step in [20, 30, 40] {
        desk.press("}");
        is_at(&desk, step);
    }
    desk.press("{");
    is_at(&desk, 30);
    desk.press("{");
    is_at(&desk, 20);
    desk.press("{{");
    desk.pty.wait_for_text("no earlier event");
    desk.press("q");
    desk.leaves(0);
}

#[test]
fn a_replay_plays_at_the_given_speed() {
    let here = Here::new();
    moved(&here);
    let mut desk = replay(&here, &[]);
    is_at(&desk, 60);
    desk.press("\x1b[H");
    is_at(&desk, 0);
    for (key, speed) in [(">", "2x"), (">", "4x"), ("<", "2x"), ("<<", "0.5x"), ("<", "0.25x")] {
        desk.press(key);
        desk.pty.wait_for_text(&format!("REPLAY {speed}"));
    }
    desk.press(" ");
    desk.pty.wait_for("it plays", |pty| (1..60).contains(&step(pty)));
    desk.press(" ");
    desk.pty.wait_for_text("║ REPLAY");
    let held = step(&desk.pty);
    desk.press("f");
    desk.pty.wait_for_text("FROZEN");
    assert_eq!(step(&desk.pty), held);
    desk.press("f>>>>>>>>>>>>>>");
    desk.pty.wait_for_text("REPLAY 1000x");
    desk.press(" ");
    is_at(&desk, 60);
    desk.press("q");
    desk.leaves(0);
}

#[test]
fn a_replay_shows_corpus_usage_up_to_its_position() {
    let here = Here::new();
    moved(&here);
    let mut desk = replay(&here, &["--at", "0"]);
    is_at(&desk, 0);
    desk.press("vvvvvvv");
    desk.pty.wait_for_text("sampling proportional");
    let drawn = |desk: &Desk| {
        let text = desk.pty.text();
        let row = text.lines().find(|line| line.contains("\u{2502}news")).unwrap_or_default();
        row.split_whitespace().nth(2).unwrap_or_default().to_owned()
    };
    desk.pty.wait_for("nothing is drawn", |_| drawn(&desk) == "0");
    desk.press("\x1b[F");
    is_at(&desk, 60);
    desk.pty.wait_for("all is drawn", |_| drawn(&desk).parse::<u64>().is_ok_and(|n| n > 60));
    assert!(!desk.pty.text().contains("d changes it"), "there is nothing to change");
    desk.press("q");
    desk.leaves(0);
}

#[test]
fn a_replay_is_read_only_and_says_so() {
    let here = Here::new();
    moved(&here);
    let before = here.read("run/journal.jsonl");
    let mut desk = replay(&here, &["--speed", "1000"]);
    is_at(&desk, 60);
    for keys in ["m", "w", "u"] {
        desk.press(keys);
        desk.pty.wait_for_text("read-only: this is a replay");
        desk.clear();
    }
    desk.press("q");
    desk.leaves(0);
    assert_eq!(here.read("run/journal.jsonl"), before);
}

#[test]
fn signals_end_a_replay_and_restore_the_terminal() {
    let here = Here::new();
    moved(&here);
    let mut desk = replay(&here, &[]);
    is_at(&desk, 60);
    desk.press(super::CTRL_C);
    desk.leaves(0);
    for (name, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let mut desk = replay(&here, &[]);
        is_at(&desk, 60);
        desk.pty.signal(name);
        desk.leaves(code);
    }
}
