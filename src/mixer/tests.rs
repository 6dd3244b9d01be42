//! Rules against reference implementations with the same losses; properties of all rules (`properties`), of the
//! directions of those with gradients (`directions`), and what TorchJD, the papers' formulas (`references`) and LibMTL
//! (`libmtl`) give.

mod directions;
mod libmtl;
mod properties;
mod references;

use std::ops::Range;

use proptest::prelude::*;
use serde_json::Value as Json;

use super::*;
use crate::{
    keys::{DefaultValue, Key, Located, Value, ValueType, Values},
    protocol::ObjectiveId,
};

/// A rule of that kind with these options.
pub(super) fn rule(name: &str, options: &[(&str, Value)]) -> Box<dyn Weighting> {
    let kind = find(name).unwrap();
    let value = |key: &Key| match (options.iter().find(|(name, _)| *name == key.name), key.default)
    {
        (Some((_, value)), _) => value.clone(),
        (None, DefaultValue::Toml(text)) => match (key.takes, text.parse()) {
            (ValueType::Within(..), Ok(number)) => Value::Integer(number as i64),
            (_, Ok(number)) => Value::Number(number),
            (_, Err(_)) => Value::Text(text.trim_matches('"').to_owned()),
        },
        (None, other) => panic!("{} of {name} is {other:?}", key.name),
    };
    let values =
        kind.keys().iter().map(|key| (key.name.to_owned(), Located::by_default(value(key))));
    kind.build(&Values::new(values.collect()))
}

pub(super) fn names(n: usize) -> Vec<ObjectiveId> {
    (0..n).map(|at| format!("o{at}").as_str().into()).collect()
}

/// The coefficients that a rule returns for objectives with these names, epochs and losses, of which `o0` is the main
/// one; if it needs gradients, with this Gram matrix.
fn coefficients_by(
    rule: &mut dyn Weighting,
    done: u64,
    objectives: &[(&ObjectiveId, u64, Option<f32>)],
    gram: &Gram,
) -> Vec<f32> {
    let view = |&(name, epoch, loss): &(_, u64, Option<f32>)| ObjectiveView {
        name,
        is_main: *name == ObjectiveId::from("o0"),
        epoch,
        loss,
    };
    let views: Vec<ObjectiveView<'_>> = objectives.iter().map(view).collect();
    let gram = (rule.needs() == Needs::Gram).then_some(gram);
    rule.coefficients(&StepView { seed: 1, done, objectives: &views, gram, earlier: None })
}

/// The same with orthogonal gradients of norms 1, 2, …
fn coefficients_of(
    rule: &mut dyn Weighting,
    done: u64,
    objectives: &[(&ObjectiveId, u64, Option<f32>)],
) -> Vec<f32> {
    let square = |j: usize| objectives[j].0.as_str()[1..].parse::<f64>().unwrap() + 1.0;
    let product = |j: usize, k: usize| if j == k { square(j).powi(2) } else { 0.0 };
    coefficients_by(rule, done, objectives, &Gram::new(objectives.len(), product))
}

/// The coefficients of a rule of the losses in a step with these.
pub(super) fn of_losses(rule: &mut dyn Weighting, losses: &[Option<f32>]) -> Vec<f32> {
    let names = names(losses.len());
    let objectives: Vec<_> =
        names.iter().zip(losses).map(|(name, loss)| (name, 0, *loss)).collect();
    coefficients_of(rule, 0, &objectives)
}

/// Shows a rule the losses after the update of the step that it last had coefficients for.
pub(super) fn after_update(rule: &mut dyn Weighting, losses: &[Option<f32>]) {
    let names = names(losses.len());
    let view = |(name, loss)| ObjectiveView { name, is_main: false, epoch: 0, loss };
    let views: Vec<ObjectiveView<'_>> =
        names.iter().zip(losses.iter().copied()).map(view).collect();
    let objectives = &views[..];
    rule.after_update(&StepView { seed: 1, done: 0, objectives, gram: None, earlier: None });
}

/// The coefficients of a rule in a step with these gradients and losses.
pub(super) fn of_gradients(
    rule: &mut dyn Weighting,
    gradients: &[Vec<f64>],
    losses: &[f64],
) -> Vec<f32> {
    let names = names(gradients.len());
    let losses = losses.iter().map(|loss| Some(*loss as f32));
    let objectives: Vec<_> = names.iter().zip(losses).map(|(name, loss)| (name, 0, loss)).collect();
    coefficients_by(rule, 0, &objectives, &gram_of(gradients))
}

