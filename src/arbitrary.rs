//! Arbitrary events for the property tests of journal and state.

use std::collections::BTreeMap;

use proptest::{collection, prelude::*, sample::select};

use crate::protocol::{
    By, CommandId, Event, Header, Loss, MetricId, ObjectiveId, Scene, Step,
    event::{
        AffinitiesMeasured, BestMetric, CheckpointSaved, ClassCounts, ClassesScored,
        CommandRefused, Continued, CorpusStarted, Direction, Evaluated, GainSet, GradientsMeasured,
        GuardKind, GuardTripped, LayerCosines, LeftBehind, LengthChanged, MetricStarted, Muted,
        NonFiniteLoss, Noted, ObjectiveStarted, PhasesTimed, Reason, Rewound, Role, RunEnded,
        RunStarted, Sample, SampleForm, SampleRow, SamplesTaken, SamplingAdapted, SceneStored,
        ScreenMissed, Setting, SettingSet, ShadowShares, Soloed, Split, SplitCoverage, SplitSize,
        StepDone, StripSetting, VectorCoverage, WarmStarted, WordCount,
    },
};

pub(crate) const OBJECTIVES: [&str; 3] = ["chunk", "next-word", "pos"];
const METRICS: [&str; 2] = ["f1", "perplexity"];

pub(crate) fn header() -> Header {
    Header {
        version: crate::journal::VERSION,
        auxdesk: "0.1.0".into(),
        name: "chunking".into(),
        seed: 1,
        threads: 2,
        device: "cpu".into(),
        kernel: "avx512".into(),
        started: "2026-01-02T03:04:05Z".into(),
        parent: None,
    }
}

/// A start event that fits every other event here: `chunk` is the main objective.
pub(crate) fn run_started() -> RunStarted {
    let objective = |(objective_idx, name): (usize, &&str)| ObjectiveStarted {
        name: (*name).into(),
        role: if objective_idx == 0 { Role::Main } else { Role::Auxiliary },
        kind: "tag".into(),
        corpus: vec!["news".into()],
        gain: 1.0,
        muted: false,
        metrics: vec![MetricStarted {
            short: None,
            name: METRICS[objective_idx % 2].into(),
            direction: [Direction::Higher, Direction::Lower][objective_idx % 2],
        }],
        patience: None,
    };
    let splits =
        [("train".into(), SplitSize { examples: 320, tokens: 3200 })].into_iter().collect();
    RunStarted {
        at_ms: 0,
        objectives: OBJECTIVES.iter().enumerate().map(objective).collect(),
        corpora: vec![CorpusStarted {
            name: "news".into(),
            splits,
            skipped: 0,
            irregularities: Vec::new(),
        }],
        parameters: 1234,
        steps: 100,
        steps_per_epoch: 10,
        best: BestMetric { objective: "chunk".into(), metric: "f1".into() },
        warnings: Vec::new(),
        settings: [
            ("train.clip_norm".into(), Setting::Number(5.0)),
            ("train.learning_rate".into(), Setting::Number(0.5)),
            ("train.sampling".into(), Setting::Text("proportional".into())),
            ("train.weighting".into(), Setting::Text("equal".into())),
            ("objective.pos.strength".into(), Setting::Text("ganin 0 to 1 over 250 steps".into())),
        ]
        .into(),
        vectors: vec![VectorCoverage {
            encoder: "words".into(),
            corpus: "news".into(),
            field: "form".into(),
            vectors: 15_000,
            repeated: 2,
            splits: vec![SplitCoverage {
                split: Split::Train,
                words: 800,
                words_with_vector: 600,
                tokens: 3200,
                tokens_with_vector: 3000,
                most_frequent_without: vec![WordCount { word: "Ge\u{a0}x".into(), count: 12 }],
            }],
        }],
        warm_starts: vec![WarmStarted {
            encoder: "words".into(),
            run: "runs/model".into(),
            step: Step(200),
            digest: "1024-85944171f73967e8".into(),
        }],
    }
}

/// A step with one loss and weight 1.
pub(crate) fn step_done(step: u64, objective: &str, loss: f32) -> StepDone {
    StepDone {
        at_ms: step * 10,
        step: Step(step),
        losses: [(objective.into(), Loss::read(loss).unwrap())].into(),
        weights: [(objective.into(), 1.0)].into(),
        shares: [(objective.into(), 1.0)].into(),
        draws: [("news".into(), 32)].into(),
        gradient_norm: 1.0,
        learning_rate: 0.5,
        tokens: 100,
        step_ms: 10,
        temperature: None,
        epochs: None,
    }
}

