//! Weighting rules in training: their shares are applied to each parameter and reported.

use std::collections::BTreeMap;

use auxdesk::{
    data::{
        Batch,
        stream::{BatchStream, Position},
    },
    mixer::{Gram, Needs, ObjectiveView, StepView, WEIGHTINGS},
    model::Mode,
    protocol::{
        Assignment, Command, Event, ObjectiveId, Step,
        event::{GradientsMeasured, Reason, Role, Setting, SettingSet},
    },
    recipe::{self, System, shipped},
    train::Moves,
};
use candle_core::Tensor;

use crate::{
    orders::answers,
    tiny::{Run, Size, Tiny, gradients, names, numbers, shipped_tiny, text_tiny, without},
};

const SIZE: Size = Size { width: 4, examples: 16 };

/// One step of plain gradient descent at learning rate 1, with all gradients measured.
const ONE_STEP: &[&str] = &[
    "train.steps=1",
    "train.optimizer=sgd",
    "train.learning_rate=1",
    "train.clip_norm=1e30",
    "train.measure_gradients_every=1",
    "train.sampling=all",
];

fn sets(sets: &[&str], weighting: &str) -> Vec<String> {
    let weighting = format!("train.weighting={weighting}");
    sets.iter().map(|set| (*set).to_owned()).chain([weighting]).collect()
}

/// The raw loss of each objective that has one in the first step under sampling `all`, each with a
/// separate backward pass through the whole graph.
fn raw_losses(tiny: &Tiny, system: &System) -> Vec<(usize, Tensor)> {
    let recipe = &tiny.recipe;
    let mode = Mode::Train { seed: recipe.train.seed, step: 0 };
    let stream = || BatchStream::new(recipe.train.seed, Position::default());
    let mut streams: Vec<BatchStream> = tiny.corpora.iter().map(|_| stream()).collect();
    let is_active = |at: usize| {
        let spec = &recipe.objectives[at];
        !spec.muted && spec.gain.at(0) > 0.0
    };
    let mut terms: BTreeMap<usize, Vec<(Tensor, usize)>> = BTreeMap::new();
    for group in recipe.groups_of(is_active) {
        for &corpus in &group.corpora {
            let examples = streams[corpus].next(&tiny.corpora[corpus], recipe.batch_size(corpus));
            let train = &tiny.corpora[corpus].train;
            let batch = Batch::new(corpus, &tiny.corpora[corpus], train, &examples);
            for (at, spec) in recipe.objectives.iter().enumerate() {
                let is_drawn = spec.group.as_ref().is_none_or(|name| *name == group.name);
                if is_active(at) && is_drawn && spec.corpora.contains(&corpus) {
                    let taps = system.taps(&[at], &batch, mode).unwrap();
                    if let Some(term) = system.loss(at, &taps[0], &batch, mode).unwrap() {
                        terms.entry(at).or_default().push((term.sum, term.count));
                    }
                }
            }
        }
    }
    let mean = |terms: Vec<(Tensor, usize)>| {
        let count: usize = terms.iter().map(|(_, count)| count).sum();
        let sums: Vec<Tensor> = terms.into_iter().map(|(sum, _)| sum).collect();
        (Tensor::stack(&sums, 0).unwrap().sum_all().unwrap() / count as f64).unwrap()
    };
    terms.into_iter().map(|(at, terms)| (at, mean(terms))).collect()
}

type Raw = Vec<Option<Vec<f32>>>;

/// The raw gradient of each, and which parameters are shared: reached by at least two.
fn raw_gradients(system: &System, losses: &[(usize, Tensor)]) -> (Vec<Raw>, Vec<bool>) {
    let parameters = system.parameters();
    let all: Vec<Raw> = losses.iter().map(|(_, loss)| gradients(loss, parameters)).collect();
    let n_reaching = |number: usize| all.iter().filter(|raw| raw[number].is_some()).count();
    let shared = (0..parameters.all().len()).map(|number| n_reaching(number) > 1).collect();
    (all, shared)
}

