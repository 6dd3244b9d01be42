//! What TorchJD, and the papers' formulas in numpy and autograd, give for the same losses and gradients, to 1e-5 of
//! each value. Scales differ as each rule's module says: the factor is with each comparison.

use serde_json::Value as Json;

use super::{
    Gram, after_update, assert_near, coefficients_by, gram_of, names, numbers, of_gradients,
    of_losses, rule,
};
use crate::{
    keys::Value,
    mixer::{Weighting, gradvac::vaccinated, pcgrad::projected},
};

fn fixture() -> Json {
    serde_json::from_str(include_str!("../../../tests/fixtures/mixer/rules.json")).unwrap()
}

pub(super) fn list<'a>(json: &'a Json, key: &str) -> &'a [Json] {
    json[key].as_array().unwrap()
}

pub(super) fn rows(json: &Json) -> Vec<Vec<f64>> {
    json.as_array().unwrap().iter().map(numbers).collect()
}

pub(super) fn orders(json: &Json) -> Vec<Vec<usize>> {
    let order = |row: Vec<f64>| row.into_iter().map(|at| at as usize).collect();
    rows(json).into_iter().map(order).collect()
}

pub(super) fn times(values: &[f64], by: f64) -> Vec<f64> {
    values.iter().map(|value| value * by).collect()
}

fn of_mean_1(values: &[f64]) -> Vec<f64> {
    times(values, values.len() as f64 / values.iter().sum::<f64>())
}

/// A rule by its name and an option, as in the fixture: `aligned-mtl mean`.
fn by_name(name: &str) -> Box<dyn Weighting> {
    match name.split_once(' ') {
        Some((name, scale)) => rule(name, &[("scale", Value::Text(scale.to_owned()))]),
        None => rule(name, &[]),
    }
}

#[test]
fn rules_of_gradients_give_the_weights_of_torchjd() {
    let fixture = fixture();
    let mut n_negative = 0;
    for case in list(&fixture, "cases") {
        let (gradients, losses) = (rows(&case["gradients"]), numbers(&case["losses"]));
        let n = gradients.len() as f64;
        for (name, theirs) in case["weights"].as_object().unwrap() {
            let theirs = numbers(theirs);
            let ours = of_gradients(&mut *by_name(name), &gradients, &losses);
            let expected = match name.split(' ').next().unwrap() {
                // The sum of the gradients is weighted in place of their mean.
                "aligned-mtl" | "dualproj" | "upgrad" => times(&theirs, n),
                // As long as the sum where all agree.
                "cagrad" => times(&theirs, n / 1.5),
                "fairgrad" | "nash-mtl" => of_mean_1(&theirs),
                // Theirs sum to 1, ours have absolute values of mean 1.
                "imtl-g" => {
                    n_negative += usize::from(theirs.iter().any(|w| *w < 0.0));
                    times(&theirs, n / theirs.iter().map(|w| w.abs()).sum::<f64>())
                }
                "pcgrad" => {
                    let order = orders(&case["orders"]);
                    let ours = projected(&gram_of(&gradients), |i| order[i].clone());
                    let ours: Vec<f32> = ours.into_iter().map(|w| w as f32).collect();
                    assert_near(&ours, &theirs, 1e-5);
                    continue;
                }
                _ => panic!("{name} has no scale"),
            };
            assert_near(&ours, &expected, 1e-5);
        }
    }
    assert!(n_negative > 0, "a negative coefficient is among the cases");
}

#[test]
fn rules_of_gradients_give_the_directions_of_the_papers() {
    for case in list(&fixture(), "cases") {
        let (gradients, losses) = (rows(&case["gradients"]), numbers(&case["losses"]));
        for (name, theirs) in case["directions"].as_object().unwrap() {
            let w = of_gradients(&mut *rule(name, &[]), &gradients, &losses);
            let theirs = numbers(theirs);
            let size = theirs.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
            for (at, expected) in theirs.iter().enumerate() {
                let found: f64 = w.iter().zip(&gradients).map(|(w, g)| f64::from(*w) * g[at]).sum();
                assert!(
                    (found - expected).abs() < 1e-5 * size,
                    "{name}: {found}, expected {expected}"
                );
            }
        }
    }
}

