//! The gap between two factorizations of the probability of a pair: P(x)·p(y | x) and P(y)·p(x | y).

use candle_core::{Result, Tensor};

use crate::{
    data::{Batch, Prediction},
    kernel,
    metric::Gold,
    objective::{Evaluation, RawLoss},
};

/// What one side says about its part of each example of a batch, a text or a class.
pub(in crate::objective) struct Scored {
    /// −ln p of the part given the other one: (examples).
    pub(in crate::objective) conditional: Tensor,
    /// ln P of the part by itself.
    pub(in crate::objective) marginal: Vec<f64>,
    /// The number of its words with its end, 1 for a class; 0 for an example without it.
    pub(in crate::objective) n_words: Vec<usize>,
}

/// ln p of each pair, per word, by the model of the left part and by that of the right part: (pairs) each, and the example
/// of each pair.
pub(in crate::objective) struct Joint {
    left: Tensor,
    right: Tensor,
    pairs: Vec<u32>,
}

impl Joint {
    /// Of the examples that have both parts; `None` if there are none.
    pub(in crate::objective) fn of(left: &Scored, right: &Scored) -> Result<Option<Self>> {
        let n_examples = left.n_words.len();
        let is_pair = |at: &usize| left.n_words[*at] > 0 && right.n_words[*at] > 0;
        let pairs: Vec<usize> = (0..n_examples).filter(is_pair).collect();
        if pairs.is_empty() {
            return Ok(None);
        }
        let examples: Vec<u32> = pairs.iter().map(|&at| at as u32).collect();
        let n_words = |at: &usize| (left.n_words[*at] + right.n_words[*at]) as f64;
        let per_word: Vec<f32> = pairs.iter().map(|at| (1.0 / n_words(at)) as f32).collect();
        // The marginal is of the part that the other model predicts.
        let of = |scored: &Scored, marginal: &[f64]| -> Result<Tensor> {
            let device = scored.conditional.device();
            let per_word = Tensor::from_slice(&per_word, pairs.len(), device)?;
            let marginal: Vec<f32> =
                pairs.iter().map(|at| (marginal[*at] / n_words(at)) as f32).collect();
            let marginal = Tensor::from_vec(marginal, pairs.len(), device)?;
            // (examples) to (pairs)
            let rows = scored.conditional.reshape((n_examples, 1))?;
            let conditional = kernel::gather(&rows, examples.clone())?.flatten_all()?;
            marginal - (conditional * &per_word)?
        };
        let (of_left, of_right) = (of(left, &right.marginal)?, of(right, &left.marginal)?);
        Ok(Some(Self { left: of_left, right: of_right, pairs: examples }))
    }

    /// The squares of the gaps of all pairs.
    pub(in crate::objective) fn loss(&self, batch: &Batch) -> Result<Option<RawLoss>> {
        let squares = (&self.left - &self.right)?.sqr()?;
        let per_example = kernel::sum_by_group(&squares, self.pairs.clone(), batch.n_examples())?;
        RawLoss::new(per_example, self.pairs.len()).map(Some)
    }

    /// Its loss, with both logarithms for the mean of the gaps.
    pub(in crate::objective) fn evaluate(
        joint: Option<&Self>,
        batch: &Batch,
    ) -> Result<Evaluation> {
        let Some(joint) = joint else { return Ok(Evaluation::of_loss(None, batch.n_examples())) };
        let loss = joint.loss(batch)?;
        let (left, right) = (kernel::to_vec(&joint.left)?, kernel::to_vec(&joint.right)?);
        let pair =
            (Gold::Numbers(right.into_iter().map(Some).collect()), Prediction::Numbers(left));
        let evaluation = Evaluation::of_loss(loss, batch.n_examples());
        Ok(Evaluation { scored_only: vec![pair], ..evaluation })
    }
}
