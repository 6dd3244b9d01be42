//! Objectives that are finished while others are trained on, and learning rates of their own.

use std::collections::BTreeMap;

use auxdesk::{
    protocol::{
        Assignment, By, Command, Event,
        event::{Reason, Setting, SettingSet, Split},
    },
    state,
    train::Moves,
};

use crate::{
    orders::answers,
    runs::{Here, journal},
    tiny::{Run, Size, Tiny, bits, shipped_tiny},
};

const SIZE: Size = Size { width: 4, examples: 16 };

fn chunking(sets: &[&str]) -> Tiny {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    shipped_tiny("chunking", SIZE, &sets)
}

fn finish(objective: &str, is_finished: bool) -> Command {
    let path = format!("objective.{objective}.finished");
    Assignment::setting(&path, Setting::Switch(is_finished)).into()
}

/// Parameters, moments and update counts of a checkpoint, by the parameter's name.
fn learnt(run: &Run, checkpoint: &str) -> BTreeMap<String, (Vec<Vec<u32>>, u64)> {
    let moments = run.tensors(checkpoint, "optimiser.safetensors");
    let updates = run.checkpoint(checkpoint).progress.updates;
    let parameters = run.tensors(checkpoint, "model.safetensors").into_iter();
    parameters
        .map(|(name, values)| {
            let of_it = moments.iter().filter(|(slot, _)| {
                slot.strip_prefix(&name).is_some_and(|rest| [".first", ".second"].contains(&rest))
            });
            let all = std::iter::once(values).chain(of_it.map(|(_, values)| values.clone()));
            let n_updates = updates.get(&name).copied().unwrap_or(0);
            (name.clone(), (all.collect(), n_updates))
        })
        .collect()
}

/// The parameters that changed between two checkpoints, themselves or in the optimizer's memory.
fn changed(run: &Run, from: &str, to: &str) -> Vec<String> {
    let (before, after) = (learnt(run, from), learnt(run, to));
    assert!(before.values().all(|(values, _)| values.len() == 3), "Adam has two moments");
    after.into_iter().filter(|(name, it)| before[name] != *it).map(|(name, _)| name).collect()
}

/// Three steps, after which `pos` is finished, three more, after which it is trained again, and
/// three more; with a checkpoint after each three.
fn finished_and_trained_again() -> Vec<Command> {
    let three = || std::iter::repeat_n(Command::StepOnce, 3).chain([Command::Checkpoint]);
    let mut orders = vec![Command::Pause];
    orders.extend(three());
    orders.push(finish("pos", true));
    orders.extend(three());
    orders.push(finish("pos", false));
    orders.extend(three());
    orders.push(Command::Stop { reason: Reason::Key });
    orders
}

#[test]
fn a_finished_objective_keeps_its_head_to_the_bit() {
    let run = chunking(&[]).train(&finished_and_trained_again());
    let is_of_pos = |name: &String| name.starts_with("objective.pos.");
    let (trained, finished) = (changed(&run, "step-3", "step-6"), learnt(&run, "step-3"));
    let kept: Vec<&String> = finished.keys().filter(|name| !trained.contains(name)).collect();
    assert_eq!(kept.len(), 2, "weight and bias of one output layer: {kept:?}");
    assert!(kept.iter().all(|name| is_of_pos(name)), "{kept:?}");
    // All are trained again.
    assert_eq!(changed(&run, "step-6", "step-9").len(), finished.len());
    let losses: Vec<bool> =
        run.steps().iter().map(|step| step.losses.contains_key("pos")).collect();
    let expected = [[true; 3], [false; 3], [true; 3]].concat();
    assert_eq!(losses, expected);
    assert!(run.steps()[3..6].iter().all(|step| step.weights["pos"] == 0.0));
}

