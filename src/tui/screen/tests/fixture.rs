//! A run of a few hundred events, and key presses for it.

use std::collections::BTreeMap;

use crate::{
    arbitrary,
    metric::short_name,
    protocol::{
        By, CommandId, Loss, ObjectiveId, Step,
        event::{
            AffinitiesMeasured, CheckpointSaved, ClassCounts, ClassesScored, CorpusStarted,
            Direction, Evaluated, GainSet, GradientsMeasured, LayerCosines, MetricStarted, Muted,
            NonFiniteLoss, Noted, ObjectiveStarted, PhasesTimed, Role, RunStarted, Sample,
            SampleForm, SampleRow, SamplesTaken, Setting, SettingSet, ShadowShares, Split,
            SplitSize, StepDone,
        },
    },
    state::Run,
    tui::{
        key::KeyPress,
        view::{View, keymap::Keymap},
    },
};

const NAMES: [&str; 5] = ["chunk", "pos", "ner", "next-word", "frequency"];

fn metric(name: &str, direction: Direction) -> MetricStarted {
    MetricStarted { name: name.into(), short: short_name(name).map(Into::into), direction }
}

fn cast() -> RunStarted {
    let of_arbitrary = arbitrary::run_started();
    let objective = |(at, name): (usize, &&str)| ObjectiveStarted {
        name: (*name).into(),
        role: if at == 0 { Role::Main } else { Role::Auxiliary },
        gain: [1.0, 0.5, 0.5, 0.1, 0.05][at],
        metrics: vec![metric(
            ["f1", "accuracy", "f1", "perplexity", "accuracy"][at],
            if at == 3 { Direction::Lower } else { Direction::Higher },
        )],
        ..of_arbitrary.objectives[0].clone()
    };
    RunStarted {
        objectives: NAMES.iter().enumerate().map(objective).collect(),
        steps: 400,
        ..of_arbitrary
    }
}

/// A falling loss with a deterministic oscillation.
fn loss(at: usize, step: u64) -> f32 {
    let scale = [2.5, 2.0, 1.5, 8.0, 1.2][at];
    let wobble = (step * 7_919 + at as u64 * 104_729) % 1_000;
    let fallen = scale * (0.1 + 0.9 / (1.0 + step as f32 / 60.0));
    fallen * (0.85 + wobble as f32 / 3_300.0)
}

fn step_done(step: u64, gains: &[f32; 5]) -> StepDone {
    let name = |at: usize| ObjectiveId::from(NAMES[at]);
    let active = || (0..5).filter(|&at| gains[at] > 0.0);
    // One spike, which must stay visible.
    let spike = |at: usize| if (at, step) == (2, 150) { 9.0 } else { 1.0 };
    let read = |at: usize| Loss::read(loss(at, step) * spike(at)).unwrap();
    StepDone {
        at_ms: step * 31,
        losses: active().map(|at| (name(at), read(at))).collect(),
        weights: (0..5).map(|at| (name(at), gains[at])).collect(),
        shares: (0..5).map(|at| (name(at), 1.0)).collect(),
        learning_rate: 0.001,
        step_ms: 31,
        tokens: 640,
        ..arbitrary::step_done(step, "chunk", 1.0)
    }
}

fn gradients(step: u64) -> GradientsMeasured {
    let of_each = |value: fn(usize) -> f32| -> BTreeMap<ObjectiveId, f32> {
        NAMES.iter().enumerate().map(|(at, name)| ((*name).into(), value(at))).collect()
    };
    let mut cosines: BTreeMap<ObjectiveId, BTreeMap<ObjectiveId, f32>> = BTreeMap::new();
    for (at, one) in NAMES.iter().enumerate() {
        for (other_at, other) in NAMES.iter().enumerate().skip(at + 1) {
            let cosine = [0.42, -0.31, 0.05, 0.11][(at + other_at) % 4];
            let (first, second) = if one < other { (one, other) } else { (other, one) };
            cosines.entry((*first).into()).or_default().insert((*second).into(), cosine);
        }
    }
    GradientsMeasured {
        at_ms: step * 31,
        step: Step(step),
        norms: of_each(|at| [1.0, 0.61, 1.35, 0.2, 0.12][at]),
        gradient_shares: of_each(|at| [0.46, 0.17, 0.37, 0.01, -0.01][at]),
        cosines,
        layers: Vec::new(),
        lagged_cosines: BTreeMap::new(),
    }
}