fn gram(raw: &[Raw], is_in: impl Fn(usize) -> bool) -> Gram {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    let product = |j: usize, k: usize| {
        let each = raw[j].iter().zip(&raw[k]).enumerate();
        let of = each.filter(|(number, _)| is_in(*number));
        of.filter_map(|(_, pair)| Some(dot(pair.0.as_ref()?, pair.1.as_ref()?))).sum()
    };
    Gram::new(raw.len(), product)
}

fn measured(run: &Run) -> Vec<GradientsMeasured> {
    let gradients = |event: &Event| match event {
        Event::GradientsMeasured(gradients) => Some(gradients.clone()),
        _ => None,
    };
    run.events.iter().filter_map(gradients).collect()
}

/// Every parameter before the step minus Σ factor·gradient, against the result of training.
fn assert_step(
    tiny: &Tiny,
    raw: &[Raw],
    factor: impl Fn(usize, usize) -> f32,
    run: &Run,
    what: &str,
) {
    let system = tiny.system();
    let after: BTreeMap<String, Vec<u32>> =
        run.tensors("last", "model.safetensors").into_iter().collect();
    for (number, parameter) in system.parameters().all().iter().enumerate() {
        let before = numbers(&parameter.var);
        let after = &after[&parameter.name];
        let mut expected: Vec<f64> = before.iter().copied().map(f64::from).collect();
        // A gradient is a sum of terms up to 1, which may cancel: its rounding is that of the terms.
        let mut size = 1e-2;
        for (k, raw) in raw.iter().enumerate() {
            for (x, g) in expected.iter_mut().zip(raw[number].iter().flatten()) {
                *x -= f64::from(factor(k, number)) * f64::from(*g);
                size = f64::max(size, f64::from((factor(k, number) * g).abs()));
            }
        }
        for (expected, found) in expected.iter().zip(after) {
            let found = f64::from(f32::from_bits(*found));
            let difference = (found - expected).abs();
            let rounding = 2e-7 * expected.abs();
            assert!(
                difference < 1e-4 * size + rounding,
                "{what}: {}: {found}, {expected}",
                parameter.name
            );
        }
    }
}

/// Under a rule without gradients a parameter's gradient is Σ weight·∇loss, also for heads: each
/// logged weight is the factor of that loss in the minimized sum.
#[test]
fn reported_weights_are_applied_to_every_parameter() {
    for (name, weighting) in names().flat_map(|name| [(name, "equal"), (name, "random")]) {
        let tiny = shipped_tiny(name, SIZE, &sets(ONE_STEP, weighting));
        let system = tiny.system();
        let losses = raw_losses(&tiny, &system);
        let (raw, _) = raw_gradients(&system, &losses);
        let run = tiny.train(&[]);
        let step = &run.steps()[0];
        let weight = |k: usize| step.weights[&tiny.recipe.objectives[losses[k].0].name];
        assert_step(&tiny, &raw, |k, _| weight(k), &run, &format!("{name} {weighting}"));
        let shares: Vec<f32> = (tiny.recipe.objectives.iter())
            .filter(|spec| step.weights[&spec.name] > 0.0)
            .map(|spec| step.shares[&spec.name])
            .collect();
        let mean = shares.iter().sum::<f32>() / shares.len() as f32;
        assert!((mean - 1.0).abs() < 1e-5, "{name} {weighting}: {shares:?}");
        assert_eq!(
            weighting == "equal" || shares.len() == 1,
            shares.iter().all(|share| *share == 1.0)
        );
    }
}

