//! Operations over the tokens of a sequence: windows, bags, attention.

use candle_core::{Result, Tensor};

use super::{gather, ids, max_over_tokens, parameter, sum_by_group};
use crate::{data::Packing, kernel::parameter::ParamRef};

/// The rows of each window, concatenated; zeros for none.
pub(in crate::kernel) fn windows(
    x: &Tensor,
    width: usize,
    neighbours: Vec<Option<usize>>,
) -> Result<Tensor> {
    let (rows, inputs) = x.dims2()?;
    let n_windows = neighbours.len() / width;
    let none = Tensor::zeros((1, inputs), x.dtype(), x.device())?;
    let with_none = Tensor::cat(&[x, &none], 0)?;
    let places = neighbours.into_iter().map(|row| row.unwrap_or(rows) as u32);
    gather(&with_none, places.collect())?.reshape((n_windows, width * inputs))
}

/// The weighted sum of each bag's rows.
pub(in crate::kernel) fn sum_bags(x: &Tensor, bags: &[Vec<f32>]) -> Result<Tensor> {
    let (rows, width) = x.dims2()?;
    let factors = Tensor::from_vec(bags.concat(), (rows, 1), x.device())?;
    let numbered = bags.iter().zip(0..).flat_map(|(bag, number)| bag.iter().map(move |_| number));
    sums(&x.broadcast_mul(&factors)?, numbered.collect(), (bags.len(), width))
}

/// The average of each sequence's rows, weighted by attention.
pub(in crate::kernel) fn attend(
    keys: &Tensor,
    query: &ParamRef,
    x: &Tensor,
    packing: &Packing,
) -> Result<Tensor> {
    let (n, width) = (packing.n_sequences(), x.dim(1)?);
    let query = parameter(query, keys);
    let scores = keys.contiguous()?.matmul(&query.unsqueeze(1)?)?; // (rows, 1)
    let of: Vec<u32> = packing.positions().map(|(b, _)| b as u32).collect();
    let most = gather(&max_over_tokens(&scores.detach(), packing)?, of.clone())?; // (rows, 1)
    let fits = (scores - most)?.exp()?.squeeze(1)?; // (rows)
    let all = gather(&sum_by_group(&fits, of.clone(), n)?, of.clone())?; // (rows)
    let shares = (fits / all)?.unsqueeze(1)?; // (rows, 1)
    sums(&x.broadcast_mul(&shares)?, of, (n, width))
}

/// The sums of x's rows by group.
fn sums(x: &Tensor, groups: Vec<u32>, shape: (usize, usize)) -> Result<Tensor> {
    let groups = ids(groups, x)?;
    Tensor::zeros(shape, x.dtype(), x.device())?.index_add(&groups, &x.contiguous()?, 0)
}
