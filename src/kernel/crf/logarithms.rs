//! The forward-backward algorithm in the log domain, for transition scores of any size.

use super::{Saved, Transitions};
use crate::kernel::vector::{exp_or_zero, log_sum_exp, max_of_row};

/// ln Σ over all y of e^score(y), and the expected counts if gradients are required.
#[inline(always)]
pub(super) fn expected<'a>(
    emission: impl Fn(usize) -> &'a [f32],
    n: usize,
    transitions: Transitions<'_>,
    requires_grad: bool,
) -> (f64, Option<Saved>) {
    let tags = transitions.tags;
    // Transitions by the tag that they lead to, so that sums over the previous tag read contiguous
    // memory.
    let mut to = vec![0.0; tags * tags];
    for i in 0..tags {
        for j in 0..tags {
            to[j * tags + i] = transitions.from(i)[j];
        }
    }
    let mut alpha = vec![0.0; n * tags];
    let mut log_z = 0.0f64;
    let mut scores = vec![0.0; tags];
    for t in 0..n {
        let (before, now) = alpha.split_at_mut(t * tags);
        let now = &mut now[..tags];
        for j in 0..tags {
            now[j] = emission(t)[j]
                + if t == 0 {
                    transitions.start()[j]
                } else {
                    let before = &before[(t - 1) * tags..];
                    for ((score, a), w) in scores.iter_mut().zip(before).zip(&to[j * tags..]) {
                        *score = a + w;
                    }
                    log_sum_exp(&scores)
                };
        }
        log_z += f64::from(subtract_max(now));
    }
    for ((score, a), w) in scores.iter_mut().zip(&alpha[(n - 1) * tags..]).zip(transitions.end()) {
        *score = a + w;
    }
    let last = log_sum_exp(&scores);
    log_z += f64::from(last);
    if !requires_grad {
        return (log_z, None);
    }

    let mut saved = Saved {
        grad_emissions: vec![0.0; n * tags],
        grad_transitions: vec![0.0; (tags + 2) * tags],
    };
    let mut beta = transitions.end().to_vec();
    let mut after = vec![0.0; tags];
    for t in (0..n).rev() {
        // Expected counts of tags: α·β, normalized by their own sum.
        let alpha_t = &alpha[t * tags..][..tags];
        for ((score, a), b) in scores.iter_mut().zip(alpha_t).zip(&beta) {
            *score = a + b;
        }
        let log_sum = log_sum_exp(&scores);
        let grad_emission = &mut saved.grad_emissions[t * tags..][..tags];
        for (grad_emission, &score) in grad_emission.iter_mut().zip(&scores) {
            *grad_emission = exp_or_zero(score - log_sum);
        }
        if t + 1 == n {
            saved.grad_transitions[(tags + 1) * tags..].copy_from_slice(grad_emission);
        }
        if t == 0 {
            saved.grad_transitions[tags * tags..][..tags].copy_from_slice(grad_emission);
            break;
        }
        for ((after, e), b) in after.iter_mut().zip(emission(t)).zip(&beta) {
            *after = e + b;
        }
        subtract_max(&mut after);
        let alpha_before = &alpha[(t - 1) * tags..][..tags];
        for (i, beta) in beta.iter_mut().enumerate() {
            for ((score, w), a) in scores.iter_mut().zip(transitions.from(i)).zip(&after) {
                *score = w + a;
            }
            *beta = log_sum_exp(&scores);
        }
        // Expected counts of transitions: α(i)·w(i, j)·after(j) over the same sum.
        let mut joint = scores.clone();
        for ((joint, a), b) in joint.iter_mut().zip(alpha_before).zip(&beta) {
            *joint = a + b;
        }
        let log_sum = log_sum_exp(&joint);
        for (i, a) in alpha_before.iter().enumerate() {
            let base = a - log_sum;
            let grad_transition = &mut saved.grad_transitions[i * tags..][..tags];
            for ((by, w), a) in grad_transition.iter_mut().zip(transitions.from(i)).zip(&after) {
                *by += exp_or_zero(base + w + a);
            }
        }
    }

    (log_z, Some(saved))
}

/// Subtracts the largest score from every score and returns it.
#[inline(always)]
fn subtract_max(scores: &mut [f32]) -> f32 {
    let max_of_row = max_of_row(scores);
    if !max_of_row.is_finite() {
        return max_of_row;
    }
    for score in scores {
        *score -= max_of_row;
    }
    max_of_row
}
