//! Sampling rules changed during training: the groups drawn from the next step on, the events, and
//! repetition with `--moves`.

use auxdesk::{
    protocol::{
        Assignment, Command, Event, Step,
        event::{LengthChanged, Reason, SamplingAdapted, Setting, SettingSet, StepDone},
    },
    recipe::Length,
    train::Moves,
};

use crate::{
    orders::answers,
    tiny::{Run, Size, Tiny, shipped_tiny},
};

const SIZE: Size = Size { width: 4, examples: 16 };

/// Two corpora, `fine` and `coarse`; each step draws one of them.
fn desk(sampling: &str) -> Tiny {
    shipped_tiny("sentiment", SIZE, &[format!("train.sampling={sampling}")])
}

fn sampling(rule: &str) -> Command {
    Assignment::setting("train.sampling", Setting::Text(rule.to_owned())).into()
}

fn stop() -> Command {
    Command::Stop { reason: Reason::Key }
}

fn steps(n_steps: usize) -> impl Iterator<Item = Command> {
    std::iter::repeat_n(Command::StepOnce, n_steps)
}

/// The corpora that each step drew.
fn drawn(run: &Run) -> Vec<String> {
    let names = |step: StepDone| step.draws.into_keys().collect::<Vec<_>>().join("+");
    run.steps().into_iter().map(names).collect()
}

/// The sampling rule of a checkpoint, in the notation of `train.sampling`.
fn saved_sampling(run: &Run, name: &str) -> String {
    let state = run.checkpoint(name);
    state.progress.settings.sampling.rounded(state.step()).to_string()
}

fn settings(run: &Run) -> Vec<&SettingSet> {
    let settings = run.events.iter().filter_map(|event| match event {
        Event::SettingSet(set) => Some(set),
        _ => None,
    });
    settings.collect()
}

#[test]
fn a_sampling_rule_is_in_force_from_the_next_step_and_reported_as_typed() {
    let mut orders = vec![Command::Pause];
    orders.extend(steps(6));
    for rule in ["fixed  coarse=1", "round-robin", "all"] {
        orders.push(sampling(rule));
        orders.extend(steps(4));
    }
    orders.extend([Command::Checkpoint, stop()]);
    let run = desk("{ kind = \"fixed\", draws = { fine = 1 } }").train(&orders);
    let drawn = drawn(&run);
    assert!(drawn[..6].iter().all(|corpus| corpus == "fine"), "{drawn:?}");
    assert!(drawn[6..10].iter().all(|corpus| corpus == "coarse"), "{drawn:?}");
    assert_eq!(drawn[10..14], ["fine", "coarse", "fine", "coarse"]);
    assert!(drawn[14..].iter().all(|corpora| corpora == "coarse+fine"), "{drawn:?}");
    let text = |text: &str| Setting::Text(text.to_owned());
    let reported: Vec<_> =
        settings(&run).iter().map(|set| (set.from, set.old.clone(), set.new.clone())).collect();
    let wanted = [
        (Step(7), text("fixed fine=1"), text("fixed coarse=1")),
        (Step(11), text("fixed coarse=1"), text("round-robin")),
        (Step(15), text("round-robin"), text("all")),
    ];
    assert_eq!(reported, wanted);
    let Event::RunStarted(started) = &run.events[0] else { panic!("the cast") };
    assert_eq!(started.settings["train.sampling"], text("fixed fine=1"));
    assert_eq!(saved_sampling(&run, "step-18"), "all");
}

#[test]
fn an_invalid_sampling_rule_is_refused_and_changes_nothing() {
    let cases = [
        (sampling("unifrom"), "no sampling named \"unifrom\"; did you mean \"uniform\"?"),
        (
            sampling("temperature 0.001"),
            "expected a temperature of at least 0.01, as in `temperature 2`, found `temperature 0.001`",
        ),
        (sampling("fixed corse=1"), "no group named \"corse\"; did you mean \"coarse\"?"),
        (sampling("fixed coarse=0 fine=0"), "every weight is 0, so no group is drawn"),
        (
            sampling("fixed coarse=1"),
            "the run's length is in epochs of \"fine\", which `fixed coarse=1` never draws; give it a weight \
             above 0",
        ),
        (
            sampling("interference"),
            "`train.sampling`: \"interference\" draws all groups in every step while `train.measure_gradients_every` is \
             0; set it, to 20 for example",
        ),
        (
            Assignment::setting("train.sampling", Setting::Number(2.0)).into(),
            "`train.sampling`: expected a string, \"proportional\" for example, found 2",
        ),
        (
            Assignment::setting("train.learning_rate", Setting::Text("all".to_owned())).into(),
            "`train.learning_rate`: expected a number of at least 0, found `all`",
        ),
    ];
    let mut orders = vec![Command::Pause];
    orders.extend(cases.iter().map(|(order, _)| order.clone()));
    orders.extend(steps(8).chain([stop()]));
    let mut tiny = desk("proportional");
    tiny.recipe.train.length = Length::Epochs(50);
    let run = tiny.train(&orders);
    for (id, (order, wanted)) in run.ids[1..].iter().zip(&cases) {
        let Event::CommandRefused(refused) = answers(&run.events, *id)[0] else {
            panic!("{order:?} was applied")
        };
        assert_eq!(refused.why, *wanted);
    }
    let untouched: Vec<Command> =
        [Command::Pause].into_iter().chain(steps(8)).chain([stop()]).collect();
    assert_eq!(run.steps(), tiny.train(&untouched).steps());
}