/// The gradient of shared parameters is Σ gain·share·∇loss, that of others gain·∇loss; the rule has
/// seen the inner products of the objectives' separate gradients, also through reversals, for
/// parameters that no tap reaches, and for heads that two objectives share.
#[test]
fn a_rule_with_gradients_sees_each_objectives_own_gradient() {
    let mut n_at_work = 0;
    for (name, normalize) in
        names().flat_map(|name| [(name, "none"), (name, "l2"), (name, "loss+")])
    {
        let weighting = format!("{{ kind = \"mgda\", normalize = \"{normalize}\" }}");
        let tiny = shipped_tiny(name, SIZE, &sets(ONE_STEP, &weighting));
        let what = format!("{name} {normalize}");
        let system = tiny.system();
        let losses = raw_losses(&tiny, &system);
        let (raw, shared) = raw_gradients(&system, &losses);
        let gram = gram(&raw, |number| shared[number]);
        let run = tiny.train(&[]);
        let step = &run.steps()[0];
        let objective = |k: usize| &tiny.recipe.objectives[losses[k].0];
        let gain = |k: usize| objective(k).gain.at(0) as f32;
        let reported = |k: usize| step.shares[&objective(k).name];
        for k in 0..losses.len() {
            assert_eq!(step.weights[&objective(k).name], gain(k) * reported(k), "{what}");
        }

        let some: Vec<usize> = (0..losses.len()).filter(|&k| gram.at(k, k) > 0.0).collect();
        let view = |&k: &usize| ObjectiveView {
            name: &objective(k).name,
            is_main: objective(k).role == Role::Main,
            epoch: 0,
            loss: Some(step.losses[&objective(k).name].get()),
        };
        let objectives: Vec<ObjectiveView<'_>> = some.iter().map(view).collect();
        let among = gram.among(&some);
        let mut rule = recipe::weighting(&format!("mgda normalize={normalize}")).unwrap().build();
        assert_eq!(rule.needs(), Needs::Gram);
        if !objectives.is_empty() {
            let gram = Some(&among);
            let seen = StepView { seed: 1, done: 0, objectives: &objectives, gram, earlier: None };
            for (&k, share) in some.iter().zip(rule.coefficients(&seen)) {
                assert!((reported(k) - share).abs() < 1e-4, "{what}: {} {share}", reported(k));
            }
            let sum: f32 = some.iter().map(|&k| reported(k)).sum();
            assert!((sum - 1.0).abs() < 1e-5, "{what}: {sum}");
            n_at_work += usize::from(some.iter().filter(|&&k| reported(k) > 0.0).count() > 1);
        }
        for k in (0..losses.len()).filter(|k| !some.contains(k)) {
            assert_eq!(reported(k), 1.0, "{what}");
        }

        let factor =
            |k: usize, number: usize| if shared[number] { gain(k) * reported(k) } else { gain(k) };
        assert_step(&tiny, &raw, factor, &run, &what);

        // A measurement is over the encoders, as under other rules; heads that are shared are not part of it.
        let n_encoders = system.n_shared();
        let of_encoders = self::gram(&raw, |number| shared[number] && number < n_encoders);
        let measured = measured(&run).remove(0);
        for k in 0..losses.len() {
            let expected = f64::from(gain(k) * reported(k)) * of_encoders.at(k, k).sqrt();
            let norm = f64::from(measured.norms[&objective(k).name]);
            assert!((norm - expected).abs() <= 1e-3 * expected + 1e-9, "{what}: {norm} {expected}");
        }
    }
    assert!(n_at_work > 8, "{n_at_work} with several objectives at work");
}

/// The share that is reported is that of the loss in the same step; an objective that the step has no batch for has none.
#[test]
fn a_rule_of_losses_reports_a_share_for_each_loss() {
    let tiny = shipped_tiny(
        "multilingual",
        SIZE,
        &sets(&["train.steps=8", "train.sampling=uniform"], "log"),
    );
    let run = tiny.train(&[]);
    let mut n_without = 0;
    for step in run.steps() {
        let active = step.weights.iter().filter(|(_, weight)| **weight > 0.0).map(|(name, _)| name);
        assert_eq!(active.collect::<Vec<_>>(), step.losses.keys().collect::<Vec<_>>());
        for (name, loss) in &step.losses {
            assert!((step.shares[name] * loss.get() - 1.0).abs() < 1e-5, "{name} {step:?}");
        }
        n_without += usize::from(step.losses.len() < tiny.recipe.objectives.len());
    }
    assert!(n_without > 0, "some step has no batch for some objective");
}

