//! Exactly the keys that `auxdesk list` marks as live are live: each is changed in a run, reported,
//! in force from the next step on, undone, redone, and reproduced by `--moves`.

use std::{collections::BTreeMap, fs};

use auxdesk::{
    live,
    protocol::{
        Assignment, Change, Command, Event,
        event::{GradientsMeasured, Reason, Setting, StepDone},
    },
    state,
    train::Moves,
};

use crate::{
    orders::answers,
    runs::{Here, finish},
    tiny::{Run, Size, Tiny, numbers, shipped_tiny},
};

/// A key as `auxdesk list` prints it.
struct Listed {
    key: String,
    is_live: bool,
}

fn printed(here: &Here, args: &[&str]) -> String {
    let exited = finish(&mut here.auxdesk(args.iter().copied()));
    assert_eq!(exited.code, Some(0), "{}", exited.err);
    exited.out
}

/// The names of a topic's entries.
fn entries(here: &Here, topic: &str) -> Vec<String> {
    let list = printed(here, &["list", topic]);
    let names = list.lines().take_while(|line| !line.is_empty());
    names.filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect()
}

/// Every key of every entry of a topic.
fn keys(here: &Here, topic: &str) -> Vec<Listed> {
    let listed = |name: &String| {
        let text = printed(here, &["list", topic, name]);
        let keys = text.split("\n\n").skip(1).map(|key| {
            let (name, about) = key.split_once(": ").unwrap_or_else(|| panic!("{key}"));
            Listed { key: name.to_owned(), is_live: about.contains(", live)") }
        });
        keys.collect::<Vec<_>>()
    };
    entries(here, topic).iter().flat_map(listed).collect()
}

const OBJECTIVE: &str = "language";

/// The paths of all listed keys in the recipe of [`tiny`], and whether each is marked as live.
fn listed_paths(here: &Here) -> BTreeMap<String, bool> {
    let mut paths = BTreeMap::new();
    for (topic, owner) in [
        ("train", "train"),
        ("objectives", "objective.language"),
        ("heads", "objective.language"),
        ("encoders", "encoder.joint"),
        ("formats", "corpus.isle"),
        ("weightings", "train.weighting"),
    ] {
        for Listed { key, is_live } in keys(here, topic) {
            let known = paths.insert(format!("{owner}.{key}"), is_live);
            assert!(known.is_none_or(|known| known == is_live), "{owner}.{key} is live and is not");
        }
    }
    paths
}

/// Plain gradient descent, so that clipping affects the parameters; `language` has a gradient
/// reversal of strength 1.
fn tiny() -> Tiny {
    let sets = [
        "train.optimizer=sgd",
        "train.learning_rate=0.5",
        "train.clip_norm=1e30",
        "train.measure_gradients_every=1",
        "train.sampling=uniform",
        "objective.language.gain=0.25",
    ];
    shipped_tiny("multilingual", Size { width: 4, examples: 16 }, &sets.map(str::to_owned))
}

/// One step after these commands.
fn stepped(tiny: &Tiny, commands: &[Command]) -> Run {
    let orders = [Command::Pause].into_iter().chain(commands.iter().cloned());
    let stop = Command::Stop { reason: Reason::Key };
    tiny.train(&orders.chain([Command::StepOnce, Command::Checkpoint, stop]).collect::<Vec<_>>())
}

fn step(run: &Run) -> StepDone {
    run.steps().remove(0)
}

fn measured(run: &Run) -> Option<GradientsMeasured> {
    run.events.iter().find_map(|event| match event {
        Event::GradientsMeasured(event) => Some(event.clone()),
        _ => None,
    })
}

/// The norm of the change of all parameters in the first step.
fn update_norm(tiny: &Tiny, run: &Run) -> f64 {
    let system = tiny.system();
    let after: BTreeMap<_, _> = run.tensors("step-1", "model.safetensors").into_iter().collect();
    let squares = system.parameters().all().iter().flat_map(|parameter| {
        let before = numbers(&parameter.var).into_iter();
        let changed = before.zip(&after[&parameter.name]);
        changed.map(|(before, after)| f64::from(f32::from_bits(*after) - before).powi(2))
    });
    squares.sum::<f64>().sqrt()
}

/// Far below the gradient norm of the first step.
const CLIP_NORM: f32 = 0.125;

/// A value other than the current one.
fn value(path: &str) -> Setting {
    let key = path.rsplit('.').next().unwrap();
    match key {
        "muted" | "soloed" | "finished" | "worst_samples" => Setting::Switch(true),
        "by_rule" => Setting::Switch(false),
        "affinity_budget" => Setting::Number(1.0),
        "samples" => Setting::Number(7.0),
        "shadow_weightings" => Setting::Text("upgrad, dwa temperature=2".to_owned()),
        "sampling" => Setting::Text("all".to_owned()),
        "weighting" => Setting::Text("random".to_owned()),
        "measure_gradients_every" | "accumulation_steps" => Setting::Number(2.0),
        "clip_norm" => Setting::Number(CLIP_NORM),
        "gain" | "strength" | "learning_rate" | "learning_rate_factor" => Setting::Number(0.125),
        _ => {
            panic!("{path} is live; what does it do? Give it a value here and say in `is_in_force`")
        }
    }
}

