//! Pairs, their labels, and softmax over groups of rows.

use candle_core::{DType, Result, Tensor};

use super::gather;
use crate::kernel::pair_group::PairGroup;

/// The inner products of the pairs of each group, group after group.
pub(in crate::kernel) fn pair_products(
    left: &Tensor,
    right: &Tensor,
    groups: &[PairGroup],
) -> Result<Tensor> {
    let of_group = |group: &PairGroup| {
        let left = gather(left, group.left.clone())?;
        left.matmul(&gather(right, group.right.clone())?.t()?)?.flatten_all()
    };
    let with_pairs = groups.iter().filter(|group| group.n_pairs() > 0);
    concat(&with_pairs.map(of_group).collect::<Result<Vec<_>>>()?, left)
}

/// The score of each label for each row.
pub(in crate::kernel) fn biaffine_label_scores(left: &Tensor, right: &Tensor) -> Result<Tensor> {
    let ((rows, columns), (_, width)) = (left.dims2()?, right.dims2()?);
    if rows == 0 {
        return Tensor::zeros((0, columns / (width + 1)), DType::F32, left.device());
    }
    let left = left.reshape((rows, columns / (width + 1), width + 1))?;
    let products = left.narrow(2, 0, width)?.broadcast_mul(&right.unsqueeze(1)?)?.sum(2)?;
    products + left.narrow(2, width, 1)?.squeeze(2)?
}

/// The log-softmax over consecutive groups of these sizes.
pub(in crate::kernel) fn log_softmax_by_group(x: &Tensor, sizes: &[usize]) -> Result<Tensor> {
    if let Some((&size, others)) = sizes.split_first().filter(|(size, _)| **size > 0)
        && others.iter().all(|&other| other == size)
    {
        // A matrix: one operation instead of one for each group.
        return candle_nn::ops::log_softmax(&x.reshape((sizes.len(), size))?, 1)?.flatten_all();
    }
    let mut from = 0;
    let mut of_group = |&size: &usize| {
        let group = x.narrow(0, from, size)?;
        from += size;
        candle_nn::ops::log_softmax(&group, 0)
    };
    let groups = sizes.iter().filter(|&&size| size > 0);
    concat(&groups.map(&mut of_group).collect::<Result<Vec<_>>>()?, x)
}

fn concat(parts: &[Tensor], like: &Tensor) -> Result<Tensor> {
    if parts.is_empty() {
        return Tensor::zeros(0, DType::F32, like.device());
    }
    Tensor::cat(parts, 0)
}
