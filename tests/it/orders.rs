//! Commands to the trainer: each is answered by one event with its id, and evaluations, checkpoints
//! and measurements do not affect training.

use auxdesk::protocol::{
    Assignment, Command, CommandId, Event, ObjectiveId, Scene, Step,
    event::{Evaluated, Reason, Setting, Split},
};

use crate::tiny::{Run, Size, Tiny, shipped_tiny};

const SIZE: Size = Size { width: 4, examples: 16 };

/// The answers to one command. The events of one evaluation count as one answer.
pub(crate) fn answers(events: &[Event], id: CommandId) -> Vec<&Event> {
    let mut found: Vec<&Event> =
        events.iter().filter(|event| event.answers() == Some(id)).collect();
    found.dedup_by(|a, b| a.kind() == "evaluated" && b.kind() == "evaluated");
    found
}

fn desk(sets: &[&str]) -> Tiny {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    shipped_tiny("chunking", SIZE, &sets)
}

fn stop() -> Command {
    Command::Stop { reason: Reason::Key }
}

fn set(path: &str, value: Setting) -> Command {
    Assignment::setting(path, value).into()
}

fn gain(objective: &str, gain: f32) -> Command {
    Assignment::gain(objective.into(), gain).into()
}

fn mute(objective: &str, muted: bool) -> Command {
    Assignment::muted(objective.into(), muted).into()
}

fn solo(objective: &str, soloed: bool) -> Command {
    Assignment::soloed(objective.into(), soloed).into()
}

/// The one answer to each command, in their order; the last command is a stop, which the end of the
/// run answers.
fn answered(run: &Run) -> Vec<Event> {
    let (_, others) = run.ids.split_last().unwrap();
    let mut all = Vec::new();
    for (at, id) in others.iter().enumerate() {
        let found = answers(&run.events, *id);
        assert_eq!(found.len(), 1, "command {at}: {found:?}");
        all.push(found[0].clone());
    }
    assert_eq!(run.ended.reason, Reason::Key);
    assert_eq!(run.events.last().unwrap().kind(), "run_ended");
    all
}

fn kinds(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(Event::kind).collect()
}

#[test]
fn every_command_has_one_answer_with_its_id() {
    let orders = [
        Command::Pause,
        gain("pos", 0.75),
        mute("frequency", true),
        solo("chunk", true),
        set("train.learning_rate", Setting::Number(0.5)),
        set("train.measure_gradients_every", Setting::Number(1.0)),
        Command::StepOnce,
        Command::Note { text: "hm".to_owned() },
        Command::Checkpoint,
        Command::Evaluate,
        Command::Resume,
        stop(),
    ];
    let run = desk(&[]).train(&orders);
    let wanted = [
        "paused",
        "gain_set",
        "muted",
        "soloed",
        "setting_set",
        "setting_set",
        "paused",
        "noted",
        "checkpoint_saved",
        "evaluated",
        "resumed",
    ];
    assert_eq!(kinds(&answered(&run)), wanted);
    assert!(run.folder().join("checkpoints/step-1/state.json").is_file());
}

