//! A run that has ended is trained on from the desk, as `auxdesk continue` does it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use auxdesk::protocol::{
    By, Event,
    event::{GainSet, Reason},
};
use serde_json::Value;

use super::{CTRL_C, CTRL_U, Desk, RunEnd, SIZE};
use crate::{
    continued::{checkpoint_files, continued},
    runs::{Here, finish, json_file},
};

/// The keys of JSON documents of a run whose values are times, or depend on them.
const TIMES: &[&str] = &[
    "took_us",
    "started",
    "seconds",
    "training_seconds",
    "tokens_per_second",
    "peak_memory_mib",
    "run",
];

fn without_times(document: &mut Value) {
    match document {
        Value::Object(entries) => {
            entries.retain(|key, _| !key.ends_with("_ms") && !TIMES.contains(&key.as_str()));
            entries.values_mut().for_each(without_times);
        }
        Value::Array(values) => values.iter_mut().for_each(without_times),
        _ => {}
    }
}

/// The lines of a run's journal, without times.
fn lines(run: &Path) -> Vec<String> {
    let text = fs::read_to_string(run.join("journal.jsonl")).unwrap();
    let line = |line: &str| {
        let mut document: Value = serde_json::from_str(line).unwrap();
        without_times(&mut document);
        document.to_string()
    };
    text.lines().map(line).collect()
}

fn document(run: &Path, name: &str) -> Value {
    let mut document = json_file(run, name);
    without_times(&mut document);
    document
}

impl Desk<'_> {
    /// Waits until the run has ended so many times, and the desk shows it.
    fn has_ended(&self, times: usize) {
        self.pty.wait_for("the run has ended", |pty| {
            let journal = fs::read_to_string(self.run().join("journal.jsonl")).unwrap_or_default();
            journal.matches("\n{\"kind\":\"run_ended\"").count() == times
                && pty.text().contains("the run has ended")
        });
    }

    /// Asks for more training, and waits for it.
    fn train_on(&mut self, length: &str) {
        let n_continued = self.n_continued();
        self.press("C");
        self.pty.wait_for_text("train on for how long");
        self.press(&format!("{CTRL_U}{length}\r"));
        self.pty.wait_for("it is trained on", |_| self.n_continued() == n_continued + 1);
    }

    fn n_continued(&self) -> usize {
        self.events().iter().filter(|event| matches!(event, Event::Continued(_))).count()
    }
}

#[test]
fn a_run_trained_on_at_the_desk_equals_one_that_was_continued() {
    let here = Here::new();
    // Early stopping would end the last session.
    let patient = ["--set", "train.patience=1000000"];
    let with = |run: &str| -> PathBuf {
        let path = here.finished(run, 20, &patient);
        let exited = finish(&mut continued(&here, run, &["--steps", "45"]));
        assert_eq!(exited.code, Some(0), "{}", exited.err);
        let exited = finish(&mut continued(&here, run, &["--epochs", "5"]));
        assert_eq!(exited.code, Some(0), "{}", exited.err);
        path
    };
    let whole = with("whole");

    let mut desk = Desk::open(&here, &mut here.tiny("run", 20, &patient), SIZE);
    desk.has_ended(1);
    desk.press(":train-on 25 steps\r");
    desk.has_ended(2);
    desk.is_up();
    // 45 steps are two epochs and a quarter: the third is one of those done.
    desk.train_on("2 epochs");
    desk.has_ended(3);
    let alternate = "\x1b[?1049h";
    assert_eq!(desk.pty.written().matches(alternate).count(), 1, "the same screen all the time");
    desk.press("q");
    desk.leaves(0);
    desk.ended(RunEnd::Finished, Reason::Epochs);

    let run = desk.run();
    let (ours, theirs) = (lines(&run), lines(&whole));
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(ours.len(), theirs.len());
    for (name, bytes) in checkpoint_files(&whole) {
        assert!(bytes == checkpoint_files(&run)[&name], "{name} differs");
    }
    for name in ["summary.json", "state.json"] {
        assert_eq!(document(&run, name), document(&whole, name), "{name}");
    }
    assert_eq!(here.read("run/recipe.toml"), here.read("whole/recipe.toml"));
    assert!(here.read("run/recipe.toml").contains("\nepochs = 5\n"));
}

