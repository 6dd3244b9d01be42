//! The loss of connectionist temporal classification, by the forward algorithm in the log domain.

use std::cmp::Reverse;

use candle_core::{Result, Tensor};
use candle_nn::ops::log_softmax;

use super::{ids, sum_by_group};
use crate::kernel::labelled_frames::LabelledFrames;

/// The logarithm of the probability of what is impossible.
const NEVER: f32 = -1e30;

/// The loss of each sequence. A loop over the frames, all sequences at once, the longest first; each frame's largest
/// value is subtracted.
pub(in crate::kernel) fn ctc(logits: &Tensor, sequences: &[LabelledFrames]) -> Result<Tensor> {
    let blank = logits.dim(1)? as u32 - 1;
    let mut order: Vec<usize> = (0..sequences.len()).collect();
    order.sort_by_key(|&at| Reverse(sequences[at].rows.len()));
    // Without frames nothing remains to be probable.
    order.retain(|&at| !sequences[at].rows.is_empty());
    if order.is_empty() {
        return Tensor::zeros(sequences.len(), logits.dtype(), logits.device());
    }
    let sorted: Vec<&LabelledFrames> = order.iter().map(|&at| &sequences[at]).collect();
    let states = States::of(&sorted, blank);
    let log_y = log_softmax(&logits.contiguous()?, 1)?;
    let (mut losses, mut owners) = (Vec::new(), Vec::new());
    let mut before: Option<Tensor> = None;
    for t in 0..sorted[0].rows.len() {
        let n = sorted.partition_point(|sequence| sequence.rows.len() > t);
        let rows = sorted[..n].iter().map(|sequence| sequence.rows[t]).collect();
        let frames = log_y.index_select(&ids(rows, logits)?, 0)?; // (sequences, classes)
        let emissions = frames.gather(&states.classes(n, logits)?, 1)?; // (sequences, states)
        let now = match &before {
            None => (emissions + states.first(n, logits)?)?,
            Some(before) => {
                let from = |back: usize| before.narrow(0, 0, n)?.narrow(1, 2 - back, states.n);
                let skipping = (from(2)? + states.skip(n, logits)?)?;
                let ways = Tensor::stack(&[from(0)?, from(1)?, skipping], 2)?;
                (ways.log_sum_exp(2)? + emissions)?
            }
        };
        let most = now.detach().max_keepdim(1)?;
        let now = now.broadcast_sub(&most)?;
        losses.push(most.squeeze(1)?.neg()?);
        owners.extend(order[..n].iter().map(|&at| at as u32));
        let n_continuing = sorted.partition_point(|sequence| sequence.rows.len() > t + 1);
        if n_continuing < n {
            let ended = n - n_continuing;
            let last = now.narrow(0, n_continuing, ended)?;
            let last = (last + states.last(n_continuing..n, logits)?)?;
            losses.push(last.log_sum_exp(1)?.neg()?);
            owners.extend(order[n_continuing..n].iter().map(|&at| at as u32));
        }
        let margin = Tensor::full(NEVER, (n, 2), logits.device())?;
        before = Some(Tensor::cat(&[margin, now], 1)?);
    }
    let losses = sum_by_group(&Tensor::cat(&losses, 0)?, owners, sequences.len())?;
    // Negative by rounding only; the correction leaves the gradient unchanged.
    &losses + losses.detach().neg()?.relu()?
}

/// The states of all sequences, as many for each as the longest label sequence has.
struct States {
    n: usize,
    /// The class of each state of each sequence, blanks after the last.
    classes: Vec<u32>,
    /// 0 for states that may be reached by a skip, [`NEVER`] for others.
    skip: Vec<f32>,
    /// 0 for the last two states of each sequence, [`NEVER`] for others.
    last: Vec<f32>,
}

impl States {
    fn of(sequences: &[&LabelledFrames], blank: u32) -> Self {
        let longest = sequences.iter().map(|sequence| sequence.labels.len()).max().unwrap_or(0);
        let n = 2 * longest + 1;
        let (mut classes, mut skip, mut last) = (Vec::new(), Vec::new(), Vec::new());
        let term = |is_possible: bool| if is_possible { 0.0 } else { NEVER };
        for LabelledFrames { labels, .. } in sequences {
            for s in 0..n {
                let label = |s: usize| (s % 2 == 1).then(|| labels.get(s / 2)).flatten();
                classes.push(label(s).copied().unwrap_or(blank));
                skip.push(term(s > 2 && label(s).is_some() && label(s) != label(s - 2)));
                last.push(term(s == 2 * labels.len() || s + 1 == 2 * labels.len()));
            }
        }
        Self { n, classes, skip, last }
    }

    fn classes(&self, n_sequences: usize, like: &Tensor) -> Result<Tensor> {
        ids(self.classes[..n_sequences * self.n].to_vec(), like)?.reshape((n_sequences, self.n))
    }

    /// 0 for the first two states.
    fn first(&self, n_sequences: usize, like: &Tensor) -> Result<Tensor> {
        let of_one = (0..self.n).map(|s| if s < 2 { 0.0 } else { NEVER });
        let terms: Vec<f32> = of_one.collect();
        Tensor::from_vec(terms.repeat(n_sequences), (n_sequences, self.n), like.device())
    }

    fn skip(&self, n_sequences: usize, like: &Tensor) -> Result<Tensor> {
        let terms = self.skip[..n_sequences * self.n].to_vec();
        Tensor::from_vec(terms, (n_sequences, self.n), like.device())
    }

    fn last(&self, sequences: std::ops::Range<usize>, like: &Tensor) -> Result<Tensor> {
        let terms = self.last[sequences.start * self.n..sequences.end * self.n].to_vec();
        Tensor::from_vec(terms, (sequences.len(), self.n), like.device())
    }
}
