//! The same run twice: journals are equal except for times, checkpoints bit for bit.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::Value;

use crate::runs::{Here, finish, journal, json, json_file};

use auxdesk::journal::FILE;
use auxdesk::protocol::{By, Event};

/// A journal's lines without what may differ between two runs of one recipe.
fn timeless(run: &Path) -> Vec<Value> {
    let text = fs::read_to_string(run.join(FILE)).unwrap();
    let mut lines: Vec<Value> = text.lines().map(json).collect();
    lines.retain(|line| line["kind"] != "screen_missed");
    for line in &mut lines {
        line.as_object_mut()
            .unwrap()
            .retain(|key, _| key != "started" && !key.ends_with("_ms") && !key.ends_with("_us"));
    }
    lines
}

/// Every file of a run's checkpoints, by its path.
fn checkpoints(run: &Path) -> BTreeMap<String, Vec<u8>> {
    let folders = ["best", "last"].map(|name| run.join("checkpoints").join(name));
    let files = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let paths = files.map(|file| file.unwrap().path());
    paths
        .map(|path| {
            let name = path.strip_prefix(run).unwrap().display().to_string();
            (name, fs::read(&path).unwrap())
        })
        .collect()
}

/// Compares without printing a megabyte.
fn same_checkpoints(one: &Path, other: &Path) {
    let (one, other) = (checkpoints(one), checkpoints(other));
    assert_eq!(one.len(), 8, "four files in each of two checkpoints");
    assert!(one.keys().eq(other.keys()));
    for (name, bytes) in &one {
        assert!(*bytes == other[name], "{name} differs");
    }
}

#[test]
fn two_runs_of_one_seed_are_equal() {
    let here = Here::new();
    let (one, other) = (here.finished("one", 40, &[]), here.finished("other", 40, &[]));
    assert_eq!(timeless(&one), timeless(&other));
    same_checkpoints(&one, &other);
    let third = here.finished("third", 40, &["--seed", "2"]);
    assert!(checkpoints(&one) != checkpoints(&third), "the seed is what decides");
}

/// Small layers, but with so many rows in a batch and classes in the output layer that all work is
/// divided among threads: products, updates, norms, the parts of the loss.
const DIVIDED: &[&str] = &[
    "train.batch_size=16",
    "train.evaluate_every=100",
    "train.measure_gradients_every=10",
    r#"train.shadow_weightings=["dwa", "famo", "upgrad", "grad-norm"]"#,
    "objective.next-word.vocabulary=7500",
    "objective.next-word.hidden=40",
];

/// A run's summary, without its name and measured times.
fn timeless_summary(run: &Path) -> Value {
    let mut summary = json_file(run, "summary.json");
    let measured = ["run", "seconds", "tokens_per_second", "peak_memory_mib"];
    summary.as_object_mut().unwrap().retain(|key, _| !measured.contains(&key.as_str()));
    summary
}

/// CRF, tagger, language model and word frequency over characters and two layers, with dropout.
#[test]
fn ten_runs_with_one_or_two_threads_are_equal_bit_for_bit() {
    let here = Here::new();
    let runs = (0..10).map(|number| {
        let threads = ["1", "2"][number % 2];
        let mut more = vec!["--threads", threads];
        more.extend(DIVIDED.iter().flat_map(|set| ["--set", set]));
        let run = here.finished(&format!("run-{number}"), 200, &more);
        let mut lines = timeless(&run);
        assert_eq!(lines[0]["threads"].take().to_string(), threads);
        (run, lines)
    });
    let runs: Vec<_> = runs.collect();
    let (first, lines) = &runs[0];
    for (other, others_lines) in &runs[1..] {
        assert!(lines == others_lines, "the journal of {} differs", other.display());
        assert_eq!(timeless_summary(first), timeless_summary(other));
        same_checkpoints(first, other);
    }
}

