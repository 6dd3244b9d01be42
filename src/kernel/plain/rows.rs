//! Operations on each row, or each element, by itself.

use candle_core::{Result, Tensor, bail};
use candle_nn::{Embedding, Linear, Module};

use super::{ids, parameter};
use crate::kernel::parameter::{Other, ParamRef};

/// x·W + b.
pub(in crate::kernel) fn linear(x: &Tensor, weight: &ParamRef, bias: &ParamRef) -> Result<Tensor> {
    let (weight, bias) = (parameter(weight, x), parameter(bias, x));
    Linear::new(weight.t()?, Some(bias)).forward(&x.contiguous()?)
}

/// x·Tᵀ + b.
pub(in crate::kernel) fn linear_tied(
    x: &Tensor,
    table: &ParamRef,
    bias: &ParamRef,
) -> Result<Tensor> {
    let (table, bias) = (table.var().as_detached_tensor(), bias.var().as_detached_tensor());
    x.matmul(&table.t()?)?.broadcast_add(&bias)
}

/// The rows of a table, followed by fixed ones, with the given ids. The gradient is dense, over the
/// whole table.
pub(in crate::kernel) fn embedding(
    table: &ParamRef,
    fixed: &[f32],
    rows: Vec<u32>,
    requires_grad: bool,
) -> Result<Tensor> {
    let var = table.var();
    let (n_table, width) = var.dims2()?;
    let values = if requires_grad { var.as_tensor().clone() } else { var.as_detached_tensor() };
    let of_table = |rows: Vec<u32>| Embedding::new(values, width).forward(&ids(rows, var)?);
    if fixed.is_empty() {
        return of_table(rows);
    }
    // A row is that of the table times 1 plus zeros, or another one of the table times 0 plus a
    // fixed one.
    let index = |row: u32| (row as usize).checked_sub(n_table);
    let factors: Vec<f32> =
        rows.iter().map(|&row| if index(row).is_none() { 1.0 } else { 0.0 }).collect();
    let zeros = vec![0.0; width];
    let others: Vec<&[f32]> = (rows.iter())
        .map(|&row| index(row).map_or(&zeros[..], |at| &fixed[at * width..][..width]))
        .collect();
    let n = rows.len();
    let others = Tensor::from_vec(others.concat(), (n, width), var.device())?;
    let factors = Tensor::from_vec(factors, (n, 1), var.device())?;
    let rows = rows.into_iter().map(|row| if index(row).is_none() { row } else { 0 }).collect();
    of_table(rows)?.broadcast_mul(&factors)? + others
}

/// Σ (a − b)² over at least one pair.
pub(in crate::kernel) fn squared_distance(pairs: &[(ParamRef, Other)]) -> Result<Tensor> {
    let square = |(a, b): &(ParamRef, Other)| (a.var().as_tensor() - b.tensor())?.sqr()?.sum_all();
    let squares: Vec<Tensor> = pairs.iter().map(square).collect::<Result<_>>()?;
    Tensor::stack(&squares, 0)?.sum_all()
}

/// The rows of x with the given indices.
pub(in crate::kernel) fn gather(x: &Tensor, rows: Vec<u32>) -> Result<Tensor> {
    x.contiguous()?.index_select(&ids(rows, x)?, 0)
}

/// Some columns of each row.
pub(in crate::kernel) fn columns(x: &Tensor, from: usize, n: usize) -> Result<Tensor> {
    x.narrow(1, from, n)
}

/// The left half of the columns in these rows, beside the right half in those.
pub(in crate::kernel) fn ends(x: &Tensor, last: Vec<u32>, first: Vec<u32>) -> Result<Tensor> {
    let half = x.dim(1)? / 2;
    let forward = gather(&columns(x, 0, half)?, last)?;
    Tensor::cat(&[forward, gather(&columns(x, half, half)?, first)?], 1)
}

/// The sums of x (rows) by group.
pub(in crate::kernel) fn sum_by_group(
    x: &Tensor,
    groups: Vec<u32>,
    n_groups: usize,
) -> Result<Tensor> {
    let groups = ids(groups, x)?;
    Tensor::zeros(n_groups, x.dtype(), x.device())?.index_add(&groups, &x.contiguous()?, 0)
}

/// Each element times its factor, in row-major order.
pub(in crate::kernel) fn dropout(x: &Tensor, factors: Vec<f32>) -> Result<Tensor> {
    x * Tensor::from_vec(factors, x.shape(), x.device())?
}

/// tanh of each element.
pub(in crate::kernel) fn tanh(x: &Tensor) -> Result<Tensor> {
    x.tanh()
}

/// x, whose gradient is multiplied by −`strength`.
pub(in crate::kernel) fn reverse(x: &Tensor, strength: f64) -> Result<Tensor> {
    // x plus a 0 that has the gradient: finite values are unchanged, but −0 becomes 0. A tensor,
    // not a scalar, multiplies: candle treats a product with the scalar 0 as a constant without a
    // gradient for x.
    let turned = (x * Tensor::full(-strength as f32, x.shape(), x.device())?)?;
    x.detach() + zero(&turned)?
}

/// A scalar 0 whose gradient with respect to the rows is `gradient` times the scalar's own.
pub(in crate::kernel) fn seed_gradient(rows: &Tensor, gradient: &Tensor) -> Result<Tensor> {
    zero(&(rows * gradient.detach())?.sum_all()?)
}

/// 0, with the gradient of x.
fn zero(x: &Tensor) -> Result<Tensor> {
    x - x.detach()
}

/// The sum of tensors of one shape, in their order; not tracked.
pub(in crate::kernel) fn sum(tensors: &[Tensor]) -> Result<Tensor> {
    let [first, others @ ..] = tensors else { bail!("a sum of no tensors") };
    others.iter().try_fold(first.detach(), |sum, other| sum + other.detach())
}