#[test]
fn freeze_below_keeps_the_layers_of_its_taps() {
    let run = chunking(&["objective.pos.freeze=below"]).train(&finished_and_trained_again());
    let trained = changed(&run, "step-3", "step-6");
    let is_kept = |name: &str| {
        ["objective.pos.", "trunk.1.", "words."].iter().any(|prefix| name.starts_with(prefix))
    };
    let all: Vec<String> = learnt(&run, "step-3").into_keys().collect();
    let expected: Vec<String> = all.iter().filter(|name| !is_kept(name)).cloned().collect();
    assert!(expected.iter().any(|name| name.starts_with("trunk.2.")));
    assert_eq!(trained, expected);
    assert_eq!(changed(&run, "step-6", "step-9"), all);
}

#[test]
fn finishing_is_reproduced_by_moves() {
    let tiny = chunking(&["objective.pos.freeze=below"]);
    let run = tiny.train(&finished_and_trained_again());
    let again = tiny.train_with(&[], Moves::of(&run.events));
    assert_eq!(again.steps(), run.steps());
    assert_eq!(learnt(&again, "last"), learnt(&run, "last"));
}

#[test]
fn the_last_active_objective_cannot_be_finished() {
    let mut orders = vec![Command::Pause];
    orders.extend(["chunk", "pos", "next-word", "frequency"].map(|name| finish(name, true)));
    orders.push(Command::Stop { reason: Reason::Key });
    let run = chunking(&[]).train(&orders);
    let [Event::CommandRefused(refused)] = answers(&run.events, run.ids[4])[..] else { panic!() };
    assert!(refused.why.contains("no objective would be active"), "{}", refused.why);
    assert!(answers(&run.events, run.ids[3])[0].changed().is_some());
}

/// The settings that rules changed.
fn by_rule(run: &Run) -> Vec<(u64, String)> {
    let of = |event: &Event| match event {
        Event::SettingSet(SettingSet { by: By::Rule, step, path, .. }) => {
            Some((step.0, path.clone()))
        }
        _ => None,
    };
    run.events.iter().filter_map(of).collect()
}

/// Nothing is learnt, so the first evaluation stays the best.
const NOTHING_LEARNT: [&str; 4] =
    ["train.learning_rate=0", "train.evaluate_every=1", "train.patience=1000", "train.steps=8"];

#[test]
fn patience_finishes_an_objective_that_no_longer_improves() {
    let own = ["objective.pos.patience=2", "objective.pos.keep_best=true"];
    let tiny = chunking(&[&NOTHING_LEARNT[..], &own].concat());
    let run = tiny.train(&[]);
    assert_eq!(by_rule(&run), [(3, "objective.pos.finished".to_owned())]);
    let has_loss: Vec<bool> =
        run.steps().iter().map(|step| step.losses.contains_key("pos")).collect();
    assert_eq!(has_loss, [true, true, true, false, false, false, false, false]);
    // The state counts down as the trainer does: two after the first evaluation, none after the third.
    let mut state = state::Run::new(None);
    let left = run.events.iter().filter_map(|event| {
        state.apply(event);
        let Event::Evaluated(event) = event else { return None };
        let pos = state.strip(&event.objective).filter(|strip| strip.name.as_str() == "pos")?;
        Some(pos.patience? - pos.evals_without_improvement)
    });
    assert_eq!(left.take(3).collect::<Vec<_>>(), [2, 1, 0]);
    // It is still evaluated, at every step.
    let evaluated = run.events.iter().filter(|event| match event {
        Event::Evaluated(event) => event.objective.as_str() == "pos",
        _ => false,
    });
    assert_eq!(evaluated.count(), 8);
    assert_eq!(run.checkpoint("best-pos").progress.counters.step.0, 1);
    assert!(!run.folder().join("checkpoints/best-chunk").exists());
    // It follows from the recipe, and is no change to repeat.
    assert_eq!(Moves::of(&run.events).iter().count(), 0);
}

