//! Gradient accumulation of an objective, while others are updated at every step.

use std::collections::BTreeMap;

use auxdesk::{
    data::{Batch, stream::epoch_batches},
    model::Mode,
    protocol::{
        Assignment, Command, Event,
        event::{GradientsMeasured, Reason},
    },
};

use crate::tiny::{Run, Size, Tiny, bits, gradients, numbers, shipped_tiny};

const SIZE: Size = Size { width: 4, examples: 8 };

/// Batches of four sentences, two in an epoch, and plain gradient descent.
fn chunking(sets: &[&str]) -> Tiny {
    let plain = ["train.optimizer=sgd", "train.learning_rate=0.5", "train.clip_norm=none"];
    let sets: Vec<String> = plain.iter().chain(sets).map(|set| (*set).to_owned()).collect();
    shipped_tiny("chunking", SIZE, &sets)
}

/// Runs these steps, with a checkpoint after each, and ends.
fn steps(tiny: &Tiny, n: usize) -> Run {
    with_commands(tiny, (0..n).map(|_| Vec::new()))
}

/// The same with commands before each step.
fn with_commands(tiny: &Tiny, before: impl IntoIterator<Item = Vec<Command>>) -> Run {
    let mut orders = vec![Command::Pause];
    for commands in before {
        orders.extend(commands);
        orders.extend([Command::StepOnce, Command::Checkpoint]);
    }
    orders.push(Command::Stop { reason: Reason::Key });
    tiny.train(&orders)
}

/// The values of the parameters after a step.
fn values(run: &Run, step: usize) -> BTreeMap<String, Vec<u32>> {
    run.tensors(&format!("step-{step}"), "model.safetensors").into_iter().collect()
}

/// The number of updates of an output layer after a step.
fn updates(run: &Run, step: usize, objective: &str) -> u64 {
    let updates = run.checkpoint(&format!("step-{step}")).progress.updates;
    let mut of_it = updates.iter().filter(|(name, _)| {
        name.strip_prefix("objective.").is_some_and(|rest| rest.starts_with(objective))
    });
    of_it.next().map_or(0, |(_, n)| *n)
}

#[test]
fn the_mean_gradient_of_two_steps_is_applied_in_the_second() {
    let alone: Vec<String> =
        ["pos", "next-word", "frequency"].map(|name| format!("objective.{name}.muted=true")).into();
    let mut sets: Vec<&str> = alone.iter().map(String::as_str).collect();
    sets.extend(["objective.chunk.accumulation_steps=2", "objective.chunk.gain=0.5"]);
    let tiny = chunking(&sets);
    let run = steps(&tiny, 2);

    let system = tiny.system();
    let parameters = system.parameters();
    let corpus = &tiny.corpora[0];
    let (main, mode) = (tiny.recipe.main(), Mode::Train { seed: 1, step: 0 });
    let batches = epoch_batches(tiny.recipe.train.seed, corpus, 0, 4);
    assert_eq!(batches.len(), 2);
    let of_batch = |examples: &Vec<usize>| {
        let batch = Batch::new(0, corpus, &corpus.train, examples);
        let taps = system.taps(&[main], &batch, mode).unwrap();
        let loss = system.loss(main, &taps[0], &batch, mode).unwrap().unwrap();
        gradients(&(loss.sum / loss.count as f64).unwrap(), parameters)
    };
    let of_batches: Vec<_> = batches.iter().map(of_batch).collect();
    let [first, second] = [1, 2].map(|step| values(&run, step));
    for (number, parameter) in parameters.all().iter().enumerate() {
        let name = &parameter.name;
        assert_eq!(first[name], bits(&parameter.var), "{name} waits");
        let sum = |at: usize| -> f32 {
            let of_one = of_batches.iter().filter_map(|one| Some(one[number].as_ref()?[at]));
            of_one.sum()
        };
        for (at, before) in numbers(&parameter.var).into_iter().enumerate() {
            // Learning rate 0.5, gain 0.5, the mean of two.
            let expected = before - 0.5 * 0.5 * sum(at) / 2.0;
            let found = f32::from_bits(second[name][at]);
            assert!((found - expected).abs() < 1e-6, "{name}[{at}]: {found}, {expected}");
        }
    }
}

#[test]
fn the_other_objectives_do_not_wait_and_the_weights_are_those_of_the_rule() {
    // The weight of an objective under this rule is 1 / loss, whatever the others are.
    let rule = "train.weighting=log";
    let accumulating = steps(&chunking(&[rule, "objective.pos.accumulation_steps=2"]), 2);
    let muted = steps(&chunking(&[rule, "objective.pos.muted=true"]), 1);
    let [first, second] = [1, 2].map(|step| values(&accumulating, step));
    let without = values(&muted, 1);
    for (name, found) in &first {
        for (found, expected) in found.iter().zip(&without[name]) {
            let [found, expected] = [found, expected].map(|bits| f32::from_bits(*bits));
            assert!((found - expected).abs() < 1e-5, "{name}: {found}, {expected}");
        }
        if name.starts_with("objective.pos.") {
            assert_ne!(second[name], *found, "{name} is updated in the second step");
        }
    }
    assert_eq!([1, 2].map(|step| updates(&accumulating, step, "pos")), [0, 1]);
    assert_eq!([1, 2].map(|step| updates(&accumulating, step, "chunk")), [1, 2]);
    assert_eq!(accumulating.steps().len(), 2);
    assert!(accumulating.steps().iter().all(|step| step.losses.contains_key("pos")));
}

