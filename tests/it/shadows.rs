//! Shadow rules: their shares are those that they would set, and they change nothing. Objectives whose shares are not the
//! rule's; the losses after an update; gradients by layer.

use std::collections::BTreeMap;

use auxdesk::{
    mixer::WEIGHTINGS,
    protocol::{
        Assignment, Command, Event, ObjectiveId,
        event::{GradientsMeasured, Reason, Setting, ShadowShares},
    },
    recipe, state,
    train::Moves,
};

use crate::tiny::{Run, Size, names, shipped_tiny};

const SIZE: Size = Size { width: 4, examples: 16 };

fn sets(all: &[&str]) -> Vec<String> {
    all.iter().map(|set| (*set).to_owned()).collect()
}

fn shadows(run: &Run) -> Vec<ShadowShares> {
    let shadows = |event: &Event| match event {
        Event::ShadowShares(shadows) => Some(shadows.clone()),
        _ => None,
    };
    run.events.iter().filter_map(shadows).collect()
}

fn measured(run: &Run) -> Vec<GradientsMeasured> {
    let measured = |event: &Event| match event {
        Event::GradientsMeasured(event) => Some(GradientsMeasured { at_ms: 0, ..event.clone() }),
        _ => None,
    };
    run.events.iter().filter_map(measured).collect()
}

#[test]
fn shadow_rules_change_neither_training_nor_measurements() {
    for (name, weighting) in names().flat_map(|name| [(name, "equal"), (name, "upgrad")]) {
        let weighting = format!("train.weighting={weighting}");
        let base = ["train.steps=6", "train.measure_gradients_every=2", &weighting];
        let plain = shipped_tiny(name, SIZE, &sets(&base)).train(&[]);
        let rules =
            r#"train.shadow_weightings=["dwa", "famo", "uncertainty", "mgda", "grad-norm"]"#;
        let tiny = shipped_tiny(name, SIZE, &sets(&[&base[..], &[rules]].concat()));
        let run = tiny.train(&[]);
        assert_eq!(run.steps(), plain.steps(), "{name}");
        assert_eq!(measured(&run), measured(&plain), "{name}");
        let tensors = |run: &Run| run.tensors("last", "model.safetensors");
        assert!(tensors(&run) == tensors(&plain), "{name}");
        let steps: Vec<u64> = shadows(&run).iter().map(|event| event.step.0).collect();
        assert_eq!(steps, [2, 4, 6], "{name}");
        assert!(shadows(&plain).is_empty());
        assert!(shadows(&run).iter().all(|event| event.shares.len() == 5), "{name}");
    }
}

/// In the first step of a run the rule in force and the shadow rule are in the same state, with the same parameters.
#[test]
fn shadow_shares_are_those_that_the_rule_sets_when_it_is_in_force() {
    let mut n_compared = 0;
    for name in names() {
        let base = ["train.steps=1", "train.measure_gradients_every=1", "train.sampling=all"];
        let kinds = WEIGHTINGS.iter().map(|kind| kind.name());
        for rule in kinds.filter(|rule| *rule != "ol-aux") {
            let in_force = format!("train.weighting={rule}");
            let in_force = shipped_tiny(name, SIZE, &sets(&[&base[..], &[&in_force]].concat()));
            let step = in_force.train(&[]).steps().remove(0);
            let shadow = format!("train.shadow_weightings=[\"{rule}\"]");
            let tiny = shipped_tiny(name, SIZE, &sets(&[&base[..], &[&shadow]].concat()));
            let event = shadows(&tiny.train(&[])).remove(0);
            let notation = recipe::weighting(rule).unwrap().to_string();
            for (objective, share) in &event.shares[&notation] {
                let wanted = step.shares[objective];
                let close = 2e-3 * wanted.abs().max(1.0);
                assert!(
                    (share - wanted).abs() <= close,
                    "{name} {rule} {objective}: {share} {wanted}"
                );
                n_compared += usize::from(wanted != 1.0);
            }
            // The others have no loss, no gradient that is shared, or are muted.
            let others =
                step.shares.iter().filter(|(name, _)| !event.shares[&notation].contains_key(*name));
            assert!(others.into_iter().all(|(_, share)| *share == 1.0), "{name} {rule}");
        }
    }
    assert!(n_compared > 500, "{n_compared}");
}

