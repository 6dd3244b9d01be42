//! The update rules of the optimizers, element by element.
//!
//! With g the gradient (clipped, L2 penalty added), r the learning rate, and t the number of
//! updates of this parameter, as defined by PyTorch:
//! SGD: b ← μb + g; x ← x − r·b.
//! Adam (Kingma and Ba 2015): m ← β₁m + (1 − β₁)g; v ← β₂v + (1 − β₂)g²;
//! x ← x − r/(1 − β₁ᵗ) · m / (√(v/(1 − β₂ᵗ)) + ε). AdamW (Loshchilov and Hutter 2019): the same, with
//! x ← (1 − r·decay)·x first and no penalty in g.
//! AdaDelta (Zeiler 2012): s ← ρs + (1 − ρ)g²; d = √((a + ε)/(s + ε))·g; a ← ρa + (1 − ρ)d²;
//! x ← x − r·d.
//! RMSprop (Tieleman and Hinton 2012): s ← αs + (1 − α)g²; b ← μb + g/(√s + ε); x ← x − r·b.

use rayon::prelude::*;

use crate::{
    kernel::{self, RowGradient},
    recipe::{OptimizerConfig as Kind, optimizer::Moments},
};

/// Elements per task; each is updated independently.
const BLOCK: usize = 16_384;

/// One update of elements with their gradients and two moments each.
#[derive(Clone, Copy)]
pub(super) enum Rule {
    Sgd { scale: f32, decay: f32, momentum: f32, rate: f32 },
    Adam(Adam),
    AdaDelta { scale: f32, decay: f32, rho: f32, epsilon: f32, rate: f32 },
    RmsProp { scale: f32, decay: f32, alpha: f32, epsilon: f32, momentum: f32, rate: f32 },
}

#[derive(Clone, Copy)]
pub(super) struct Adam {
    scale: f32,
    /// L2 penalty, in g.
    penalty: f32,
    /// 1 − rate × decay, for AdamW.
    shrink: f32,
    beta1: f32,
    beta2: f32,
    /// rate / (1 − β₁ᵗ).
    rate: f32,
    /// 1 / √(1 − β₂ᵗ).
    root: f32,
    epsilon: f32,
}

impl Rule {
    pub(super) fn new(kind: Kind, count: u64, scale: f32, rate: f64) -> Self {
        let t = i32::try_from(count).unwrap_or(i32::MAX);
        let adam = |moments: Moments, penalty, shrink: f64| {
            Self::Adam(Adam {
                scale,
                penalty,
                shrink: shrink as f32,
                beta1: moments.beta1 as f32,
                beta2: moments.beta2 as f32,
                rate: (rate / (1.0 - moments.beta1.powi(t))) as f32,
                root: (1.0 / (1.0 - moments.beta2.powi(t)).sqrt()) as f32,
                epsilon: moments.epsilon as f32,
            })
        };
        match kind {
            Kind::Sgd { momentum, weight_decay } => Self::Sgd {
                scale,
                decay: weight_decay as f32,
                momentum: momentum as f32,
                rate: rate as f32,
            },
            Kind::Adam(moments) => adam(moments, moments.weight_decay as f32, 1.0),
            Kind::AdamW(moments) => adam(moments, 0.0, 1.0 - rate * moments.weight_decay),
            Kind::AdaDelta { rho, epsilon, weight_decay } => Self::AdaDelta {
                scale,
                decay: weight_decay as f32,
                rho: rho as f32,
                epsilon: epsilon as f32,
                rate: rate as f32,
            },
            Kind::RmsProp { alpha, epsilon, momentum, weight_decay } => Self::RmsProp {
                scale,
                decay: weight_decay as f32,
                alpha: alpha as f32,
                epsilon: epsilon as f32,
                momentum: momentum as f32,
                rate: rate as f32,
            },
        }
    }

    /// Whether an element changes that has never had a gradient.
    pub(super) fn decays(self) -> bool {
        match self {
            Self::Sgd { decay, .. }
            | Self::AdaDelta { decay, .. }
            | Self::RmsProp { decay, .. } => decay != 0.0,
            Self::Adam(Adam { penalty, shrink, .. }) => penalty != 0.0 || shrink != 1.0,
        }
    }

    /// Updates all elements.
    pub(super) fn step(
        self,
        numbers: &mut [f32],
        gradient: &[f32],
        [first, second]: &mut [Vec<f32>; 2],
    ) {
        numbers
            .par_chunks_mut(BLOCK)
            .zip(gradient.par_chunks(BLOCK))
            .zip(first.par_chunks_mut(BLOCK).zip(second.par_chunks_mut(BLOCK)))
            .for_each(|((numbers, gradient), (first, second))| {
                kernel::fast(
                    #[inline(always)]
                    || self.apply(numbers, gradient, first, second),
                );
            });
    }

