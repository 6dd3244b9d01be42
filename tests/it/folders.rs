//! Run folders: one process claims a folder, a failed start leaves nothing, and what others do to the
//! folder is noticed.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use auxdesk::{
    protocol::event::{Ended, Reason},
    train::checkpoint,
};

use crate::runs::{ENDLESS, Here, ending, finish, journal, start, wait_for, whole_checkpoint};

/// Every file below a folder but the journal, which grows, with its contents.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else if !path.ends_with("journal.jsonl") {
            all.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    all.sort();
    all
}

#[test]
fn a_second_start_on_a_folder_is_refused_and_changes_nothing() {
    let here = Here::new();
    let rare = ["--set", "train.evaluate_every=100000"];
    let first = start(&mut here.tiny("run", ENDLESS, &rare));
    wait_for(&here.path("run"), "step_done");
    let before = files(&here.path("run"));
    let second = finish(&mut here.tiny("run", 20, &["--seed", "2"]));
    assert_eq!(second.code, Some(2), "{}", second.err);
    assert!(second.err.contains("expected a new or empty folder"), "{}", second.err);
    assert!(second.err.contains("`auxdesk continue run`"), "{}", second.err);
    assert_eq!(files(&here.path("run")), before);
    first.signal("INT");
    assert_eq!(first.wait().code, Some(130));
}

#[test]
fn of_two_simultaneous_starts_exactly_one_trains() {
    let here = Here::new();
    for round in 0..5 {
        let run = format!("run-{round}");
        if round % 2 == 1 {
            fs::create_dir(here.path(&run)).unwrap();
        }
        let starts = ["1", "2"].map(|seed| start(&mut here.tiny(&run, 10, &["--seed", seed])));
        let ended = starts.map(crate::runs::Started::wait);
        let mut codes = [ended[0].code, ended[1].code];
        codes.sort_unstable();
        assert_eq!(codes, [Some(0), Some(2)], "{} {}", ended[0].err, ended[1].err);
        let winner = 1 + ended.iter().position(|ended| ended.code == Some(0)).unwrap() as u64;
        assert_eq!(journal(&here.path(&run)).header.seed, winner);
        for recipe in
            ["recipe.toml", "checkpoints/start/recipe.toml", "checkpoints/last/recipe.toml"]
        {
            let recipe = here.read(&format!("{run}/{recipe}"));
            assert!(recipe.contains(&format!("\nseed = {winner}\n")), "{recipe}");
        }
    }
}

#[test]
fn a_folder_that_a_killed_start_has_only_claimed_is_free() {
    let here = Here::new();
    fs::create_dir(here.path("run")).unwrap();
    here.write("run/diagnostics.log", "run started\n");
    here.finished("run", 5, &[]);
}

#[test]
fn continue_refuses_a_folder_with_only_a_recipe_and_changes_nothing() {
    let here = Here::new();
    let recipe = here.finished("run", 5, &[]).join("recipe.toml");
    fs::create_dir(here.path("mine")).unwrap();
    fs::copy(recipe, here.path("mine/recipe.toml")).unwrap();
    let exited = finish(&mut here.auxdesk(["continue", "mine"]));
    assert_eq!(exited.code, Some(2), "{}", exited.err);
    assert_eq!(files(&here.path("mine")).len(), 1);
}

#[test]
fn a_folder_deleted_during_training_fails_the_run() {
    let here = Here::new();
    let started = start(&mut here.tiny("run", ENDLESS, &[]));
    let run = here.path("run");
    wait_for(&run, "checkpoint_saved");
    // At once: while a folder is emptied, files are written to it.
    fs::rename(&run, here.path("gone")).unwrap();
    fs::remove_dir_all(here.path("gone")).unwrap();
    let exited = started.wait();
    assert_eq!(exited.code, Some(1), "{}", exited.err);
    assert!(exited.err.contains("the run's files were deleted or moved"), "{}", exited.err);
    assert!(!exited.err.contains("auxdesk replay"), "{}", exited.err);
    assert!(!run.exists(), "nothing is made anew");
}

#[test]
fn a_journal_deleted_during_training_fails_the_run() {
    let here = Here::new();
    let started = start(&mut here.tiny("run", ENDLESS, &[]));
    let run = here.path("run");
    wait_for(&run, "checkpoint_saved");
    fs::remove_file(run.join("journal.jsonl")).unwrap();
    let exited = started.wait();
    assert_eq!(exited.code, Some(1), "{}", exited.err);
    let why =
        "run/journal.jsonl: cannot be written: the file was deleted while the run was training";
    assert!(exited.err.contains(why), "{}", exited.err);
}

#[test]
fn files_of_a_checkpoint_have_the_permissions_of_any_new_file() {
    let here = Here::new();
    let run = here.finished("run", 10, &[]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    here.write("any", "");
    for name in ["model.safetensors", "optimiser.safetensors", "state.json", "recipe.toml"] {
        let file = run.join("checkpoints/last").join(name);
        assert_eq!(mode(&file), mode(&here.path("any")), "{name}");
    }
}

#[test]
fn what_killed_processes_left_is_removed_by_continue() {
    let here = Here::new();
    let run = here.finished("run", 20, &[]);
    let checkpoints = run.join(checkpoint::FOLDER);
    for folder in [".last.part", ".best.part", ".best.new"] {
        fs::create_dir(checkpoints.join(folder)).unwrap();
        fs::write(checkpoints.join(folder).join("model.safetensors"), "half").unwrap();
    }
    here.write("run/state.json.4711.part", "half");
    let exited = finish(&mut here.auxdesk(["continue", "run", "--steps", "21"]));
    assert_eq!(exited.code, Some(0), "{}", exited.err);
    let end = ending(&run);
    assert_eq!((end.ended, end.reason, end.step.0), (Ended::Finished, Reason::Steps, 21));
    let left = files(&run).into_iter().map(|(path, _)| path);
    let left: Vec<String> =
        left.filter(|path| path.contains("part") || path.contains("new")).collect();
    assert!(left.is_empty(), "{left:?}");
    whole_checkpoint(&run, "best");
}

#[test]
fn a_checkpoint_is_evaluated_while_the_run_replaces_it() {
    let here = Here::new();
    let few = here.read("dev.tsv").split_inclusive("\n\n").take(2).collect::<String>();
    here.write("few.tsv", few);
    let often = ["--set", "train.evaluate_every=1", "--set", "corpus.news.dev=few.tsv"];
    let started = start(&mut here.tiny("run", ENDLESS, &often));
    wait_for(&here.path("run"), "checkpoint_saved");
    for _ in 0..5 {
        let exited = finish(&mut here.auxdesk(["evaluate", "run"]));
        assert_eq!(exited.code, Some(0), "{}", exited.err);
    }
    started.signal("INT");
    assert_eq!(started.wait().code, Some(130));
}