#[test]
fn shadow_rules_of_losses_see_every_step() {
    // Three epochs of four steps: dwa differs from 1 in the third, though only its last step is measured.
    let set = |rules: &str| sets(&["train.steps=12", "train.measure_gradients_every=12", rules]);
    let rules = "train.shadow_weightings=[\"dwa temperature=0.1\"]";
    let run = shipped_tiny("chunking", SIZE, &set(rules)).train(&[]);
    let event = shadows(&run).remove(0);
    let shares = &event.shares["dwa temperature=0.1"];
    assert!(shares.values().all(|share| *share != 1.0), "{shares:?}");
}

#[test]
fn a_share_that_is_not_the_rules_is_1_and_the_rule_is_over_the_others() {
    for kind in WEIGHTINGS {
        let rule = format!("train.weighting={}", kind.name());
        let all = ["train.steps=3", "objective.pos.by_rule=false", "train.sampling=all", &rule];
        let tiny = shipped_tiny("chunking", SIZE, &sets(&all));
        for step in tiny.train(&[]).steps() {
            assert_eq!(step.shares["pos"], 1.0, "{}", kind.name());
            let spec =
                tiny.recipe.objectives.iter().find(|spec| spec.name.as_str() == "pos").unwrap();
            assert_eq!(step.weights["pos"], spec.gain.at(0) as f32, "{}", kind.name());
        }
    }
    // The proportions of mgda sum to 1 over the objectives that it is over.
    let all = ["train.steps=3", "objective.pos.by_rule=false", "train.weighting=mgda"];
    let run = shipped_tiny("chunking", SIZE, &sets(&all)).train(&[]);
    for step in run.steps() {
        let of_rule = step.shares.iter().filter(|(name, _)| name.as_str() != "pos");
        let sum: f32 = of_rule.map(|(_, share)| share).sum();
        assert!((sum - 1.0).abs() < 1e-5, "{step:?}");
    }
}

/// A fader is handed to the rule and taken back with a gain in one command; both are undone, repeated and folded.
#[test]
fn a_fader_is_handed_to_the_rule_and_taken_back() {
    let tiny = shipped_tiny(
        "chunking",
        SIZE,
        &sets(&["objective.pos.by_rule=false", "train.weighting=log"]),
    );
    let by_rule = |by_rule| Assignment::setting("objective.pos.by_rule", Setting::Switch(by_rule));
    let back = Command::Set(vec![by_rule(false), Assignment::gain("pos".into(), 0.3)]);
    let mut orders =
        vec![Command::Pause, Command::StepOnce, by_rule(true).into(), Command::StepOnce];
    orders.extend([back, Command::StepOnce, Command::Stop { reason: Reason::Key }]);
    let run = tiny.train(&orders);
    let steps = run.steps();
    let share = |at: usize| steps[at].shares["pos"];
    assert_eq!((share(0), share(2), steps[2].weights["pos"]), (1.0, 1.0, 0.3));
    assert!((share(1) * steps[1].losses["pos"].get() - 1.0).abs() < 1e-5, "{:?}", steps[1]);

    let mut fold = state::Run::new(None);
    let pos = ObjectiveId::from("pos");
    let mut was_handed = false;
    for event in &run.events {
        fold.apply(event);
        was_handed |=
            fold.strip(&pos).is_some_and(|strip| strip.is_handed && strip.share_by.is_rule());
    }
    let strip = fold.strip(&pos).unwrap();
    assert!(was_handed && !strip.is_handed && !strip.share_by.is_rule());
    let again = tiny.train_with(&[], Moves::of(&run.events));
    assert_eq!(again.steps(), steps);
    let faders = run.checkpoint("last").progress.faders;
    assert!(!faders.all().iter().find(|fader| fader.objective == pos).unwrap().share_by.is_rule());
}