    /// Updates the rows of a table, all of them or those given as moving; most have a gradient of 0.
    pub(super) fn step_rows(
        self,
        numbers: &mut [f32],
        gradient: &RowGradient,
        moving: Option<&[bool]>,
        [first, second]: &mut [Vec<f32>; 2],
        width: usize,
    ) {
        // For each row of the table, its index among those with a gradient.
        let mut places = vec![None; numbers.len() / width];
        for (place, &id) in gradient.ids.iter().enumerate() {
            places[id as usize] = Some(place);
        }
        let zeros = vec![0.0; width];
        let rows = (BLOCK / width).max(1);
        numbers
            .par_chunks_mut(rows * width)
            .zip(places.par_chunks(rows))
            .zip(first.par_chunks_mut(rows * width).zip(second.par_chunks_mut(rows * width)))
            .enumerate()
            .for_each(|(block, ((numbers, places), (first, second)))| {
                let moves = |row: usize| moving.is_none_or(|moving| moving[block * rows + row]);
                kernel::fast(
                    #[inline(always)]
                    || {
                        let rows = numbers.chunks_exact_mut(width).zip(places);
                        let memory =
                            first.chunks_exact_mut(width).zip(second.chunks_exact_mut(width));
                        for (row, ((numbers, place), (first, second))) in
                            rows.zip(memory).enumerate()
                        {
                            if !moves(row) {
                                continue;
                            }
                            let gradient = match place {
                                Some(place) => &gradient.rows[place * width..][..width],
                                None => &zeros,
                            };
                            self.apply(numbers, gradient, first, second);
                        }
                    },
                );
            });
    }

    #[inline(always)]
    fn apply(self, numbers: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32]) {
        let all = numbers.iter_mut().zip(gradient).zip(first.iter_mut().zip(second));
        match self {
            Self::Sgd { scale, decay, momentum, rate } => {
                for ((x, g), (b, _)) in all {
                    *b = momentum * *b + (scale * g + decay * *x);
                    *x -= rate * *b;
                }
            }
            Self::Adam(Adam { scale, penalty, shrink, beta1, beta2, rate, root, epsilon }) => {
                for ((x, g), (m, v)) in all {
                    let g = scale * g + penalty * *x;
                    *m = beta1 * *m + (1.0 - beta1) * g;
                    *v = beta2 * *v + (1.0 - beta2) * g * g;
                    *x = shrink * *x - rate * *m / (v.sqrt() * root + epsilon);
                }
            }
            Self::AdaDelta { scale, decay, rho, epsilon, rate } => {
                for ((x, g), (s, a)) in all {
                    let g = scale * g + decay * *x;
                    *s = rho * *s + (1.0 - rho) * g * g;
                    let d = ((*a + epsilon) / (*s + epsilon)).sqrt() * g;
                    *a = rho * *a + (1.0 - rho) * d * d;
                    *x -= rate * d;
                }
            }
            Self::RmsProp { scale, decay, alpha, epsilon, momentum, rate } => {
                for ((x, g), (s, b)) in all {
                    let g = scale * g + decay * *x;
                    *s = alpha * *s + (1.0 - alpha) * g * g;
                    *b = momentum * *b + g / (s.sqrt() + epsilon);
                    *x -= rate * *b;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// x = 1 with the gradients 0.5 and then −0.25, at learning rate 0.1.
    fn two_steps(kind: Kind) -> f32 {
        let (mut x, mut first, mut second) = ([1.0], [0.0], [0.0]);
        for (count, g) in [(1, 0.5), (2, -0.25)] {
            Rule::new(kind, count, 1.0, 0.1).apply(&mut x, &[g], &mut first, &mut second);
        }
        x[0]
    }

    /// The expected values are those of PyTorch 2's `torch.optim`, computed by hand in f64.
    #[test]
    fn two_steps_of_worked_examples() {
        let moments = Moments { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.1 };
        let plain = Moments { weight_decay: 0.0, ..moments };
        let cases = [
            // b = 0.5, x = 0.95; b = 0.45 − 0.25 = 0.2, x = 0.93.
            (Kind::Sgd { momentum: 0.9, weight_decay: 0.0 }, 0.93),
            // x = 0.9; m = 0.02, v = 3.12250e-4: 0.9 − 0.1·(0.02/0.19)/√(v/0.001999) = 0.87337.
            (Kind::Adam(plain), 0.873_365),
            // The same steps, each after x ← 0.99·x: 0.89, then 0.8811 − 0.026635.
            (Kind::AdamW(moments), 0.854_465),
            // s = 0.025, d = √(1e-6/0.025001)·0.5; then s = 0.02875, a = 1e-6.
            (Kind::AdaDelta { rho: 0.9, epsilon: 1e-6, weight_decay: 0.0 }, 0.999_887),
            // s = 0.0025, x = 1 − 0.1·10; s = 0.0031, x = 0 + 0.1·4.4901.
            (
                Kind::RmsProp { alpha: 0.99, epsilon: 1e-8, momentum: 0.0, weight_decay: 0.0 },
                0.449_013,
            ),
        ];
        for (kind, expected) in cases {
            let found = two_steps(kind);
            assert!((found - expected).abs() < 2e-5, "{kind:?}: {found}, expected {expected}");
        }
    }
}