#[test]
fn invalid_commands_are_refused_with_a_reason_and_change_nothing() {
    let number = Setting::Number;
    let cases = [
        (
            gain("chunk", f32::NAN),
            "`objective.chunk.gain`: expected a number of at least 0, found NaN",
        ),
        (gain("chunk", -1.0), "`objective.chunk.gain`: expected a number of at least 0, found -1"),
        (gain("chnk", 1.0), "the recipe has no objective `chnk`"),
        (mute("chnk", true), "the recipe has no objective `chnk`"),
        (solo("chnk", true), "the recipe has no objective `chnk`"),
        (
            set("train.batch_size", number(1.0)),
            "`train.batch_size` can't be changed during training; live settings are \
             `train.learning_rate`, `train.clip_norm`, `train.sampling`, `train.weighting`, \
             `train.shadow_weightings`, `train.measure_gradients_every`, \
             `train.affinity_budget`, `train.samples`, `train.worst_samples`, \
             `objective.NAME.gain`, `objective.NAME.muted`, `objective.NAME.soloed`, \
             `objective.NAME.by_rule`, `objective.NAME.learning_rate_factor`, `objective.NAME.accumulation_steps`, \
             `objective.NAME.finished`, `objective.NAME.strength`",
        ),
        (
            set("train.learning_rate", number(-0.1)),
            "`train.learning_rate`: expected a number of at least 0, found -0.1",
        ),
        (
            set("train.learning_rate", number(f32::INFINITY)),
            "`train.learning_rate`: expected a number of at least 0, found inf",
        ),
        (
            set("train.learning_rate", Setting::Switch(true)),
            "`train.learning_rate`: expected a number of at least 0, found true",
        ),
        (
            set("train.clip_norm", number(0.0)),
            "`train.clip_norm`: expected a number of at least 0.000001, or \"none\", found 0",
        ),
        (
            set("objective.pos.strength", number(0.5)),
            "`objective.pos.strength`: pos has no gradient reversal; no objective of this recipe has one",
        ),
        (set("objective.ps.strength", number(0.5)), "the recipe has no objective `ps`"),
        (
            Assignment { over: Some(3), ..Assignment::setting("train.learning_rate", number(0.5)) }
                .into(),
            "`train.learning_rate`: only a gain can fade; set this at once",
        ),
        (
            set("train.measure_gradients_every", number(0.5)),
            "`train.measure_gradients_every`: expected a whole number, found 0.5",
        ),
    ];
    let mut orders = vec![Command::Pause];
    orders.extend(cases.iter().map(|(order, _)| order.clone()));
    orders.extend([Command::StepOnce, Command::Checkpoint, stop()]);
    let run = desk(&[]).train(&orders);
    for (event, (order, wanted)) in answered(&run)[1..].iter().zip(&cases) {
        let Event::CommandRefused(refused) = event else { panic!("{order:?}: {event:?}") };
        assert_eq!(refused.why, *wanted);
    }
    let untouched =
        desk(&[]).train(&[Command::Pause, Command::StepOnce, Command::Checkpoint, stop()]);
    assert_eq!(run.steps(), untouched.steps());
    assert_eq!(run.checkpoint("step-1"), untouched.checkpoint("step-1"));
}

#[test]
fn the_last_active_objective_can_be_neither_muted_nor_set_to_zero() {
    let others = ["pos", "next-word", "frequency"];
    let mut orders = vec![Command::Pause];
    orders.extend(others.map(|objective| mute(objective, true)));
    orders.extend([mute("chunk", true), gain("chunk", 0.0), solo("pos", true)]);
    orders.extend([solo("chunk", true), mute("chunk", true), Command::StepOnce, stop()]);
    let run = desk(&[]).train(&orders);
    let wanted = [
        "paused",
        "muted",
        "muted",
        "muted",
        "command_refused",
        "command_refused",
        "command_refused",
        "soloed",
        "command_refused",
        "paused",
    ];
    assert_eq!(kinds(&answered(&run)), wanted);
    let active: Vec<ObjectiveId> = run.steps()[0].losses.keys().cloned().collect();
    assert_eq!(active, ["chunk".into()]);
}

#[test]
fn a_gain_is_in_force_from_the_next_step() {
    let orders = [
        Command::Pause,
        Command::StepOnce,
        Command::StepOnce,
        gain("pos", 0.75),
        mute("next-word", true),
        set("train.learning_rate", Setting::Number(0.25)),
        Command::StepOnce,
        stop(),
    ];
    let run = desk(&[]).train(&orders);
    let answers = answered(&run);
    let Event::GainSet(set) = &answers[3] else { panic!() };
    assert_eq!((set.step, set.from, set.old, set.new), (Step(2), Step(3), 0.5, 0.75));
    let Event::Muted(muted) = &answers[4] else { panic!() };
    assert_eq!((muted.step, muted.from, muted.muted), (Step(2), Step(3), true));
    let Event::SettingSet(set) = &answers[5] else { panic!() };
    assert_eq!((set.step, set.from), (Step(2), Step(3)));
    let weights = |step: usize| {
        let step = &run.steps()[step];
        (step.weights["pos"], step.weights["next-word"], step.losses.len(), step.learning_rate)
    };
    assert_eq!(weights(1), (0.5, 0.1, 4, 0.0005));
    assert_eq!(weights(2), (0.75, 0.0, 3, 0.25));
    // Only the applied weight has changed: raw losses do not include it.
    let plain = desk(&[]).train(&[]);
    assert_eq!(run.steps()[2].losses["pos"], plain.steps()[2].losses["pos"]);
}