/// A gain set by a key after a step, without a command id.
pub(crate) fn gain_set(step: u64, objective: &str, old: f32, new: f32) -> GainSet {
    GainSet {
        at_ms: step * 10,
        step: Step(step),
        from: Step(step).next(),
        objective: objective.into(),
        old,
        new,
        by: By::Key,
        command: None,
        ended_schedule: false,
        over: None,
        undoes: None,
    }
}

/// One metric of one objective.
pub(crate) fn evaluated(
    step: u64,
    split: Split,
    objective: &str,
    metric: &str,
    value: f32,
) -> Evaluated {
    Evaluated {
        at_ms: step * 10,
        step: Step(step),
        split,
        objective: objective.into(),
        loss: Loss::read(1.5),
        metrics: [(metric.into(), value)].into(),
        extra: false,
        took_ms: 3,
        command: None,
    }
}

/// Two classes of one objective; the second was predicted as the first once.
pub(crate) fn classes_scored(step: u64, split: Split, objective: &str) -> ClassesScored {
    let class = |name: &str, gold, predicted, correct| ClassCounts {
        name: name.into(),
        gold,
        predicted,
        correct,
        summed: None,
    };
    ClassesScored {
        at_ms: step * 10,
        step: Step(step),
        split,
        objective: objective.into(),
        classes: vec![class("NOUN", 5, 6, 5), class("VERB", 3, 2, 2)],
        confusion: Some(vec![vec![5, 0], vec![1, 2]]),
    }
}

/// A run continued from a step.
pub(crate) fn continued(step: u64) -> Continued {
    Continued {
        at_ms: step * 10,
        step: Step(step),
        steps: 100,
        left_behind: LeftBehind::default(),
        auxdesk: "0.1.0".into(),
        threads: 2,
        device: "cpu".into(),
        kernel: "avx512".into(),
    }
}

fn finite() -> impl Strategy<Value = f32> {
    use proptest::num::f32::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO
}

fn loss() -> impl Strategy<Value = Loss> {
    finite().prop_map(|loss| Loss::read(loss).unwrap())
}

fn step() -> impl Strategy<Value = Step> {
    (0u64..40).prop_map(Step)
}

fn objective() -> impl Strategy<Value = ObjectiveId> {
    select(&OBJECTIVES[..]).prop_map(ObjectiveId::from)
}

fn by() -> impl Strategy<Value = By> {
    select(&[By::Key, By::Schedule, By::Rule, By::Moves, By::Remote][..])
}

fn command() -> impl Strategy<Value = Option<CommandId>> {
    proptest::option::of(any::<u64>().prop_map(CommandId))
}

fn of_each<V: std::fmt::Debug>(
    value: impl Strategy<Value = V>,
) -> impl Strategy<Value = BTreeMap<ObjectiveId, V>> {
    collection::btree_map(objective(), value, 0..=3)
}

fn setting() -> impl Strategy<Value = Setting> {
    prop_oneof![
        any::<bool>().prop_map(Setting::Switch),
        finite().prop_map(Setting::Number),
        any::<String>().prop_map(Setting::Text),
    ]
}

fn split() -> impl Strategy<Value = Split> {
    select(&[Split::Train, Split::Dev, Split::Test][..])
}

fn an_evaluation() -> impl Strategy<Value = Event> {
    let metrics =
        collection::btree_map(select(&METRICS[..]).prop_map(MetricId::from), finite(), 0..=2);
    let loss = proptest::option::of(loss());
    (step(), split(), objective(), loss, metrics, any::<bool>(), command()).prop_map(
        |(step, split, objective, loss, metrics, extra, command)| {
            let (at_ms, took_ms) = (1, 2);
            Evaluated { at_ms, step, split, objective, loss, metrics, extra, took_ms, command }
                .into()
        },
    )
}

/// Samples with arbitrary texts.
fn some_samples() -> impl Strategy<Value = Event> {
    let form = select(
        &[SampleForm::Tokens, SampleForm::Items, SampleForm::Numbers, SampleForm::Texts][..],
    );
    let part = || proptest::option::of(any::<String>());
    let row = (any::<String>(), part(), part()).prop_map(|(of, gold, predicted)| SampleRow {
        of,
        gold,
        predicted,
    });
    let texts = collection::vec(any::<String>(), 0..3);
    let sample =
        (any::<u64>(), texts, form, collection::vec(row, 0..5), proptest::option::of(1..3_u64))
            .prop_map(|(example, texts, form, rows, left_out)| {
                let loss = Loss::read(example as f32 / 7.0);
                let corpus = "news".to_owned();
                Sample { corpus, example, loss, texts, form, rows, left_out }
            });
    (step(), objective(), any::<bool>(), collection::vec(sample, 0..3)).prop_map(
        |(step, objective, worst, samples)| {
            SamplesTaken { at_ms: 2, step, objective, worst, samples }.into()
        },
    )
}

