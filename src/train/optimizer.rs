//! Optimizers: from gradients to updates, with moments and an update count for each parameter.
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
//!
//! A parameter without a gradient in a step is unchanged, including its moments, decay and count.

use std::collections::{BTreeMap, HashMap};

use candle_core::{Device, Result, Tensor};
use rayon::prelude::*;

use super::gradients::Gradients;
use crate::{
    kernel::{self, Gradient, RowGradient},
    model::Parameters,
    recipe::OptimizerConfig as Kind,
};

/// The state of one parameter.
#[derive(Clone, Debug, Default, PartialEq)]
struct Memory {
    /// The number of its updates.
    count: u64,
    /// The first and second moment of each of its elements.
    slots: [Vec<f32>; 2],
    /// For a table whose gradients have all been sparse, the rows that have had one; otherwise
    /// `None`.
    rows: Option<Vec<bool>>,
}

impl Memory {
    /// Counts an update with a gradient of a parameter of that shape.
    fn see(&mut self, gradient: &Gradient, shape: &[usize]) {
        match gradient {
            Gradient::Dense(_) => self.rows = None,
            Gradient::Rows(gradient) => {
                if self.count == 0 {
                    self.rows = Some(vec![false; shape[0]]);
                }
                if let Some(rows) = &mut self.rows {
                    gradient.ids.iter().for_each(|&id| rows[id as usize] = true);
                }
            }
        }
        self.count += 1;
    }
}

/// An optimizer with its state.
#[derive(Debug)]
pub struct Optimizer {
    kind: Kind,
    memory: Vec<Memory>,
}

/// Elements per task; each is updated independently.
const BLOCK: usize = 16_384;

impl Optimizer {
    /// An optimizer without any updates.
    pub fn new(kind: Kind, parameters: &Parameters) -> Self {
        let memory = vec![Memory::default(); parameters.all().len()];
        Self { kind, memory }
    }

    /// One step of every parameter that has a gradient, which is multiplied by `scale` first.
    pub fn step(
        &mut self,
        parameters: &Parameters,
        gradients: &Gradients,
        scale: f32,
        rate: f64,
    ) -> Result<()> {
        for (number, parameter) in parameters.all().iter().enumerate() {
            let Some(gradient) = gradients.get(number) else { continue };
            let n = parameter.var.elem_count();
            let memory = &mut self.memory[number];
            memory.see(gradient, parameter.var.dims());
            for slot in &mut memory.slots {
                slot.resize(n, 0.0);
            }
            let rule = Rule::new(self.kind, memory.count, scale, rate);
            kernel::update(&parameter.var, |numbers| match gradient {
                Gradient::Dense(gradient) => rule.step(numbers, gradient, &mut memory.slots),
                Gradient::Rows(gradient) => {
                    let width = parameter.var.dims().last().copied().unwrap_or(1);
                    // A row with zero moments does not change, unless there is decay.
                    let moving = memory.rows.as_deref().filter(|_| !rule.decays());
                    rule.step_rows(numbers, gradient, moving, &mut memory.slots, width);
                }
            })?;
        }
        Ok(())
    }

    /// The number of updates of each parameter, by name; for a checkpoint's `state.json`.
    pub fn counts(&self, parameters: &Parameters) -> BTreeMap<String, u64> {
        let counts = parameters.all().iter().zip(&self.memory);
        counts.map(|(parameter, memory)| (parameter.name.clone(), memory.count)).collect()
    }

    /// Restores a checkpoint's moments and counts, of parameters that have had updates.
    pub fn restore(
        &mut self,
        parameters: &Parameters,
        tensors: &HashMap<String, Tensor>,
        updates: &BTreeMap<String, u64>,
    ) -> Result<()> {
        for (parameter, memory) in parameters.all().iter().zip(&mut self.memory) {
            let Some(&count) = updates.get(&parameter.name).filter(|&&count| count > 0) else {
                continue;
            };
            let shape = parameter.var.shape();
            let slot = |slot: &str| -> Result<Vec<f32>> {
                let name = format!("{}.{slot}", parameter.name);
                let tensor = tensors.get(&name).filter(|tensor| tensor.shape() == shape);
                let tensor = tensor.ok_or_else(|| {
                    candle_core::Error::Msg(format!(
                        "expected a tensor {name:?} of shape {shape:?}"
                    ))
                })?;
                tensor.flatten_all()?.to_vec1()
            };
            let slots = [slot("first")?, slot("second")?];
            *memory = Memory { count, rows: rows_in_use(shape.dims(), &slots), slots };
        }
        Ok(())
    }