const TAGS: [&str; 24] = [
    "NN",
    "IN",
    "NNP",
    "DT",
    "JJ",
    "NNS",
    "CD",
    "RB",
    "VBD",
    "VB",
    "CC",
    "TO",
    "VBZ",
    "VBN",
    "PRP",
    "VBG",
    "VBP",
    "MD",
    "POS",
    "PRP$",
    "WDT",
    "JJR",
    "comparative-adverb",
    "WP",
];

/// A confusion matrix of `n_classes` classes, each rarer than the previous one, with mostly correct
/// predictions.
fn confusion(n_classes: u64) -> Vec<Vec<u64>> {
    let cell = |gold: u64, predicted: u64| match gold.abs_diff(predicted) {
        0 => 1_900 / (gold + 2),
        1 => 150 / (gold + 3),
        _ if (gold * 7 + predicted * 5).is_multiple_of(6) => 60 / (gold + predicted + 2),
        _ => 0,
    };
    (0..n_classes).map(|gold| (0..n_classes).map(|other| cell(gold, other)).collect()).collect()
}

/// Classes by objective: spans, with missed ones and ones too many; very many; none; a few.
fn classes(at: usize, step: u64) -> Option<ClassesScored> {
    let (names, confusion): (Vec<&str>, Vec<Vec<u64>>) = match at {
        0 => (
            vec!["NP", "VP", "PP", "ADVP"],
            vec![
                vec![741, 21, 2, 0, 48],
                vec![12, 322, 0, 0, 6],
                vec![0, 0, 61, 3, 33],
                vec![1, 0, 0, 0, 8],
                vec![46, 9, 27, 0, 0],
            ],
        ),
        1 => (TAGS.iter().copied().chain(["other"]).collect(), confusion(25)),
        4 => (vec!["2", "1", "0"], confusion(3)),
        _ => return None,
    };
    let counts = |(place, name): (usize, &&str)| {
        let rows: &Vec<Vec<u64>> = &confusion;
        let (gold, predicted, correct) =
            (rows[place].iter().sum(), rows.iter().map(|row| row[place]).sum(), rows[place][place]);
        let summed = (place == TAGS.len()).then_some(21);
        ClassCounts { name: (*name).to_owned(), gold, predicted, correct, summed }
    };
    let classes = names.iter().enumerate().map(counts).collect();
    let (at_ms, objective) = (step * 31, NAMES[at].into());
    Some(ClassesScored {
        at_ms,
        step: Step(step),
        split: Split::Dev,
        objective,
        classes,
        confusion: Some(confusion),
    })
}