/// What a rule minimizes, of the losses of a first step, times the factor by which its module scales the weights; with what
/// it holds constant taken from `at`.
fn total(rule: &str, losses: &[f64], at: &[f64]) -> f64 {
    let n = losses.len() as f64;
    let logs: f64 = losses.iter().map(|loss| loss.ln()).sum();
    match rule {
        "log" => logs,
        "geometric-mean" => n * (logs / n).exp(),
        "stch" => n * n * losses.iter().map(|loss| (loss / n).exp()).sum::<f64>().ln(),
        // z = 1/T, and c of the losses as they are.
        "famo" => n * logs / at.iter().map(|loss| 1.0 / loss).sum::<f64>(),
        other => panic!("{other} has no total"),
    }
}

/// The weight that is reported of an objective is its gain times the slope of the total in its loss. (Rules with learnt
/// scales, whose totals are linear in the losses, are compared with reference implementations over several steps.)
#[test]
fn weights_are_finite_differences_of_the_totals() {
    let rules = ["log", "geometric-mean", "stch", "famo"];
    let mut n_compared = 0;
    for (name, rule) in names().flat_map(|name| rules.map(|rule| (name, rule))) {
        let tiny = shipped_tiny(name, SIZE, &sets(ONE_STEP, rule));
        let run = tiny.train(&[]);
        let step = &run.steps()[0];
        let losses: Vec<f64> = step.losses.values().map(|loss| f64::from(loss.get())).collect();
        // Logarithms are those of positive losses; a policy's may be negative.
        if rule != "stch" && losses.iter().any(|loss| *loss < 1e-6) {
            continue;
        }
        for (k, objective) in step.losses.keys().enumerate() {
            let h = 1e-5 * losses[k].abs().max(0.1);
            let moved = |by: f64| {
                let mut moved = losses.clone();
                moved[k] += by;
                total(rule, &moved, &losses)
            };
            let slope = (moved(h) - moved(-h)) / (2.0 * h);
            let (share, weight) = (step.shares[objective], step.weights[objective]);
            assert!(
                (f64::from(share) - slope).abs() < 1e-4 * slope.abs(),
                "{name}, {rule}: {objective} has {share}, expected {slope} of {losses:?}"
            );
            let spec = tiny.recipe.objectives.iter().find(|spec| spec.name == *objective).unwrap();
            assert_eq!(weight, spec.gain.at(0) as f32 * share, "{name}, {rule}: {objective}");
        }
        n_compared += usize::from(losses.len() > 1);
    }
    assert!(n_compared > 30, "{n_compared} rules of recipes with several objectives");
}

/// A rule is called with active objectives only.
#[test]
fn a_muted_objective_has_no_effect_under_any_rule() {
    let sets = |weighting: &str, more: &[&str]| {
        let weighting = format!("train.weighting={weighting}");
        more.iter().map(|set| (*set).to_owned()).chain([weighting]).collect::<Vec<_>>()
    };
    let text = shipped::recipe("chunking").unwrap();
    for weighting in WEIGHTINGS.iter().map(|kind| kind.name()) {
        let muted = sets(weighting, &["objective.pos.muted=true"]);
        let muted = text_tiny(text, SIZE, &muted).train(&[]);
        let without = text_tiny(&without(text, "pos"), SIZE, &sets(weighting, &[])).train(&[]);
        let mut steps = muted.steps();
        for step in &mut steps {
            assert_eq!(step.weights.remove("pos"), Some(0.0), "{weighting}");
            assert_eq!(step.shares.remove("pos"), Some(1.0), "{weighting}");
        }
        assert_eq!(steps, without.steps(), "{weighting}");
        assert_eq!(
            muted.checkpoint("last").progress.weighting,
            without.checkpoint("last").progress.weighting,
            "{weighting}"
        );
    }
}

