//! Runs of shipped recipes whose objectives and encoders depend on one another: continued from a checkpoint they equal
//! an uninterrupted run, and their checkpoints are evaluated and predict.

use std::{collections::BTreeMap, fs, path::Path};

use auxdesk::protocol::{Event, Loss, Step};

use crate::runs::{Here, finish, journal, json};

const STEPS: &str = "12";

/// Trains a recipe for some steps, with evaluations in between.
fn train(here: &Here, run: &str, recipe: &str, steps: &str, sets: &[&str]) {
    let mut args = vec!["train", recipe, "--headless", "--threads", "1", "--run", run];
    args.extend(["--steps", steps, "--set", "train.evaluate_every=5"]);
    args.extend(sets.iter().flat_map(|set| ["--set", set]));
    let exited = finish(&mut here.auxdesk(args));
    assert_eq!(exited.code, Some(0), "{recipe}: {}", exited.err);
}

/// The losses of each step by objective.
fn losses(run: &Path) -> BTreeMap<Step, BTreeMap<String, Loss>> {
    let events = journal(run).events.into_iter();
    let done = events.filter_map(|event| match event {
        Event::StepDone(done) => Some(done),
        _ => None,
    });
    let by_name = |losses: BTreeMap<_, Loss>| {
        losses.into_iter().map(|(name, loss)| (format!("{name}"), loss)).collect()
    };
    done.map(|done| (done.step, by_name(done.losses))).collect()
}

/// Trains in one part and in two, and returns the losses of the first run, which are those of the second.
#[track_caller]
fn assert_resumed(
    here: &Here,
    recipe: &str,
    sets: &[&str],
) -> BTreeMap<Step, BTreeMap<String, Loss>> {
    train(here, "whole", recipe, STEPS, sets);
    train(here, "parts", recipe, "5", sets);
    let args = ["continue", "parts", "--headless", "--threads", "1", "--steps", STEPS];
    let exited = finish(&mut here.auxdesk(args));
    assert_eq!(exited.code, Some(0), "{recipe}: {}", exited.err);
    let [whole, parts] = ["whole", "parts"].map(|run| here.path(run));
    assert_eq!(losses(&whole), losses(&parts), "{recipe}");
    for name in ["model.safetensors", "optimiser.safetensors", "objectives.safetensors"] {
        let read = |run: &Path| fs::read(run.join("checkpoints/last").join(name)).ok();
        assert!(read(&whole) == read(&parts), "{recipe}: {name} differs");
    }
    losses(&whole)
}

/// The scores of both runs by `evaluate`, which are equal.
#[track_caller]
fn assert_evaluated(here: &Here, objective: &str) {
    let of_run = |run: &str| {
        let exited = finish(&mut here.auxdesk(["evaluate", run, "--threads", "1", "--json"]));
        assert_eq!(exited.code, Some(0), "{}", exited.err);
        let all = json(&exited.out)["objectives"].as_array().unwrap().clone();
        all.into_iter().find(|found| found["name"] == objective).unwrap()
    };
    let whole = of_run("whole");
    assert!(whole["dev"]["loss"].is_number(), "{whole}");
    assert_eq!(whole, of_run("parts"));
}

fn predicted(here: &Here, input: &str, objective: &str) -> String {
    let args = ["predict", "parts", input, "--threads", "1", "--objective", objective];
    let exited = finish(&mut here.auxdesk(args));
    assert_eq!(exited.code, Some(0), "{}", exited.err);
    exited.out
}

const SMALL: &[&str] = &["train.batch_size=4", "encoder.words.width=8"];

#[test]
fn a_run_whose_encoder_reads_labels_is_continued_evaluated_and_predicts() {
    let here = Here::new();
    let agrees = ["objective.agreement.muted=false", "objective.entity-again.muted=false"];
    let losses = assert_resumed(&here, "relation-extraction", &[SMALL, &agrees].concat());
    // Both heads have a gradient from their agreement, which the loss shows to be there from the first step.
    assert!(losses.values().all(|of_step| of_step.contains_key("agreement")), "{losses:?}");
    for objective in ["relation", "entity", "agreement"] {
        assert_evaluated(&here, objective);
    }
    let text = "#doc 1\n0\tIda\tO\t['N']\t[0]\n1\tslept\tO\t['N']\t[1]\n";
    here.write("input.txt", text);
    assert_eq!(predicted(&here, "input.txt", "relation").lines().count(), 3);
    assert_eq!(predicted(&here, "input.txt", "entity").lines().count(), 3);
}

#[test]
fn the_hard_reading_is_trained_and_continued() {
    let here = Here::new();
    let hard = ["objective.answer.reading=hard"];
    let of_hard = assert_resumed(&here, "question-answering", &[SMALL, &hard].concat());
    assert!(of_hard.values().all(|of_step| of_step.contains_key("answer")), "{of_hard:?}");
    assert_evaluated(&here, "answer");
    // Its baseline is the objective's memory.
    assert!(here.path("parts").join("checkpoints/last/objectives.safetensors").exists());
}

#[test]
fn boundaries_and_types_are_trained_together_and_continued() {
    let here = Here::new();
    let losses = assert_resumed(
        &here,
        "keyphrases",
        &[SMALL, &["objective.boundaries.muted=false"]].concat(),
    );
    assert!(losses.values().any(|of_step| of_step.contains_key("boundaries")), "{losses:?}");
    assert_evaluated(&here, "boundaries");
    here.write("input.tsv", "We\nslept\n");
    let tags = predicted(&here, "input.tsv", "boundaries");
    let is_untyped = |line: &str| matches!(line.rsplit(' ').next(), Some("O" | "B" | "I"));
    assert!(tags.lines().count() == 2 && tags.lines().all(is_untyped), "{tags}");
}