#[test]
fn a_change_of_the_number_keeps_what_is_accumulated_and_a_mute_discards_it() {
    let set = |n: f32| -> Command {
        let value = auxdesk::protocol::event::Setting::Number(n);
        Assignment::setting("objective.pos.accumulation_steps", value).into()
    };
    let n_updates = |before: Vec<Vec<Command>>| -> Vec<u64> {
        let n = before.len();
        let run = with_commands(&chunking(&["objective.pos.accumulation_steps=3"]), before);
        (1..=n).map(|step| updates(&run, step, "pos")).collect()
    };
    let none = Vec::new;
    assert_eq!(n_updates(vec![none(), none(), none(), none()]), [0, 0, 1, 1]);
    assert_eq!(n_updates(vec![none(), vec![set(2.0)], none(), none()]), [0, 1, 1, 2]);
    assert_eq!(n_updates(vec![none(), vec![set(1.0)], none()]), [0, 1, 2]);
    let mute = |muted: bool| vec![Command::from(Assignment::muted("pos".into(), muted))];
    let solo = |soloed: bool| vec![Command::from(Assignment::soloed("chunk".into(), soloed))];
    let gain = |gain: f32| vec![Command::from(Assignment::gain("pos".into(), gain))];
    for [off, on] in [[mute(true), mute(false)], [solo(true), solo(false)], [gain(0.0), gain(1.0)]]
    {
        let discarded = n_updates(vec![none(), off, on, none(), none()]);
        assert_eq!(discarded, [0, 0, 0, 0, 1], "the first step does not count");
    }
}

/// What a measured step reports, and the memory of its rule, do not depend on the accumulation.
#[test]
fn accumulation_changes_no_share_no_measurement_and_no_memory_of_a_rule() {
    let groups = "objective.pos.group=pos";
    for rule in ["equal", "random", "dwa", "uncertainty", "famo", "imtl-l"] {
        for more in [&[][..], &[groups], &["objective.frequency.gradient=stop"]] {
            let rule = format!("train.weighting={rule}");
            let sets = [&[rule.as_str(), "train.measure_gradients_every=1"], more].concat();
            let waiting = ["objective.pos.accumulation_steps=2"];
            let with = steps(&chunking(&[&sets[..], &waiting].concat()), 1);
            let without = steps(&chunking(&sets), 1);
            let shares = |run: &Run| run.steps()[0].shares.clone();
            assert_eq!(shares(&with), shares(&without), "{sets:?}");
            let [measured, plain] = [&with, &without].map(measured);
            assert_eq!(measured.lagged_cosines, plain.lagged_cosines);
            let layers = |event: &GradientsMeasured| -> Vec<String> {
                event.layers.iter().map(|layer| layer.layer.clone()).collect()
            };
            assert_eq!(layers(&measured), layers(&plain), "{sets:?}");
            let values = |event: &GradientsMeasured| -> Vec<f32> {
                let norms = event.norms.values().chain(event.gradient_shares.values());
                norms.chain(event.cosines.values().flat_map(BTreeMap::values)).copied().collect()
            };
            let (found, expected) = (values(&measured), values(&plain));
            assert_eq!(found.len(), expected.len(), "{sets:?}");
            for (found, expected) in found.into_iter().zip(expected) {
                assert!((found - expected).abs() < 1e-4, "{sets:?}: {found}, {expected}");
            }
        }
    }
}

fn measured(run: &Run) -> GradientsMeasured {
    let measured = run.events.iter().find_map(|event| match event {
        Event::GradientsMeasured(event) => Some(event.clone()),
        _ => None,
    });
    measured.expect("every step is measured")
}

#[test]
fn an_objective_of_a_group_accumulates_the_steps_that_draw_it() {
    let sets = ["objective.pos.group=pos", "objective.pos.accumulation_steps=2"];
    let run = steps(&chunking(&[&sets[..], &["train.sampling=round-robin"]].concat()), 8);
    let drawn: Vec<bool> = run.steps().iter().map(|step| step.losses.contains_key("pos")).collect();
    let n_drawn = |step: usize| drawn[..step].iter().filter(|drawn| **drawn).count() as u64;
    assert_eq!(n_drawn(8), 4);
    for step in 1..=8 {
        assert_eq!(updates(&run, step, "pos"), n_drawn(step) / 2, "step {step}");
    }
}

#[test]
fn a_layer_that_is_frozen_meanwhile_stays() {
    let finish = Assignment::setting(
        "objective.frequency.finished",
        auxdesk::protocol::event::Setting::Switch(true),
    );
    let sets = ["objective.pos.accumulation_steps=2", "objective.frequency.freeze=below"];
    let run = with_commands(&chunking(&sets), [vec![], vec![finish.into()]]);
    let [first, second] = [1, 2].map(|step| values(&run, step));
    assert_eq!(updates(&run, 2, "pos"), 1);
    for (name, before) in &first {
        let is_frozen =
            ["words.", "trunk.1.", "objective.frequency."].iter().any(|it| name.starts_with(it));
        assert_eq!(second[name] == *before, is_frozen, "{name}");
    }
}

#[test]
fn a_rule_of_the_gradients_weights_the_gradients_that_are_accumulated() {
    let tiny = chunking(&["train.weighting=upgrad", "objective.pos.accumulation_steps=2"]);
    let run = steps(&tiny, 4);
    assert_eq!([1, 2, 3, 4].map(|step| updates(&run, step, "pos")), [0, 1, 1, 2]);
    assert_eq!(
        run.checkpoint("step-1").progress.accumulated.into_values().collect::<Vec<_>>(),
        [1]
    );
    assert!(run.checkpoint("step-2").progress.accumulated.is_empty());
    assert!(!run.folder().join("checkpoints/step-2/accumulated.safetensors").exists());
}
