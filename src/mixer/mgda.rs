//! Multiple gradient descent (Désidéri 2012; Sener and Koltun 2018, "Multi-Task Learning as Multi-Objective
//! Optimization").
//!
//! With G the Gram matrix of the objectives' gradients with respect to the shared parameters:
//! w = argmin wᵀGw subject to w ≥ 0, Σ w = 1, so that Σ wₖgₖ is the shortest vector of the
//! gradients' convex hull, which decreases every loss to first order or is 0. Gradients may be
//! normalized to gₖ / nₖ before the minimum is computed; w is then applied to gₖ itself, as in the
//! authors' code.
//!
//! As in the paper, the coefficients sum to 1, not to the number of objectives, so steps are
//! shorter than with `equal`. Without normalization the smallest gradient dominates: the shortest
//! vector of the hull is never longer.
//!
//! The minimum is found by the Frank-Wolfe algorithm with exact line search, in its pairwise form
//! (Lacoste-Julien and Jaggi 2015): weight is moved from the objective with the largest ⟨gₖ, d⟩ to
//! the one with the smallest, where d = Σ wₖgₖ. The paper's form moves it from all others; both
//! have the same minimum, but where some w is 0 its error decreases as 1 / iterations, and that of
//! the pairwise form geometrically. Where gradients are nearly opposed that is still slow: what is left after 1,000
//! iterations is removed by Wolfe's algorithm (`wolfe`), if it can.

mod wolfe;

use super::{Gram, Needs, StepView, Weighting, WeightingKind};
use crate::keys::{Key, ValueType, Values};

pub(super) struct Mgda;

const NORMALIZE: Key = Key::with_default(
    "normalize",
    ValueType::Choice(&["none", "l2", "loss", "loss+"]),
    "\"none\"",
    "divisor of the gradients: 1, their norm, the loss, or both",
);

impl WeightingKind for Mgda {
    fn name(&self) -> &'static str {
        "mgda"
    }

    fn about(&self) -> &'static str {
        "multiple gradient descent: the shortest convex combination of the gradients, which decreases every loss"
    }

    fn keys(&self) -> &'static [Key] {
        &[NORMALIZE]
    }

    fn build(&self, values: &Values) -> Box<dyn Weighting> {
        Box::new(match values.text(NORMALIZE.name) {
            "l2" => Shortest { by_norm: true, by_loss: false },
            "loss" => Shortest { by_norm: false, by_loss: true },
            "loss+" => Shortest { by_norm: true, by_loss: true },
            _ => Shortest { by_norm: false, by_loss: false },
        })
    }
}

/// Finds the shortest convex combination of the gradients, after normalization.
struct Shortest {
    by_norm: bool,
    by_loss: bool,
}

impl Weighting for Shortest {
    fn needs(&self) -> Needs {
        Needs::Gram
    }

    fn coefficients(&mut self, step: &StepView<'_>) -> Vec<f32> {
        let gram = step.gram.expect("the Gram matrix was requested");
        let scale = |k: usize| {
            let loss = step.objectives[k].loss.map_or(1.0, f64::from);
            let norm = if self.by_norm { gram.at(k, k).sqrt() } else { 1.0 };
            let divisor = norm * if self.by_loss { loss } else { 1.0 };
            // A loss of 0 or below gives no scale.
            if divisor > 0.0 { divisor.recip() } else { 1.0 }
        };
        let scales: Vec<f64> = (0..gram.n()).map(scale).collect();
        shortest(&gram.scaled(&scales)).into_iter().map(|w| w as f32).collect()
    }
}

/// The maximum number of iterations; each is a few additions per objective.
const MOST_MOVES: usize = 1_000;

/// What an end of the iterations may leave, as a fraction of the longest gradient's square.
const SLACK: f64 = 1e-12;

/// The iterations end when no ⟨gₖ, d⟩ is below ⟨d, d⟩ by more than this fraction of the longest
/// gradient's square.
const TOLERANCE: f64 = 1e-14;

/// argmin wᵀGw subject to w ≥ 0, Σ w = 1.
pub(super) fn shortest(gram: &Gram) -> Vec<f64> {
    let w = by_frank_wolfe(gram);
    if violation(gram, &w) <= SLACK * longest(gram) {
        return w;
    }
    let refined = wolfe::refined(gram, w.clone());
    // Rounding can spoil it where the gradients' lengths differ by many orders of magnitude.
    if squared_length(gram, &refined) < squared_length(gram, &w) { refined } else { w }
}

/// The squared length of the longest gradient.
fn longest(gram: &Gram) -> f64 {
    (0..gram.n()).map(|k| gram.at(k, k)).fold(0.0, f64::max)
}

/// ⟨d, d⟩.
fn squared_length(gram: &Gram, w: &[f64]) -> f64 {
    gram.times(w).iter().zip(w).map(|(along, w)| along * w).sum()
}

/// By how much the smallest ⟨gₖ, d⟩ is below ⟨d, d⟩; 0 at the minimum.
fn violation(gram: &Gram, w: &[f64]) -> f64 {
    let lowest = gram.times(w).into_iter().fold(f64::INFINITY, f64::min);
    (squared_length(gram, w) - lowest).max(0.0)
}

fn by_frank_wolfe(gram: &Gram) -> Vec<f64> {
    let n = gram.n();
    let mut w = vec![1.0 / n as f64; n];
    let longest = longest(gram);
    for _ in 0..MOST_MOVES {
        let along = gram.times(&w);
        let to = (0..n).min_by(|&j, &k| along[j].total_cmp(&along[k]));
        let from = (0..n).filter(|&k| w[k] > 0.0).max_by(|&j, &k| along[j].total_cmp(&along[k]));
        let (Some(to), Some(from)) = (to, from) else { break };
        let slope = along[from] - along[to];
        if slope <= TOLERANCE * longest {
            break;
        }
        // f(w + γ(e_to − e_from)) = wᵀGw − 2γ·slope + γ²·curvature.
        let curvature = gram.at(to, to) + gram.at(from, from) - 2.0 * gram.at(to, from);
        let all = w[from];
        let moved = if curvature * all > slope { slope / curvature } else { all };
        w[from] = if moved < all { all - moved } else { 0.0 };
        w[to] += moved;
    }
    w
}
