//! An objective muted from the start does not affect the others: they train as in a recipe without
//! its table, bit for bit.

use std::collections::BTreeMap;

use auxdesk::{
    protocol::{
        Assignment, Command, Event, ObjectiveId,
        event::{Reason, Role, StepDone},
    },
    recipe::{EncoderSpec, shipped},
    schedule::Schedule,
};
use proptest::prelude::*;

use crate::{
    orders::answers,
    tiny::{Run, Size, Tiny, is_read, names, shipped_tiny, text_tiny, without},
};

const SIZE: Size = Size { width: 4, examples: 64 };

/// Everything in the two runs except the muted objective's own is equal bit for bit, and except encoders that nothing
/// else reads, by the prefixes of their parameters.
fn assert_no_trace(
    (muted, without): (&Run, &Run),
    objective: &ObjectiveId,
    has_own: bool,
    unread: &[String],
    what: &str,
) {
    assert_eq!(muted.ended.step.0, 50, "{what}: {:?}", muted.ended);
    let own = format!("objective.{objective}.");
    for file in ["model.safetensors", "optimiser.safetensors"] {
        let mut kept = muted.tensors("last", file);
        let n_all = kept.len();
        kept.retain(|(name, _)| !name.starts_with(&own));
        let is_model = file.starts_with("model");
        // An objective without parameters, or with shared ones, has none to save.
        assert_eq!(n_all > kept.len(), is_model && has_own, "{what}: the muted one has no memory");
        let is_read = |name: &str| !unread.iter().any(|prefix| name.starts_with(prefix));
        kept.retain(|(name, _)| is_read(name));
        let mut others = without.tensors("last", file);
        others.retain(|(name, _)| is_read(name));
        for ((name, ours), (other, theirs)) in kept.iter().zip(&others) {
            assert_eq!(name, other, "{what}");
            assert!(ours == theirs, "{what}: {file}: {name} differs");
        }
        assert_eq!(kept.len(), others.len(), "{what}");
    }
    let [mut ours, theirs] = [muted, without].map(|run| run.checkpoint("last").progress);
    ours.updates.retain(|name, _| !name.starts_with(&own));
    assert_eq!(ours.updates, theirs.updates, "{what}");
    assert_eq!(ours.positions, theirs.positions, "{what}");
    assert_eq!(ours.counters, theirs.counters, "{what}");

    let strip = |mut step: StepDone| {
        assert!(!step.losses.contains_key(objective), "{what}");
        assert_eq!(step.weights.remove(objective).unwrap_or(0.0), 0.0, "{what}");
        step.shares.remove(objective);
        step
    };
    let steps = |run: &Run| run.steps().into_iter().map(strip).collect::<Vec<_>>();
    assert_eq!(steps(muted).len(), 50, "{what}");
    assert_eq!(steps(muted), steps(without), "{what}");
    assert_eq!(scores(muted, objective), scores(without, objective), "{what}");
    assert!(!scores(without, objective).is_empty(), "{what}");
}

/// The scores on dev of all but one objective.
fn scores(run: &Run, but: &ObjectiveId) -> Vec<(u64, String, String)> {
    let score = |event: &Event| match event {
        Event::Evaluated(e) if e.objective != *but => {
            let numbers = format!("{:?} {:?}", e.loss, e.metrics);
            Some((e.step.0, e.objective.to_string(), numbers))
        }
        _ => None,
    };
    run.events.iter().filter_map(score).collect()
}

fn muted(objective: &ObjectiveId) -> String {
    format!("objective.{objective}.muted=true")
}

#[test]
fn every_auxiliary_muted_from_the_start_has_no_effect() {
    // Dropout stays on: its draws must not depend on other objectives.
    let dropped = |tiny: &Tiny| {
        let encoders = tiny.recipe.encoders.iter();
        let drops = encoders.filter(|encoder| encoder.values.get("dropout").is_some());
        drops.map(|encoder| encoder.name.clone()).collect::<Vec<_>>()
    };
    let mut n_checked = 0;
    for (name, text) in shipped::RECIPES {
        let plain = shipped_tiny(name, SIZE, &[]);
        let drops = dropped(&plain);
        for spec in plain.recipe.objectives.iter().filter(|spec| spec.role == Role::Auxiliary) {
            if is_read(text, spec.name.as_str()) {
                continue;
            }
            let what = format!("{name} without {}", spec.name);
            // The sampling rule may name groups, of which one is removed.
            let mut sets =
                vec!["train.evaluate_every=20".to_owned(), "train.sampling=all".to_owned()];
            let with = |sets: &[String]| {
                let mut tiny = text_tiny(text, SIZE, sets);
                drop_some(&mut tiny, &drops);
                tiny.train(&[])
            };
            sets.push(muted(&spec.name));
            let muted = with(&sets);
            sets.pop();
            let mut tiny = text_tiny(&without(text, spec.name.as_str()), SIZE, &sets);
            drop_some(&mut tiny, &drops);
            let own = format!("objective.{}.", spec.name);
            let system = plain.system();
            let has_own =
                system.parameters().all().iter().any(|parameter| parameter.name.starts_with(&own));
            // An encoder of a field that nothing else reads has the vocabulary of no corpus.
            let nothing_reads =
                |spec: &&EncoderSpec| spec.corpora.is_empty() && spec.config.field().is_some();
            let unread = tiny.recipe.encoders.iter().filter(nothing_reads);
            let unread: Vec<String> = unread.map(|spec| format!("{}.", spec.name)).collect();
            let runs = (&muted, &tiny.train(&[]));
            assert_no_trace(runs, &spec.name, has_own, &unread, &what);
            n_checked += 1;
        }
    }
    assert!(n_checked > 0);
}

