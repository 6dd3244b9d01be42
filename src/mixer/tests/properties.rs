//! Properties that every rule has, and the scale of its shares.

use proptest::prelude::*;

use super::{coefficients_by, coefficients_of, gradients, gram_of, names, rule};
use crate::{
    mixer::{Gram, WEIGHTINGS, Weighting, WeightingMemory, moving_average::MovingAverage},
    protocol::ObjectiveId,
};

/// What a rule says of its shares.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Scale {
    /// They average 1.
    Mean,
    /// They sum to 1.
    Sum,
    /// Neither; one objective alone has a share of 1.
    Alone,
    /// Neither; one objective alone has a share of its own.
    Free,
}

/// The scale of each rule, as its module states it.
const SCALES: &[(&str, Scale)] = &[
    ("equal", Scale::Mean),
    ("random", Scale::Mean),
    ("dwa", Scale::Mean),
    ("uncertainty", Scale::Free),
    ("imtl-l", Scale::Free),
    ("log", Scale::Free),
    ("geometric-mean", Scale::Alone),
    ("stch", Scale::Mean),
    ("famo", Scale::Mean),
    ("mgda", Scale::Sum),
    ("pcgrad", Scale::Alone),
    ("gradvac", Scale::Alone),
    ("cagrad", Scale::Alone),
    ("imtl-g", Scale::Alone),
    ("config", Scale::Alone),
    ("nash-mtl", Scale::Mean),
    ("fairgrad", Scale::Mean),
    ("aligned-mtl", Scale::Alone),
    ("dualproj", Scale::Alone),
    ("upgrad", Scale::Alone),
    ("grad-norm", Scale::Mean),
    ("db-mtl", Scale::Free),
    ("cosine-gate", Scale::Alone),
    ("ol-aux", Scale::Alone),
    ("metabalance", Scale::Alone),
];

/// Arbitrary steps: for each objective its epoch and its loss.
fn steps(n: usize) -> impl Strategy<Value = Vec<Vec<(u64, Option<f32>)>>> {
    let loss = prop::option::weighted(0.8, 0.0..9.0f32);
    let steps = prop::collection::vec(prop::collection::vec((0..2u64, loss), n), 1..12);
    // Epochs increase with the examples drawn.
    steps.prop_map(|mut steps| {
        for at in 1..steps.len() {
            for k in 0..steps[at].len() {
                steps[at][k].0 += steps[at - 1][k].0;
            }
        }
        steps
    })
}

fn views<'a>(
    names: &'a [ObjectiveId],
    step: &[(u64, Option<f32>)],
) -> Vec<(&'a ObjectiveId, u64, Option<f32>)> {
    names.iter().zip(step).map(|(name, &(epoch, loss))| (name, epoch, loss)).collect()
}

/// Gradients of up to seven elements and their losses, at any scale that gradients in `f32` have.
fn at_any_scale() -> impl Strategy<Value = (Vec<Vec<f64>>, Vec<f32>)> {
    gradients(1..7).prop_flat_map(|gradients| {
        let n = gradients.len();
        let exponents = prop::collection::vec(-38..38i32, n);
        let losses = prop_oneof![Just(0.0f32), Just(1e-40), Just(1e38), Just(-1.0), 0.0..9.0f32];
        (Just(gradients), exponents, prop::collection::vec(losses, n), any::<bool>()).prop_map(
            |(mut gradients, exponents, losses, same)| {
                for (row, exponent) in gradients.iter_mut().zip(&exponents) {
                    let exponent = if same { exponents[0] } else { *exponent };
                    for x in row.iter_mut() {
                        *x *= 10.0_f64.powi(exponent);
                    }
                }
                (gradients, losses)
            },
        )
    })
}

/// The coefficients of a new rule in its third step, each with these gradients and losses.
fn third(rule: &mut dyn Weighting, gram: &Gram, names: &[ObjectiveId], losses: &[f32]) -> Vec<f32> {
    let objectives: Vec<_> =
        names.iter().zip(losses).map(|(name, loss)| (name, 0, Some(*loss))).collect();
    let step = |done| coefficients_by(rule, done, &objectives, gram);
    (0..3).map(step).last().unwrap()
}

#[test]
fn the_scale_of_every_rule_is_stated() {
    let rules: Vec<&str> = WEIGHTINGS.iter().map(|kind| kind.name()).collect();
    assert_eq!(SCALES.iter().map(|(name, _)| *name).collect::<Vec<_>>(), rules);
}