/// A run at step 300 of 400, with manual changes.
pub(super) fn trained() -> Run {
    let mut run = Run::new(Some(&arbitrary::header()));
    run.apply(&cast().into());
    let mut gains = [1.0, 0.5, 0.5, 0.1, 0.05];
    for step in 1..=300 {
        run.apply(&step_done(step, &gains).into());
        let (at, at_ms) = (Step(step), step * 31);
        if step % 60 == 0 {
            for (place, name) in NAMES.iter().enumerate() {
                let metric = cast().objectives[place].metrics[0].name.clone();
                let grown = 60.0 + step as f32 / 10.0 - place as f32;
                let value = if place == 3 { 900.0 - step as f32 } else { grown };
                let reported = arbitrary::evaluated(step, Split::Dev, name, metric.as_str(), value);
                run.apply(&reported.into());
                if let Some(classes) = classes(place, step) {
                    run.apply(&classes.into());
                }
            }
            let name = "best".to_owned();
            run.apply(
                &CheckpointSaved {
                    at_ms,
                    step: at,
                    name,
                    last_evaluation: at,
                    best: None,
                    command: None,
                }
                .into(),
            );
        }
        match step {
            100 => {
                gains[2] = 0.8;
                let set = arbitrary::gain_set(step, "ner", 0.5, 0.8);
                let set = GainSet { at_ms, command: Some(CommandId(1)), ..set };
                run.apply(&set.into());
            }
            130 => {
                let (text, by, command) = ("try ner up before lr drop".into(), By::Key, None);
                run.apply(&Noted { at_ms, step: at, text, by, command }.into());
            }
            200 => {
                let objective = Some("pos".into());
                run.apply(&NonFiniteLoss { at_ms, step: at.next(), objective }.into());
            }
            220 => {
                gains[3] = 0.0;
                let muted = Muted {
                    at_ms,
                    step: at,
                    from: at.next(),
                    objective: "next-word".into(),
                    muted: true,
                    by: By::Key,
                    command: Some(CommandId(2)),
                    undoes: None,
                };
                run.apply(&muted.into());
            }
            280 => run.apply(&gradients(280).into()),
            _ => {}
        }
    }
    run
}

/// A run whose main objective ranks, and has five metrics on dev and test.
pub(super) fn ranked() -> Run {
    let metrics = ["ndcg_at_10", "map", "mrr", "recall_at_10", "mse"];
    let direction = |name| if name == "mse" { Direction::Lower } else { Direction::Higher };
    let declared = metrics.map(|name| metric(name, direction(name)));
    let mut started = cast();
    started.objectives[0].metrics = declared.to_vec();
    let mut run = Run::new(Some(&arbitrary::header()));
    run.apply(&started.into());
    for step in (20..=300).step_by(20) {
        run.apply(&step_done(step, &[1.0; 5]).into());
        for split in [Split::Dev, Split::Test]
            .into_iter()
            .filter(|split| *split == Split::Dev || step == 300)
        {
            let value = |at: usize| 30.0 + ((step as usize * 7 + at * 13) % 29) as f32;
            let scores = metrics.iter().enumerate().map(|(at, name)| ((*name).into(), value(at)));
            let first = arbitrary::evaluated(step, split, NAMES[0], metrics[0], 0.0);
            run.apply(&Evaluated { metrics: scores.collect(), ..first }.into());
        }
    }
    run
}

/// The same run with samples of two evaluations: tags, labels, spans, texts and numbers.
pub(super) fn sampled() -> Run {
    let mut run = trained();
    let part = |part: &str| (!part.is_empty()).then(|| part.to_owned());
    let row = |&(of, gold, predicted): &(&str, &str, &str)| SampleRow {
        of: of.to_owned(),
        gold: part(gold),
        predicted: part(predicted),
    };
    let sample = |example, form, text: &str, rows: &[(&str, &str, &str)]| Sample {
        corpus: "news".to_owned(),
        example,
        loss: Loss::read(example as f32 / 8.0),
        texts: part(text).into_iter().collect(),
        form,
        rows: rows.iter().map(row).collect(),
        left_out: None,
    };
    let words = "The old man in town watched both boats sail again".split(' ');
    for step in [200, 300] {
        let tag = |(at, word): (usize, &str)| -> (String, String, String) {
            let gold = ["B-NP", "I-NP", "I-NP", "B-PP", "B-NP", "B-VP"][at % 6];
            let is_right = at % 3 != 1 || step == 300 && at == 1;
            let predicted = if is_right { gold } else { "O" };
            (word.to_owned(), gold.to_owned(), predicted.to_owned())
        };
        let tags: Vec<_> = words.clone().enumerate().map(tag).collect();
        let tags: Vec<_> = tags.iter().map(|(a, b, c)| (&a[..], &b[..], &c[..])).collect();
        let text = "Ann of Acme lives in Oslo";
        let items = [
            ("Ann", "PER", "PER"),
            ("Acme", "ORG", "LOC"),
            ("Oslo", "LOC", ""),
            ("lives in", "", "ORG"),
        ];
        let texts = [("", "ein alter Mann sah die Boote", "ein Mann sah ein Boot")];
        let all = [
            (
                0,
                vec![
                    sample(7, SampleForm::Tokens, "", &tags),
                    sample(31, SampleForm::Tokens, "", &tags[..4]),
                ],
            ),
            (2, vec![sample(7, SampleForm::Items, text, &items)]),
            (3, vec![sample(9, SampleForm::Texts, "an old man watched the boats", &texts)]),
            (4, vec![sample(9, SampleForm::Numbers, text, &[("", "0.500", "0.412")])]),
        ];
        for (at, samples) in all {
            let (at_ms, step, objective) = (step * 31, Step(step), NAMES[at].into());
            run.apply(&SamplesTaken { at_ms, step, objective, worst: false, samples }.into());
        }
    }
    run
}