/// Switches dropout on again, which is off in a tiny recipe.
fn drop_some(tiny: &mut Tiny, encoders: &[String]) {
    use auxdesk::keys::{Located, Value, Values};
    for spec in tiny.recipe.encoders.iter_mut().filter(|spec| encoders.contains(&spec.name)) {
        let entries = spec.values.iter().map(|(key, located)| {
            let located = match key {
                "dropout" => Located::by_default(Value::Number(0.4)),
                _ => located.clone(),
            };
            (key.to_owned(), located)
        });
        spec.values = Values::new(entries.collect::<BTreeMap<_, _>>());
    }
}

/// Groups: a muted objective over another corpus does not change its group's size, order or
/// batches, and a group without other objectives does not exist.
#[test]
fn a_muted_objective_of_another_corpus_or_group_changes_no_draw() {
    const SIDE: &str = "
[[corpus]]
name = \"other\"
format = \"columns\"
columns = [\"form\"]
train = \"sample:news/test.tsv\"

[[objective]]
name = \"side\"
kind = \"frequency\"
corpus = \"other\"
tap = \"trunk.1\"
";
    const OVER_BOTH: &str = "
[[objective]]
name = \"both\"
kind = \"frequency\"
corpus = [\"news\", \"other\"]
tap = \"trunk.1\"
gain = 0.3
";
    let chunking = shipped::recipe("chunking").unwrap();
    // Before the others, so that the order of groups would change.
    let (head, tail) = chunking.split_once("[[objective]]").unwrap();
    let columns = "columns = [\"form\", \"_\", \"_\", \"_\"]\n";
    let side = SIDE.replace("columns = [\"form\"]\n", columns);
    let text = format!("{head}{side}\n[[objective]]{tail}{OVER_BOTH}");
    let draws = "train.sampling={ kind = \"fixed\", draws = { news = 0.5, pos = 1 } }";
    let cases: [&[&str]; 6] = [
        &[],
        &["objective.both.muted=true"],
        &["train.sampling=round-robin"],
        &["train.sampling=all", "objective.both.muted=true"],
        &["train.sampling={ kind = \"temperature\", temperature = 2 }"],
        &[draws, "objective.both.muted=true"],
    ];
    for case in cases {
        for group in ["other", "pos", "news"] {
            let sets = ["objective.pos.group=pos", "train.evaluate_every=20"];
            let mut sets: Vec<String> =
                sets.iter().chain(case).map(|set| (*set).to_owned()).collect();
            let without = text_tiny(&without(&text, "side"), SIZE, &sets).train(&[]);
            sets.push(format!("objective.side.group={group}"));
            sets.push("objective.side.muted=true".to_owned());
            let muted = text_tiny(&text, SIZE, &sets).train(&[]);
            assert_no_trace(
                (&muted, &without),
                &"side".into(),
                true,
                &[],
                &format!("{case:?} in {group}"),
            );
        }
    }
}

/// A random command at the desk.
#[derive(Clone, Debug)]
enum Wish {
    Gain(usize, f32),
    Muted(usize, bool),
    Soloed(usize, bool),
    Step,
}

fn wish() -> impl Strategy<Value = Wish> {
    let strip = || 0usize..4;
    let gain = prop_oneof![Just(0.0f32), 0.01f32..2.0];
    prop_oneof![
        1 => (strip(), gain).prop_map(|(strip, gain)| Wish::Gain(strip, gain)),
        3 => (strip(), any::<bool>()).prop_map(|(strip, muted)| Wish::Muted(strip, muted)),
        1 => (strip(), any::<bool>()).prop_map(|(strip, soloed)| Wish::Soloed(strip, soloed)),
        2 => Just(Wish::Step),
    ]
}

/// The desk according to its documentation.
#[derive(Clone)]
struct Strip {
    /// A schedule until a hand sets it.
    gain: Schedule,
    muted: bool,
    soloed: bool,
}

/// The weights of the step after so many.
fn weights(strips: &[Strip], n_done: u64) -> Vec<f32> {
    let any_soloed = strips.iter().any(|strip| strip.soloed);
    let is_active = |strip: &Strip| !strip.muted && (!any_soloed || strip.soloed);
    let gain = |strip: &Strip| strip.gain.at(n_done) as f32;
    strips.iter().map(|strip| if is_active(strip) { gain(strip) } else { 0.0 }).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_commands_are_answered_and_weights_follow_at_the_next_step(
        recipe in 0..shipped::RECIPES.len(),
        wishes in prop::collection::vec(wish(), 1..16),
    ) {
        let name = names().nth(recipe).unwrap();
        let tiny = shipped_tiny(name, Size { width: 3, examples: 8 }, &[]);
        let specs = &tiny.recipe.objectives;
        let id = |strip: usize| specs[strip % specs.len()].name.clone();
        let mut orders = vec![Command::Pause];
        orders.extend(wishes.iter().map(|wish| match *wish {
            Wish::Gain(strip, gain) => Assignment::gain(id(strip), gain).into(),
            Wish::Muted(strip, muted) => Assignment::muted(id(strip), muted).into(),
            Wish::Soloed(strip, soloed) => Assignment::soloed(id(strip), soloed).into(),
            Wish::Step => Command::StepOnce,
        }));
        orders.push(Command::Stop { reason: Reason::Key });
        let run = tiny.train(&orders);

        let mut strips: Vec<Strip> = specs
            .iter()
            .map(|spec| Strip { gain: spec.gain, muted: spec.muted, soloed: false })
            .collect();
        let mut steps = run.steps().into_iter();
        let mut n_done = 0;
        for (wish, id) in wishes.iter().zip(&run.ids[1..]) {
            let answered = answers(&run.events, *id);
            prop_assert_eq!(answered.len(), 1, "{:?}", wish);
            let mut wished = strips.clone();
            let n_strips = strips.len();
            let kind = match *wish {
                Wish::Gain(strip, gain) => {
                    wished[strip % n_strips].gain = Schedule::Constant(f64::from(gain));
                    "gain_set"
                }
                Wish::Muted(strip, muted) => {
                    wished[strip % n_strips].muted = muted;
                    "muted"
                }
                Wish::Soloed(strip, soloed) => {
                    wished[strip % n_strips].soloed = soloed;
                    "soloed"
                }
                Wish::Step => "paused",
            };
            // Commands that would mute everything are refused, and no others.
            let refused = weights(&wished, n_done).iter().all(|weight| *weight == 0.0);
            let kind = if refused { "command_refused" } else { kind };
            prop_assert_eq!(answered[0].kind(), kind);
            if !refused {
                strips = wished;
            }
            if let Wish::Step = wish {
                let step = steps.next().unwrap();
                let weights = weights(&strips, n_done);
                n_done += 1;
                for (spec, weight) in specs.iter().zip(weights) {
                    prop_assert_eq!(step.weights[&spec.name], weight);
                    let is_active = weight > 0.0 && step.losses.contains_key(&spec.name);
                    prop_assert_eq!(is_active, step.losses.contains_key(&spec.name));
                }
            }
        }
        prop_assert!(steps.next().is_none(), "no step that nobody asked for");
    }
}

/// Muted and unmuted within a run: parameters of the muted objective do not change meanwhile.
#[test]
fn parameters_of_a_muted_objective_do_not_change_until_it_is_unmuted() {
    for (name, text) in shipped::RECIPES {
        let tiny = shipped_tiny(name, SIZE, &[]);
        let specs = tiny.recipe.objectives.iter();
        let specs = specs.filter(|spec| !is_read(text, spec.name.as_str()));
        // An objective that shares another's parameters over other examples may have no labels.
        let specs = specs.filter(|spec| !spec.is_another() && !spec.muted);
        for spec in specs.filter(|spec| spec.role == Role::Auxiliary) {
            let muted = |muted| Command::from(Assignment::muted(spec.name.clone(), muted));
            let mut orders = vec![Command::Pause];
            let steps = |orders: &mut Vec<Command>, n| {
                orders.extend(std::iter::repeat_n(Command::StepOnce, n));
                orders.push(Command::Checkpoint);
            };
            steps(&mut orders, 3);
            orders.push(muted(true));
            steps(&mut orders, 4);
            orders.push(muted(false));
            steps(&mut orders, 2);
            orders.push(Command::Stop { reason: Reason::Key });
            let run = tiny.train(&orders);
            let own = format!("objective.{}.", spec.name);
            let part = |checkpoint: &str, file: &str| {
                let mut tensors = run.tensors(checkpoint, file);
                tensors.retain(|(name, _)| name.starts_with(&own));
                tensors
            };
            let has_own = !part("step-3", "model.safetensors").is_empty();
            for file in ["model.safetensors", "optimiser.safetensors"] {
                assert!(part("step-3", file) == part("step-7", file), "{name}: {}", spec.name);
                let moved = part("step-7", file) != part("step-9", file);
                assert_eq!(moved, has_own, "{name}: {}", spec.name);
            }
            let counts = run.checkpoint("step-9").progress.updates;
            for (parameter, count) in counts.iter().filter(|(name, _)| name.starts_with(&own)) {
                assert_eq!(*count, 5, "{name}: {parameter}");
            }
            let sounded: Vec<bool> =
                run.steps().iter().map(|step| step.losses.contains_key(&spec.name)).collect();
            let wanted = [true, true, true, false, false, false, false, true, true];
            assert_eq!(sounded, wanted, "{name}: {}", spec.name);
        }
    }
}