#[test]
fn a_run_ends_where_every_objective_is_finished() {
    let names = ["chunk", "pos", "next-word", "frequency"];
    let patience = names.map(|name| format!("objective.{name}.patience=2"));
    let patience = patience.iter().map(String::as_str);
    let sets: Vec<&str> = NOTHING_LEARNT.into_iter().chain(patience).collect();
    let run = chunking(&sets).train(&[]);
    assert_eq!((run.ended.step.0, run.ended.reason), (3, Reason::Patience));
    assert_eq!(by_rule(&run).len(), 4);
}

#[test]
fn a_muted_objective_does_not_run_out_of_patience() {
    let sets = [&NOTHING_LEARNT[..], &["objective.pos.patience=2", "objective.pos.muted=true"]];
    let run = chunking(&sets.concat()).train(&[]);
    assert_eq!(by_rule(&run), []);
}

/// The values of each parameter after one step.
fn stepped(sets: &[&str]) -> BTreeMap<String, Vec<u32>> {
    let mut orders = vec![Command::Pause, Command::StepOnce, Command::Checkpoint];
    orders.push(Command::Stop { reason: Reason::Key });
    chunking(sets).train(&orders).tensors("step-1", "model.safetensors").into_iter().collect()
}

#[test]
fn a_learning_rate_factor_is_that_of_its_own_parameters() {
    let (whole, half) = (stepped(&[]), stepped(&["objective.pos.learning_rate_factor=0.5"]));
    // The same as a learning rate of half that of the others: 0.0005 in the recipe.
    let slower = stepped(&["train.learning_rate=0.00025"]);
    let none = stepped(&["objective.pos.learning_rate_factor=0"]);
    let tiny = chunking(&[]);
    let system = tiny.system();
    for parameter in system.parameters().all() {
        let name = &parameter.name;
        if name.starts_with("objective.pos.") {
            assert_eq!(half[name], slower[name], "{name}");
            assert_eq!(none[name], bits(&parameter.var), "{name}");
            assert_ne!(half[name], whole[name], "{name}");
        } else {
            assert_eq!((&half[name], &none[name]), (&whole[name], &whole[name]), "{name}");
        }
    }
}

#[test]
fn the_best_checkpoint_of_an_objective_is_evaluated_by_name() {
    let here = Here::new();
    let sets = ["objective.pos.keep_best=true", "train.evaluate_every=5"];
    let sets: Vec<&str> = sets.iter().flat_map(|set| ["--set", *set]).collect();
    let run = here.finished("run", 20, &sets);
    let evaluated = |name: &str| {
        let exited = crate::runs::finish(&mut here.auxdesk([
            "evaluate",
            "run",
            "--json",
            "--checkpoint",
            name,
        ]));
        let pos = |found: serde_json::Value| {
            let objectives = found["objectives"].as_array().unwrap().iter();
            let pos = objectives.clone().find(|objective| objective["name"] == "pos").unwrap();
            (found["step"].as_u64().unwrap(), pos["dev"]["metrics"]["accuracy"].as_f64().unwrap())
        };
        (exited.code == Some(0))
            .then(|| pos(serde_json::from_str(&exited.out).unwrap()))
            .ok_or(exited)
    };
    let events = journal(&run).events;
    let accuracies = events.iter().filter_map(|event| match event {
        Event::Evaluated(event)
            if event.objective.as_str() == "pos" && event.split == Split::Dev =>
        {
            Some((event.step.0, f64::from(event.metrics["accuracy"])))
        }
        _ => None,
    });
    let best = accuracies.fold((0, 0.0), |best, one| if one.1 > best.1 { one } else { best });
    let Ok(found) = evaluated("best-pos") else { panic!("it is saved") };
    assert_eq!(found.0, best.0);
    assert!((found.1 - best.1).abs() < 1e-4, "{found:?} {best:?}");
    let Err(refused) = evaluated("best-chunk") else { panic!("it is not saved") };
    assert_eq!(refused.code, Some(2));
    let what = "found no checkpoint \"best-chunk\"; saved: best, best-pos, last";
    assert!(refused.err.contains(what), "{}", refused.err);
}