#[test]
fn gradvac_gives_the_weights_of_torchjd_over_several_steps() {
    for case in list(&fixture(), "gradvac") {
        let mut targets: Vec<Vec<f64>> = Vec::new();
        for step in list(case, "steps") {
            let gram = gram_of(&rows(&step["gradients"]));
            targets.resize(gram.n(), vec![0.0; gram.n()]);
            let mut sum = vec![0.0; gram.n()];
            for (i, order) in orders(&step["orders"]).into_iter().enumerate() {
                let others: Vec<(usize, f64)> = order.iter().map(|&j| (j, targets[i][j])).collect();
                let (c, cosines) = vaccinated(&gram, i, &others);
                for (&j, cosine) in order.iter().zip(cosines) {
                    targets[i][j] = 0.5 * targets[i][j] + 0.5 * cosine;
                }
                sum.iter_mut().zip(c).for_each(|(sum, c)| *sum += c);
            }
            let sum: Vec<f32> = sum.into_iter().map(|w| w as f32).collect();
            assert_near(&sum, &numbers(&step["weights"]), 1e-5);
        }
    }
}

#[test]
fn rules_of_losses_give_the_gradients_of_torchjds_scalarizations() {
    for case in list(&fixture(), "losses") {
        let losses: Vec<Vec<Option<f32>>> = (rows(&case["losses"]).into_iter())
            .map(|row| row.into_iter().map(|loss| Some(loss as f32)).collect())
            .collect();
        let n = losses[0].len() as f64;
        for (name, theirs) in case["weights"].as_object().unwrap() {
            // The sum is scaled in place of the mean; the smooth maximum has 1/T for each, twice.
            let by = match name.as_str() {
                "log" => 1.0,
                "geometric-mean" => n,
                _ => n * n,
            };
            let ours = of_losses(&mut *rule(name, &[]), &losses[0]);
            assert_near(&ours, &times(&numbers(theirs), by), 1e-5);
        }
        for (name, theirs) in case["learnt"].as_object().unwrap() {
            let mut rule = rule(name, &[("learning_rate", Value::Number(0.1))]);
            // Kendall's sum has halves.
            let by = if name == "uncertainty" { 2.0 } else { 1.0 };
            for (losses, theirs) in losses.iter().zip(rows(theirs)) {
                assert_near(&of_losses(&mut *rule, losses), &times(&theirs, by), 1e-5);
            }
        }
    }
}

/// Steps with orthogonal gradients of these norms.
pub(super) fn assert_steps(case: &Json, rule: &mut dyn Weighting) {
    for (done, step) in list(case, "steps").iter().enumerate() {
        let norms = numbers(&step["norms"]);
        let losses = step.get("losses").map_or_else(|| vec![1.0; norms.len()], numbers);
        let names = names(norms.len());
        let objectives: Vec<_> =
            names.iter().zip(losses).map(|(name, loss)| (name, 0, Some(loss as f32))).collect();
        let product = |j: usize, k: usize| if j == k { norms[j].powi(2) } else { 0.0 };
        let gram = Gram::new(norms.len(), product);
        let ours = coefficients_by(rule, done as u64, &objectives, &gram);
        assert_near(&ours, &numbers(&step["weights"]), 1e-5);
    }
}

#[test]
fn rules_of_norms_give_the_weights_of_the_papers_over_several_steps() {
    for case in list(&fixture(), "grad-norm") {
        assert_steps(case, &mut *rule("grad-norm", &[("learning_rate", Value::Number(0.1))]));
    }
    for case in list(&fixture(), "metabalance") {
        assert_steps(case, &mut *rule("metabalance", &[]));
    }
}

#[test]
fn famo_gives_the_weights_of_the_paper_over_several_steps() {
    let fixture: Json =
        serde_json::from_str(include_str!("../../../tests/fixtures/mixer/famo.json")).unwrap();
    for steps in list(&fixture, "cases") {
        let mut rule = rule("famo", &[]);
        for step in steps.as_array().unwrap() {
            let losses = |key: &str| -> Vec<Option<f32>> {
                numbers(&step[key]).into_iter().map(|loss| Some(loss as f32)).collect()
            };
            // The paper's weights sum to 1.
            let wanted = numbers(&step["weights"]);
            let ours = of_losses(&mut *rule, &losses("before"));
            assert_near(&ours, &times(&wanted, wanted.len() as f64), 1e-5);
            after_update(&mut *rule, &losses("after"));
        }
    }
}
