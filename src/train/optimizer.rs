//! Optimizers: from gradients to updates, with moments and an update count for each parameter. The rules are in
//! `rule`.
//!
//! A parameter without a gradient in a step is unchanged, including its moments, decay and count.

mod rule;

use std::collections::{BTreeMap, HashMap};

use candle_core::{Result, Tensor};
use rule::Rule;

use super::gradients::Gradients;
use crate::{
    kernel::{self, Gradient},
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

impl Optimizer {
    /// An optimizer without any updates.
    pub fn new(kind: Kind, parameters: &Parameters) -> Self {
        let memory = vec![Memory::default(); parameters.all().len()];
        Self { kind, memory }
    }

    /// One step of every parameter that has a gradient, which is multiplied by `scale` first, with
    /// the learning rate of the parameter's index.
    pub fn step(
        &mut self,
        parameters: &Parameters,
        gradients: &Gradients,
        scale: f32,
        rate: impl Fn(usize) -> f64,
    ) -> Result<()> {
        for (number, parameter) in parameters.all().iter().enumerate() {
            let Some(gradient) = gradients.get(number) else { continue };
            let n = parameter.var.elem_count();
            let memory = &mut self.memory[number];
            memory.see(gradient, parameter.var.dims());
            for slot in &mut memory.slots {
                slot.resize(n, 0.0);
            }
            let rule = Rule::new(self.kind, memory.count, scale, rate(number));
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

    /// The moments of all parameters that have had an update: their name, values in row-major order, and shape.
    pub fn moments<'a>(
        &'a self,
        parameters: &'a Parameters,
    ) -> impl Iterator<Item = (String, &'a [f32], Vec<usize>)> {
        parameters.all().iter().zip(&self.memory).flat_map(|(parameter, memory)| {
            let slots = ["first", "second"].into_iter().zip(&memory.slots);
            slots.filter(|(_, values)| !values.is_empty()).map(|(slot, values)| {
                let shape = parameter.var.dims().to_vec();
                (format!("{}.{slot}", parameter.name), &values[..], shape)
            })
        })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{kernel::RowGradient, recipe::optimizer::Moments};

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