#[test]
fn a_sampling_rule_set_by_hand_ends_annealing() {
    let annealed = "{ kind = \"annealed\", temperature = { shape = \"linear\", from = 1, to = 5, steps = 8 } }";
    let mut orders = vec![Command::Pause];
    orders.extend(steps(3).chain([Command::Checkpoint, sampling("temperature 3")]).chain(steps(2)));
    orders.push(stop());
    let run = desk(annealed).train(&orders);
    let reported: Vec<Option<f32>> = run.steps().iter().map(|step| step.temperature).collect();
    assert_eq!(reported, [Some(1.0), Some(1.5), Some(2.0), None, None]);
    let set = settings(&run)[0];
    assert_eq!(set.old, Setting::Text("temperature 2.5".to_owned()));
    assert_eq!(saved_sampling(&run, "step-3"), "temperature 2.5");
    assert_eq!(saved_sampling(&run, "last"), "temperature 3");
}

#[test]
fn repeated_changes_of_sampling_are_equal_bit_for_bit() {
    let tiny = desk("proportional");
    let mut orders = vec![Command::Pause];
    for rule in ["fixed coarse=0.75 fine=0.25", "temperature 2.5", "uniform"] {
        orders.extend(steps(7));
        orders.push(sampling(rule));
    }
    orders.extend(steps(9).chain([stop()]));
    let by_hand = tiny.train(&orders);
    let again = tiny.train_with(&[], Moves::of(&by_hand.events));
    assert_eq!(by_hand.steps(), again.steps());
    let news = |run: &Run| settings(run).iter().map(|set| set.new.clone()).collect::<Vec<_>>();
    assert_eq!(news(&by_hand), news(&again));
    assert_eq!(by_hand.checkpoint("last"), again.checkpoint("last"));
    for file in ["model.safetensors", "optimiser.safetensors"] {
        assert!(by_hand.tensors("last", file) == again.tensors("last", file), "{file}");
    }
    let unmoved = tiny.train(&[]);
    assert_ne!(drawn(&by_hand), drawn(&unmoved)[..30], "the moves are what made it");
}

/// The changes of what a rule draws.
fn adapted(run: &Run) -> Vec<&SamplingAdapted> {
    let adapted = run.events.iter().filter_map(|event| match event {
        Event::SamplingAdapted(adapted) => Some(adapted),
        _ => None,
    });
    adapted.collect()
}

/// A run of 60 steps with an evaluation every 4 steps.
fn following(rule: &str, more: &[&str]) -> Run {
    let sets = [format!("train.sampling={rule}"), "train.evaluate_every=4".to_owned()];
    let sets = sets.into_iter().chain(more.iter().map(|&set| set.to_owned()));
    let mut tiny = shipped_tiny("sentiment", SIZE, &sets.collect::<Vec<_>>());
    (tiny.recipe.train.length, tiny.recipe.train.patience) = (Length::Steps(60), None);
    tiny.train(&[])
}

/// How often each corpus is drawn between two steps.
fn counts(drawn: &[String]) -> [usize; 2] {
    ["fine", "coarse"].map(|name| drawn.iter().filter(|corpora| corpora.contains(name)).count())
}

/// Checks that each group is drawn at the rates of the last change, by at most `most` steps more or less.
#[track_caller]
fn assert_rates(run: &Run, most: f32) {
    let (drawn, changes) = (drawn(run), adapted(run));
    assert!(!changes.is_empty(), "the rule follows progress");
    let ends = changes[1..].iter().map(|change| change.step.0 as usize).chain([drawn.len()]);
    for (change, end) in changes.iter().zip(ends) {
        assert_eq!(change.from, change.step.next());
        assert_ne!(change.old, change.new);
        let drawn = &drawn[change.step.0 as usize..end];
        for (count, name) in counts(drawn).into_iter().zip(["fine", "coarse"]) {
            let expected = change.new[name] * drawn.len() as f32;
            assert!((count as f32 - expected).abs() <= most, "{count} of {name}: {change:?}");
        }
    }
}