/// Whether the step after setting [`value`] was computed with it; `plain` is the step without.
fn is_in_force(path: &str, tiny: &Tiny, run: &Run, plain: &Run) -> bool {
    let (done, without) = (step(run), step(plain));
    match path.rsplit('.').next().unwrap() {
        "muted" => !done.losses.contains_key(OBJECTIVE) && without.losses.contains_key(OBJECTIVE),
        "finished" => is_in_force("objective.language.muted", tiny, run, plain),
        "learning_rate_factor" => {
            let settings = run.checkpoint("step-1").progress.settings;
            settings.learning_rate_factors[OBJECTIVE] == 0.125 && done.losses == without.losses
        }
        "accumulation_steps" => {
            let kept = |run: &Run| !run.checkpoint("step-1").progress.accumulated.is_empty();
            kept(run) && !kept(plain) && done.losses == without.losses
        }
        "soloed" => done.losses.keys().all(|name| name.as_str() == OBJECTIVE),
        "sampling" => done.draws.len() > without.draws.len(),
        "samples" => run.checkpoint("step-1").progress.settings.samples == 7,
        "worst_samples" => run.checkpoint("step-1").progress.settings.worst_samples,
        "affinity_budget" => run.checkpoint("step-1").progress.settings.affinity_budget == 1.0,
        "by_rule" => {
            let faders = run.checkpoint("step-1").progress.faders;
            faders
                .all()
                .iter()
                .all(|fader| fader.share_by.is_rule() != (fader.objective.as_str() == OBJECTIVE))
        }
        "shadow_weightings" => {
            let is_shadows = |event: &Event| matches!(event, Event::ShadowShares(_));
            run.events.iter().any(is_shadows) && !plain.events.iter().any(is_shadows)
        }
        "weighting" => done.shares != without.shares,
        "measure_gradients_every" => measured(run).is_none() && measured(plain).is_some(),
        "gain" => done.weights[OBJECTIVE] == 0.125 && without.weights[OBJECTIVE] == 0.25,
        "learning_rate" => done.learning_rate == 0.125 && without.learning_rate == 0.5,
        "clip_norm" => {
            // At a learning rate of 0.5.
            assert!(without.gradient_norm > 2.0 * CLIP_NORM, "{}", without.gradient_norm);
            let is_half = |run: &Run, norm: f32| {
                let (found, expected) = (update_norm(tiny, run), 0.5 * f64::from(norm));
                assert!((found - expected).abs() < 1e-3 * expected, "{found}, {expected}");
                true
            };
            is_half(plain, without.gradient_norm) && is_half(run, CLIP_NORM)
        }
        "strength" => {
            // The same loss, but an eighth of the gradient into the encoders.
            let norm = |run: &Run| measured(run).unwrap().norms[OBJECTIVE];
            done.losses == without.losses && (norm(run) / norm(plain) - 0.125).abs() < 1e-4
        }
        other => panic!("{other}"),
    }
}

fn changes(run: &Run) -> Vec<Change> {
    run.events.iter().filter_map(Event::changed).map(|changed| changed.change).collect()
}

fn assert_same(one: &Run, other: &Run, what: &str) {
    assert_eq!(one.steps(), other.steps(), "{what}");
    let tensors = |run: &Run| run.tensors("last", "model.safetensors");
    assert!(tensors(one) == tensors(other), "{what}");
}

#[test]
fn every_live_key_is_set_undone_redone_and_reproduced() {
    let here = Here::new();
    let mut live: Vec<String> = listed_paths(&here)
        .into_iter()
        .filter_map(|(path, is_live)| is_live.then_some(path))
        .collect();
    // The topic of live settings also has those that are not keys of recipes.
    let patterns = entries(&here, "settings");
    let paths: Vec<String> =
        patterns.iter().map(|pattern| pattern.replace("NAME", OBJECTIVE)).collect();
    assert!(live.iter().all(|path| paths.contains(path)), "{live:?} {paths:?}");
    live.extend(paths.into_iter().filter(|path| !live.contains(path)).collect::<Vec<_>>());
    assert!(live.len() > 8, "{live:?}");

    let tiny = tiny();
    let plain = stepped(&tiny, &[]);
    for path in &live {
        let set: Command = Assignment::setting(path, value(path)).into();
        let run = stepped(&tiny, std::slice::from_ref(&set));
        let [answer] = answers(&run.events, run.ids[1])[..] else { panic!("{path}") };
        let changed = answer.changed().unwrap_or_else(|| panic!("{path}: {answer:?}"));
        assert_eq!((changed.change.control.path(), changed.from.0), (path.clone(), 1));
        assert_eq!(changed.change.new, value(path));
        assert!(is_in_force(path, &tiny, &run, &plain), "{path}");

        // As undo and redo at the desk do.
        let mut fold = state::Run::new(None);
        run.events.iter().for_each(|event| fold.apply(event));
        let last =
            fold.manual.history.last_done().unwrap_or_else(|| panic!("{path} can't be undone"));
        let undone = stepped(&tiny, &[set.clone(), last.undo()]);
        assert_same(&undone, &plain, &format!("{path} undone"));
        let redone = stepped(&tiny, &[set, last.undo(), last.redo()]);
        assert_same(&redone, &run, &format!("{path} redone"));

        let again = tiny.train_with(&[], Moves::of(&run.events));
        assert_same(&again, &run, &format!("{path} by moves"));
        assert_eq!(changes(&again), changes(&run), "{path}");
    }
}