/// Gradients of at most seven elements; some are parallel, opposed or 0.
pub(super) fn gradients(n: Range<usize>) -> impl Strategy<Value = Vec<Vec<f64>>> {
    (n, 1..8usize).prop_flat_map(|(n, width)| {
        let row = prop::collection::vec(-3.0..3.0f64, width);
        let multiple = prop::option::weighted(0.2, -2i32..3);
        let rows = prop::collection::vec((row, multiple), n);
        rows.prop_map(|rows| {
            let first = rows[0].0.clone();
            let of_first = |by: i32| first.iter().map(|x| x * f64::from(by)).collect();
            rows.into_iter().map(|(row, multiple)| multiple.map_or(row, of_first)).collect()
        })
    })
}

pub(super) fn gram_of(gradients: &[Vec<f64>]) -> Gram {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum();
    Gram::new(gradients.len(), |j, k| dot(&gradients[j], &gradients[k]))
}

/// The cases of a fixture; `tests/fixtures/mixer/README.md` gives their origin.
fn cases(fixture: &str) -> Vec<Json> {
    let fixture: Json = serde_json::from_str(fixture).unwrap();
    fixture["cases"].as_array().unwrap().clone()
}

fn numbers(json: &Json) -> Vec<f64> {
    json.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

#[track_caller]
pub(super) fn assert_near(found: &[f32], expected: &[f64], relative: f64) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        let difference = (f64::from(*found) - expected).abs();
        assert!(difference <= relative * expected.abs(), "{found}, expected {expected}");
    }
}

#[test]
fn dwa_gives_the_weights_of_libmtl() {
    for case in cases(include_str!("../../tests/fixtures/mixer/dwa.json")) {
        let temperature = Value::Number(case["temperature"].as_f64().unwrap());
        let mut dwa = rule("dwa", &[("temperature", temperature)]);
        let means: Vec<Vec<f64>> =
            case["epoch_means"].as_array().unwrap().iter().map(numbers).collect();
        let names = names(means[0].len());
        let mut done = 0;
        for (epoch, expected) in case["weights_in_epoch"].as_array().unwrap().iter().enumerate() {
            // Three steps per epoch, whose losses are 1.5, 1 and 0.5 times their mean.
            for part in [1.5, 1.0, 0.5] {
                let loss = |at: usize| means.get(epoch).map(|means| (means[at] * part) as f32);
                let objectives = names.iter().enumerate();
                let objectives: Vec<_> =
                    objectives.map(|(at, name)| (name, epoch as u64, loss(at))).collect();
                assert_near(
                    &coefficients_of(&mut *dwa, done, &objectives),
                    &numbers(expected),
                    1e-5,
                );
                done += 1;
            }
        }
    }
}

/// LibMTL's weights sum to 1; ours are T times those, as documented in the module.
#[test]
fn random_gives_t_times_the_softmax_of_libmtl_for_its_draws() {
    for case in cases(include_str!("../../tests/fixtures/mixer/random.json")) {
        let z = numbers(&case["z"]);
        let n = z.len() as f64;
        let expected: Vec<f64> = numbers(&case["weights"]).iter().map(|w| w * n).collect();
        assert_near(&softmax::softmax_of_mean_1(&z), &expected, 1e-5);
    }
}

#[test]
fn random_draws_depend_on_name_and_step_only() {
    let names = names(3);
    let all: Vec<_> = names.iter().map(|name| (name, 0, None)).collect();
    let mut random = rule("random", &[]);
    let three = coefficients_of(&mut *random, 5, &all);
    assert_eq!(three, coefficients_of(&mut *rule("random", &[]), 5, &all));
    assert_ne!(three, coefficients_of(&mut *random, 6, &all));
    // The ratio of two coefficients is e to the difference of their draws, which is independent of
    // a third one.
    let two = coefficients_of(&mut *random, 5, &all[..2]);
    assert_near(&[three[0] / three[1]], &[f64::from(two[0] / two[1])], 1e-5);
    assert_eq!(coefficients_of(&mut *random, 5, &all[2..]), [1.0]);
}

