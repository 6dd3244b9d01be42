//! Losses over classes and over tag sequences.

use candle_core::{D, Result, Tensor};
use candle_nn::ops::log_softmax;

use super::{fold, ids, linear, parameter, sum_bags, sum_by_group};
use crate::{
    data::Packing,
    kernel::{TargetBags, parameter::ParamRef},
};

/// ln(1 + e^z) − y·z for each logit z with its target y.
pub(in crate::kernel) fn binary_cross_entropy(z: &Tensor, answers: Vec<f32>) -> Result<Tensor> {
    let answers = Tensor::from_vec(answers, z.shape(), z.device())?;
    let both = Tensor::stack(&[&z.zeros_like()?, z], z.rank())?;
    both.log_sum_exp(D::Minus1)? - (z * answers)?
}

/// The loss of each row. All logits are in memory at once.
pub(in crate::kernel) fn cross_entropy(
    x: &Tensor,
    weight: &ParamRef,
    bias: &ParamRef,
    targets: &TargetBags,
) -> Result<Tensor> {
    cross_entropy_of_logits(&linear(x, weight, bias)?, targets)
}

/// The same with a table (classes, inputs) as weights.
pub(in crate::kernel) fn cross_entropy_tied(
    x: &Tensor,
    table: &ParamRef,
    bias: &ParamRef,
    targets: &TargetBags,
) -> Result<Tensor> {
    let logits = x.matmul(&parameter(table, x).t()?)?.broadcast_add(&parameter(bias, x))?;
    cross_entropy_of_logits(&logits, targets)
}

/// The mean loss of each row of logits (rows, classes) with its targets.
pub(in crate::kernel) fn cross_entropy_of_logits(
    logits: &Tensor,
    targets: &TargetBags,
) -> Result<Tensor> {
    let (rows, classes) = logits.dims2()?;
    if rows == 0 {
        return logits.sum(1);
    }
    let (mut places, mut factors) = (Vec::new(), Vec::new());
    for row in 0..rows {
        let bag = targets.of_row(row);
        places.extend(bag.iter().map(|&class| (row * classes) as u32 + class));
        factors.push(vec![-1.0 / bag.len() as f32; bag.len()]);
    }
    let log_probabilities = log_softmax(logits, 1)?.flatten_all()?; // (rows · classes)
    let of_targets = log_probabilities.index_select(&ids(places, logits)?, 0)?;
    sum_bags(&of_targets.unsqueeze(1)?, &factors)?.squeeze(1)
}

/// The loss of each sequence, by the forward algorithm in the log domain; each row's largest score
/// is subtracted first.
pub(in crate::kernel) fn crf(
    emissions: &Tensor,
    transitions: &ParamRef,
    gold: Vec<u32>,
    packing: &Packing,
) -> Result<Tensor> {
    if packing.n_rows() == 0 {
        return emissions.sum(1);
    }
    let tags = emissions.dim(1)?;
    let transitions = parameter(transitions, emissions);
    let between = transitions.narrow(0, 0, tags)?.unsqueeze(0)?; // (1, from, to)
    let start = transitions.narrow(0, tags, 1)?; // (1, tags)
    let end = transitions.narrow(0, tags + 1, 1)?; // (1, tags)
    let mut largest = Vec::new();
    let last = fold(&emissions.contiguous()?, packing, |before, emission| {
        let sums = match before {
            None => emission.broadcast_add(&start)?,
            Some(before) => {
                let ways = before.unsqueeze(2)?.broadcast_add(&between)?; // (sequences, from, to)
                (ways.log_sum_exp(1)? + emission)?
            }
        };
        let most = sums.detach().max_keepdim(1)?;
        let sums = sums.broadcast_sub(&most)?;
        largest.push(most);
        Ok(sums)
    })?; // (sequences, tags)
    let log_z = last.broadcast_add(&end)?.log_sum_exp(1)?; // minus the maxima in `largest`
    let Gold { of_rows, of_ends } = Gold::of(&gold, tags, packing);
    let scores = transitions.flatten_all()?;
    let targets = ids(gold, emissions)?.unsqueeze(1)?;
    let on_rows = emissions.contiguous()?.gather(&targets, 1)?.squeeze(1)?;
    let on_rows = (on_rows + scores.index_select(&ids(of_rows, emissions)?, 0)?)?; // (rows)
    let on_ends = scores.index_select(&ids(of_ends, emissions)?, 0)?; // (sequences)
    // By row, where both are close to each other, so that a long sequence loses no precision.
    let above = (Tensor::cat(&largest, 0)?.squeeze(1)? - on_rows)?;
    let sequences = packing.positions().map(|(b, _)| b as u32).collect();
    let above = sum_by_group(&above, sequences, packing.n_sequences())?;
    let each = ((log_z - on_ends)? + above)?;
    // Negative by rounding only; the correction leaves the gradient unchanged.
    &each + each.detach().neg()?.relu()?
}

/// The indices of the gold sequences' transitions among all, (tags + 2)·tags.
struct Gold {
    /// Into each row.
    of_rows: Vec<u32>,
    /// Out of each sequence's last row.
    of_ends: Vec<u32>,
}

impl Gold {
    fn of(gold: &[u32], tags: usize, packing: &Packing) -> Self {
        let tag = |b, t| gold[packing.row(b, t)] as usize;
        let from = |b, t: usize| t.checked_sub(1).map_or(tags, |before| tag(b, before));
        let last = |b| tag(b, packing.lengths()[b] - 1);
        Self {
            of_rows: packing
                .positions()
                .map(|(b, t)| (from(b, t) * tags + tag(b, t)) as u32)
                .collect(),
            of_ends: (0..packing.n_sequences())
                .map(|b| ((tags + 1) * tags + last(b)) as u32)
                .collect(),
        }
    }
}
