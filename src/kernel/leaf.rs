//! Leaves: rows at which a backward pass ends, and whose gradients bypass candle.
//!
//! For every operation that reads a tensor, candle's backward pass allocates zeros of its shape and adds the gradient to
//! them, on one thread. The rows that objectives tap are read by several operations each. These accumulate the gradient of
//! a leaf in place, by [`gradient`] and [`gradient_of_columns`], and return none to candle. A leaf that candle's own
//! operations read has a part of its gradient in candle's store.

use std::{
    collections::HashMap,
    mem,
    ops::Range,
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
};

use candle_core::{Result, Tensor, TensorId, Var, backprop::GradStore};
use rayon::prelude::*;

use super::sums::{PART, add};

/// The leaves that exist, with the sum of their gradients so far: empty before the first.
static LEAVES: LazyLock<Mutex<HashMap<TensorId, Vec<f32>>>> = LazyLock::new(Mutex::default);

fn leaves() -> MutexGuard<'static, HashMap<TensorId, Vec<f32>>> {
    LEAVES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A variable with the values of some rows, whose gradient is accumulated here.
#[derive(Debug)]
pub struct Leaf(Var);

impl Leaf {
    /// A leaf with a copy of these rows.
    pub fn new(rows: &Tensor) -> Result<Self> {
        let var = Var::from_tensor(rows)?;
        leaves().insert(var.id(), Vec::new());
        Ok(Self(var))
    }

    /// The leaf as operations read it.
    pub fn tensor(&self) -> &Tensor {
        self.0.as_tensor()
    }

    /// Takes out the gradient of the backward pass that has this store, if the pass reached the leaf and the leaf has
    /// elements.
    pub fn take_gradient(&self, store: &GradStore) -> Result<Option<Tensor>> {
        let own = take(&self.0).filter(|sum| !sum.is_empty());
        let own = own.map(|sum| Tensor::from_vec(sum, self.0.shape(), self.0.device()));
        match (own.transpose()?, store.get(&self.0)) {
            (Some(own), Some(of_candle)) => Ok(Some((own + of_candle)?)),
            (own, of_candle) => Ok(own.or_else(|| of_candle.cloned())),
        }
    }
}

impl Drop for Leaf {
    fn drop(&mut self) {
        leaves().remove(&self.0.id());
    }
}

/// What the backward pass of an operation returns for its input x: the gradient, or nothing if x is a leaf, to whose
/// gradient it is added.
pub(super) fn gradient(x: &Tensor, grad_x: Vec<f32>) -> Result<Option<Tensor>> {
    let Some(mut sum) = take(x) else {
        return Tensor::from_vec(grad_x, x.shape(), x.device()).map(Some);
    };
    if sum.is_empty() {
        sum = grad_x;
    } else {
        add(&mut sum, &grad_x);
    }
    leaves().insert(x.id(), sum);
    Ok(None)
}

/// The same for the gradient (rows, n) of some columns of x; that of its other columns is 0.
pub(super) fn gradient_of_columns(
    x: &Tensor,
    columns: Range<usize>,
    grad: &[f32],
) -> Result<Option<Tensor>> {
    let (rows, width) = x.dims2()?;
    let sum = take(x);
    let is_leaf = sum.is_some();
    let sum = sum.filter(|sum| !sum.is_empty());
    let mut sum = sum.unwrap_or_else(|| vec![0.0; rows * width]);
    if !columns.is_empty() {
        let rows_of_part = PART.div_ceil(width);
        let grad = grad.par_chunks(rows_of_part * columns.len());
        sum.par_chunks_mut(rows_of_part * width).zip(grad).for_each(|(sum, grad)| {
            for (sum, grad) in sum.chunks_exact_mut(width).zip(grad.chunks_exact(columns.len())) {
                sum[columns.clone()].iter_mut().zip(grad).for_each(|(sum, g)| *sum += g);
            }
        });
    }
    if is_leaf {
        leaves().insert(x.id(), sum);
        return Ok(None);
    }
    Tensor::from_vec(sum, x.shape(), x.device()).map(Some)
}

/// Takes a leaf's sum out while it is added to: tasks of the pool that run meanwhile on this thread may be another backward
/// pass. `None` for a tensor that is not a leaf.
fn take(x: &Tensor) -> Option<Vec<f32>> {
    leaves().get_mut(&x.id()).map(mem::take)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::kernel::{columns, slices, tanh};

    /// Read by two operations here, and by one of candle: the gradient of all of them together.
    #[test]
    fn the_gradient_of_a_leaf_is_the_sum_over_all_that_read_it() -> Result<()> {
        let rows = Tensor::new(&[[0.5f32, -1.0, 2.0], [0.1, 0.0, 3.0]], &Device::Cpu)?;
        let loss = |x: &Tensor| -> Result<Tensor> {
            let ours = (tanh(x)?.sum_all()? + columns(x, 1, 2)?.sqr()?.sum_all()?)?;
            (ours + tanh(x)?.sqr()?.sum_all()?)? + x.sqr()?.sum_all()?
        };
        let var = Var::from_tensor(&rows)?;
        let expected = loss(&var)?.backward()?.get(&var).unwrap().to_vec2::<f32>()?;
        let leaf = Leaf::new(&rows)?;
        for _ in 0..2 {
            let store = loss(leaf.tensor())?.backward()?;
            let found = leaf.take_gradient(&store)?.unwrap().to_vec2::<f32>()?;
            for (found, expected) in found.concat().iter().zip(expected.concat()) {
                assert!((found - expected).abs() < 1e-6, "{found}, expected {expected}");
            }
        }
        Ok(())
    }

    #[test]
    fn a_leaf_that_a_pass_does_not_reach_has_no_gradient_and_is_forgotten_when_dropped()
    -> Result<()> {
        let rows = Tensor::new(&[[1f32, 2.0]], &Device::Cpu)?;
        let (leaf, other) = (Leaf::new(&rows)?, Leaf::new(&rows)?);
        let store = tanh(leaf.tensor())?.sum_all()?.backward()?;
        assert!(other.take_gradient(&store)?.is_none());
        let id = leaf.tensor().id();
        drop(leaf);
        assert!(!leaves().contains_key(&id));
        Ok(())
    }

    #[test]
    fn columns_of_another_tensor_have_a_gradient_of_zeros_beside_them() -> Result<()> {
        let x = Var::new(&[[1f32, 2.0, 3.0], [4.0, 5.0, 6.0]], &Device::Cpu)?;
        let y = columns(&x, 1, 1)?;
        assert_eq!(slices::to_vec(&y)?, [2.0, 5.0]);
        let store = y.sqr()?.sum_all()?.backward()?;
        assert_eq!(slices::to_vec(store.get(&x).unwrap())?, [0.0, 4.0, 0.0, 0.0, 10.0, 0.0]);
        assert!(columns(&x, 2, 2).is_err());
        Ok(())
    }
}