/// The gradient through a reversed tap increases its own loss beyond the reversal and decreases it
/// before: by finite differences of the loss along that gradient.
#[test]
fn a_rule_sees_an_adversarys_gradient_reversed() {
    let tiny = shipped_tiny("multilingual", SIZE, &sets(ONE_STEP, "mgda"));
    let system = tiny.system();
    let losses = raw_losses(&tiny, &system);
    let at =
        tiny.recipe.objectives.iter().position(|spec| spec.name.as_str() == "language").unwrap();
    let k = losses.iter().position(|(objective, _)| *objective == at).unwrap();
    let (raw, _) = raw_gradients(&system, &losses);
    let parameters = system.parameters();
    for (behind, sign) in [(true, -1.0), (false, 1.0)] {
        let is_moved =
            |number: usize| parameters.all()[number].name.starts_with("objective.") != behind;
        let square = gram(&raw, is_moved).at(k, k);
        let h = 1e-2 / square.sqrt();
        let along = |h: f64| {
            for (number, parameter) in parameters.all().iter().enumerate() {
                let Some(g) = raw[k][number].as_ref().filter(|_| is_moved(number)) else {
                    continue;
                };
                let g = Tensor::from_slice(g, parameter.var.shape(), parameters.device()).unwrap();
                parameter
                    .var
                    .set(&(parameter.var.as_tensor() + (g * h).unwrap()).unwrap())
                    .unwrap();
            }
            let (_, loss) = raw_losses(&tiny, &system).remove(k);
            f64::from(numbers(&loss)[0])
        };
        let (up, down) = (along(h), along(-2.0 * h));
        along(h);
        let slope = (up - down) / (2.0 * h);
        assert!((slope / square - sign).abs() < 0.05, "{behind}: {slope}, {square}");
    }
}

#[test]
fn a_rule_with_gradients_is_independent_of_the_number_of_threads() {
    let tiny = shipped_tiny("adversarial", SIZE, &sets(&["train.steps=8"], "mgda"));
    let on = |n_threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        let run = pool.install(|| tiny.train(&[]));
        (run.steps(), run.tensors("last", "model.safetensors"))
    };
    let (steps, model) = on(1);
    let (steps_of_3, model_of_3) = on(3);
    assert_eq!(steps, steps_of_3);
    assert!(model == model_of_3);
}

fn weighting(text: &str) -> Command {
    Assignment::setting("train.weighting", Setting::Text(text.to_owned())).into()
}

fn stepped(blocks: &[(&str, usize)]) -> Vec<Command> {
    let mut orders = vec![Command::Pause];
    for (rule, n_steps) in blocks {
        orders.push(weighting(rule));
        orders.extend(std::iter::repeat_n(Command::StepOnce, *n_steps));
    }
    orders.push(Command::Stop { reason: Reason::Key });
    orders
}

fn settings_set(run: &Run) -> Vec<SettingSet> {
    let setting = |event: &Event| match event {
        Event::SettingSet(set) => Some(set.clone()),
        _ => None,
    };
    run.events.iter().filter_map(setting).collect()
}

fn shares(run: &Run) -> Vec<BTreeMap<ObjectiveId, f32>> {
    run.steps().into_iter().map(|step| step.shares).collect()
}

#[test]
fn a_weighting_rule_is_in_force_from_the_next_step_and_repeated_by_moves() {
    let tiny = shipped_tiny("chunking", SIZE, &sets(&[], "equal"));
    let orders = stepped(&[("random", 3), ("mgda normalize=l2", 3), ("dwa", 3), ("equal", 2)]);
    let run = tiny.train(&orders);
    let text = |text: &str| Setting::Text(text.to_owned());
    let found: Vec<_> =
        settings_set(&run).into_iter().map(|set| (set.from, set.old, set.new)).collect();
    let expected = [
        (Step(1), text("equal"), text("random")),
        (Step(4), text("random"), text("mgda normalize=l2")),
        (Step(7), text("mgda normalize=l2"), text("dwa temperature=2")),
        (Step(10), text("dwa temperature=2"), text("equal")),
    ];
    assert_eq!(found, expected);
    let Event::RunStarted(started) = &run.events[0] else { panic!("the cast") };
    assert_eq!(started.settings["train.weighting"], text("equal"));
    let shares = shares(&run);
    let sum = |shares: &BTreeMap<ObjectiveId, f32>| shares.values().sum::<f32>();
    let n = tiny.recipe.objectives.len() as f32;
    assert!(shares[..3].iter().all(|shares| (sum(shares) - n).abs() < 1e-4), "{shares:?}");
    assert_ne!(shares[0], shares[1]);
    assert!(shares[3..6].iter().all(|shares| (sum(shares) - 1.0).abs() < 1e-4), "{shares:?}");
    // Before two complete epochs dwa has equal shares.
    assert!(shares[6..].iter().flat_map(BTreeMap::values).all(|share| *share == 1.0), "{shares:?}");
    assert_eq!(run.checkpoint("last").progress.weighting.rule, "equal");

    let again = tiny.train_with(&[], Moves::of(&run.events));
    assert_eq!(again.steps(), run.steps());
    assert_eq!(
        again.tensors("last", "model.safetensors"),
        run.tensors("last", "model.safetensors")
    );
}

