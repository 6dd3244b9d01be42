//! A run that is killed and continued equals a run that was never killed; invalid continuations are
//! refused.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use auxdesk::{
    journal::{self, Journal},
    protocol::{
        Event, Loss, Step,
        event::{Reason, Setting, Split, StepDone},
    },
    state::{Run, replay},
};

use crate::{
    exits::assert_journal_is_complete,
    runs::{ENDLESS, Exited, Here, finish, journal, json, start, wait_for, wait_until},
};

pub(crate) fn continued(here: &Here, run: &str, more: &[&str]) -> Command {
    let mut args = vec!["continue", run, "--threads", "1"];
    args.extend(more);
    here.auxdesk(args)
}

fn refused(here: &Here, run: &str, more: &[&str]) -> String {
    let Exited { code, out, err, .. } = finish(&mut continued(here, run, more));
    assert_eq!((code, out.as_str()), (Some(2), ""), "{err}");
    err
}

fn n_lines(run: &Path) -> usize {
    fs::read(run.join(journal::FILE)).map_or(0, |text| text.split(|byte| *byte == b'\n').count())
}

/// Ten pseudorandom numbers of lines to wait for, from a linear congruential generator.
fn waits(seed: u64) -> impl Iterator<Item = usize> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % 24 + 2
    })
    .take(10)
}

const STEPS: u64 = 1200;
/// Frequent evaluations, and no early stopping, which would end some runs before they are killed.
const OFTEN: [&str; 4] = ["--set", "train.evaluate_every=7", "--set", "train.patience=1000000"];

/// A tiny run of `chunking` that is killed ten times.
fn killed_ten_times(here: &Here, run: &str, more: &[&str], seed: u64) -> PathBuf {
    killed_ten_times_after(here, run, here.tiny(run, STEPS, &[&OFTEN[..], more].concat()), seed)
}

/// A run that is killed with SIGKILL ten times, each time after a number of further lines of its
/// journal, and continued each time.
fn killed_ten_times_after(here: &Here, run: &str, mut first: Command, seed: u64) -> PathBuf {
    let mut program = start(&mut first);
    let path = here.path(run);
    wait_for(&path, "run_started");
    for wait in waits(seed) {
        let target = n_lines(&path) + wait;
        wait_until("the journal has grown", || n_lines(&path) >= target || program.has_ended());
        if program.has_ended() {
            let Exited { code, err, .. } = program.wait();
            panic!("it ended with {code:?} before it was killed: {err}");
        }
        program.child().kill().unwrap();
        assert_eq!(program.wait().signal, Some(9));
        program = start(&mut continued(here, run, &[]));
        let before = n_lines(&path);
        wait_until("it has continued", || n_lines(&path) > before || program.has_ended());
    }
    let exited = program.wait();
    assert_eq!(exited.code, Some(0), "{}", exited.err);
    let n_continued =
        journal(&path).events.iter().filter(|event| event.kind() == "continued").count();
    assert_eq!(n_continued, 10);
    path
}

/// The result of each step; a repeated step must have the same result.
pub(crate) fn steps(run: &Path) -> BTreeMap<Step, StepDone> {
    let mut steps = BTreeMap::new();
    for event in journal(run).events {
        let Event::StepDone(done) = event else { continue };
        let done = StepDone { at_ms: 0, step_ms: 0, ..done };
        if let Some(before) = steps.insert(done.step, done.clone()) {
            assert_eq!(before, done, "a step that was done again");
        }
    }
    steps
}

pub(crate) fn checkpoint_files(run: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = ["model.safetensors", "optimiser.safetensors", "state.json", "recipe.toml"];
    let names =
        ["best", "last"].into_iter().flat_map(|name| files.map(|file| format!("{name}/{file}")));
    let read = |name: &String| fs::read(run.join("checkpoints").join(name)).unwrap();
    // Only of objectives and rules that keep something.
    let kept = ["objectives.safetensors", "weighting.safetensors", "accumulated.safetensors"];
    let memory =
        ["best", "last"].into_iter().flat_map(|name| kept.map(|file| format!("{name}/{file}")));
    let there = |name: &String| run.join("checkpoints").join(name).exists();
    names.chain(memory.filter(there)).map(|name| (name.clone(), read(&name))).collect()
}