/// Without a change of the parameters, and with the same draws, no loss changes either.
#[test]
fn the_losses_after_an_update_are_of_the_same_batch_and_draws() {
    // A hard reading draws by a counter of its updates, which its first pass must not advance.
    let hard = ("question-answering", "objective.answer.reading=hard");
    for (name, reading) in names().map(|name| (name, "train.batch_size=4")).chain([hard]) {
        let all = [
            "train.steps=3",
            "train.weighting={ kind = \"famo\", weight_decay = 0 }",
            "train.sampling=all",
            reading,
        ];
        let memory = |more: &str| -> Vec<f64> {
            let tiny = shipped_tiny(name, SIZE, &sets(&[&all[..], &[more]].concat()));
            let memory = tiny.train(&[]).checkpoint("last").progress.weighting.memory;
            let memory = serde_json::to_value(memory).unwrap();
            let logits = memory.as_object().into_iter().flatten();
            logits.map(|(_, logit)| logit["xi"].as_f64().unwrap()).collect()
        };
        let still = memory("train.learning_rate=0");
        assert!(!still.is_empty() && still.iter().all(|xi| *xi == 0.0), "{name}: {still:?}");
        let moved = memory("train.learning_rate=0.01");
        assert!(moved.len() == 1 || moved.iter().any(|xi| *xi != 0.0), "{name}: {moved:?}");
    }
}

#[test]
fn layers_are_named_and_their_cosines_make_up_those_of_all() {
    for weighting in ["equal", "upgrad"] {
        let weighting = format!("train.weighting={weighting}");
        let all = ["train.steps=2", "train.measure_gradients_every=1", &weighting];
        let run = shipped_tiny("chunking", SIZE, &sets(&all)).train(&[]);
        for event in measured(&run) {
            let layers: Vec<&str> = event.layers.iter().map(|layer| layer.layer.as_str()).collect();
            assert!(layers.len() > 1, "{layers:?}");
            assert!(layers.iter().any(|layer| layer.ends_with(".1")), "{layers:?}");
            for layer in &event.layers {
                for (one, others) in &layer.cosines {
                    for (other, cosine) in others {
                        assert!(cosine.abs() <= 1.0 + 1e-4, "{one} {other} {cosine}");
                        assert!(event.cosines[one].contains_key(other));
                    }
                }
            }
            // A cosine over all layers lies between the minimum and the maximum over the layers, and 0.
            for (one, others) in &event.cosines {
                for (other, cosine) in others {
                    let of_layer = |cosines: &BTreeMap<ObjectiveId, BTreeMap<ObjectiveId, f32>>| {
                        cosines.get(one)?.get(other).copied()
                    };
                    let known: Vec<f32> =
                        event.layers.iter().filter_map(|layer| of_layer(&layer.cosines)).collect();
                    let most = known.iter().copied().fold(0.0, f32::max);
                    let least = known.iter().copied().fold(0.0, f32::min);
                    assert!((least - 1e-4..=most + 1e-4).contains(cosine), "{known:?} {cosine}");
                }
            }
        }
    }
}