    /// The moments as tensors, by `PARAMETER.first` and `PARAMETER.second`.
    pub fn tensors(&self, parameters: &Parameters) -> Result<HashMap<String, Tensor>> {
        let mut tensors = HashMap::new();
        for (parameter, memory) in parameters.all().iter().zip(&self.memory) {
            for (slot, numbers) in ["first", "second"].iter().zip(&memory.slots) {
                if !numbers.is_empty() {
                    let name = format!("{}.{slot}", parameter.name);
                    let shape = parameter.var.shape();
                    tensors.insert(name, Tensor::from_slice(numbers, shape, &Device::Cpu)?);
                }
            }
        }
        Ok(tensors)
    }
}

/// The rows of a table that have had a gradient other than 0: those with a non-zero moment. An
/// update leaves all other rows unchanged.
fn rows_in_use(shape: &[usize], [first, second]: &[Vec<f32>; 2]) -> Option<Vec<bool>> {
    let [_, width] = *shape else { return None };
    let is_used = |row: &[f32]| row.iter().any(|&value| value != 0.0);
    let rows = first.chunks_exact(width).zip(second.chunks_exact(width));
    Some(rows.map(|(first, second)| is_used(first) || is_used(second)).collect())
}

/// One update of elements with their gradients and two moments each.
#[derive(Clone, Copy)]
enum Rule {
    Sgd { scale: f32, decay: f32, momentum: f32, rate: f32 },
    Adam(Adam),
    AdaDelta { scale: f32, decay: f32, rho: f32, epsilon: f32, rate: f32 },
    RmsProp { scale: f32, decay: f32, alpha: f32, epsilon: f32, momentum: f32, rate: f32 },
}

#[derive(Clone, Copy)]
struct Adam {
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
    fn new(kind: Kind, count: u64, scale: f32, rate: f64) -> Self {
        let t = i32::try_from(count).unwrap_or(i32::MAX);
        let adam = |moments: crate::recipe::optimizer::Moments, penalty, shrink: f64| {
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
    fn decays(self) -> bool {
        match self {
            Self::Sgd { decay, .. }
            | Self::AdaDelta { decay, .. }
            | Self::RmsProp { decay, .. } => decay != 0.0,
            Self::Adam(Adam { penalty, shrink, .. }) => penalty != 0.0 || shrink != 1.0,
        }
    }

    /// Updates all elements.
    fn step(self, numbers: &mut [f32], gradient: &[f32], [first, second]: &mut [Vec<f32>; 2]) {
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
    fn step_rows(
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
    use crate::recipe::optimizer::Moments;

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

    #[test]
    fn sparse_and_dense_updates_are_equal() {
        let (n_rows, width) = (7, 3);
        let moments = Moments { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 };
        let decays = Moments { weight_decay: 0.1, ..moments };
        let (rho, epsilon, alpha) = (0.9, 1e-6, 0.99);
        let kinds = [
            Kind::Sgd { momentum: 0.9, weight_decay: 0.0 },
            Kind::Sgd { momentum: 0.9, weight_decay: 0.1 },
            Kind::Adam(moments),
            Kind::Adam(decays),
            Kind::AdamW(decays),
            Kind::AdaDelta { rho, epsilon, weight_decay: 0.0 },
            Kind::RmsProp { alpha, epsilon, momentum: 0.5, weight_decay: 0.0 },
        ];
        for kind in kinds {
            let start: Vec<f32> = (0..n_rows * width).map(|at| at as f32 * 0.3 - 1.0).collect();
            let zeros = || Memory {
                slots: [vec![0.0; start.len()], vec![0.0; start.len()]],
                ..Memory::default()
            };
            let (mut by_rows, mut dense) = ((start.clone(), zeros()), (start.clone(), zeros()));
            for (count, ids) in (1..).zip([vec![2, 5], vec![5], vec![], vec![0, 2]]) {
                let rows: Vec<f32> = (0..ids.len() * width).map(|at| at as f32 - 1.5).collect();
                let mut all = vec![0.0; start.len()];
                for (id, row) in ids.iter().zip(rows.chunks(width)) {
                    all[*id as usize * width..][..width].copy_from_slice(row);
                }
                let rule = Rule::new(kind, count, 0.5, 0.1);
                rule.step(&mut dense.0, &all, &mut dense.1.slots);
                let gradient = RowGradient { ids, rows };
                by_rows.1.see(&Gradient::Rows(gradient.clone()), &[n_rows, width]);
                let moving = by_rows.1.rows.as_deref().filter(|_| !rule.decays());
                let (numbers, slots) = (&mut by_rows.0, &mut by_rows.1.slots);
                rule.step_rows(numbers, &gradient, moving, slots, width);
                assert_eq!(by_rows.0, dense.0, "{kind:?}");
                assert_eq!(by_rows.1.slots, dense.1.slots, "{kind:?}");
            }
        }
    }
}