proptest! {
    #[test]
    fn coefficients_have_their_scale_and_do_not_depend_on_the_order(
        steps in (1..5usize).prop_flat_map(steps)
    ) {
        for &(name, scale) in SCALES {
            let names = names(steps[0].len());
            let (mut one, mut other) = (rule(name, &[]), rule(name, &[]));
            for (done, step) in steps.iter().enumerate() {
                let mut objectives = views(&names, step);
                let found = coefficients_of(&mut *one, done as u64, &objectives);
                let all_lost = objectives.iter().all(|(_, _, loss)| loss.is_some());
                objectives.reverse();
                let mut turned = coefficients_of(&mut *other, done as u64, &objectives);
                turned.reverse();
                let sum: f32 = found.iter().sum();
                match scale {
                    Scale::Mean if all_lost => prop_assert!(
                        (sum - found.len() as f32).abs() < 1e-4, "{}: {:?}", name, found
                    ),
                    Scale::Sum => prop_assert!((sum - 1.0).abs() < 1e-4, "{}: {:?}", name, found),
                    Scale::Alone if found.len() == 1 => {
                        prop_assert!((found[0] - 1.0).abs() < 1e-6, "{}: {:?}", name, found);
                    }
                    _ => {}
                }
                for (a, b) in found.iter().zip(&turned) {
                    prop_assert!(
                        *a >= 0.0 && (a - b).abs() <= 1e-6 * a, "{}: {} {}", name, a, b
                    );
                }
            }
        }
    }

    /// Independent gradients, in another order with their names: the same share for each.
    #[test]
    fn shares_belong_to_the_names(
        seed in prop::collection::vec(prop::collection::vec(-1.0..1.0f64, 5), 1..6),
        losses in prop::collection::vec(0.1..4.0f32, 5),
        by in 0..5usize,
    ) {
        // 2 on the diagonal, so that they are independent, and as different as the others' elements.
        let mut gradients = seed;
        for (k, row) in gradients.iter_mut().enumerate() {
            row[k] += 2.0;
        }
        let n = gradients.len();
        for &(name, _) in SCALES {
            let (mut rows, mut ids, mut losses) = (gradients.clone(), names(n), losses[..n].to_vec());
            let mut found = third(&mut *rule(name, &[]), &gram_of(&rows), &ids, &losses);
            let by = by % n;
            rows.rotate_left(by);
            ids.rotate_left(by);
            losses.rotate_left(by);
            found.rotate_left(by);
            let turned = third(&mut *rule(name, &[]), &gram_of(&rows), &ids, &losses);
            for (a, b) in found.iter().zip(&turned) {
                prop_assert!((a - b).abs() <= 1e-4 * a.abs().max(0.1), "{}: {:?} {:?}", name, found, turned);
            }
        }
    }

    /// Also of gradients that are 0, parallel, opposed, or of lengths that differ by 76 orders of magnitude.
    #[test]
    fn coefficients_are_finite((gradients, losses) in at_any_scale()) {
        for &(name, scale) in SCALES {
            let mut rule = rule(name, &[]);
            let w = third(&mut *rule, &gram_of(&gradients), &names(losses.len()), &losses);
            prop_assert!(w.iter().all(|w| w.is_finite() && w.abs() <= 1e6), "{}: {:?}", name, w);
            if w.len() == 1 && scale != Scale::Free {
                prop_assert!((w[0] - 1.0).abs() < 1e-6, "{}: {:?}", name, w);
            }
        }
    }

    #[test]
    fn a_rule_restored_from_its_memory_continues_unchanged(
        steps in (1..5usize).prop_flat_map(steps), stop in 0..12usize
    ) {
        for kind in WEIGHTINGS {
            let names = names(steps[0].len());
            let new = || -> Box<dyn Weighting> {
                Box::new(MovingAverage::new(rule(kind.name(), &[]), 0.9))
            };
            let (mut whole, mut stopped) = (new(), new());
            for (done, step) in steps.iter().enumerate() {
                if done == stop {
                    let json = serde_json::to_string(&stopped.memory()).unwrap();
                    stopped = new();
                    stopped.restore(&serde_json::from_str(&json).unwrap()).unwrap();
                }
                let objectives = views(&names, step);
                let bits = |w: Vec<f32>| w.into_iter().map(f32::to_bits).collect::<Vec<_>>();
                prop_assert_eq!(
                    bits(coefficients_of(&mut *whole, done as u64, &objectives)),
                    bits(coefficients_of(&mut *stopped, done as u64, &objectives))
                );
                prop_assert_eq!(whole.memory(), stopped.memory());
            }
        }
    }
}

#[test]
fn a_memory_of_another_rule_is_refused() {
    let memory: WeightingMemory = serde_json::from_str("{\"o0\":{\"epoch\":\"two\"}}").unwrap();
    for kind in WEIGHTINGS {
        let mut average = MovingAverage::new(rule(kind.name(), &[]), 0.9);
        assert!(average.restore(&memory).is_err());
        assert!(rule(kind.name(), &[]).restore(&memory).is_err(), "{}", kind.name());
    }
}
