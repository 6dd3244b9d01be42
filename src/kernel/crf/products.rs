//! The forward-backward algorithm over products, for transition scores that differ little from each
//! other.

use super::{Saved, Transitions};
use crate::kernel::vector::{exp, exp_or_zero, max_of_row};

/// e^(w − the largest w) of every transition score w.
pub(super) struct Factors {
    tags: usize,
    /// The largest transition score.
    max_of_row: f32,
    /// In the order of the parameter: (tags + 2, tags).
    from: Vec<f32>,
    /// Those between tags, by the tag that they lead to: (tags, tags).
    to: Vec<f32>,
}

impl Factors {
    /// The largest difference between transition scores. A tag's most probable transition then
    /// differs by a factor of at most e³⁰ from any other tag's, so what `exp_or_zero` rounds to 0,
    /// e⁻⁸⁶, is at most e^(30 + 30 − 86) of the sum that it is missing from, whatever the emissions
    /// are: below the precision of an f32.
    const RANGE: f32 = 30.0;

    pub(super) fn new(transitions: Transitions<'_>) -> Option<Self> {
        let (tags, scores) = (transitions.tags, transitions.scores);
        let max_of_row = max_of_row(scores);
        let least = scores.iter().copied().fold(f32::INFINITY, f32::min);
        // NaN and ±∞ are left to the log domain.
        if !scores.iter().all(|w| w.is_finite()) || max_of_row - least > Self::RANGE {
            return None;
        }
        let from: Vec<f32> = scores.iter().map(|w| exp(w - max_of_row)).collect();
        let to = (0..tags * tags).map(|at| from[at % tags * tags + at / tags]).collect();
        Some(Self { tags, max_of_row, from, to })
    }
}

/// ln Σ over all y of e^score(y), and the expected counts if gradients are required.
#[inline(always)]
pub(super) fn expected<'a>(
    emission: impl Fn(usize) -> &'a [f32],
    n: usize,
    factors: &Factors,
    requires_grad: bool,
) -> (f64, Option<Saved>) {
    let tags = factors.tags;
    let (between, ends) = factors.from.split_at(tags * tags);
    let (start, end) = ends.split_at(tags);
    // Forward sums by tag before and at a token, and e^emission; each row is rescaled.
    let mut alpha = vec![0.0; n * tags];
    let mut likely = vec![0.0; n * tags];
    let mut log_z = (n + 1) as f64 * f64::from(factors.max_of_row);
    for t in 0..n {
        let emission = emission(t);
        let most = max_of_row(emission);
        let likely = &mut likely[t * tags..][..tags];
        for (likely, e) in likely.iter_mut().zip(emission) {
            *likely = exp_or_zero(e - most);
        }
        let (before, now) = alpha.split_at_mut(t * tags);
        let now = &mut now[..tags];
        if t == 0 {
            now.copy_from_slice(start);
        } else {
            add_products(now, &before[(t - 1) * tags..], between);
        }
        times(now, likely);
        log_z += f64::from(most) + f64::from(scale(now).ln());
    }
    if !requires_grad {
        let last = &alpha[(n - 1) * tags..];
        let sum: f32 = last.iter().zip(end).map(|(a, w)| a * w).sum();
        return (log_z + f64::from(sum.ln()), None);
    }

    let mut saved = Saved {
        grad_emissions: vec![0.0; n * tags],
        grad_transitions: vec![0.0; (tags + 2) * tags],
    };
    // Backward sums after a token, by its tag.
    let mut beta = end.to_vec();
    for t in (0..n).rev() {
        let expected = &mut saved.grad_emissions[t * tags..][..tags];
        expected.copy_from_slice(&alpha[t * tags..][..tags]);
        times(expected, &beta);
        let sum = scale(expected);
        if t + 1 == n {
            saved.grad_transitions[(tags + 1) * tags..].copy_from_slice(expected);
            log_z += f64::from(sum.ln());
        }
        if t == 0 {
            saved.grad_transitions[tags * tags..][..tags].copy_from_slice(expected);
            break;
        }
        let after = &mut likely[t * tags..][..tags];
        times(after, &beta);
        scale(after);
        beta.fill(0.0);
        add_products(&mut beta, after, &factors.to);
        // Expected counts of transitions: α(i)·e^w(i, j)·after(j) over their sum; e^w is multiplied
        // last.
        let before = &alpha[(t - 1) * tags..][..tags];
        let sum: f32 = before.iter().zip(&beta).map(|(a, b)| a * b).sum();
        for (a, counts) in before.iter().zip(saved.grad_transitions.chunks_exact_mut(tags)) {
            let a = a / sum;
            for (count, after) in counts.iter_mut().zip(&*after) {
                *count += a * after;
            }
        }
    }
    times(&mut saved.grad_transitions[..tags * tags], between);
    (log_z, Some(saved))
}

/// Adds to `sums` the rows of a matrix, each multiplied by its factor.
#[inline(always)]
fn add_products(sums: &mut [f32], numbers: &[f32], matrix: &[f32]) {
    for (x, row) in numbers.iter().zip(matrix.chunks_exact(sums.len())) {
        for (sum, y) in sums.iter_mut().zip(row) {
            *sum += x * y;
        }
    }
}

/// Multiplies two slices element by element, in place.
#[inline(always)]
fn times(numbers: &mut [f32], others: &[f32]) {
    for (x, y) in numbers.iter_mut().zip(others) {
        *x *= y;
    }
}

/// Divides values by their sum and returns the sum.
#[inline(always)]
fn scale(numbers: &mut [f32]) -> f32 {
    let sum: f32 = numbers.iter().sum();
    for x in numbers {
        *x /= sum;
    }
    sum
}
