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

use candle_core::{Result, Tensor, TensorId, Var, backprop::GradStore, bail};
use rayon::prelude::*;

use super::add::{PART, add};

/// The leaves that exist, with the sum of their gradients so far. It is global because an operation has nothing but its
/// tensors in a backward pass.
static LEAVES: LazyLock<Mutex<HashMap<TensorId, Sum>>> = LazyLock::new(Mutex::default);

/// The sum of the gradients with respect to a leaf so far; `None` before the first.
#[derive(Default)]
struct Sum(Option<Vec<f32>>);

fn leaves() -> MutexGuard<'static, HashMap<TensorId, Sum>> {
    LEAVES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A variable with the values of some rows, whose gradient is accumulated here.
#[derive(Debug)]
pub struct Leaf(Var);

impl Leaf {
    /// A leaf with a copy of these rows, also where they are a variable themselves.
    pub fn new(rows: &Tensor) -> Result<Self> {
        let var = Var::from_tensor(&rows.detach())?;
        leaves().insert(var.id(), Sum::default());
        Ok(Self(var))
    }

    /// The leaf as operations read it.
    pub fn tensor(&self) -> &Tensor {
        self.0.as_tensor()
    }

    /// Takes out the gradient of the backward pass that has this store, if the pass reached the leaf.
    pub fn take_gradient(&self, store: &GradStore) -> Result<Option<Tensor>> {
        let own = take(&self.0).and_then(|Sum(sum)| sum);
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
    if grad_x.len() != x.elem_count() {
        bail!("expected a gradient of {} elements, found {}", x.elem_count(), grad_x.len());
    }
    match take(x) {
        None => return Tensor::from_vec(grad_x, x.shape(), x.device()).map(Some),
        Some(Sum(None)) => put_back(x, grad_x),
        Some(Sum(Some(mut sum))) => {
            add(&mut sum, &grad_x);
            put_back(x, sum);
        }
    }
    Ok(None)
}

/// The same for the gradient (rows, n) of some columns of x; that of its other columns is 0.
pub(super) fn gradient_of_columns(
    x: &Tensor,
    columns: Range<usize>,
    grad: &[f32],
) -> Result<Option<Tensor>> {
    let (rows, width) = x.dims2()?;
    if grad.len() != rows * columns.len() {
        bail!("expected a gradient of {} elements, found {}", rows * columns.len(), grad.len());
    }
    let sum = take(x);
    let is_leaf = sum.is_some();
    let mut sum = sum.and_then(|Sum(sum)| sum).unwrap_or_else(|| vec![0.0; rows * width]);
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
        put_back(x, sum);
        return Ok(None);
    }
    Tensor::from_vec(sum, x.shape(), x.device()).map(Some)
}

/// Takes a leaf's sum out while it is added to: tasks of the pool that run meanwhile on this thread may be another backward
/// pass. `None` for a tensor that is not a leaf.
fn take(x: &Tensor) -> Option<Sum> {
    leaves().get_mut(&x.id()).map(mem::take)
}

fn put_back(x: &Tensor, sum: Vec<f32>) {
    leaves().insert(x.id(), Sum(Some(sum)));
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;
    use crate::{
        data::{Packing, Purpose, draw},
        kernel::{
            PairGroup, attend, check, columns, cross_entropy, dropout, ends, gather, is_fused,
            linear, max_over_tokens, mean_over_tokens, pair_products, slices, sum_bags, tanh,
            windows,
        },
    };

    type Operation<'a> = &'a dyn Fn(&Tensor) -> Result<Tensor>;

    /// Each operation, beside another one that reads the leaf.
    #[test]
    fn operations_give_a_leaf_the_gradient_that_they_give_a_variable() -> Result<()> {
        let packing = Packing::new(vec![3, 2, 1]);
        let weight = check::weight("weight", (4, 5), 1.0)?;
        let bias = check::weight("bias", 5, 1.0)?;
        let query = check::weight("query", 4, 1.0)?;
        let pairs = [PairGroup { left: vec![0, 1, 2], right: vec![3, 4] }];
        let operations: [(&str, Operation<'_>); 13] = [
            ("tanh", &tanh),
            ("columns", &|x| columns(x, 1, 2)),
            ("ends", &|x| ends(x, &packing)),
            ("gather", &|x| gather(x, vec![5, 0, 5])),
            ("linear", &|x| linear(x, &weight, &bias)),
            ("cross-entropy", &|x| cross_entropy(x, &weight, &bias, vec![0, 1, 2, 3, 4, 0])),
            ("mean", &|x| mean_over_tokens(x, &packing)),
            ("max", &|x| max_over_tokens(x, &packing)),
            ("bags", &|x| sum_bags(x, vec![vec![1.0, 0.5], vec![2.0; 4]])),
            ("windows", &|x| windows(x, 3, &packing)),
            ("attend", &|x| attend(x, &query, x, &packing)),
            ("pairs", &|x| pair_products(x, x, &pairs)),
            ("dropout", &|x| dropout(x, 0.5, draw(1, Purpose::Dropout, "x", 0))),
        ];
        let rows = check::var("rows", (6, 4), 1.0)?;
        for (name, operation) in operations {
            let loss = |x: &Tensor| operation(x)?.sqr()?.sum_all()? + tanh(x)?.sum_all()?;
            let expected = loss(&rows)?.backward()?.get(&rows).unwrap().clone();
            let leaf = Leaf::new(&rows)?;
            let store = loss(leaf.tensor())?.backward()?;
            assert_eq!(store.get(leaf.tensor()).is_none(), is_fused(&Device::Cpu), "{name}");
            let found = leaf.take_gradient(&store)?.unwrap();
            check::assert_tensors_close(&found, &expected, 1e-6, 1e-6);
            assert!(leaf.take_gradient(&loss(&rows)?.backward()?)?.is_none(), "{name}");
        }
        Ok(())
    }

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
    fn a_leaf_of_a_variable_and_one_without_rows_have_gradients_of_their_own() -> Result<()> {
        let var = check::var("x", (2, 3), 1.0)?;
        let leaf = Leaf::new(&var)?;
        assert_ne!(leaf.tensor().id(), var.id());
        let store = (tanh(leaf.tensor())?.sum_all()? + var.sqr()?.sum_all()?)?.backward()?;
        let of_var = slices::to_vec(store.get(&var).unwrap())?;
        check::assert_close(&of_var, &slices::to_vec(&(var.as_tensor() * 2.0)?)?, 1e-6, 0.0);
        assert!(leaf.take_gradient(&store)?.is_some());
        let empty = Leaf::new(&Tensor::zeros((0, 3), DType::F32, &Device::Cpu)?)?;
        let store = tanh(empty.tensor())?.sum_all()?.backward()?;
        assert_eq!(empty.take_gradient(&store)?.unwrap().dims(), [0, 3]);
        Ok(())
    }

    #[test]
    fn a_gradient_of_another_length_is_an_error() -> Result<()> {
        let leaf = Leaf::new(&Tensor::zeros((2, 3), DType::F32, &Device::Cpu)?)?;
        let error = gradient(leaf.tensor(), vec![0.0; 5]).unwrap_err();
        assert!(error.to_string().contains("of 6 elements, found 5"), "{error}");
        assert!(gradient_of_columns(leaf.tensor(), 1..2, &[0.0; 3]).is_err());
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
