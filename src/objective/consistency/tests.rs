//! The divergence against its formula in f64, and its gradient.

use candle_core::{Device, Var};

use super::*;
use crate::kernel::to_vec;

const LEFT_SCORES: [[f32; 3]; 2] = [[0.5, -1.0, 2.0], [0.0, 0.3, -0.2]];
const RIGHT_SCORES: [[f32; 3]; 2] = [[1.0, 0.0, -0.5], [0.1, 0.2, 0.4]];

fn scores(of: [[f32; 3]; 2]) -> Var {
    Var::from_vec(of.concat(), (2, 3), &Device::Cpu).unwrap()
}

fn loss(left: &Tensor, right: &Tensor, target: Target) -> Tensor {
    let log_p = [left, right].map(|scores| kernel::log_softmax(scores).unwrap());
    divergence(&log_p, target).unwrap()
}

/// The probabilities of a row of scores.
fn softmax(scores: [f32; 3]) -> [f64; 3] {
    let e = scores.map(|score| f64::from(score).exp());
    e.map(|x| x / e.iter().sum::<f64>())
}

/// KL(p ‖ q).
fn kl(p: [f64; 3], q: [f64; 3]) -> f64 {
    p.iter().zip(q).map(|(p, q)| p * (p / q).ln()).sum()
}

#[test]
fn the_loss_is_the_divergence_from_the_target_or_the_mean_of_both() {
    let (left, right) = (scores(LEFT_SCORES), scores(RIGHT_SCORES));
    for row in 0..2 {
        let (p, q) = (softmax(LEFT_SCORES[row]), softmax(RIGHT_SCORES[row]));
        let wanted = [
            (Target::Left, kl(p, q)),
            (Target::Right, kl(q, p)),
            (Target::Both, f64::midpoint(kl(p, q), kl(q, p))),
        ];
        for (target, wanted) in wanted {
            let found = f64::from(to_vec(&loss(&left, &right, target)).unwrap()[row]);
            assert!((found - wanted).abs() < 1e-6, "{target:?}: {found}, {wanted}");
            let same = to_vec(&loss(&left, &left, target)).unwrap()[row];
            assert!(same.abs() < 1e-6, "{target:?}: {same}");
        }
    }
}

/// With the target held fixed, as it has no gradient; of the mean both sides move.
#[test]
fn gradients_match_finite_differences_and_a_single_target_has_none() {
    let sum = |left: &Tensor, right: &Tensor, target| {
        f64::from(to_vec(&loss(left, right, target)).unwrap().iter().sum::<f32>())
    };
    for (target, has_gradient) in
        [(Target::Left, [false, true]), (Target::Right, [true, false]), (Target::Both, [true; 2])]
    {
        let sides = [scores(LEFT_SCORES), scores(RIGHT_SCORES)];
        let store = loss(&sides[0], &sides[1], target).sum_all().unwrap().backward().unwrap();
        for (side, has_gradient) in has_gradient.into_iter().enumerate() {
            let gradient = store.get(&sides[side]).map(|gradient| to_vec(gradient).unwrap());
            if !has_gradient {
                let is_zero = gradient.is_none_or(|gradient| gradient.iter().all(|g| *g == 0.0));
                assert!(is_zero, "{target:?}: the target has a gradient");
                continue;
            }
            let gradient = gradient.unwrap();
            let values = to_vec(&sides[side]).unwrap();
            for (at, gradient) in gradient.into_iter().enumerate() {
                let moved = |by: f32| {
                    let mut moved = values.clone();
                    moved[at] += by;
                    let moved = Tensor::from_vec(moved, (2, 3), &Device::Cpu).unwrap();
                    match side {
                        0 => sum(&moved, &sides[1], target),
                        _ => sum(&sides[0], &moved, target),
                    }
                };
                let difference = (moved(0.01) - moved(-0.01)) / 0.02;
                let off = (f64::from(gradient) - difference).abs();
                assert!(off < 1e-3, "{target:?} {side} {at}: {gradient}, {difference}");
            }
        }
    }
}
