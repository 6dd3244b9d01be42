//! Gradients of a loss with respect to all parameters that it reaches.

use std::ops::Range;

use candle_core::{Result, Tensor, backprop::GradStore};
use rayon::prelude::*;

use crate::{
    kernel::{self, Gradient, RowGradient},
    mixer::Gram,
    model::Parameters,
};

/// The gradients of one loss, by the parameters' indices; none for parameters that it does not
/// reach.
#[derive(Clone, Debug)]
pub struct Gradients {
    all: Vec<Option<Gradient>>,
    widths: Vec<usize>,
}

impl Gradients {
    /// The gradients of a loss, a scalar.
    pub fn of(loss: &Tensor, parameters: &Parameters) -> Result<Self> {
        let mut gradients = Self::none(parameters);
        gradients.add(&loss.backward()?, parameters)?;
        Ok(gradients)
    }

    /// The gradients of a loss that reaches no parameter.
    pub(super) fn none(parameters: &Parameters) -> Self {
        let width = |var: &Tensor| var.dims().last().copied().unwrap_or(1);
        let widths: Vec<usize> =
            parameters.all().iter().map(|parameter| width(&parameter.var)).collect();
        Self { all: vec![None; widths.len()], widths }
    }

    /// Adds the results of a backward pass: those accumulated in the parameters' store, and
    /// candle's where its own operations have read a parameter. Frozen parameters have none.
    pub(super) fn add(&mut self, store: &GradStore, parameters: &Parameters) -> Result<()> {
        let all = parameters.all();
        for (number, gradient) in parameters.param_grads().take() {
            if !all[number].is_frozen {
                self.add_one(number, gradient);
            }
        }
        for (number, parameter) in all.iter().enumerate().filter(|(_, it)| !it.is_frozen) {
            if let Some(gradient) = store.get(&parameter.var) {
                self.add_one(number, Gradient::Dense(kernel::to_vec(gradient)?.as_slice().into()));
            }
        }
        Ok(())
    }

    /// Adds the gradients of another loss, each multiplied by its parameter's factor.
    pub(super) fn add_scaled(&mut self, other: Self, factor: impl Fn(usize) -> f32) {
        for (number, gradient) in other.all.into_iter().enumerate() {
            if let Some(mut gradient) = gradient {
                gradient.scale(factor(number));
                self.add_one(number, gradient);
            }
        }
    }

    /// Adds the gradients of another loss.
    pub(super) fn add_all(&mut self, other: Self) {
        for (number, gradient) in other.all.into_iter().enumerate() {
            if let Some(gradient) = gradient {
                self.add_one(number, gradient);
            }
        }
    }

    /// Adds the gradients of another loss, and returns those with respect to the parameters for
    /// whose indices this is true.
    pub(super) fn merge(&mut self, other: Self, is_kept: impl Fn(usize) -> bool) -> Self {
        let mut back = Self { all: vec![None; other.all.len()], widths: other.widths };
        for (number, gradient) in other.all.into_iter().enumerate() {
            let Some(gradient) = gradient else { continue };
            if is_kept(number) {
                back.all[number] = Some(gradient.clone());
            }
            self.add_one(number, gradient);
        }
        back
    }

    /// Dense gradients of parameters with these values, each one row.
    #[cfg(test)]
    pub(super) fn of_values(all: &[&[f32]]) -> Self {
        let widths = all.iter().map(|values| values.len()).collect();
        Self {
            all: all.iter().map(|&values| Some(Gradient::Dense(values.into()))).collect(),
            widths,
        }
    }

    fn add_one(&mut self, number: usize, gradient: Gradient) {
        match &mut self.all[number] {
            Some(sum) => sum.add(self.widths[number], gradient),
            none => *none = Some(gradient),
        }
    }

    /// The gradient with respect to the parameter with that index, if the loss reaches it.
    pub fn get(&self, number: usize) -> Option<&Gradient> {
        self.all[number].as_ref()
    }

    /// Those with respect to the parameters with these indices.
    pub(super) fn restricted(&self, param_indices: &[usize]) -> Self {
        let mut some = Self { all: vec![None; self.all.len()], widths: self.widths.clone() };
        for &param_idx in param_indices {
            some.all[param_idx].clone_from(&self.all[param_idx]);
        }
        some
    }

    /// Those with respect to the parameters for whose indices this is true.
    pub(super) fn among(mut self, is_kept: impl Fn(usize) -> bool) -> Self {
        for (param_idx, gradient) in self.all.iter_mut().enumerate() {
            gradient.take_if(|_| !is_kept(param_idx));
        }
        self
    }