#[test]
fn a_change_from_before_the_end_is_undone_after_it() {
    let here = Here::new();
    // Without evaluations, and long enough to pause it before its end.
    let seldom = ["--set", "train.evaluate_every=1000000"];
    let mut desk = Desk::open(&here, &mut here.tiny("run", 300, &seldom), SIZE);
    desk.is_live();
    desk.pause();
    let Event::GainSet(set) = desk.done_by("L") else { panic!("a gain is set") };
    desk.press(" ");
    desk.has_ended(1);
    desk.train_on("1000000 steps");
    desk.pty.wait_for_text("LIVE");
    desk.trains_on();
    desk.press("u");
    let gains = |desk: &Desk<'_>| -> Vec<GainSet> {
        let gain = |event| if let Event::GainSet(set) = event { Some(set) } else { None };
        desk.events().into_iter().filter_map(gain).collect()
    };
    desk.pty.wait_for("it is undone", |_| gains(&desk).len() == 2);
    let undone = gains(&desk).remove(1);
    assert_eq!((undone.old, undone.new, undone.by), (set.new, set.old, By::Key));
    assert_eq!(undone.undoes, set.command);
    assert!(undone.command > set.command, "numbers of commands go on");
    assert_eq!(desk.step(undone.from.0).weights["chunk"], set.old);
    desk.press(CTRL_C);
    desk.leaves(130);
    desk.ended(RunEnd::Stopped, Reason::Signal);
    desk.pty.wait_for_text("auxdesk continue run");
}

#[test]
fn a_run_that_early_stopping_has_ended_has_its_patience_once_more() {
    let here = Here::new();
    // Its scores do not change, so every evaluation after the first is one without improvement.
    let still = ["--set", "train.patience=2", "--set", "train.learning_rate=1e-12"];
    let mut desk = Desk::open(&here, &mut here.tiny("run", 1000, &still), SIZE);
    desk.has_ended(1);
    desk.ended(RunEnd::Finished, Reason::Patience);
    let ended = desk.n_steps();
    desk.train_on("1000 steps");
    desk.has_ended(2);
    desk.ended(RunEnd::Finished, Reason::Patience);
    assert_eq!(desk.n_steps(), ended + 20, "two evaluations more");
    desk.press("q");
    desk.leaves(0);
}

#[test]
fn a_corpus_that_has_changed_is_refused_at_the_desk() {
    let here = Here::new();
    let mut desk = Desk::open(&here, &mut here.tiny("run", 20, &[]), SIZE);
    desk.has_ended(1);
    let train = here.read("train.tsv");
    here.write("train.tsv", train.replacen("the", "a", 1));
    desk.press(":train-on 1 epoch\r");
    desk.pty.wait_for_text("the file has changed");
    desk.is_up();
    assert_eq!(desk.n_continued(), 0);
    // It is as it was, and put right it is trained on.
    here.write("train.tsv", &train);
    desk.train_on("1 epoch");
    desk.has_ended(2);
    desk.press("q");
    desk.leaves(0);
    desk.ended(RunEnd::Finished, Reason::Epochs);
}

#[test]
fn a_signal_ends_a_session_that_was_started_at_the_desk() {
    let here = Here::new();
    let mut desk = Desk::open(&here, &mut here.tiny("run", 20, &[]), SIZE);
    desk.has_ended(1);
    desk.train_on("1000000 steps");
    desk.trains_on();
    desk.pty.signal("TERM");
    desk.leaves(143);
    desk.ended(RunEnd::Stopped, Reason::Signal);
}