/// Manual changes as a journal records them, below the header of a run.
const MOVES: &str = r#"{"kind":"gain_set","at_ms":1,"step":4,"from":5,"objective":"pos","old":0.5,"new":0.8,"by":"key","command":1}
{"kind":"gain_set","at_ms":1,"step":5,"from":6,"objective":"pos","old":0.8,"new":0.7,"by":"schedule","command":null}
{"kind":"muted","at_ms":2,"step":8,"from":9,"objective":"next-word","muted":true,"by":"key","command":2}
{"kind":"setting_set","at_ms":3,"step":12,"from":13,"path":"train.learning_rate","old":0.0005,"new":0.01,"by":"remote","command":3}
{"kind":"soloed","at_ms":4,"step":15,"from":16,"objective":"chunk","soloed":true,"by":"key","command":4}
{"kind":"soloed","at_ms":5,"step":18,"from":19,"objective":"chunk","soloed":false,"by":"key","command":5}
{"kind":"run_ended","at_ms":6,"step":25,"ended":"stopped","reason":"key","message":null}
"#;

/// A journal with these lines only.
fn hand_written(here: &Here, lines: &str) {
    let header = r#"{"kind":"journal","version":2,"auxdesk":"0.1.0","name":"by-hand","seed":1,"threads":1,"device":"cpu","kernel":"avx2","started":"2026-01-01T12:00:00Z","parent":null}"#;
    here.write("moves.jsonl", format!("{header}\n{lines}"));
}

#[test]
fn repeated_changes_are_in_force_from_their_steps() {
    let here = Here::new();
    hand_written(&here, MOVES);
    let run = here.finished("run", 100, &["--moves", "moves.jsonl"]);
    let mut steps = 0;
    for event in &journal(&run).events {
        match event {
            Event::StepDone(done) => {
                steps = done.step.0;
                let pos = if steps < 5 { 0.5 } else { 0.8 };
                let is_soloed = (16..19).contains(&steps);
                let is_active = !is_soloed;
                assert_eq!(done.weights["pos"], if is_active { pos } else { 0.0 }, "step {steps}");
                let next_word = if steps < 9 { 0.1 } else { 0.0 };
                assert_eq!(done.weights["next-word"], next_word, "step {steps}");
                assert_eq!(done.losses.contains_key("next-word"), steps < 9, "step {steps}");
                assert_eq!(
                    done.learning_rate,
                    if steps < 13 { 0.0005 } else { 0.01 },
                    "step {steps}"
                );
                assert_eq!(done.losses.len() == 1, is_soloed, "step {steps}");
            }
            Event::GainSet(set) => assert_eq!((set.by, set.from.0), (By::Moves, 5)),
            Event::Muted(set) => assert_eq!((set.by, set.from.0), (By::Moves, 9)),
            Event::SettingSet(set) => assert_eq!((set.by, set.from.0), (By::Moves, 13)),
            Event::RunEnded(ended) => assert_eq!(ended.step.0, 25),
            _ => {}
        }
    }
    assert_eq!(steps, 25);
    assert_eq!(json_file(&run, "summary.json")["interventions"], 5);
}

#[test]
fn a_run_with_moves_repeats_from_its_own_journal() {
    let here = Here::new();
    hand_written(&here, MOVES);
    let one = here.finished("one", 100, &["--moves", "moves.jsonl"]);
    let other = here.finished("other", 100, &["--moves", "one"]);
    assert_eq!(timeless(&one), timeless(&other));
    same_checkpoints(&one, &other);
    let unmoved = here.finished("unmoved", 25, &[]);
    assert!(checkpoints(&one) != checkpoints(&unmoved), "the moves are what made it");
}

#[test]
fn a_change_that_cannot_be_repeated_is_reported() {
    let here = Here::new();
    let refused = r#"{"kind":"setting_set","at_ms":3,"step":2,"from":3,"path":"train.batch_size","old":32,"new":1,"by":"key","command":3}"#;
    hand_written(&here, &format!("{refused}\n"));
    let exited = finish(&mut here.tiny("run", 5, &["--moves", "moves.jsonl"]));
    assert_eq!(exited.code, Some(0), "{}", exited.err);
    assert!(exited.err.contains("train.batch_size"), "the key is named: {}", exited.err);
    let events = journal(&here.path("run")).events;
    let why = events.iter().find_map(|event| match event {
        Event::CommandRefused(refused) => Some((refused.step.0, refused.command)),
        _ => None,
    });
    assert_eq!(why, Some((2, None)));
}
