//! What LibMTL gives for the same losses and gradients, to 1e-5 of each value; CAGrad, whose solver it stops early, to 2e-3 of
//! the direction's length.
//!
//! Scales differ as each rule's module says: the factor is with each comparison. It differs from the papers twice: the
//! weights that it reports of the geometric mean are not those of its gradient, which is compared here; and its GradVac
//! moves a pair's target in those steps only whose cosine is below it, so that the first step alone is compared.

use serde_json::Value as Json;

use super::{assert_near, gram_of, numbers, of_gradients, of_losses, rule};
use crate::{
    keys::Value,
    mixer::{
        gradvac::vaccinated,
        pcgrad::projected,
        tests::references::{assert_steps, list, orders, rows, times},
    },
};

fn fixture() -> Json {
    serde_json::from_str(include_str!("../../../tests/fixtures/mixer/libmtl.json")).unwrap()
}

fn of_f32(values: &[f64]) -> Vec<f32> {
    values.iter().map(|value| *value as f32).collect()
}

fn losses(json: &Json) -> Vec<Option<f32>> {
    of_f32(&numbers(json)).into_iter().map(Some).collect()
}

#[test]
fn rules_of_gradients_give_the_weights_of_libmtl() {
    let (mut n_negative, mut n_conflict_averse) = (0, 0);
    for case in list(&fixture(), "cases") {
        let (gradients, losses) = (rows(&case["gradients"]), numbers(&case["losses"]));
        let (n, gram) = (gradients.len(), gram_of(&gradients));
        let order = orders(&case["pcgrad orders"]);
        let ours = projected(&gram, |i| order[i].clone());
        assert_near(&of_f32(&ours), &numbers(&case["pcgrad"]), 1e-5);

        let mut sum = vec![0.0; n];
        for (i, order) in orders(&case["gradvac orders"]).into_iter().enumerate() {
            let others: Vec<(usize, f64)> = order.into_iter().map(|j| (j, 0.0)).collect();
            let (c, _) = vaccinated(&gram, i, &others);
            sum.iter_mut().zip(c).for_each(|(sum, c)| *sum += c);
        }
        assert_near(&of_f32(&sum), &numbers(&case["gradvac"]), 1e-5);

        // Theirs sum to 1, ours have absolute values of mean 1.
        let theirs = numbers(&case["imtl-g"]);
        n_negative += usize::from(theirs.iter().any(|w| *w < 0.0));
        let by = n as f64 / theirs.iter().map(|w| w.abs()).sum::<f64>();
        let ours = of_gradients(&mut *rule("imtl-g", &[]), &gradients, &losses);
        assert_near(&ours, &times(&theirs, by), 1e-5);

        // It supports three objectives, and stops its solver early. Its direction is divided by 1 + c² with c = 0.5; ours
        // is as long as the sum where all agree.
        let Some(theirs) = case.get("cagrad direction").map(numbers) else { continue };
        n_conflict_averse += 1;
        let ours = of_gradients(&mut *rule("cagrad", &[]), &gradients, &losses);
        let ours = |at: usize| -> f64 {
            ours.iter().zip(&gradients).map(|(w, g)| f64::from(*w) * g[at]).sum()
        };
        let difference =
            |(at, theirs): (usize, &f64)| (ours(at) - theirs * 3.0 * 1.25 / 1.5).powi(2);
        let difference: f64 = theirs.iter().enumerate().map(difference).sum();
        let length: f64 = (0..theirs.len()).map(|at| ours(at).powi(2)).sum();
        let (difference, length) = (difference.sqrt(), length.sqrt());
        assert!(difference < 2e-3 * length, "{difference} of {length}");
    }
    assert!(n_negative > 0 && n_conflict_averse > 0, "{n_negative} {n_conflict_averse}");
}

#[test]
fn rules_of_losses_give_the_weights_of_libmtl() {
    let fixture = fixture();
    for case in list(&fixture, "cases") {
        let theirs = numbers(&case["geometric-mean"]);
        let ours = of_losses(&mut *rule("geometric-mean", &[]), &losses(&case["losses"]));
        assert_near(&ours, &times(&theirs, theirs.len() as f64), 1e-5);
        let reported = numbers(&case["geometric-mean reported"]);
        assert!(
            theirs.iter().zip(reported).all(|(slope, reported)| (slope - reported).abs() > 1e-3)
        );
    }
    for case in list(&fixture, "learnt") {
        // Kendall's sum has halves: in the weights, and in the slope by which the scales are learnt.
        for (name, by, learning_rate) in [("uncertainty", 2.0, 0.1), ("imtl-l", 1.0, 0.1)] {
            let mut rule = rule(name, &[("learning_rate", Value::Number(learning_rate))]);
            for (step, theirs) in list(case, "losses").iter().zip(list(case, name)) {
                let ours = of_losses(&mut *rule, &losses(step));
                assert_near(&ours, &times(&numbers(theirs), by), 1e-5);
            }
        }
    }
}

#[test]
fn grad_norm_gives_the_weights_of_libmtl_over_several_steps() {
    for case in list(&fixture(), "grad-norm") {
        assert_steps(case, &mut *rule("grad-norm", &[("learning_rate", Value::Number(0.1))]));
    }
}