/// The first-order change of a loss is the inner product of the two gradients: affinities have the sign of the cosines, and
/// the own loss of some objective falls by about one percent. Nothing else changes.
#[test]
fn affinities_are_what_a_step_for_one_objective_does_to_each_loss() {
    let (mut n_signs, mut n_agreeing, mut n_events, mut n_long) = (0, 0, 0, 0);
    for name in names() {
        let base = [
            "train.steps=6",
            "train.sampling=all",
            "train.measure_gradients_every=1",
            "train.learning_rate=0",
        ];
        let plain = shipped_tiny(name, SIZE, &sets(&base)).train(&[]);
        let budget = ["train.affinity_budget=1"];
        let run = shipped_tiny(name, SIZE, &sets(&[&base[..], &budget].concat())).train(&[]);
        assert_eq!(run.steps(), plain.steps(), "{name}");
        let tensors = |run: &Run| run.tensors("last", "model.safetensors");
        assert!(tensors(&run) == tensors(&plain), "{name}");
        let is_affinities = |event: &Event| match event {
            Event::AffinitiesMeasured(event) => Some(event.clone()),
            _ => None,
        };
        let affinities: Vec<_> = run.events.iter().filter_map(is_affinities).collect();
        let weights = &run.steps()[0].weights;
        let n_active = weights.values().filter(|weight| **weight > 0.0).count() as u64;
        let n_measured = if n_active > 1 { 6 / (n_active + 1) } else { 0 };
        assert_eq!(affinities.len() as u64, n_measured, "{name}");
        for event in &affinities {
            assert_eq!(event.step.0 % (n_active + 1), 0);
            let own: BTreeMap<&ObjectiveId, f32> = event
                .affinities
                .iter()
                .filter_map(|(name, by)| Some((name, *by.get(name)?)))
                .collect();
            assert!(own.values().all(|part| part.abs() < 0.02), "{name}: {own:?}");
            n_events += 1;
            n_long += usize::from(own.values().any(|part| (0.005..0.012).contains(part)));
            let cosines = &measured(&run)[event.step.0 as usize - 1].cosines;
            let signs = cosines.iter().flat_map(|(one, others)| {
                others.iter().map(move |(other, cosine)| (one, other, *cosine))
            });
            // An adversary's gradient raises its own loss.
            let descends = |name| own.get(name).is_some_and(|part| *part > 0.0);
            for (one, other, cosine) in signs.filter(|(_, _, cosine)| cosine.abs() > 0.15) {
                let by = event.affinities.get(one).and_then(|by| by.get(other));
                if let Some(part) = by.filter(|_| descends(one) && descends(other)) {
                    n_signs += 1;
                    n_agreeing += usize::from((*part > 0.0) == (cosine > 0.0));
                }
            }
        }
    }
    assert!(n_signs >= 12 && 10 * n_agreeing >= 9 * n_signs, "{n_agreeing} of {n_signs}");
    assert!(2 * n_long > n_events, "{n_long} of {n_events}");
}

#[test]
fn a_budget_of_a_recipe_and_one_of_a_command_give_the_same_steps() {
    let measured_at = |sets_: &[&str], orders: &[Command]| -> Vec<u64> {
        let all = [&["train.steps=25", "train.evaluate_every=100"][..], sets_].concat();
        let run = shipped_tiny("chunking", SIZE, &sets(&all)).train(orders);
        let step = |event: &Event| match event {
            Event::AffinitiesMeasured(event) => Some(event.step.0),
            _ => None,
        };
        run.events.iter().filter_map(step).collect()
    };
    let by_recipe = measured_at(&["train.affinity_budget=0.7"], &[]);
    let set = Assignment::setting("train.affinity_budget", Setting::Number(0.7));
    assert_eq!(by_recipe, measured_at(&[], &[set.into()]));
    assert!(!by_recipe.is_empty());
}

/// Without a change of the parameters, and with the same examples in every batch, the main gradient meets its own inner
/// products with the others.
#[test]
fn a_rule_that_keeps_gradients_sees_those_of_the_step_before() {
    let all = [
        "train.steps=2",
        "train.batch_size=16",
        "train.learning_rate=0",
        "train.measure_gradients_every=1",
        "train.weighting={ kind = \"ol-aux\", every = 1, learning_rate = 0.5 }",
    ];
    let run = shipped_tiny("chunking", SIZE, &sets(&all)).train(&[]);
    let steps = run.steps();
    assert!(steps[0].shares.values().all(|share| *share == 1.0), "{:?}", steps[0].shares);
    let shadow = ["train.steps=1", "train.batch_size=16", "train.measure_gradients_every=1"];
    let plain = shipped_tiny("chunking", SIZE, &sets(&shadow)).train(&[]);
    let first = measured(&plain).remove(0);
    let main = ObjectiveId::from("chunk");
    let mut n_auxiliaries = 0;
    for (name, share) in steps[1].shares.iter().filter(|(name, _)| **name != main) {
        let (one, other) = if *name < main { (name, &main) } else { (&main, name) };
        let weight = |name: &ObjectiveId| plain.steps()[0].weights[name];
        let Some(cosine) = first.cosines.get(one).and_then(|others| others.get(other)) else {
            continue;
        };
        // Measured norms are those of weighted gradients.
        let raw = |name: &ObjectiveId| first.norms[name] / weight(name);
        let wanted = 1.0 + 0.5 * cosine * raw(name) * raw(&main);
        assert!((share - wanted).abs() < 2e-3 * wanted.abs().max(1.0), "{name}: {share} {wanted}");
        n_auxiliaries += 1;
    }
    assert!(n_auxiliaries > 0);
}
