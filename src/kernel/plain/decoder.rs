//! A decoder, one time step at a time. The formulas are in the fused operation's file.

use candle_core::{DType, Error, Result, Tensor, bail};
use candle_nn::ops::{sigmoid, softmax};

use super::{gather, parameter};
use crate::kernel::decoder_weights::{
    AttendedRows, DecodedRows, DecoderAttention, DecoderCell, DecoderState, DecoderWeights,
};

/// The memory of sequences, padded to the longest one.
pub(in crate::kernel) struct PaddedMemory {
    /// (sequences, longest, key dimension).
    keys: Tensor,
    /// What is averaged: (sequences, longest, context dimension).
    values: Tensor,
    /// 0 for a row of the memory, −10³⁰ for padding: (sequences, longest).
    mask: Tensor,
    /// 1 for a sequence that has a memory, else 0: (sequences, 1).
    has_memory: Tensor,
    /// The number of rows of each sequence; empty for a part of a memory.
    lengths: Vec<usize>,
}

impl PaddedMemory {
    /// The given rows of a memory for each sequence.
    pub(in crate::kernel) fn new(
        memory: &Tensor,
        of_sequences: &[Vec<usize>],
        attention: &DecoderAttention,
    ) -> Result<Self> {
        let n = of_sequences.len();
        let longest = of_sequences.iter().map(Vec::len).max().unwrap_or(0).max(1);
        // The row after the last one is 0.
        let padded = memory.pad_with_zeros(0, 0, 1)?;
        let padding = memory.dim(0)? as u32;
        let (mut ids, mut mask) = (Vec::new(), Vec::new());
        for rows in of_sequences {
            for at in 0..longest {
                ids.push(rows.get(at).map_or(padding, |&row| row as u32));
                mask.push(if at < rows.len() { 0f32 } else { -1e30 });
            }
        }
        let rows = gather(&padded, ids)?;
        let keys = match attention {
            DecoderAttention::Dot => rows.clone(),
            DecoderAttention::General { key }
            | DecoderAttention::Additive { key, .. }
            | DecoderAttention::MultiHead { key, .. } => rows.matmul(&parameter(key, memory))?,
        };
        let values = match attention {
            DecoderAttention::MultiHead { value, .. } => rows.matmul(&parameter(value, memory))?,
            _ => rows,
        };
        let has_memory: Vec<f32> =
            of_sequences.iter().map(|rows| if rows.is_empty() { 0.0 } else { 1.0 }).collect();
        let device = memory.device();
        let split = |x: Tensor| x.reshape((n, longest, x.dim(1)?));
        Ok(Self {
            keys: split(keys)?,
            values: split(values)?,
            mask: Tensor::from_vec(mask, (n, longest), device)?,
            has_memory: Tensor::from_vec(has_memory, (n, 1), device)?,
            lengths: of_sequences.iter().map(Vec::len).collect(),
        })
    }

    /// That of the first n sequences.
    fn first(&self, n: usize) -> Result<Self> {
        Ok(Self {
            values: self.values.narrow(0, 0, n)?,
            keys: self.keys.narrow(0, 0, n)?,
            mask: self.mask.narrow(0, 0, n)?,
            has_memory: self.has_memory.narrow(0, 0, n)?,
            lengths: Vec::new(),
        })
    }

    /// That of these sequences.
    fn select(&self, sequences: &[u32]) -> Result<Self> {
        let of = |x: &Tensor| gather(x, sequences.to_vec());
        Ok(Self {
            values: of(&self.values)?,
            keys: of(&self.keys)?,
            mask: of(&self.mask)?,
            has_memory: of(&self.has_memory)?,
            lengths: Vec::new(),
        })
    }

    /// The context of each state (sequences, context dimension), and the weights of the rows as the mean of all heads
    /// (sequences, longest).
    fn attend(&self, h: &Tensor, attention: &DecoderAttention) -> Result<(Tensor, Tensor)> {
        let scores = match attention {
            DecoderAttention::MultiHead { heads, query, .. } => {
                let queries = h.matmul(&parameter(query, h))?;
                let of_head = queries.dim(1)? / heads;
                let contexts = (0..*heads).map(|head| {
                    let columns = |x: &Tensor| {
                        let last = x.rank() - 1;
                        x.narrow(last, head * of_head, of_head)?.contiguous()
                    };
                    let queries = columns(&queries)?.unsqueeze(2)?;
                    let scores = columns(&self.keys)?.matmul(&queries)?.squeeze(2)?;
                    self.average((scores / (of_head as f64).sqrt())?, &columns(&self.values)?)
                });
                let parts = contexts.collect::<Result<Vec<_>>>()?;
                let (contexts, shares): (Vec<Tensor>, Vec<Tensor>) = parts.into_iter().unzip();
                let shares = Tensor::stack(&shares, 0)?.mean(0)?;
                return Ok((Tensor::cat(&contexts, 1)?, shares));
            }
            DecoderAttention::Dot | DecoderAttention::General { .. } => {
                self.keys.contiguous()?.matmul(&h.unsqueeze(2)?)?.squeeze(2)?
            }
            DecoderAttention::Additive { query, score, .. } => {
                let queries = h.matmul(&parameter(query, h))?.unsqueeze(1)?;
                let (n, longest, inner) = self.keys.dims3()?;
                let fits = self.keys.broadcast_add(&queries)?.tanh()?;
                let score = parameter(score, h).reshape((inner, 1))?;
                fits.reshape((n * longest, inner))?.matmul(&score)?.reshape((n, longest))?
            }
        };
        self.average(scores, &self.values.contiguous()?)
    }