pub(crate) fn folded(run: &Path) -> Run {
    let Journal { header, events, .. } = journal(run);
    replay(&header, &events, None)
}

/// Checkpoints are equal byte for byte, steps bit for bit, and so are the states of the runs.
fn assert_same_run(whole: &Path, killed: &Path) {
    assert_eq!(steps(whole), steps(killed));
    for (name, bytes) in checkpoint_files(whole) {
        assert!(bytes == checkpoint_files(killed)[&name], "{name} differs");
    }
    assert_journal_is_complete(killed);
    let [whole, killed] = [whole, killed].map(folded);
    assert_eq!((whole.step, whole.best_step()), (killed.step, killed.best_step()));
    assert_eq!(
        (&whole.usage.draws, whole.usage.tokens),
        (&killed.usage.draws, killed.usage.tokens)
    );
    assert_eq!(whole.manual.settings, killed.manual.settings);
    assert_eq!(whole.manual.interventions, killed.manual.interventions);
    let best = |run: &Run| -> BTreeSet<Step> {
        let saved = run.checkpoints.iter().filter(|saved| saved.name == "best");
        saved.map(|saved| saved.step).collect()
    };
    assert_eq!(best(&whole), best(&killed));
    for (whole, killed) in whole.strips.iter().zip(&killed.strips) {
        assert_eq!(whole.best, killed.best);
        assert_eq!(whole.evaluations.len(), killed.evaluations.len(), "{}", whole.name);
        let state =
            |strip: &auxdesk::state::Strip| (strip.gain, strip.weight, strip.muted, strip.loss);
        assert_eq!(state(whole), state(killed), "{}", whole.name);
    }
}

#[test]
fn a_run_killed_ten_times_equals_one_that_was_never_killed() {
    let here = Here::new();
    let whole = here.finished("whole", STEPS, &OFTEN);
    assert_same_run(&whole, &killed_ten_times(&here, "killed", &[], 1));
}

#[test]
fn the_memory_of_a_weighting_rule_survives_kills() {
    let here = Here::new();
    let rules = [
        "train.weighting={ kind = \"dwa\", temperature = 0.7 }",
        r#"train.shadow_weightings=["famo", "grad-norm", "uncertainty"]"#,
        "train.measure_gradients_every=3",
    ];
    let rules: Vec<&str> = rules.into_iter().flat_map(|set| ["--set", set]).collect();
    let whole = here.finished("whole", STEPS, &[&OFTEN[..], &rules].concat());
    let killed = killed_ten_times(&here, "killed", &rules, 3);
    assert_same_run(&whole, &killed);
    assert_eq!(folded(&whole).measured.shadows.len(), 3);
    assert!(steps(&whole).values().any(|step| step.shares["pos"] != 1.0), "the rule has decided");
}

#[test]
fn the_gradients_that_a_weighting_rule_keeps_survive_kills() {
    let here = Here::new();
    let rule = ["--set", "train.weighting={ kind = \"ol-aux\", every = 2, learning_rate = 0.05 }"];
    let whole = here.finished("whole", STEPS, &[&OFTEN[..], &rule].concat());
    let killed = killed_ten_times(&here, "killed", &rule, 5);
    assert_same_run(&whole, &killed);
    assert!(steps(&whole).values().any(|step| step.shares["pos"] != 1.0), "the rule has decided");
}