/// Classes with arbitrary counts, and a matrix that need not fit them.
fn some_classes() -> impl Strategy<Value = Event> {
    let n = 0u64..1_000_000_000;
    let class = (".{0,30}", n.clone(), n.clone(), n.clone(), proptest::option::of(1u64..99));
    let class = class.prop_map(|(name, gold, predicted, correct, summed)| ClassCounts {
        name,
        gold,
        predicted,
        correct,
        summed,
    });
    let row = collection::vec(n, 0..30);
    let confusion = proptest::option::of(collection::vec(row, 0..30));
    (step(), split(), objective(), collection::vec(class, 0..26), confusion).prop_map(
        |(step, split, objective, classes, confusion)| {
            ClassesScored { at_ms: 2, step, split, objective, classes, confusion }.into()
        },
    )
}

/// A step with arbitrary values.
pub(crate) fn a_step() -> impl Strategy<Value = Event> {
    let optional = || proptest::option::of(finite());
    let numbers = (finite(), any::<u32>(), optional(), optional());
    (step(), of_each(loss()), of_each(finite()), of_each(finite()), numbers).prop_map(
        |(step, losses, weights, shares, (learning_rate, tokens, temperature, epochs))| {
            let draws = [("news".into(), u64::from(tokens))].into();
            let (tokens, step_ms) = (u64::from(tokens), u64::from(tokens % 50));
            let (at_ms, gradient_norm) = (7, learning_rate);
            StepDone {
                at_ms,
                step,
                losses,
                weights,
                shares,
                draws,
                gradient_norm,
                learning_rate,
                tokens,
                step_ms,
                temperature,
                epochs,
            }
            .into()
        },
    )
}

/// A change: fader, mute, solo or setting; possibly an undo.
fn a_move() -> impl Strategy<Value = Event> {
    let order = || (by(), command(), command());
    let over = proptest::option::of(1u64..9);
    let fader = (step(), objective(), finite(), order(), any::<bool>(), over).prop_map(
        |(step, objective, new, (by, command, undoes), ended_schedule, over)| {
            let (at_ms, from, old) = (8, step.next(), 1.0);
            GainSet {
                at_ms,
                step,
                from,
                objective,
                old,
                new,
                by,
                command,
                ended_schedule,
                over,
                undoes,
            }
            .into()
        },
    );
    let mute = (step(), objective(), any::<bool>(), order()).prop_map(
        |(step, objective, muted, (by, command, undoes))| {
            let (at_ms, from) = (8, step.next());
            Muted { at_ms, step, from, objective, muted, by, command, undoes }.into()
        },
    );
    let solo = (step(), objective(), any::<bool>(), order()).prop_map(
        |(step, objective, soloed, (by, command, undoes))| {
            let (at_ms, from) = (8, step.next());
            Soloed { at_ms, step, from, objective, soloed, by, command, undoes }.into()
        },
    );
    let set = (step(), any::<String>(), setting(), setting(), order()).prop_map(
        |(step, path, old, new, (by, command, undoes))| {
            let (at_ms, from) = (8, step.next());
            SettingSet { at_ms, step, from, path, old, new, by, command, undoes }.into()
        },
    );
    prop_oneof![fader, mute, solo, set]
}

fn a_scene() -> impl Strategy<Value = Event> {
    let strip = (finite(), any::<bool>(), any::<bool>())
        .prop_map(|(gain, muted, soloed)| StripSetting { gain, muted, soloed });
    let scene = select(&[Scene::A, Scene::B][..]);
    (step(), scene, of_each(strip), by(), command()).prop_map(
        |(step, scene, strips, by, command)| {
            SceneStored { at_ms: 8, step, scene, strips, by, command }.into()
        },
    )
}