    /// The mean of values, weighted by the softmax of scores (sequences, longest), and that softmax.
    fn average(&self, scores: Tensor, values: &Tensor) -> Result<(Tensor, Tensor)> {
        let shares = softmax(&(scores + &self.mask)?, 1)?.broadcast_mul(&self.has_memory)?;
        Ok((shares.unsqueeze(1)?.matmul(values)?.squeeze(1)?, shares))
    }

    /// The weights of the rows of hypotheses with these examples, without padding.
    pub(in crate::kernel) fn unpadded(
        &self,
        weights: &Tensor,
        examples: &[u32],
    ) -> Result<Vec<Vec<f32>>> {
        let weights = weights.to_vec2::<f32>()?.into_iter().zip(examples);
        let of_example = |(mut weights, &example): (Vec<f32>, &u32)| {
            weights.truncate(self.lengths[example as usize]);
            weights
        };
        Ok(weights.map(of_example).collect())
    }
}

/// The next state, from the input's contribution to the gates, and the weights of the first memory's rows (sequences,
/// longest).
fn step(
    gates: &Tensor,
    state: &DecoderState,
    weights: &DecoderWeights,
    memories: &[PaddedMemory],
) -> Result<(DecoderState, Tensor)> {
    let of = |weight| parameter(weight, gates);
    let width = weights.recurrent.var().dim(0)?;
    let gates = match &weights.feed {
        None => gates.clone(),
        Some(feed) => (gates + state.outputs.matmul(&of(feed))?)?,
    };
    let before = state.states.narrow(1, 0, width)?.contiguous()?;
    let product = before.matmul(&of(&weights.recurrent))?;
    let (h, states) = match weights.cell {
        DecoderCell::Lstm => {
            let gates = (gates + product)?.chunk(4, 1)?;
            let (i, f) = (sigmoid(&gates[0])?, sigmoid(&gates[1])?);
            let (g, o) = (gates[2].tanh()?, sigmoid(&gates[3])?);
            let c = ((f * state.states.narrow(1, width, width)?)? + (i * g)?)?;
            let h = (o * c.tanh()?)?;
            (h.clone(), Tensor::cat(&[h, c], 1)?)
        }
        DecoderCell::Gru => {
            let Some(bias) = &weights.recurrent_bias else { bail!("a GRU has a recurrent bias") };
            let (x, m) = (gates.chunk(3, 1)?, product.chunk(3, 1)?);
            let (r, z) = (sigmoid(&(&x[0] + &m[0])?)?, sigmoid(&(&x[1] + &m[1])?)?);
            let reset = (r * m[2].broadcast_add(&of(bias))?)?;
            let n = (&x[2] + reset)?.tanh()?;
            let h = (&n + (z * (before - &n)?)?)?;
            (h.clone(), h)
        }
    };
    let attended = memories.iter().zip(&weights.attention);
    let attended = attended.map(|(memory, attention)| memory.attend(&h, attention));
    let (contexts, shares): (Vec<_>, Vec<_>) =
        attended.collect::<Result<Vec<_>>>()?.into_iter().unzip();
    let joined: Vec<Tensor> = [h].into_iter().chain(contexts).collect();
    let outputs = Tensor::cat(&joined, 1)?.matmul(&of(&weights.output))?.tanh()?;
    let shares = shares.into_iter().next();
    let shares = shares.ok_or_else(|| Error::msg("a decoder attends to a memory"))?;
    Ok((DecoderState { states, outputs, attention: Vec::new() }, shares))
}

/// One step of hypotheses, each with the index of its example in the memories: the next state, and the weights of the
/// first memory's rows (hypotheses, longest).
pub(in crate::kernel) fn decoder_step(
    x: &Tensor,
    state: &DecoderState,
    examples: &[u32],
    weights: &DecoderWeights,
    memories: &[PaddedMemory],
) -> Result<(DecoderState, Tensor)> {
    let gates = super::linear(x, &weights.input, &weights.bias)?;
    let memories = memories.iter().map(|memory| memory.select(examples));
    step(&gates, state, weights, &memories.collect::<Result<Vec<_>>>()?)
}

/// The outputs of teacher-forced sequences.
pub(in crate::kernel) fn decode(
    DecodedRows { x, initial, packing: target }: DecodedRows<'_>,
    memories: &[AttendedRows<'_>],
    weights: &DecoderWeights,
) -> Result<Tensor> {
    let output = weights.output.var().dim(1)?;
    if target.n_rows() == 0 {
        return Tensor::zeros((0, output), DType::F32, x.device());
    }
    let examples = target.examples();
    let padded = memories.iter().zip(&weights.attention).map(|(memory, attention)| {
        let of = |&example: &u32| memory.packing.rows_of_example(example as usize);
        let of_sequences: Vec<Vec<usize>> = examples.iter().map(of).collect();
        PaddedMemory::new(memory.rows, &of_sequences, attention)
    });
    let memories = padded.collect::<Result<Vec<_>>>()?;
    let gates = super::linear(x, &weights.input, &weights.bias)?;
    let n = target.n_sequences();
    let outputs = Tensor::zeros((n, output), DType::F32, x.device())?;
    let attention = Vec::new();
    let mut state = DecoderState { states: initial.clone(), outputs, attention };
    let mut all = Vec::new();
    for t in 0..target.max_len() {
        let rows = target.rows_at(t);
        let n = rows.len();
        state.states = state.states.narrow(0, 0, n)?.contiguous()?;
        state.outputs = state.outputs.narrow(0, 0, n)?.contiguous()?;
        let gates = gates.narrow(0, rows.start, n)?;
        let memories = memories.iter().map(|memory| memory.first(n));
        state = step(&gates, &state, weights, &memories.collect::<Result<Vec<_>>>()?)?.0;
        all.push(state.outputs.clone());
    }
    Tensor::cat(&all, 0)
}