#[test]
fn finished_objectives_and_guards_survive_kills() {
    let here = Here::new();
    let sets = [
        "train.optimizer=adamw",
        "train.weight_decay=0.01",
        "train.weighting=upgrad",
        "objective.pos.patience=3",
        "objective.pos.freeze=below",
        "objective.pos.keep_best=true",
        "objective.chunk.keep_best=true",
        "objective.frequency.guard={ stall = 300, spike = 50 }",
        "objective.next-word.learning_rate_factor=0.5",
    ];
    let sets: Vec<&str> = sets.into_iter().flat_map(|set| ["--set", set]).collect();
    let whole = here.finished("whole", STEPS, &[&OFTEN[..], &sets].concat());
    let killed = killed_ten_times(&here, "killed", &sets, 4);
    assert_same_run(&whole, &killed);
    let run = folded(&whole);
    assert!(run.strip(&"pos".into()).unwrap().training.is_finished(), "its patience is over");
    for name in ["best-pos", "best-chunk"] {
        let files = ["model.safetensors", "optimiser.safetensors", "state.json"];
        for file in files.map(|file| format!("checkpoints/{name}/{file}")) {
            let read = |run: &Path| fs::read(run.join(&file)).unwrap();
            assert!(read(&whole) == read(&killed), "{file}");
        }
    }
    // Beside the previous checkpoint of each name, nothing is left of what the kills interrupted.
    let names = fs::read_dir(killed.join("checkpoints")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let is_left = |name: &String| name.starts_with('.') && name.rsplit('.').next() != Some("old");
    let left: Vec<String> = names.filter(is_left).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// The folders of a run with these changes of the recipe and of the same run killed ten times, which are equal.
fn whole_and_killed(here: &Here, sets: [&str; 2]) -> [PathBuf; 2] {
    let sets: Vec<&str> = sets.into_iter().flat_map(|set| ["--set", set]).collect();
    let whole = here.finished("whole", STEPS, &[&OFTEN[..], &sets].concat());
    let killed = killed_ten_times(here, "killed", &sets, 5);
    assert_same_run(&whole, &killed);
    [whole, killed]
}

#[test]
fn accumulated_gradients_survive_kills() {
    let here = Here::new();
    // Sparse gradients of the words among them.
    let sets = ["objective.pos.accumulation_steps=3", "objective.next-word.accumulation_steps=7"];
    let [whole, _] = whole_and_killed(&here, sets);
    let saved = checkpoint_files(&whole);
    assert!(saved.contains_key("last/accumulated.safetensors"), "the last step is no update");
}

#[test]
fn the_gradients_that_a_measurement_keeps_survive_kills() {
    let here = Here::new();
    let sets = ["train.measure_gradients_every=1", "train.weighting=upgrad"];
    let runs = whole_and_killed(&here, sets);
    let lagged = runs.map(|run| folded(&run).measured.lagged_cosines);
    assert!(!lagged[0].is_empty());
    assert_eq!(lagged[0], lagged[1]);
}

/// Parts of speech and chunks in stages, with an objective that remembers parameters.
const ANCHORED: &str = r#"name = "anchored"
[train]
seed = 1
steps = 1200
batch_size = 8
evaluate_every = 7
best = "chunk.f1"
sampling = { kind = "stages", order = ["pos", "chunk"] }
[[corpus]]
name = "news"
format = "columns"
columns = ["form", "pos", "chunk", "_"]
train = "train.tsv"
dev = "dev.tsv"
test = "test.tsv"
[[encoder]]
name = "words"
kind = "embed"
field = "form"
width = 8
[[encoder]]
name = "trunk"
kind = "birnn"
input = "words"
width = 8
[[objective]]
name = "chunk"
role = "main"
kind = "tag"
corpus = "news"
group = "chunk"
label = "chunk"
scheme = "iob2"
tap = "trunk"
[[objective]]
name = "pos"
kind = "tag"
corpus = "news"
group = "pos"
label = "pos"
tap = "trunk"
[[objective]]
name = "steady-pos"
kind = "anchor"
corpus = "news"
group = "pos"
encoders = ["words", "trunk"]
gain = 0.1
[[objective]]
name = "steady-chunk"
kind = "anchor"
corpus = "news"
group = "chunk"
encoders = ["trunk"]
heads = ["pos"]
gain = 0.1
"#;

#[test]
fn the_memory_of_an_objective_survives_kills() {
    let here = Here::new();
    here.write("anchored.toml", ANCHORED);
    let train = |run: &str| {
        here.auxdesk(["train", "anchored.toml", "--run", run, "--threads", "1", "--headless"])
    };
    let exited = finish(&mut train("whole"));
    assert_eq!(exited.code, Some(0), "{}", exited.err);
    let killed = killed_ten_times_after(&here, "killed", train("killed"), 4);
    let whole = here.path("whole");
    assert_same_run(&whole, &killed);
    let memory = killed.join("checkpoints/last/objectives.safetensors");
    let memory = candle_core::safetensors::load(memory, &candle_core::Device::Cpu).unwrap();
    let held = |objective: &str, prefix: &str| {
        let prefix = format!("objective.{objective}.{prefix}.");
        memory.keys().any(|name| name.starts_with(&prefix))
    };
    assert!(held("steady-chunk", "trunk") && held("steady-chunk", "objective.pos"));
    assert!(held("steady-pos", "words") && !held("steady-pos", "objective.pos"));
    // The scores of test are those of the values that the best checkpoint remembers.
    let evaluated = finish(&mut here.auxdesk(["evaluate", "killed", "--json"]));
    let scores = json(&evaluated.out);
    let told = &scores["objectives"][3]["test"]["loss"];
    let run = folded(&whole);
    let steady = run.strips.iter().find(|strip| strip.name.as_str() == "steady-chunk").unwrap();
    let of_test = steady.evaluations.iter().rfind(|found| found.split == Split::Test).unwrap();
    assert_eq!(told.as_f64().map(|loss| loss as f32), of_test.loss.map(Loss::get));
    assert!(of_test.loss.is_some_and(|loss| loss.get() > 0.0));
    // 160 sentences in batches of 8: a stage has 20 steps, and the first has no previous one.
    for (step, done) in steps(&whole) {
        let has = |name: &str| done.losses.contains_key(name);
        let in_pos = (step.0 - 1) / 20 % 2 == 0;
        let is_later = step.0 > 20;
        assert_eq!(has("steady-pos"), in_pos && is_later, "{step}");
        assert_eq!(has("steady-chunk"), !in_pos, "{step}");
        assert_eq!(has("pos"), in_pos, "{step}");
        // At the first step of a stage the parameters are where the previous one has left them.
        if is_later && step.0 % 20 == 1 {
            let name = if in_pos { "steady-pos" } else { "steady-chunk" };
            assert_eq!(done.losses[name].get(), 0.0, "{step}");
        }
    }
}

/// A fade over most of the run, a mute, and settings, all set by hand.
const MOVES: &str = r#"{"kind":"journal","version":2,"auxdesk":"0.1.0","name":"by-hand","seed":1,"threads":1,"device":"cpu","kernel":"avx2","started":"2026-01-01T12:00:00Z","parent":null}
{"kind":"gain_set","at_ms":1,"step":3,"from":4,"objective":"pos","old":0.5,"new":0.9,"by":"key","command":1,"over":1000}
{"kind":"muted","at_ms":2,"step":17,"from":18,"objective":"next-word","muted":true,"by":"key","command":2}
{"kind":"setting_set","at_ms":3,"step":31,"from":32,"path":"train.learning_rate","old":0.0005,"new":0.0123,"by":"remote","command":3}
{"kind":"setting_set","at_ms":4,"step":52,"from":53,"path":"train.sampling","old":"proportional","new":"temperature 3.7","by":"key","command":4}
{"kind":"setting_set","at_ms":4,"step":60,"from":61,"path":"train.clip_norm","old":5,"new":0.25,"by":"key","command":6}
{"kind":"setting_set","at_ms":4,"step":70,"from":71,"path":"objective.frequency.strength","old":0.5,"new":0.125,"by":"key","command":7}
{"kind":"muted","at_ms":5,"step":151,"from":152,"objective":"next-word","muted":false,"by":"key","command":5}
"#;

#[test]
fn a_fade_a_mute_settings_and_the_remaining_moves_survive_kills() {
    let here = Here::new();
    here.write("moves.jsonl", MOVES);
    // The strength has a schedule until it is set by hand.
    let reversed = [
        "--set",
        "objective.frequency.gradient=reverse",
        "--set",
        "objective.frequency.strength={ shape = \"linear\", from = 0, to = 1, steps = 140 }",
    ];
    let more = [&["--moves", "moves.jsonl"], &reversed[..]].concat();
    let whole = here.finished("whole", STEPS, &[&OFTEN[..], &more].concat());
    let killed = killed_ten_times(&here, "killed", &more, 2);
    assert_same_run(&whole, &killed);
    assert_eq!(folded(&killed).manual.interventions, 7);
    let strength = folded(&killed).setting("objective.frequency.strength");
    assert_eq!(strength, Some(Setting::Number(0.125)));
    // Changes that were left behind are not repeated from the journal of such a run.
    let again = [&OFTEN[..], &["--moves", "killed"], &reversed].concat();
    let again = here.finished("again", STEPS, &again);
    assert_eq!(steps(&whole), steps(&again));
}

/// Starts an endless run, and kills it when its journal has a line of that kind.
fn killed_at(here: &Here, run: &str, kind: &str, more: &[&str]) {
    let mut program = start(&mut here.tiny(run, STEPS, more));
    wait_for(&here.path(run), kind);
    program.child().kill().unwrap();
    assert_eq!(program.wait().signal, Some(9));
}

#[test]
fn a_run_killed_before_its_first_checkpoint_restarts_in_its_folder() {
    let here = Here::new();
    let seldom = ["--set", "train.evaluate_every=400"];
    let whole = here.finished("whole", STEPS, &seldom);
    killed_at(&here, "killed", "step_done", &seldom);
    let exited = finish(&mut continued(&here, "killed", &[]));
    assert_eq!(exited.code, Some(0), "{}", exited.err);
    assert!(exited.err.contains("continuing from step 0"), "{}", exited.err);
    assert_same_run(&whole, &here.path("killed"));
}

#[test]
fn a_run_without_a_journal_yet_starts_in_its_folder() {
    let here = Here::new();
    let whole = here.finished("whole", 20, &[]);
    for torn in [None, Some("{\"kind\":\"jour")] {
        let _ = fs::remove_dir_all(here.path("run"));
        fs::create_dir(here.path("run")).unwrap();
        fs::copy(whole.join("recipe.toml"), here.path("run").join("recipe.toml")).unwrap();
        here.write("run/diagnostics.log", "");
        if let Some(torn) = torn {
            here.write("run/journal.jsonl", torn);
        }
        let exited = finish(&mut continued(&here, "run", &[]));
        assert_eq!(exited.code, Some(0), "{}", exited.err);
        assert_same_run(&whole, &here.path("run"));
    }
}

#[test]
fn a_checkpoint_whose_journal_is_missing_is_not_trained_over() {
    let here = Here::new();
    let path = here.finished("run", 20, &[]);
    let saved = checkpoint_files(&path);
    for torn in [None, Some("{\"kind\":\"jour")] {
        fs::remove_file(path.join(journal::FILE)).unwrap();
        if let Some(torn) = torn {
            here.write("run/journal.jsonl", torn);
        }
        let err = refused(&here, "run", &["--steps", "40"]);
        let expected =
            "run: expected journal.jsonl, which checkpoints/last of step 20 belongs to, found none";
        assert!(err.contains(expected), "{err}");
        assert!(checkpoint_files(&path) == saved);
        here.write("run/journal.jsonl", "");
    }
}

/// Manual changes from steps 60 and 80.
const LATER: &str = r#"{"kind":"journal","version":2,"auxdesk":"0.1.0","name":"by-hand","seed":1,"threads":1,"device":"cpu","kernel":"avx2","started":"2026-01-01T12:00:00Z","parent":null}
{"kind":"gain_set","at_ms":1,"step":59,"from":60,"objective":"pos","old":0.5,"new":0.9,"by":"key","command":1}
{"kind":"muted","at_ms":2,"step":79,"from":80,"objective":"next-word","muted":true,"by":"key","command":2}
"#;

#[test]
fn moves_given_to_a_run_that_is_continued_survive_a_kill() {
    let here = Here::new();
    here.write("later.jsonl", LATER);
    let seldom = ["--set", "train.evaluate_every=1000"];
    let longer = STEPS.to_string();
    let more = ["--steps", &longer, "--moves", "later.jsonl"];
    let [whole, killed] = ["whole", "killed"].map(|run| here.finished(run, 20, &seldom));
    let exited = finish(&mut continued(&here, "whole", &more));
    assert_eq!(exited.code, Some(0), "{}", exited.err);
    let mut program = start(&mut continued(&here, "killed", &more));
    wait_for(&killed, "continued");
    program.child().kill().unwrap();
    assert_eq!(program.wait().signal, Some(9));
    let exited = finish(&mut continued(&here, "killed", &[]));
    assert_eq!(exited.code, Some(0), "{}", exited.err);
    assert_same_run(&whole, &killed);
    assert_eq!(folded(&killed).manual.interventions, 2);
}

#[test]
fn moves_replace_the_pending_ones_even_if_none_is_left() {
    let here = Here::new();
    here.write("later.jsonl", LATER);
    let earlier = [("59", "5"), ("60", "6"), ("79", "7"), ("80", "8")];
    let earlier =
        earlier.iter().fold(LATER.to_owned(), |text, (step, new)| text.replace(step, new));
    here.write("earlier.jsonl", earlier);
    for (moves, n_changes) in [(None, 2), (Some("earlier.jsonl"), 0)] {
        let _ = fs::remove_dir_all(here.path("run"));
        let run = here.finished("run", 20, &[&OFTEN[..], &["--moves", "later.jsonl"]].concat());
        let more = moves.map(|moves| ["--moves", moves]);
        let more = [&["--steps", "90"][..], more.as_ref().map_or(&[], |more| more)].concat();
        let exited = finish(&mut continued(&here, "run", &more));
        assert_eq!(exited.code, Some(0), "{}", exited.err);
        assert_eq!(folded(&run).manual.interventions, n_changes);
    }
}

#[test]
fn the_evaluation_at_the_end_does_not_use_up_patience() {
    let here = Here::new();
    // Its scores do not change, so every evaluation after the first is one without improvement.
    let still = ["--set", "train.patience=1", "--set", "train.learning_rate=1e-12"];
    let whole = here.finished("whole", 35, &still);
    let run = here.finished("run", 15, &still);
    let exited = finish(&mut continued(&here, "run", &["--steps", "35"]));
    assert_eq!(exited.code, Some(0), "{}", exited.err);
    for path in [&whole, &run] {
        let ending = crate::runs::ending(path);
        assert_eq!((ending.reason, ending.step), (Reason::Patience, Step(20)));
    }
    assert_eq!(steps(&whole), steps(&run));
    let [mut whole, mut run] = [whole, run].map(|path| checkpoint_files(&path));
    // `best` was saved when the run was to have 15 steps.
    assert!(whole.remove("best/recipe.toml") != run.remove("best/recipe.toml"));
    assert!(whole == run);
}

#[test]
fn a_checkpoint_that_the_journal_does_not_record_yet_is_not_continued_from() {
    let here = Here::new();
    let whole = here.finished("whole", 20, &[]);
    let path = here.finished("run", 10, &[]);
    // As if it had been interrupted during the evaluation at step 10, then continued, and killed once
    // the evaluated checkpoint of that step was in place and before the journal recorded it.
    let text = here.read("run/journal.jsonl");
    let (trained, evaluated) = text.split_at(text.find("{\"kind\":\"evaluated\"").unwrap());
    let (evaluated, _) =
        evaluated.split_at(evaluated.find("{\"kind\":\"checkpoint_saved\"").unwrap());
    let saved =
        r#"{"kind":"checkpoint_saved","at_ms":9999,"step":10,"name":"last","last_evaluation":0}"#;
    here.write("run/journal.jsonl", format!("{trained}{saved}\n{evaluated}"));
    let [last, old] = ["last", ".last.old"].map(|name| path.join("checkpoints").join(name));
    let _ = fs::remove_dir_all(&old);
    fs::create_dir(&old).unwrap();
    for file in ["model.safetensors", "optimiser.safetensors", "state.json", "recipe.toml"] {
        fs::copy(last.join(file), old.join(file)).unwrap();
    }
    let mut state: serde_json::Value =
        serde_json::from_slice(&fs::read(old.join("state.json")).unwrap()).unwrap();
    let counters = &mut state["progress"]["counters"];
    assert_eq!(counters["last_evaluation"]["step"], 10);
    counters["last_evaluation"] = serde_json::json!({ "epoch": 0, "step": 0 });
    counters["best"] = serde_json::Value::Null;
    fs::write(old.join("state.json"), serde_json::to_vec(&state).unwrap()).unwrap();
    let exited = finish(&mut continued(&here, "run", &["--steps", "20"]));
    assert_eq!(exited.code, Some(0), "{}", exited.err);
    assert_same_run(&whole, &path);
}

#[test]
fn a_truncated_line_is_removed_and_later_changes_are_marked_as_left_behind() {
    let here = Here::new();
    let whole = here.finished("whole", STEPS, &OFTEN);
    killed_at(&here, "killed", "checkpoint_saved", &OFTEN);
    let path = here.path("killed");
    let text = here.read("killed/journal.jsonl");
    let whole_lines = text.rfind('\n').unwrap() + 1;
    let step = folded(&path).step.0;
    let moved = format!(
        "{{\"kind\":\"gain_set\",\"at_ms\":999,\"step\":{step},\"from\":{},\"objective\":\"pos\",\"old\":0.5,\
         \"new\":0.7,\"by\":\"key\",\"command\":9}}\n",
        step + 1
    );
    here.write(
        "killed/journal.jsonl",
        text[..whole_lines].to_owned() + &moved + "{\"kind\":\"step_d",
    );
    let exited = finish(&mut continued(&here, "killed", &[]));
    assert_eq!(exited.code, Some(0), "{}", exited.err);
    assert_same_run(&whole, &path);
    assert!(
        here.read("killed/journal.jsonl").starts_with(&text[..whole_lines]),
        "nothing whole is lost"
    );
    let run = folded(&path);
    assert_eq!((run.manual.interventions, run.manual.history.n_done()), (0, 0));
    let left = run.log.iter().find(|entry| entry.event.kind() == "gain_set").unwrap();
    assert!(left.is_left_behind && left.text.starts_with("left behind: gain of pos"), "{left:?}");
    let Some(Event::Continued(event)) =
        journal(&path).events.into_iter().find(|event| event.kind() == "continued")
    else {
        panic!("it continued")
    };
    assert_eq!((event.left_behind.moves, event.left_behind.steps), (1, step - event.step.0));
}

#[test]
fn a_finished_run_can_only_be_extended_and_then_equals_a_longer_run() {
    let here = Here::new();
    let whole = here.finished("whole", 40, &[]);
    here.finished("run", 20, &[]);
    let err = refused(&here, "run", &[]);
    assert!(err.contains("all 20 steps are done; use --steps N or --epochs N"), "{err}");
    assert!(refused(&here, "run", &["--steps", "15"]).contains("all 15 steps are done"));
    let exited = finish(&mut continued(&here, "run", &["--steps", "40"]));
    assert_eq!(exited.code, Some(0), "{}", exited.err);
    assert_eq!(steps(&whole), steps(&here.path("run")));
    for (name, bytes) in checkpoint_files(&whole) {
        assert!(bytes == checkpoint_files(&here.path("run"))[&name], "{name} differs");
    }
    assert!(here.read("run/recipe.toml").contains("\nsteps = 40\n"));
}

#[test]
fn a_stopped_run_that_is_continued_equals_an_uninterrupted_one() {
    let here = Here::new();
    let whole = here.finished("whole", STEPS, &[]);
    let program = start(&mut here.tiny("run", STEPS, &[]));
    wait_for(&here.path("run"), "step_done");
    program.signal("TERM");
    assert_eq!(program.wait().code, Some(143));
    let exited = finish(&mut continued(&here, "run", &[]));
    assert_eq!(exited.code, Some(0), "{}", exited.err);
    assert_same_run(&whole, &here.path("run"));
}

#[test]
fn folders_that_are_not_runs_are_refused() {
    let here = Here::new();
    assert!(refused(&here, "nowhere", &[]).contains("no recipe.toml in it"));
}

#[test]
fn a_run_that_is_still_running_is_refused() {
    let here = Here::new();
    let program = start(&mut here.tiny("run", ENDLESS, &[]));
    wait_for(&here.path("run"), "step_done");
    assert!(refused(&here, "run", &[]).contains("this run is still running"));
    program.signal("INT");
    assert_eq!(program.wait().code, Some(130));
    assert_eq!(crate::runs::ending(&here.path("run")).reason, Reason::Signal);
}

#[test]
fn an_edited_recipe_and_a_changed_corpus_are_refused_by_key() {
    let here = Here::new();
    killed_at(&here, "run", "checkpoint_saved", &OFTEN);
    refuses_edits(&here);
}

#[test]
fn so_they_are_before_the_first_checkpoint() {
    let here = Here::new();
    killed_at(&here, "run", "step_done", &["--set", "train.evaluate_every=400"]);
    assert!(!here.path("run/checkpoints/last").exists());
    refuses_edits(&here);
}

fn refuses_edits(here: &Here) {
    let (recipe, train) = (here.read("run/recipe.toml"), here.read("train.tsv"));
    here.write("run/recipe.toml", recipe.replace("batch_size = 8", "batch_size = 16"));
    let err = refused(here, "run", &[]);
    assert!(err.contains("`train.batch_size`: expected 8, found 16"), "{err}");
    here.write("run/recipe.toml", &recipe);
    here.write("train.tsv", train.replacen("the", "a", 1));
    let err = refused(here, "run", &[]);
    assert!(err.contains("`corpus.news.train`: the file has changed"), "{err}");
    here.write("train.tsv", &train);
    let exited = finish(&mut continued(here, "run", &["--steps", "30"]));
    assert_eq!(exited.code, Some(0), "{}", exited.err);
}

#[test]
fn the_memory_of_a_sampling_rule_survives_kills() {
    let here = Here::new();
    let sets = ["train.sampling=bandit", "objective.pos.group=pos"];
    let sets: Vec<&str> = sets.into_iter().flat_map(|set| ["--set", set]).collect();
    let whole = here.finished("whole", STEPS, &[&OFTEN[..], &sets].concat());
    let killed = killed_ten_times(&here, "killed", &sets, 6);
    assert_same_run(&whole, &killed);
    let rates = folded(&whole).rates;
    assert_eq!(rates.keys().collect::<Vec<_>>(), ["news", "pos"]);
}