    /// Sets the gradient with respect to the parameter with that index.
    pub(super) fn set(&mut self, param_idx: usize, gradient: Gradient) {
        self.all[param_idx] = Some(gradient);
    }

    /// The indices of the shared parameters, in ascending order: those that at least two of these losses reach.
    pub(super) fn shared(all: &[Self]) -> Vec<usize> {
        let n_parameters = all.first().map_or(0, |one| one.all.len());
        let reach =
            |param_idx: usize| all.iter().filter(|one| one.get(param_idx).is_some()).count();
        (0..n_parameters).filter(|&param_idx| reach(param_idx) > 1).collect()
    }

    /// The inner products of these gradients over the parameters with these indices.
    pub(super) fn gram(all: &[Self], param_indices: &[usize]) -> Gram {
        let product = |j: usize, k: usize| all[j].product(&all[k], param_indices.iter().copied());
        Gram::new(all.len(), product)
    }

    /// The square of the global norm over the parameters with these indices, summed in their order.
    pub fn squared_norm(&self, numbers: Range<usize>) -> f64 {
        self.product(self, numbers)
    }

    /// The inner product with another loss's gradients over the parameters with these indices.
    pub fn product(&self, other: &Self, numbers: impl IntoIterator<Item = usize>) -> f64 {
        let of_one = |number: usize| match (&self.all[number], &other.all[number]) {
            (Some(Gradient::Dense(ours)), Some(Gradient::Dense(theirs))) => dot(ours, theirs),
            (Some(Gradient::Rows(ours)), Some(Gradient::Rows(theirs))) => {
                rows_product(ours, theirs, self.widths[number])
            }
            (Some(Gradient::Dense(all)), Some(Gradient::Rows(rows)))
            | (Some(Gradient::Rows(rows)), Some(Gradient::Dense(all))) => {
                let width = self.widths[number];
                let each = rows.ids.iter().zip(rows.rows.chunks_exact(width));
                each.map(|(&id, row)| dot_of_block(row, &all[id as usize * width..][..width])).sum()
            }
            (None, _) | (_, None) => 0.0,
        };
        numbers.into_iter().map(of_one).sum()
    }
}

/// Elements per task.
const BLOCK: usize = 32_768;

/// Σ a·b in f64, so that the order of summation does not affect any displayed digit; in fixed
/// blocks.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f64 {
    let blocks = a.par_chunks(BLOCK).zip(b.par_chunks(BLOCK));
    let products: Vec<f64> = blocks.map(|(a, b)| dot_of_block(a, b)).collect();
    products.iter().sum()
}

fn dot_of_block(a: &[f32], b: &[f32]) -> f64 {
    let mut sums = [0.0f64; 16];
    let (a_chunks, a_rest) = a.as_chunks::<16>();
    let (b_chunks, b_rest) = b.as_chunks::<16>();
    kernel::fast(
        #[inline(always)]
        || {
            for (a, b) in a_chunks.iter().zip(b_chunks) {
                for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
                    *sum += f64::from(*a) * f64::from(*b);
                }
            }
        },
    );
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
    sums.iter().sum::<f64>() + rest
}

fn rows_product(ours: &RowGradient, theirs: &RowGradient, width: usize) -> f64 {
    if ours.ids == theirs.ids {
        return dot(&ours.rows, &theirs.rows);
    }
    let places: std::collections::HashMap<u32, usize> =
        theirs.ids.iter().enumerate().map(|(at, &id)| (id, at)).collect();
    let rows = ours.ids.iter().zip(ours.rows.chunks_exact(width));
    rows.map(|(id, row)| {
        places.get(id).map_or(0.0, |&at| dot_of_block(row, &theirs.rows[at * width..][..width]))
    })
    .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_of_sparse_gradients_equal_the_dense_ones() {
        let rows = |ids: &[u32], rows: &[f32]| {
            Gradient::Rows(RowGradient { ids: ids.to_vec(), rows: rows.to_vec() })
        };
        let dense = |numbers: &[f32]| Gradient::Dense(numbers.into());
        let of = |gradient| Gradients { all: vec![Some(gradient)], widths: vec![2] };
        // The same two tables of three rows, sparse and dense.
        let a = [rows(&[2, 0], &[5.0, 6.0, 1.0, 2.0]), dense(&[1.0, 2.0, 0.0, 0.0, 5.0, 6.0])];
        let b = [rows(&[1, 2], &[3.0, 4.0, 7.0, 8.0]), dense(&[0.0, 0.0, 3.0, 4.0, 7.0, 8.0])];
        for a in &a {
            for b in &b {
                assert_eq!(of(a.clone()).product(&of(b.clone()), 0..1), 83.0);
            }
            assert_eq!(of(a.clone()).squared_norm(0..1), 66.0);
        }
    }
}