#[test]
fn a_gain_set_by_hand_ends_its_schedule() {
    let ramp = "objective.pos.gain={ shape = \"linear\", from = 0, to = 1, steps = 10 }";
    let orders = [
        Command::Pause,
        Command::StepOnce,
        Command::StepOnce,
        gain("pos", 0.125),
        gain("pos", 0.25),
        Command::StepOnce,
        Command::StepOnce,
        stop(),
    ];
    let run = desk(&[ramp]).train(&orders);
    let answers = answered(&run);
    let (Event::GainSet(first), Event::GainSet(second)) = (&answers[3], &answers[4]) else {
        panic!()
    };
    assert_eq!((first.old, first.ended_schedule), (0.2, true));
    assert_eq!((second.old, second.ended_schedule), (0.125, false));
    let gains: Vec<f32> = run.steps().iter().map(|step| step.weights["pos"]).collect();
    assert_eq!(gains, [0.0, 0.1, 0.25, 0.25]);
    assert!(!run.steps()[0].losses.contains_key("pos"), "a gain of 0 is silence");
}

#[test]
fn several_assignments_are_applied_together_or_not_at_all() {
    // One after the other, the first would mute every active objective.
    let muted = |objective: &str, muted| Assignment::muted(objective.into(), muted);
    let swap = Command::Set(vec![muted("chunk", true), muted("pos", false)]);
    let half = Assignment::gain("chunk".into(), 0.5);
    let silence = Command::Set(vec![half, muted("chunk", true)]);
    let mut orders = vec![Command::Pause];
    orders.extend(["pos", "next-word", "frequency"].map(|objective| mute(objective, true)));
    orders.extend([silence, Command::StepOnce, swap, Command::StepOnce, stop()]);
    let run = desk(&[]).train(&orders);
    let kinds_of = |at: usize| -> Vec<&'static str> {
        answers(&run.events, run.ids[at]).into_iter().map(Event::kind).collect()
    };
    assert_eq!(kinds_of(4), ["command_refused"]);
    assert_eq!(kinds_of(6), ["muted", "muted"]);
    let [before, after] = &run.steps()[..] else { panic!("two steps") };
    assert_eq!(before.weights["chunk"], 1.0, "not even its gain was moved");
    assert_eq!(after.losses.keys().map(ObjectiveId::as_str).collect::<Vec<_>>(), ["pos"]);
}

#[test]
fn a_fade_is_linear_and_ends_at_its_target() {
    let fade = Assignment::fade("pos".into(), 1.0, 4).into();
    let mut orders = vec![Command::Pause, Command::StepOnce, fade];
    orders.extend([const { Command::StepOnce }; 6]);
    orders.push(stop());
    let run = desk(&[]).train(&orders);
    let weights: Vec<f32> = run.steps().iter().map(|step| step.weights["pos"]).collect();
    assert_eq!(weights, [0.5, 0.5, 0.625, 0.75, 0.875, 1.0, 1.0]);
    let Event::GainSet(set) = answers(&run.events, run.ids[2])[0] else { panic!("a fade") };
    assert_eq!((set.old, set.new, set.over), (0.5, 1.0, Some(4)));
}

#[test]
fn a_saved_scene_has_the_state_of_every_strip() {
    let store = Command::StoreScene { scene: Scene::B };
    let orders = [Command::Pause, gain("pos", 0.25), mute("chunk", true), store, stop()];
    let run = desk(&[]).train(&orders);
    let Event::SceneStored(stored) = answers(&run.events, run.ids[3])[0] else { panic!("a scene") };
    assert_eq!((stored.scene, stored.strips.len()), (Scene::B, 4));
    let pos = stored.strips["pos"];
    assert_eq!((pos.gain, pos.muted, pos.soloed), (0.25, false, false));
    assert!(stored.strips["chunk"].muted);
}