#[test]
fn every_other_key_is_rejected_and_changes_nothing() {
    let here = Here::new();
    let others: Vec<String> = listed_paths(&here)
        .into_iter()
        .filter_map(|(path, is_live)| (!is_live).then_some(path))
        .collect();
    assert!(others.len() > 60, "{}", others.len());
    let tiny = tiny();
    let values = [Setting::Number(1.0), Setting::Switch(true), Setting::Text("none".to_owned())];
    let sets: Vec<Command> = others
        .iter()
        .flat_map(|path| values.iter().map(|value| Assignment::setting(path, value.clone()).into()))
        .collect();
    let run = stepped(&tiny, &sets);
    let paths = others.iter().flat_map(|path| std::iter::repeat_n(path, values.len()));
    for (path, id) in paths.zip(&run.ids[1..]) {
        let [Event::CommandRefused(refused)] = answers(&run.events, *id)[..] else {
            panic!("{path} was changed")
        };
        let expected = format!("`{path}` can't be changed during training; live settings are ");
        assert!(refused.why.starts_with(&expected), "{}", refused.why);
    }
    assert_same(&run, &stepped(&tiny, &[]), "after refusals");
}

#[test]
fn a_strength_ends_its_schedule_and_is_rejected_without_gradient_reversal() {
    let ramp = "{ shape = \"linear\", from = 0, to = 1, steps = 4 }";
    let sets = [format!("objective.language.strength={ramp}")];
    let tiny = shipped_tiny("multilingual", Size { width: 4, examples: 16 }, &sets);
    let set = |name: &str, strength: f32| -> Command {
        Assignment::setting(&format!("objective.{name}.strength"), Setting::Number(strength)).into()
    };
    let other = tiny.recipe.objectives[tiny.recipe.main()].name.as_str();
    let mut orders = vec![Command::Pause, Command::StepOnce, Command::StepOnce];
    orders.extend([set(other, 0.25), set(OBJECTIVE, 0.75), Command::StepOnce]);
    orders.push(Command::Stop { reason: Reason::Key });
    let run = tiny.train(&orders);
    let [Event::CommandRefused(refused)] = answers(&run.events, run.ids[3])[..] else { panic!() };
    assert_eq!(
        refused.why,
        format!(
            "`objective.{other}.strength`: {other} has no gradient reversal; objectives with gradient = \
             \"reverse\": language"
        )
    );
    let [answer] = answers(&run.events, run.ids[4])[..] else { panic!() };
    let Change { old, new, .. } = answer.changed().unwrap().change;
    assert_eq!((old, new), (Setting::Number(0.5), Setting::Number(0.75)));
    let strengths = run.checkpoint("last").progress.settings.strengths;
    assert_eq!(strengths["language"].at(2), 0.75);
    assert_eq!(strengths["language"].at(100), 0.75);

    // Until then the schedule is reported in words.
    let mut fold = state::Run::new(None);
    fold.apply(&run.events[0]);
    let reported = fold.setting("objective.language.strength");
    assert_eq!(reported, Some(Setting::Text("linear 0 to 1 over 4 steps".to_owned())));
    run.events.iter().skip(1).for_each(|event| fold.apply(event));
    assert_eq!(fold.setting("objective.language.strength"), Some(Setting::Number(0.75)));
}

#[test]
fn the_glossary_has_the_table_of_live_settings() {
    let glossary = fs::read_to_string("docs/glossary.md").unwrap();
    let section = glossary.split("\n## ").find(|section| section.starts_with("Live settings"));
    let rows = section.expect("a section about live settings").lines();
    let rows: Vec<&str> = rows.filter(|line| line.starts_with("| `")).collect();
    let expected: Vec<String> = live::SETTINGS
        .iter()
        .map(|row| format!("| `{}` | {} | {} |", row.pattern(), row.takes(), row.key.about))
        .collect();
    assert_eq!(rows, expected, "docs/glossary.md: the rows under \"Live settings\"");
}