/// A run over corpora of different sizes, whose sampling rule was changed manually half-way.
pub(super) fn of_three_corpora() -> Run {
    let corpora =
        [("news", 8_936, 211_727), ("web", 1_200, 9_600), ("talk-of-the-town", 40, 4_000)];
    let started = |(name, examples, tokens): (&str, u64, u64)| CorpusStarted {
        name: name.into(),
        splits: [("train".into(), SplitSize { examples, tokens })].into(),
        skipped: 0,
        irregularities: Vec::new(),
    };
    let mut run = Run::new(Some(&arbitrary::header()));
    let corpora = corpora.map(started);
    run.apply(&RunStarted { corpora: corpora.to_vec(), ..cast() }.into());
    for step in 1..=300 {
        let drawn = if step <= 150 { usize::from(step % 10 == 0) } else { step as usize % 3 };
        let draws = [(corpora[drawn].name.clone(), 32)].into();
        let step_ms = [40, 12, 171][drawn];
        run.apply(&StepDone { draws, step_ms, ..step_done(step, &[1.0; 5]) }.into());
        if step == 150 {
            let text = |text: &str| Setting::Text(text.to_owned());
            let set = SettingSet {
                at_ms: step * 31,
                step: Step(step),
                from: Step(step + 1),
                path: "train.sampling".into(),
                old: text("proportional"),
                new: text("fixed news=1 talk-of-the-town=1 web=1"),
                by: By::Key,
                command: Some(CommandId(1)),
                undoes: None,
            };
            run.apply(&set.into());
        }
    }
    run
}

/// Presses keys, named as in help; the commands that they send are then in flight.
pub(super) fn pressed(view: &mut View, run: &Run, keys: &str) {
    let keymap = Keymap::new(&BTreeMap::new());
    for (number, key) in (10..).zip(keys.split(' ')) {
        let key: KeyPress = key.parse().unwrap();
        for effect in view.press(key.into(), &keymap, run) {
            if let crate::tui::view::Effect::Send(request) = effect {
                view.sent(&request, Some(CommandId(number)));
            }
        }
    }
}

/// A run whose steps were timed, and became slower when gradients were measured.
pub(super) fn timed() -> Run {
    let mut run = Run::new(Some(&arbitrary::header()));
    run.apply(&cast().into());
    for step in 1..=300 {
        let step_ms = if step > 200 { 38 } else { 31 };
        run.apply(&StepDone { step_ms, ..step_done(step, &[1.0; 5]) }.into());
        if step % 20 == 0 {
            let measure_us = if step > 200 { 7_100 } else { 0 };
            let timed = PhasesTimed {
                at_ms: step * 31,
                step: Step(step),
                draw_us: 260,
                forward_us: 11_400 + step * 3,
                backward_us: 16_900,
                measure_us,
                update_us: 1_700,
                step_us: 31_800 + step * 3 + measure_us,
            };
            run.apply(&timed.into());
        }
        if step % 60 == 0 {
            for name in NAMES {
                let scored = arbitrary::evaluated(step, Split::Dev, name, "f1", 60.0);
                run.apply(&Evaluated { took_ms: 412, ..scored }.into());
            }
        }
    }
    run
}

