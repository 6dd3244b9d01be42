//! A decoder, one time step at a time. The formulas are in the fused operation's file.

use candle_core::{DType, Result, Tensor, bail};
use candle_nn::ops::{sigmoid, softmax};

use super::{gather, parameter};
use crate::kernel::decoder_weights::{
    DecoderAttention, DecoderCell, DecoderPackings, DecoderState, DecoderWeights,
};

/// The memory of sequences, padded to the longest one.
pub(in crate::kernel) struct PaddedMemory {
    /// (sequences, longest, m).
    rows: Tensor,
    /// (sequences, longest, key dimension).
    keys: Tensor,
    /// 0 for a row of the memory, −10³⁰ for padding: (sequences, longest).
    mask: Tensor,
    /// 1 for a sequence that has a memory, else 0: (sequences, 1).
    has_memory: Tensor,
}

impl PaddedMemory {
    /// The given rows of a memory for each sequence.
    pub(in crate::kernel) fn new(
        memory: &Tensor,
        of_sequences: &[Vec<usize>],
        weights: &DecoderWeights,
    ) -> Result<Self> {
        let (n, width) = (of_sequences.len(), memory.dim(1)?);
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
        let keys = match &weights.attention {
            DecoderAttention::Dot => rows.clone(),
            DecoderAttention::General { key } | DecoderAttention::Additive { key, .. } => {
                rows.matmul(&parameter(key, memory))?
            }
        };
        let has_memory: Vec<f32> =
            of_sequences.iter().map(|rows| if rows.is_empty() { 0.0 } else { 1.0 }).collect();
        let device = memory.device();
        let key_width = keys.dim(1)?;
        Ok(Self {
            rows: rows.reshape((n, longest, width))?,
            keys: keys.reshape((n, longest, key_width))?,
            mask: Tensor::from_vec(mask, (n, longest), device)?,
            has_memory: Tensor::from_vec(has_memory, (n, 1), device)?,
        })
    }

    /// That of the first n sequences.
    fn first(&self, n: usize) -> Result<Self> {
        Ok(Self {
            rows: self.rows.narrow(0, 0, n)?,
            keys: self.keys.narrow(0, 0, n)?,
            mask: self.mask.narrow(0, 0, n)?,
            has_memory: self.has_memory.narrow(0, 0, n)?,
        })
    }

    /// That of these sequences.
    fn select(&self, sequences: &[u32]) -> Result<Self> {
        let of = |x: &Tensor| gather(x, sequences.to_vec());
        Ok(Self {
            rows: of(&self.rows)?,
            keys: of(&self.keys)?,
            mask: of(&self.mask)?,
            has_memory: of(&self.has_memory)?,
        })
    }

    /// The context of each state: (sequences, m).
    fn attend(&self, h: &Tensor, attention: &DecoderAttention) -> Result<Tensor> {
        let scores = match attention {
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
        let shares = softmax(&(scores + &self.mask)?, 1)?.broadcast_mul(&self.has_memory)?;
        shares.unsqueeze(1)?.matmul(&self.rows.contiguous()?)?.squeeze(1)
    }
}

/// The next state, from the input's contribution to the gates.
fn step(
    gates: &Tensor,
    state: &DecoderState,
    weights: &DecoderWeights,
    memory: &PaddedMemory,
) -> Result<DecoderState> {
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
    let context = memory.attend(&h, &weights.attention)?;
    let outputs = Tensor::cat(&[&h, &context], 1)?.matmul(&of(&weights.output))?.tanh()?;
    Ok(DecoderState { states, outputs })
}

/// One step of hypotheses, each with the index of its example in the memory.
pub(in crate::kernel) fn decoder_step(
    x: &Tensor,
    state: &DecoderState,
    examples: &[u32],
    weights: &DecoderWeights,
    memory: &PaddedMemory,
) -> Result<DecoderState> {
    let gates = super::linear(x, &weights.input, &weights.bias)?;
    step(&gates, state, weights, &memory.select(examples)?)
}

/// The outputs of teacher-forced sequences.
pub(in crate::kernel) fn decode(
    x: &Tensor,
    memory: &Tensor,
    initial: &Tensor,
    weights: &DecoderWeights,
    packings: DecoderPackings<'_>,
) -> Result<Tensor> {
    let DecoderPackings { target, memory: of_memory } = packings;
    let output = weights.output.var().dim(1)?;
    if target.n_rows() == 0 {
        return Tensor::zeros((0, output), DType::F32, x.device());
    }
    let of_sequences: Vec<Vec<usize>> = (target.examples().iter())
        .map(|&example| of_memory.rows_of_example(example as usize))
        .collect();
    let memory = PaddedMemory::new(memory, &of_sequences, weights)?;
    let gates = super::linear(x, &weights.input, &weights.bias)?;
    let n = target.n_sequences();
    let outputs = Tensor::zeros((n, output), DType::F32, x.device())?;
    let mut state = DecoderState { states: initial.clone(), outputs };
    let mut all = Vec::new();
    for t in 0..target.max_len() {
        let rows = target.rows_at(t);
        let n = rows.len();
        state.states = state.states.narrow(0, 0, n)?.contiguous()?;
        state.outputs = state.outputs.narrow(0, 0, n)?.contiguous()?;
        let gates = gates.narrow(0, rows.start, n)?;
        state = step(&gates, &state, weights, &memory.first(n)?)?;
        all.push(state.outputs.clone());
    }
    Tensor::cat(&all, 0)
}
