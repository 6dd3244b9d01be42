//! Guards: an objective that goes wrong is muted, and no other; and the command that is run then.

use std::{fs, time::Duration};

use auxdesk::protocol::{
    Assignment, By, Command, Event,
    event::{GuardKind, GuardTripped, Muted, Reason, Setting},
};

use crate::{
    runs::{Here, finish, journal, wait_until},
    tiny::{Run, Size, shipped_tiny},
};

const SIZE: Size = Size { width: 4, examples: 16 };

fn run(name: &'static str, sets: &[&str]) -> Run {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    shipped_tiny(name, SIZE, &sets).train(&[])
}

fn tripped(events: &[Event]) -> Vec<&GuardTripped> {
    let all = events.iter().filter_map(|event| match event {
        Event::GuardTripped(tripped) => Some(tripped),
        _ => None,
    });
    all.collect()
}

/// The objectives that rules muted, with the first step without them.
fn muted_by_rules(events: &[Event]) -> Vec<(String, u64)> {
    let of = |event: &Event| match event {
        Event::Muted(Muted { by: By::Rule, muted: true, objective, from, .. }) => {
            Some((objective.to_string(), from.0))
        }
        _ => None,
    };
    events.iter().filter_map(of).collect()
}

/// A run of `chunking` in which every objective has this guard, with further settings.
fn guarded(guard: &str, more: &[&str]) -> Run {
    let names = ["chunk", "pos", "next-word", "frequency"];
    let guards = names.map(|name| format!("objective.{name}.guard={guard}"));
    let is_set =
        |set: &String| more.iter().any(|other| other.split('=').next() == set.split('=').next());
    let guards: Vec<&str> = guards.iter().filter(|set| !is_set(set)).map(String::as_str).collect();
    run("chunking", &[&guards[..], more, &["train.patience=1000", "train.steps=60"]].concat())
}

#[test]
fn a_stalled_objective_is_muted_and_the_others_are_trained_on() {
    // A learning rate of 0 for its own parameters, which its gradient alone would change.
    let own = [
        "objective.pos.guard={ stall = 12 }",
        "objective.pos.learning_rate_factor=0",
        "objective.pos.gradient=stop",
        "train.learning_rate=1e-9",
    ];
    let run = guarded("{ stall = 1000 }", &own);
    let all = tripped(&run.events);
    assert_eq!(all.len(), 1, "{all:?}");
    let GuardTripped { objective, guard, value, limit, muted, .. } = all[0];
    assert_eq!((objective.as_str(), *guard), ("pos", GuardKind::Stall));
    assert_eq!((*value, *limit, *muted), (12.0, 12.0, true));
    let [(name, from)] = &muted_by_rules(&run.events)[..] else { panic!() };
    assert_eq!(name, "pos");
    for step in run.steps() {
        let is_before = step.step.0 < *from;
        assert_eq!(step.losses.contains_key("pos"), is_before, "{}", step.step);
        assert!(step.losses.contains_key("chunk") && step.losses.contains_key("next-word"));
    }
    assert_eq!(run.ended.reason, Reason::Steps);
}

#[test]
fn a_conflicting_objective_is_muted() {
    // An adversary of itself: its gradient into the encoders is the opposite of the main one's.
    let sets = [
        "train.measure_gradients_every=2",
        "train.steps=30",
        "objective.domain.guard={ conflict = 3 }",
        "objective.kitchen.guard={ conflict = 1000 }",
    ];
    let run = run("adversarial", &sets);
    let cosines: Vec<(u64, f32)> = run
        .events
        .iter()
        .filter_map(|event| match event {
            Event::GradientsMeasured(event) => {
                Some((event.step.0, *event.cosines.get("books")?.get("domain")?))
            }
            _ => None,
        })
        .collect();
    // The first third measurement in a row with a negative cosine.
    let expected = cosines.windows(3).find(|three| three.iter().all(|(_, cosine)| *cosine < 0.0));
    let expected: Vec<(String, u64)> =
        expected.map(|three| ("domain".to_owned(), three[2].0 + 1)).into_iter().collect();
    assert_eq!(muted_by_rules(&run.events), expected, "{cosines:?}");
    assert!(!expected.is_empty(), "the reversed gradient is against the others: {cosines:?}");
}