/// Any event except the first and the last of a run.
pub(crate) fn event() -> impl Strategy<Value = Event> {
    let gradients = (step(), of_each(finite()), of_each(of_each(finite()))).prop_map(
        |(step, norms, cosines)| {
            let gradient_shares = norms.clone();
            let layers = [("words", cosines.clone()), ("trunk.1", cosines.clone())]
                .map(|(layer, cosines)| LayerCosines { layer: layer.to_owned(), cosines });
            let layers = if norms.len() > 1 { layers.to_vec() } else { Vec::new() };
            let lagged_cosines = norms.clone();
            GradientsMeasured {
                at_ms: 9,
                step,
                norms,
                gradient_shares,
                cosines,
                layers,
                lagged_cosines,
            }
            .into()
        },
    );
    let affinities = (step(), of_each(of_each(finite())), any::<u64>()).prop_map(
        |(step, affinities, took_us)| {
            AffinitiesMeasured { at_ms: 9, step, affinities, took_us }.into()
        },
    );
    let rules = collection::btree_map(
        select(&["dwa temperature=2", "upgrad"][..]),
        of_each(finite()),
        0..3,
    );
    let shadows = (step(), rules, any::<u64>()).prop_map(|(step, shares, took_us)| {
        let shares = shares.into_iter().map(|(rule, of)| (rule.to_owned(), of)).collect();
        ShadowShares { at_ms: 9, step, shares, took_us }.into()
    });
    let timed = (step(), any::<[u32; 6]>()).prop_map(|(step, us)| {
        let [draw_us, forward_us, backward_us, measure_us, update_us, step_us] = us.map(u64::from);
        let at_ms = 9;
        PhasesTimed {
            at_ms,
            step,
            draw_us,
            forward_us,
            backward_us,
            measure_us,
            update_us,
            step_us,
        }
        .into()
    });
    let broke = (step(), proptest::option::of(objective()))
        .prop_map(|(step, objective)| NonFiniteLoss { at_ms: 9, step, objective }.into());
    let kinds = [GuardKind::NonFinite, GuardKind::Spike, GuardKind::Stall, GuardKind::Conflict];
    let tripped = (step(), objective(), select(kinds.to_vec()), any::<bool>()).prop_map(
        |(step, objective, guard, muted)| {
            let (value, limit) = (12.0, 10.0);
            GuardTripped { at_ms: 9, step, objective, guard, value, limit, muted }.into()
        },
    );
    let noted = (step(), any::<String>(), by(), command())
        .prop_map(|(step, text, by, command)| Noted { at_ms: 9, step, text, by, command }.into());
    let refused = (step(), any::<u64>(), any::<String>()).prop_map(|(step, id, why)| {
        CommandRefused { at_ms: 9, step, command: Some(CommandId(id)), why }.into()
    });
    let length = (step(), any::<[u64; 2]>(), any::<bool>()).prop_map(
        |(step, [steps, steps_per_epoch], counts_steps)| {
            LengthChanged { at_ms: 9, step, steps, steps_per_epoch, counts_steps }.into()
        },
    );
    let rates = || {
        collection::btree_map(select(&["news", "web"][..]), 0.0..=1.0f32, 0..3)
            .prop_map(|rates| rates.into_iter().map(|(of, rate)| (of.to_owned(), rate)).collect())
    };
    let adapted = (step(), rates(), rates()).prop_map(|(step, old, new)| {
        SamplingAdapted { at_ms: 9, step, from: step.next(), old, new }.into()
    });
    let evaluated = (step(), proptest::option::of(step()));
    let saved = (step(), select(&["best", "last", "step-3"][..]), evaluated, command()).prop_map(
        |(step, name, (last_evaluation, best), command)| {
            let name = name.into();
            CheckpointSaved { at_ms: 9, step, name, last_evaluation, best, command }.into()
        },
    );
    prop_oneof![
        4 => a_step(),
        3 => an_evaluation(),
        2 => some_classes(),
        1 => some_samples(),
        2 => a_move(),
        1 => a_scene(),
        1 => gradients,
        1 => shadows,
        1 => affinities,
        1 => timed,
        1 => broke,
        1 => tripped,
        1 => noted,
        1 => refused,
        1 => saved,
        1 => length,
        1 => adapted,
        1 => step().prop_map(|to| Rewound { at_ms: 9, to }.into()),
        1 => any::<u64>().prop_map(|total| ScreenMissed { at_ms: 9, total }.into()),
    ]
}

/// The events of a run: a start, any events, and possibly an end.
pub(crate) fn events() -> impl Strategy<Value = Vec<Event>> {
    let reason = select(&[Reason::Steps, Reason::Key, Reason::Disk][..]);
    let ended = (step(), reason, proptest::option::of(any::<String>())).prop_map(
        |(step, reason, message)| {
            RunEnded { at_ms: 99, step, ended: reason.ended(), reason, message }.into()
        },
    );
    (collection::vec(event(), 0..30), proptest::option::of(ended)).prop_map(|(events, ended)| {
        std::iter::once(run_started().into()).chain(events).chain(ended).collect()
    })
}
