//! Copying: a pointer over the words of the source beside the output layer, and a sentinel that weighs the two (Merity,
//! Xiong, Bradbury and Socher 2017, "Pointer sentinel mixture models").
//!
//! With y_t an output, m_j the rows of the memory of the same example, x_j their words, and s the sentinel:
//!
//! ```text
//! q_t = tanh(y_t·Q + b)      a_t = softmax([q_t·s; q_t·m_1; q_t·m_2; ..])
//! P(w) = a_t0·P_V(w) + Σ_{j: x_j = w} a_tj
//! ```
//!
//! P_V is the output layer's distribution over the vocabulary. A word outside the vocabulary is copied or not generated
//! at all; where the source does not have it either, it is the unknown word of the vocabulary.

use candle_core::{Result, Tensor, bail};

use super::{SourceWords, UNKNOWN};
use crate::{
    kernel::{self, PairGroup, ParamRef},
    model::{Rows, parameters::Linear},
};

/// The parameters of the pointer.
pub(in crate::model) struct CopyLayer {
    /// Q and b: (o, m).
    pub(in crate::model) query: Linear,
    /// s: (1, m).
    pub(in crate::model) sentinel: ParamRef,
}

/// What a decoder can copy in a batch.
#[derive(Clone, Copy, Debug)]
pub struct Copied<'a> {
    /// The memory.
    pub memory: &'a Rows,
    /// The word of each of its rows.
    pub words: &'a SourceWords,
}

/// ln a_t of several outputs.
struct Pointed {
    /// One after the other: the sentinel, then each row of the memory of the example.
    log_weights: Tensor,
    /// The place of the sentinel of each output.
    sentinels: Vec<u32>,
    /// The rows of the memory of each output.
    rows: Vec<Vec<u32>>,
}

impl CopyLayer {
    /// −ln P of each target, given the examples of the outputs (rows, o) and the cross-entropy of the vocabulary's
    /// classes; `own` computes the latter, with the unknown word for words outside: (rows).
    pub(super) fn cross_entropy(
        &self,
        outputs: &Tensor,
        (examples, targets): (&[u32], Vec<u32>),
        copied: Copied<'_>,
        own: impl FnOnce(Vec<u32>) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let n_rows = targets.len();
        if n_rows == 0 {
            return own(targets);
        }
        let pointed = self.point(outputs, examples, copied)?;
        let n_pairs = pointed.log_weights.elem_count() as u32;
        let n_classes = copied.words.n_classes();
        let mut terms = Vec::new();
        let mut sizes = Vec::with_capacity(n_rows);
        for (t, &class) in targets.iter().enumerate() {
            let before = terms.len();
            let rows = pointed.rows[t].iter().zip(pointed.sentinels[t] + 1..);
            let of_class = rows.filter(|(row, _)| copied.words.class(**row) == Some(class));
            terms.extend(of_class.map(|(_, place)| place));
            if class < n_classes || terms.len() == before {
                terms.push(n_pairs + t as u32);
            }
            sizes.push(terms.len() - before);
        }
        let known =
            targets.into_iter().map(|class| if class < n_classes { class } else { UNKNOWN });
        let own = own(known.collect())?.unsqueeze(1)?;
        let log_weights = pointed.log_weights.unsqueeze(1)?;
        let generated = (kernel::gather(&log_weights, pointed.sentinels)? - own)?;
        let all = Tensor::cat(&[log_weights, generated], 0)?;
        let terms = kernel::gather(&all, terms)?.flatten_all()?;
        kernel::log_sum_exp_by_group(&terms, &sizes)?.neg()
    }

    /// ln P of each class after each hypothesis, row after row, from ln P_V: the classes of the vocabulary, then the
    /// other words of the source.
    pub(super) fn log_probabilities(
        &self,
        outputs: &Tensor,
        examples: &[u32],
        copied: Copied<'_>,
        own: &[f32],
    ) -> Result<Vec<f32>> {
        let pointed = self.point(outputs, examples, copied)?;
        let log_weights = kernel::to_vec(&pointed.log_weights)?;
        let (n_own, n_all) = (copied.words.n_classes() as usize, copied.words.n_all());
        let mut all = vec![f32::NEG_INFINITY; examples.len() * n_all];
        let hypotheses = all.chunks_exact_mut(n_all).zip(own.chunks_exact(n_own));
        for (t, (all, own)) in hypotheses.enumerate() {
            let sentinel = pointed.sentinels[t] as usize;
            for (all, own) in all.iter_mut().zip(own) {
                *all = log_weights[sentinel] + own;
            }
            for (&row, log_weight) in pointed.rows[t].iter().zip(&log_weights[sentinel + 1..]) {
                if let Some(class) = copied.words.class(row) {
                    let of_class = &mut all[class as usize];
                    *of_class = log_add(*of_class, *log_weight);
                }
            }
        }
        Ok(all)
    }

    /// The weights of the sentinel and of the rows of the memory, for outputs of these examples.
    fn point(
        &self,
        outputs: &Tensor,
        examples: &[u32],
        Copied { memory, words }: Copied<'_>,
    ) -> Result<Pointed> {
        let Rows { tensor, packing } = memory;
        let n_memory = packing.n_rows();
        if n_memory != words.n_rows() {
            bail!(
                "copying: expected a row of the memory for each word of the source, found {n_memory} rows and {} words",
                words.n_rows()
            );
        }
        let query = kernel::tanh(&self.query.forward(outputs)?)?;
        let sentinel = kernel::embedding(&self.sentinel, vec![0], query.track_op())?;
        let keys = Tensor::cat(&[tensor, &sentinel], 0)?;
        let of_example = |example: &u32| -> Vec<u32> {
            packing.rows_of_example(*example as usize).into_iter().map(|row| row as u32).collect()
        };
        let rows: Vec<Vec<u32>> = examples.iter().map(of_example).collect();
        let groups: Vec<PairGroup> = (0..)
            .zip(&rows)
            .map(|(t, rows)| PairGroup {
                left: vec![t],
                right: [&[n_memory as u32], &rows[..]].concat(),
            })
            .collect();
        let sizes: Vec<usize> = groups.iter().map(PairGroup::n_pairs).collect();
        let scores = kernel::pair_products(&query, &keys, &groups)?;
        let first = |sum: &mut u32, &size: &usize| Some(std::mem::replace(sum, *sum + size as u32));
        let sentinels = sizes.iter().scan(0, first).collect();
        Ok(Pointed { log_weights: kernel::log_softmax_by_group(&scores, &sizes)?, sentinels, rows })
    }
}

/// ln(eᵃ + eᵇ) of which b is finite.
fn log_add(a: f32, b: f32) -> f32 {
    let (least, most) = (a.min(b), a.max(b));
    most + (least - most).exp().ln_1p()
}

#[cfg(test)]
mod tests;