#[test]
fn a_paused_run_steps_on_request_and_continues_when_resumed() {
    let mut orders = vec![Command::Pause];
    orders.extend([Command::StepOnce, Command::StepOnce, Command::Resume]);
    let run = desk(&["train.evaluate_every=1000"]).train(&orders);
    let kinds = run.events.iter().map(Event::kind);
    let others = ["checkpoint_saved", "phases_timed"];
    let kinds: Vec<_> = kinds.filter(|kind| !others.contains(kind)).collect();
    let wanted = ["run_started", "paused", "step_done", "paused", "step_done", "paused", "resumed"];
    assert_eq!(kinds[..7], wanted);
    assert_eq!(run.ended.reason, Reason::Steps);
    assert_eq!(run.steps().len(), 50);
    assert_eq!(run.steps(), desk(&["train.evaluate_every=1000"]).train(&[]).steps());
}

#[test]
fn a_step_beyond_the_end_is_refused() {
    let mut orders = vec![Command::Pause];
    orders.extend(std::iter::repeat_n(Command::StepOnce, 52));
    let run = desk(&["train.evaluate_every=1000"]).train(&orders);
    assert_eq!((run.ended.step, run.ended.reason), (Step(50), Reason::Steps));
    for id in &run.ids[51..] {
        let Event::CommandRefused(refused) = answers(&run.events, *id)[0] else { panic!() };
        assert_eq!(refused.why, "the run ends at step 50");
    }
}

#[test]
fn an_evaluation_without_a_dev_split_is_refused() {
    let mut tiny = desk(&[]);
    tiny.corpora[0].dev = None;
    let run = tiny.train(&[Command::Pause, Command::Evaluate, stop()]);
    let Event::CommandRefused(refused) = &answered(&run)[1] else { panic!() };
    assert_eq!(refused.why, "no corpus has a dev split; give one a dev key");
}

#[test]
fn a_manual_checkpoint_has_the_step_in_its_name() {
    let orders = [
        Command::Pause,
        Command::StepOnce,
        Command::StepOnce,
        Command::Checkpoint,
        Command::StepOnce,
        stop(),
    ];
    let run = desk(&[]).train(&orders);
    let Event::CheckpointSaved(saved) = &answered(&run)[3] else { panic!() };
    assert_eq!((saved.name.as_str(), saved.step), ("step-2", Step(2)));
    assert_eq!(run.checkpoint("step-2").step(), Step(2));
    assert_eq!(run.checkpoint("last").step(), Step(3));
    let model = "model.safetensors";
    assert_ne!(run.tensors("step-2", model), run.tensors("last", model));
}

/// The evaluations that the recipe schedules.
fn scored(run: &Run) -> Vec<Evaluated> {
    let scored = |event: &Event| match event {
        Event::Evaluated(e) if !e.extra => Some(Evaluated { at_ms: 0, took_ms: 0, ..e.clone() }),
        _ => None,
    };
    run.events.iter().filter_map(scored).collect()
}

#[test]
fn evaluations_checkpoints_and_measurements_change_nothing() {
    let sets = [
        "train.evaluate_every=7",
        "train.patience=3",
        "train.measure_gradients_every=0",
        "train.learning_rate=0.02",
    ];
    let looks = [
        Command::Evaluate,
        Command::Note { text: "look".to_owned() },
        Command::Checkpoint,
        Command::Pause,
        Command::Evaluate,
    ];
    let mut orders =
        vec![Command::Pause, set("train.measure_gradients_every", Setting::Number(1.0))];
    for _ in 0..15 {
        orders.extend(looks.iter().cloned());
        orders.push(Command::StepOnce);
    }
    orders.extend([set("train.measure_gradients_every", Setting::Number(0.0)), Command::Resume]);
    let plain = desk(&sets).train(&[]);
    let looked = desk(&sets).train(&orders);
    let extra = looked.events.iter().filter(|event| match event {
        Event::Evaluated(e) => e.extra && e.split == Split::Dev && e.command.is_some(),
        _ => false,
    });
    assert_eq!(extra.count(), 30 * 4, "every objective, twice a step");
    assert_eq!(looked.events.iter().filter(|event| event.kind() == "gradients").count(), 15);
    assert_eq!(plain.steps(), looked.steps());
    assert_eq!(scored(&plain), scored(&looked));
    assert_eq!(plain.ended.reason, looked.ended.reason);
    for checkpoint in ["best", "last"] {
        for file in ["model.safetensors", "optimiser.safetensors"] {
            let (plain, looked) =
                (plain.tensors(checkpoint, file), looked.tensors(checkpoint, file));
            assert!(plain == looked, "{checkpoint}: {file}");
        }
    }
    // The whole state: best, patience, positions, counts, settings. The best checkpoint may have
    // been saved while gradients were measured, which is a setting.
    assert_eq!(plain.checkpoint("last"), looked.checkpoint("last"));
    let best = |run: &Run| run.checkpoint("best").progress.counters.best;
    assert_eq!(best(&plain), best(&looked));
    assert!(best(&plain).is_some());
}