#[test]
fn a_spike_mutes_the_objective_that_has_it() {
    // After 25 steps, a learning rate that makes the parameters of one head enormous.
    let names = ["chunk", "pos", "next-word", "frequency"];
    let mut sets = names.map(|name| format!("objective.{name}.guard={{ spike = 20 }}")).to_vec();
    sets.extend(["objective.pos.gradient=stop", "train.patience=1000"].map(str::to_owned));
    let path = "objective.pos.learning_rate_factor";
    let explode = Assignment::setting(path, Setting::Number(1e6)).into();
    let steps = |n| std::iter::repeat_n(Command::StepOnce, n);
    let orders = [Command::Pause].into_iter().chain(steps(25)).chain([explode]).chain(steps(5));
    let stop = Command::Stop { reason: Reason::Key };
    let orders: Vec<Command> = orders.chain([stop]).collect();
    let run = shipped_tiny("chunking", SIZE, &sets).train(&orders);
    let all = tripped(&run.events);
    assert!(all.iter().all(|it| it.objective.as_str() == "pos" && it.guard == GuardKind::Spike));
    assert_eq!((all.len(), muted_by_rules(&run.events).len()), (1, 1), "{all:?}");
    assert!(all[0].value > 20.0 && all[0].muted && all[0].limit == 20.0, "{all:?}");
    assert_eq!((run.ended.reason, run.ended.step.0), (Reason::Key, 30));
}

/// A run whose loss of `pos` is non-finite from the second step on: the first update makes the
/// parameters of its head so large that the sum of its losses overflows.
const EXPLODES: [&str; 8] = [
    "--set",
    "train.learning_rate=1",
    "--set",
    "objective.pos.learning_rate_factor=1e37",
    "--set",
    "objective.pos.gradient=stop",
    "--set",
    "objective.pos.guard={ non_finite = 2 }",
];

#[test]
fn non_finite_losses_of_one_objective_do_not_end_the_run() {
    let here = Here::new();
    let exited = finish(&mut here.tiny("run", 20, &EXPLODES));
    assert_eq!(exited.code, Some(0), "{}", exited.err);
    let events = journal(&here.path("run")).events;
    let kinds: Vec<GuardKind> = tripped(&events).iter().map(|it| it.guard).collect();
    assert_eq!(kinds, [GuardKind::NonFinite]);
    assert_eq!(muted_by_rules(&events).len(), 1);
    // Without the guard it ends after ten attempts.
    let exited = finish(&mut here.tiny("other", 20, &EXPLODES[..6]));
    assert_eq!(exited.code, Some(1));
}

#[test]
fn a_command_is_run_once_for_each_alert_with_the_event() {
    let here = Here::new();
    let out = here.path("alerts.jsonl");
    let command = format!("cat >> {}", out.display());
    let args = [&EXPLODES[..], &["--on-alert", &command]].concat();
    assert_eq!(finish(&mut here.tiny("run", 20, &args)).code, Some(0));
    let events = journal(&here.path("run")).events;
    let expected = events.iter().filter(|event| event.is_alert()).count();
    assert_eq!(expected, 3, "two losses and a guard");
    let text = || fs::read_to_string(&out).unwrap_or_default();
    wait_until("every command has written", || text().lines().count() >= expected);
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(text().lines().count(), expected);
    for line in text().lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        let kind = event["kind"].as_str().unwrap();
        assert!(["non_finite_loss", "guard_tripped"].contains(&kind), "{line}");
    }
}

#[test]
fn a_command_that_hangs_or_fails_harms_nothing() {
    let here = Here::new();
    let plain = here.finished("plain", 20, &EXPLODES);
    for command in ["sleep 5", "exit 3", "no-such-command-anywhere"] {
        let name = command.replace(' ', "-");
        let args = [&EXPLODES[..], &["--on-alert", command]].concat();
        let exited = finish(&mut here.tiny(&name, 20, &args));
        assert_eq!(exited.code, Some(0), "{command}: {}", exited.err);
        let steps = |run: &std::path::Path| crate::continued::steps(run);
        assert_eq!(steps(&here.path(&name)), steps(&plain), "{command}");
        if command != "sleep 5" {
            let diagnostics = here.path(&name).join("diagnostics.log");
            let text = fs::read_to_string(diagnostics).unwrap();
            assert!(text.contains(&format!("--on-alert {command}: exit status")), "{text}");
        }
    }
}