#[test]
fn stop_and_go_draws_a_group_less_often_once_it_no_longer_improves() {
    // Without updates both groups stop at one evaluation, and are drawn as often as if both went.
    let still = following("{ kind = \"stop-and-go\", gap = 3 }", &["train.learning_rate=0"]);
    assert!(adapted(&still).is_empty());
    assert_eq!(counts(&drawn(&still)), [30, 30]);
    // Large steps, so that scores fall too.
    let run = following("{ kind = \"stop-and-go\", gap = 3 }", &["train.learning_rate=0.1"]);
    assert_rates(&run, 2.0);
    let rates: Vec<f32> = adapted(&run).iter().map(|change| change.new["fine"]).collect();
    assert!(rates.iter().all(|rate| [0.25, 0.5, 0.75].contains(rate)), "{rates:?}");
}

#[test]
fn a_bandit_draws_the_main_group_in_every_second_step_at_least() {
    let run = following("bandit", &[]);
    assert_rates(&run, 1.0);
    assert!(adapted(&run).iter().all(|change| change.new["fine"] >= 0.5));
}

#[test]
fn interference_draws_all_groups_at_measured_steps_and_sets_in_the_others() {
    let measured = ["train.measure_gradients_every=5"];
    // No set has a cosine of 1 once it is measured.
    let run = following("{ kind = \"interference\", min_cosine = 1 }", &measured);
    let drawn = drawn(&run);
    let all = "coarse+fine";
    assert!(drawn[..5].iter().all(|corpora| corpora == all), "{drawn:?}");
    for (step, corpora) in (1..).zip(&drawn).skip(5) {
        assert_eq!(corpora == all, step % 5 == 0, "step {step}: {corpora}");
    }
    let [change] = adapted(&run)[..] else { panic!("one change") };
    assert_eq!(change.step, Step(5));
    // One of two steps, and every fifth: 1/2 + 1/2 · 1/5.
    assert!(change.new.values().all(|rate| (rate - 0.6).abs() < 1e-6), "{change:?}");
    let [fine, coarse] = counts(&drawn[5..]);
    assert_eq!(fine + coarse, 55 + 11);
    // With the lowest bound there is one set.
    let run = following("{ kind = \"interference\", min_cosine = -1 }", &measured);
    assert!(adapted(&run).is_empty());
}

#[test]
fn rules_that_follow_progress_have_the_same_bits_twice_and_after_a_change() {
    for rule in ["{ kind = \"stop-and-go\", improvement = 9 }", "bandit", "interference"] {
        let run = || following(rule, &["train.measure_gradients_every=5"]);
        assert_eq!(run().steps(), run().steps(), "{rule}");
    }
    let measured = "train.measure_gradients_every=5".to_owned();
    let mut tiny = shipped_tiny("sentiment", SIZE, &[measured]);
    (tiny.recipe.train.length, tiny.recipe.train.patience) = (Length::Steps(60), None);
    let mut orders = vec![Command::Pause];
    for rule in ["bandit", "stop-and-go gap=2", "interference"] {
        orders.extend(steps(7));
        orders.push(sampling(rule));
    }
    orders.extend(steps(9).chain([sampling("stop-and-go gap=2")]).chain(steps(3)).chain([stop()]));
    let run = tiny.train(&orders);
    let news: Vec<_> = settings(&run).iter().map(|set| set.new.clone()).collect();
    let rules = ["bandit", "stop-and-go gap=2", "interference", "stop-and-go gap=2"];
    assert_eq!(news, rules.map(|rule| Setting::Text(rule.to_owned())));
    assert_eq!(saved_sampling(&run, "last"), "stop-and-go gap=2");
    let repeated = tiny.train_with(&[], Moves::of(&run.events));
    assert_eq!(repeated.steps(), run.steps());
    let memory = |run: &Run| run.checkpoint("last").progress.sampling;
    assert_eq!(memory(&repeated), memory(&run));
}

#[test]
fn measured_gradients_do_not_report_the_runs_length_more_often() {
    let annealed = "train.sampling={ kind = \"annealed\", temperature = { shape = \"linear\", from = 1, to = 9, steps = 40 } }";
    let reported = |every: u64| -> Vec<LengthChanged> {
        let measured = format!("train.measure_gradients_every={every}");
        let mut tiny = shipped_tiny("sentiment", SIZE, &[annealed.to_owned(), measured]);
        // Groups of one size have the same rates at any temperature.
        tiny.corpora[1].train.examples.truncate(5);
        (tiny.recipe.train.length, tiny.recipe.train.patience) = (Length::Epochs(8), None);
        let changed = tiny.train(&[]).events.into_iter().filter_map(|event| match event {
            Event::LengthChanged(changed) => Some(LengthChanged { at_ms: 0, ..changed }),
            _ => None,
        });
        changed.collect()
    };
    let never = reported(0);
    assert!(never.len() > 1, "the temperature changes it");
    assert_eq!(reported(1), never);
}