#[test]
fn a_reversal_of_strength_zero_has_no_gradient_on_the_encoders() {
    // The largest gradient at its tap, and none beyond it.
    let sets = [
        "train.measure_gradients_every=1",
        "objective.pos.gradient=reverse",
        "objective.pos.strength=0",
        "objective.pos.gain=50",
    ];
    let run = desk(&sets).train(&[Command::Pause, Command::StepOnce, stop()]);
    let measured = run.events.iter().find_map(|event| match event {
        Event::GradientsMeasured(e) => Some(e),
        _ => None,
    });
    let measured = measured.unwrap();
    assert_eq!(measured.norms["pos"], 0.0);
    assert_eq!(measured.gradient_shares["pos"], 0.0);
    let has_cosine = |name: &str| measured.cosines.values().any(|of| of.contains_key(name));
    assert!(!measured.cosines.contains_key("pos") && !has_cosine("pos"));
    assert!(!measured.cosines.is_empty());
}

#[test]
fn measured_gradients_add_up_to_the_applied_one() {
    let run = desk(&["train.measure_gradients_every=1", "train.clip_norm=1000"]).train(&[
        Command::Pause,
        Command::StepOnce,
        solo("chunk", true),
        Command::StepOnce,
        stop(),
    ]);
    let measured: Vec<_> = run
        .events
        .iter()
        .filter_map(|event| match event {
            Event::GradientsMeasured(e) => Some(e),
            _ => None,
        })
        .collect();
    assert_eq!(measured.len(), 2);
    for measured in &measured {
        let sum: f32 = measured.gradient_shares.values().sum();
        assert!((sum - 1.0).abs() < 1e-5, "{sum}");
        for cosines in measured.cosines.values() {
            assert!(cosines.values().all(|cosine| cosine.abs() <= 1.0 + 1e-6));
        }
    }
    assert_eq!(measured[0].norms.len(), 4);
    assert_eq!(measured[0].cosines.values().map(std::collections::BTreeMap::len).sum::<usize>(), 6);
    // At the same step each objective alone has the same gradient as together with the others.
    let gradients_of = |orders: Vec<Command>| {
        let orders: Vec<Command> =
            [Command::Pause].into_iter().chain(orders).chain([Command::StepOnce, stop()]).collect();
        let run = desk(&["train.measure_gradients_every=1", "train.clip_norm=1000"]).train(&orders);
        let found = run.events.iter().find_map(|event| match event {
            Event::GradientsMeasured(e) => Some(e.clone()),
            _ => None,
        });
        found.unwrap()
    };
    for (name, norm) in &measured[0].norms {
        let alone = gradients_of(vec![solo(name.as_str(), true)]).norms[name];
        assert!((alone - norm).abs() < 1e-4 * norm, "{name}: {alone} alone, {norm} beside others");
    }
    // A pair has the cosine that is reported for all of them.
    for (j, cosines) in &measured[0].cosines {
        for (k, cosine) in cosines {
            let pair = vec![solo(j.as_str(), true), solo(k.as_str(), true)];
            let alone = gradients_of(pair).cosines[j][k];
            assert!((alone - cosine).abs() < 1e-3, "{j}, {k}: {alone}, {cosine}");
        }
    }
    // Alone, an objective's gradient with respect to the encoders is part of the total norm.
    assert_eq!(measured[1].gradient_shares, [("chunk".into(), 1.0)].into());
    assert!(measured[1].norms["chunk"] <= run.steps()[1].gradient_norm);
}