/// A share from a wave and the index of an objective.
type Share = fn(f32, usize) -> f32;

/// The shares that three rules would set.
fn shadow_shares(step: u64) -> ShadowShares {
    let wave =
        |at: usize, rule: usize| 1.0 + 0.4 * ((step as f32 / 40.0) + (at + rule) as f32).sin();
    let rules: [(&str, Share); 3] = [
        ("dwa temperature=2", |wave, _| wave),
        ("uncertainty learning_rate=0.01", |wave, at| wave * [2.0, 0.7, 0.5, 0.1, 0.02][at]),
        ("upgrad", |wave, at| wave * [1.0, 1.5, 0.3, 1.0, 3.0][at]),
    ];
    let of = |rule: usize, by: Share| {
        let share = |(at, name): (usize, &&str)| ((*name).into(), by(wave(at, rule), at));
        NAMES.iter().enumerate().map(share).collect()
    };
    let shares = rules.iter().enumerate().map(|(at, (rule, by))| ((*rule).to_owned(), of(at, *by)));
    ShadowShares { at_ms: step * 31, step: Step(step), shares: shares.collect(), took_us: 1_834 }
}

/// What a step for each objective does to the losses.
fn affinities(step: u64) -> AffinitiesMeasured {
    let part = |one: usize, other: usize| [0.01, 0.004, -0.002, 0.0001][(one + 3 * other) % 4];
    let of = |one: usize| {
        let by = |(other, name): (usize, &&str)| ((*name).into(), part(one, other));
        NAMES.iter().enumerate().map(by).collect()
    };
    let affinities = NAMES.iter().enumerate().map(|(one, name)| ((*name).into(), of(one)));
    let affinities = affinities.collect();
    AffinitiesMeasured { at_ms: step * 31, step: Step(step), affinities, took_us: 91_000 }
}

/// The same run with shadow rules, gradients by layer, and a fader in the hands of the rule.
pub(super) fn shadowed() -> Run {
    let mut run = trained();
    let (at_ms, by, command) = (9, By::Key, Some(CommandId(90)));
    let mut set = |path: &str, old: Setting, new: Setting| {
        let (path, step, from) = (path.to_owned(), run.step, run.step.next());
        run.apply(
            &SettingSet { at_ms, step, from, path, old, new, by, command, undoes: None }.into(),
        );
    };
    let text = |text: &str| Setting::Text(text.to_owned());
    let rules = "dwa temperature=2, uncertainty learning_rate=0.01, upgrad";
    set("train.shadow_weightings", text("none"), text(rules));
    set("objective.pos.by_rule", Setting::Switch(false), Setting::Switch(true));
    set("objective.frequency.by_rule", Setting::Switch(true), Setting::Switch(false));
    let begin = run.step.0;
    for step in begin + 1..=begin + 120 {
        if step.is_multiple_of(10) {
            let mut event = gradients(step);
            let sign = if step.is_multiple_of(20) { 1.0 } else { -0.4 };
            event.cosines.values_mut().flat_map(BTreeMap::values_mut).for_each(|it| *it *= sign);
            let layer = |name: &str, by: f32| {
                let mut cosines = event.cosines.clone();
                cosines.values_mut().flat_map(BTreeMap::values_mut).for_each(|it| *it *= by);
                LayerCosines { layer: name.to_owned(), cosines }
            };
            event.layers = vec![layer("words", 1.4), layer("trunk.1", 0.9), layer("trunk.2", -0.5)];
            let cosines = [0.38, -0.46, 0.07, -0.02].map(|cosine: f32| cosine * sign.abs());
            let auxiliaries = NAMES[1..].iter().map(|name| ObjectiveId::from(*name));
            event.lagged_cosines = auxiliaries.zip(cosines).collect();
            run.apply(&event.into());
            run.apply(&shadow_shares(step).into());
            run.apply(&affinities(step).into());
        }
        run.apply(&step_done(step, &[1.0, 0.5, 0.5, 0.1, 0.05]).into());
    }
    run
}