/// log w is z minus a constant, so differences of log w have a variance of 2.
#[test]
fn random_draws_a_standard_normal() {
    let names = names(2);
    let both: Vec<_> = names.iter().map(|name| (name, 0, None)).collect();
    let mut random = rule("random", &[]);
    let differences: Vec<f64> = (0..4_000)
        .map(|done| {
            let w = coefficients_of(&mut *random, done, &both);
            f64::from((w[0] / w[1]).ln())
        })
        .collect();
    let mean = differences.iter().sum::<f64>() / 4_000.0;
    let variance = differences.iter().map(|z| z * z).sum::<f64>() / 4_000.0;
    // Four standard deviations: √(2 / 4000) of the mean, 2·√(2 / 4000) of the variance.
    assert!(mean.abs() < 0.09 && (variance - 2.0).abs() < 0.18, "{mean} {variance}");
}

#[test]
fn dwa_counts_each_objectives_epochs_by_its_own_corpus() {
    let names = names(2);
    let mut dwa = rule("dwa", &[]);
    // The second one's corpus has three epochs during the first one's epoch.
    for (done, (epoch, loss)) in [(0, 4.0), (1, 2.0), (2, 2.0)].into_iter().enumerate() {
        let w = coefficients_of(
            &mut *dwa,
            done as u64,
            &[(&names[0], 0, Some(1.0)), (&names[1], epoch, Some(loss))],
        );
        let ratio = if epoch == 2 { 0.5f64 } else { 1.0 };
        let (a, b) = (0.5f64.exp(), (ratio / 2.0).exp());
        assert_near(&w, &[2.0 * a / (a + b), 2.0 * b / (a + b)], 1e-6);
    }
    // An epoch in which the objective had no step, for example muted, has no mean.
    let w = coefficients_of(&mut *dwa, 9, &[(&names[0], 0, None), (&names[1], 7, None)]);
    let ratio = f64::from(w[1] / w[0]).ln() * 2.0 + 1.0;
    assert_near(&[ratio as f32], &[1.0], 1e-5);
}

#[test]
fn a_loss_of_zero_leaves_dwa_finite() {
    let names = names(2);
    let mut dwa = rule("dwa", &[]);
    for epoch in 0..5 {
        let loss = if epoch == 2 { 1.0 } else { 0.0 };
        let of = [(&names[0], epoch, Some(loss)), (&names[1], epoch, Some(1.0))];
        let w = coefficients_of(&mut *dwa, epoch, &of);
        assert!(w.iter().all(|w| w.is_finite()), "{w:?}");
    }
}

/// The coefficients of the rule for gradients and losses.
fn mgda(normalize: &str, gradients: &[Vec<f64>], losses: &[f64]) -> Vec<f32> {
    let normalize = ("normalize", Value::Text(normalize.to_owned()));
    of_gradients(&mut *rule("mgda", &[normalize]), gradients, losses)
}

/// ‖Σ w·g / n‖² for gradients that are normalized according to `normalize`.
fn square(normalize: &str, gradients: &[Vec<f64>], losses: &[f64], w: &[f64]) -> f64 {
    let gram = gram_of(gradients);
    let divisor = |k: usize| match normalize {
        "l2" => gram.at(k, k).sqrt(),
        "loss" => losses[k],
        "loss+" => losses[k] * gram.at(k, k).sqrt(),
        _ => 1.0,
    };
    let w: Vec<f64> = w.iter().enumerate().map(|(k, w)| w / divisor(k)).collect();
    gram.times(&w).iter().zip(&w).map(|(along, w)| along * w).sum()
}

/// Where a reference implementation has converged, ours has its weights; ours is never longer.
/// TorchJD's error decreases as 1 / iterations where some weight is 0. LibMTL stops when the
/// weights change by less than 1e-5 in total, has 0.999 and 0.001 for 1 and 0 with two gradients,
/// and fails after 250 iterations: there the paper's minimum is the reference.
#[test]
fn mgda_equals_torchjd_and_libmtl_where_they_have_converged() {
    let mut n_compared = [0, 0];
    for case in cases(include_str!("../../tests/fixtures/mixer/mgda.json")) {
        let gradients: Vec<Vec<f64>> =
            case["gradients"].as_array().unwrap().iter().map(numbers).collect();
        let losses = numbers(&case["losses"]);
        for (normalize, programs) in case["weights"].as_object().unwrap() {
            let found = mgda(normalize, &gradients, &losses);
            let of = |w: &[f64]| square(normalize, &gradients, &losses, w);
            let ours: Vec<f64> = found.iter().copied().map(f64::from).collect();
            for (program, tolerance) in [("torchjd", 1e-13), ("libmtl", 1e-9)] {
                if programs[program].is_null() {
                    continue;
                }
                let theirs = numbers(&programs[program]);
                assert!(of(&ours) <= of(&theirs) * (1.0 + 1e-6), "{normalize} {gradients:?}");
                if of(&theirs) <= of(&ours) * (1.0 + tolerance) + 1e-15 {
                    let relative = if program == "torchjd" { 1e-5 } else { 1e-3 };
                    assert_near(&found, &theirs, relative);
                    n_compared[usize::from(program == "libmtl")] += 1;
                }
            }
        }
    }
    assert_eq!(n_compared, [26, 24], "of 40 each");
}