#[test]
fn an_unknown_weighting_rule_is_refused_and_the_old_one_stays() {
    let tiny = shipped_tiny("chunking", SIZE, &sets(&["train.steps=2"], "random"));
    let mut orders = vec![weighting("dwa temperature=-1"), weighting("eqal")];
    orders.push(Assignment::setting("train.weighting", Setting::Number(2.0)).into());
    let run = tiny.train(&orders);
    let why: Vec<String> = (run.ids.iter())
        .map(|id| match answers(&run.events, *id)[..] {
            [Event::CommandRefused(refused)] => refused.why.clone(),
            ref others => panic!("{others:?}"),
        })
        .collect();
    assert_eq!(
        why,
        [
            "`train.weighting.temperature`: expected a number of at least 0.001, found -1",
            "no weighting named \"eqal\"; did you mean \"equal\"?",
            "`train.weighting`: expected a string, \"equal\" for example, found 2",
        ]
    );
    let untouched = tiny.train(&[]);
    assert_eq!(run.steps(), untouched.steps());
}

/// A rule and a gain in one command; if one of them is refused, the old rule keeps its memory.
#[test]
fn a_weighting_is_set_together_with_other_changes_or_not_at_all() {
    let tiny = shipped_tiny("chunking", SIZE, &sets(&[], "{ kind = \"dwa\", temperature = 0.1 }"));
    let set = |gain: f32| {
        let weighting = Assignment::setting("train.weighting", Setting::Text("random".to_owned()));
        Command::Set(vec![weighting, Assignment::gain("chunk".into(), gain)])
    };
    let stepped = |between: Option<Command>| {
        let step = || std::iter::repeat_n(Command::StepOnce, 10);
        let stop = Command::Stop { reason: Reason::Key };
        let orders = [Command::Pause].into_iter().chain(step()).chain(between);
        tiny.train(&orders.chain(step()).chain([stop]).collect::<Vec<_>>())
    };
    let plain = stepped(None);
    assert!(shares(&plain)[9..].iter().flat_map(BTreeMap::values).any(|share| *share != 1.0));
    let refused = stepped(Some(set(-1.0)));
    assert_eq!(refused.steps(), plain.steps());
    let run = stepped(Some(set(0.5)));
    assert_eq!(answers(&run.events, run.ids[11]).len(), 2, "an event for each");
    assert_ne!(shares(&run)[10], shares(&plain)[10]);
    assert_eq!(run.steps()[10].weights["chunk"], 0.5 * run.steps()[10].shares["chunk"]);
    assert_eq!(run.checkpoint("last").progress.weighting.rule, "random");
}

/// A new rule starts with new epoch means, even if it has the same name.
#[test]
fn a_new_rule_starts_without_memory() {
    let tiny = shipped_tiny("chunking", SIZE, &sets(&[], "equal"));
    // Four steps are an epoch.
    let run = tiny.train(&stepped(&[("dwa temperature=0.1", 12), ("dwa temperature=0.1", 8)]));
    let shares = shares(&run);
    let is_even = |shares: &BTreeMap<ObjectiveId, f32>| shares.values().all(|share| *share == 1.0);
    assert!(shares[..8].iter().all(is_even), "{shares:?}");
    assert!(!shares[8..12].iter().any(is_even), "{shares:?}");
    assert!(shares[12..].iter().all(is_even), "{shares:?}");
    let memory = serde_json::to_value(run.checkpoint("last").progress.weighting.memory).unwrap();
    assert_eq!(memory["chunk"]["epoch"], 4, "{memory}");
}
