//! A replay shows what the live screen showed.

use super::Desk;
use crate::runs::{Here, finish, wait_until};

const SIZES: [(u16, u16); 5] = [(200, 60), (120, 40), (80, 24), (80, 20), (40, 10)];

/// The text that the program prints for the journal's screen at the step where the run is paused.
fn replayed(here: &Here, step: u64, (cols, rows): (u16, u16)) -> Vec<String> {
    let (at, screen) = (step.to_string(), format!("{cols}x{rows}"));
    let args = ["replay", "run", "--headless", "--at", &at, "--screen", &screen];
    let mut replay = here.auxdesk(args);
    // As in the terminal.
    for name in ["LC_ALL", "LC_CTYPE"] {
        replay.env_remove(name);
    }
    replay.env("LANG", "C.UTF-8").env("TERM", "xterm-256color");
    let exited = finish(replay.env("XDG_CONFIG_HOME", here.path("no-config")));
    assert_eq!((exited.code, exited.err.as_str()), (Some(0), ""));
    exited.out.lines().map(str::to_owned).collect()
}

fn lines(desk: &Desk) -> Vec<String> {
    desk.pty.text().lines().map(|line| line.trim_end().to_owned()).collect()
}

/// Compares the live screen at every size with the replay of its journal.
fn is_the_same(desk: &mut Desk) {
    let step = desk.n_steps() as u64;
    for size in SIZES {
        let wanted = replayed(desk.here, step, size);
        desk.pty.resize(size.0, size.1);
        let mut n_looks = 0;
        // Long enough for a frame that may still be in flight; remaining differences are shown.
        wait_until("the screen is drawn", || {
            n_looks += 1;
            n_looks > 400 || lines(desk) == wanted
        });
        let shown = lines(desk);
        let differing: Vec<_> = wanted.iter().zip(&shown).filter(|(a, b)| a != b).collect();
        assert!(differing.is_empty(), "{size:?} at step {step}: {differing:#?}");
        assert_eq!(wanted.len(), shown.len());
    }
}

#[test]
fn the_live_screen_equals_the_replay_of_its_journal() {
    let here = Here::new();
    let scored = ["--set", "train.evaluate_every=40"];
    let mut desk = Desk::training(&here, (120, 40), &scored);
    desk.trains_on();
    desk.pause();
    is_the_same(&mut desk);

    // With everything that it can show: changes, a fade, a note, a scene, gradients, scores.
    desk.press(" ");
    for keys in ["2L", "m", "3w0.3 over 1000\r", "4s", "nhalf way\r", "a", "G3\r", "e", "c", "2"] {
        desk.press(keys);
    }
    desk.pty.wait_for("all of it has happened", |_| {
        let happened = desk.happened(0);
        ["setting_set", "noted", "scene_stored"]
            .iter()
            .all(|kind| happened.iter().any(|event| event.kind() == *kind))
            && happened.iter().filter(|event| event.kind() == "evaluated").count() > 20
    });
    desk.trains_on();
    desk.press("1");
    desk.pause();
    is_the_same(&mut desk);

    // Each single step has a different screen.
    for _ in 0..3 {
        desk.press(">");
        let wanted = desk.n_steps() + 1;
        wait_until("the step is done", || desk.n_steps() >= wanted);
        desk.clear();
        is_the_same(&mut desk);
    }
    desk.quit();
}