proptest! {
    /// The minimum over the simplex: no ⟨gₖ, d⟩ is below ⟨d, d⟩, and those with a positive weight
    /// are equal to it. So a step along −d decreases every loss to first order, or d is 0.
    #[test]
    fn mgda_is_the_shortest_vector_of_the_hull(
        gradients in (1..6usize, 1..8usize).prop_flat_map(|(n, width)| {
            prop::collection::vec(prop::collection::vec(-3.0..3.0f64, width), n)
        })
    ) {
        let n = gradients.len();
        let w: Vec<f64> =
            mgda("none", &gradients, &vec![1.0; n]).into_iter().map(f64::from).collect();
        prop_assert!(w.iter().all(|w| *w >= 0.0) && (w.iter().sum::<f64>() - 1.0).abs() < 1e-6);
        let gram = gram_of(&gradients);
        let along = gram.times(&w);
        let whole: f64 = along.iter().zip(&w).map(|(along, w)| along * w).sum();
        let longest = (0..n).map(|k| gram.at(k, k)).fold(0.0, f64::max);
        for k in 0..n {
            prop_assert!(along[k] >= whole - 1e-6 * longest, "{} {:?} {:?}", k, along, w);
            let is_on_it = w[k] * (along[k] - whole) <= 1e-6 * longest;
            prop_assert!(is_on_it, "{} {:?} {:?}", k, along, w);
        }
    }
}

/// Frank-Wolfe iterations alone leave 1e-5 of the longest gradient's square after 10,000 of them.
#[test]
fn mgda_of_nearly_opposed_gradients_is_exact() {
    let gradients = [
        vec![1.338_211_012, 0.440_830_070],
        vec![-2.328_019_200, -0.914_142_264],
        vec![-1.527_972_756, -2.242_019_932],
        vec![2.740_277_688, 0.955_940_311],
    ];
    let w: Vec<f64> = mgda("none", &gradients, &[1.0; 4]).into_iter().map(f64::from).collect();
    let along = gram_of(&gradients).times(&w);
    let whole: f64 = along.iter().zip(&w).map(|(along, w)| along * w).sum();
    assert!(along.iter().all(|along| *along >= whole - 1e-6), "{along:?} {w:?}");
}

#[test]
fn mgda_of_opposed_and_reversed_gradients() {
    // An adversary's gradient is reversed: opposed to the main one by three quarters, otherwise
    // orthogonal.
    let w = mgda("none", &[vec![1.0, 0.0], vec![-0.75, 1.0]], &[1.0, 1.0]);
    // min ‖w(1, 0) + (1 − w)(−0.75, 1)‖: w = (c − b) / (a + c − 2b), a = 1, b = −0.75, c = 1.5625.
    assert_near(&w, &[2.3125 / 4.0625, 1.75 / 4.0625], 1e-6);
    assert_near(&mgda("none", &[vec![1.0], vec![-1.0]], &[1.0, 1.0]), &[0.5, 0.5], 1e-6);
    // In the same direction, only the shorter one counts.
    assert_eq!(mgda("none", &[vec![1.0], vec![3.0]], &[1.0, 1.0]), [1.0, 0.0]);
    assert_eq!(mgda("l2", &[vec![1.0], vec![3.0]], &[1.0, 1.0]), [0.5, 0.5]);
    assert_eq!(mgda("loss", &[vec![1.0], vec![3.0]], &[1.0, 6.0]), [0.0, 1.0]);
    assert_eq!(mgda("loss", &[vec![1.0], vec![3.0]], &[1.0, 0.0]), [1.0, 0.0]);
}
