//! The parameters of a decoder and its dimensions, which its fused and its plain form share.

use candle_core::{Result, Tensor, bail};

use super::parameter::ParamRef;
use crate::data::Packing;

/// The recurrent cell of a decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecoderCell {
    /// Hochreiter and Schmidhuber 1997: a state and a cell.
    Lstm,
    /// Cho et al. 2014: a state.
    Gru,
}

impl DecoderCell {
    /// The number of gates, each of the hidden size.
    pub fn n_gates(self) -> usize {
        match self {
            Self::Lstm => 4,
            Self::Gru => 3,
        }
    }

    /// The number of vectors that a step passes on to the next one.
    pub fn n_states(self) -> usize {
        match self {
            Self::Lstm => 2,
            Self::Gru => 1,
        }
    }

    /// Whether it has a recurrent bias.
    pub fn has_recurrent_bias(self) -> bool {
        self == Self::Gru
    }
}

/// How a state and a row of the memory are compared.
#[derive(Clone, Debug)]
pub enum DecoderAttention {
    /// Their inner product.
    Dot,
    /// The inner product with a projection of the row.
    General {
        /// K: (memory, w).
        key: ParamRef,
    },
    /// A tanh layer of both.
    Additive {
        /// K: (memory, a).
        key: ParamRef,
        /// Q: (w, a).
        query: ParamRef,
        /// v: (a).
        score: ParamRef,
    },
}

/// The parameters of a decoder with G gates, hidden size w, embedding dimension e, rows of the
/// memory of dimension m, and outputs of dimension o.
#[derive(Clone, Debug)]
pub struct DecoderWeights {
    /// The cell.
    pub cell: DecoderCell,
    /// W: (e, G·w).
    pub input: ParamRef,
    /// b: (G·w).
    pub bias: ParamRef,
    /// U: (w, G·w).
    pub recurrent: ParamRef,
    /// That of a GRU: (w).
    pub recurrent_bias: Option<ParamRef>,
    /// F, with input feeding: (o, G·w).
    pub feed: Option<ParamRef>,
    /// The attention.
    pub attention: DecoderAttention,
    /// O: (w + m, o).
    pub output: ParamRef,
}

/// Dimensions of a decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sizes {
    /// e.
    pub(super) embedding: usize,
    /// w.
    pub(super) width: usize,
    /// G·w.
    pub(super) gates: usize,
    /// m.
    pub(super) memory: usize,
    /// The dimension of keys and queries.
    pub(super) key: usize,
    /// o.
    pub(super) output: usize,
    /// The dimension of an initial state: h, and c if the cell passes one on.
    pub(super) initial: usize,
}

impl DecoderWeights {
    /// The sizes, if the parameters fit together.
    pub(super) fn sizes(&self) -> Result<Sizes> {
        let (embedding, gates) = self.input.var().dims2()?;
        let (width, _) = self.recurrent.var().dims2()?;
        let (joined, output) = self.output.var().dims2()?;
        let memory = joined.saturating_sub(width);
        let dims = |weight: &ParamRef| weight.var().dims().to_vec();
        let (key, attention_fits) = match &self.attention {
            DecoderAttention::Dot => (memory, memory == width),
            DecoderAttention::General { key } => (width, dims(key) == [memory, width]),
            DecoderAttention::Additive { key, query, score } => {
                let inner = score.var().dims1()?;
                (inner, dims(key) == [memory, inner] && dims(query) == [width, inner])
            }
        };
        let bias = self.recurrent_bias.as_ref().map(dims);
        let fits = gates == self.cell.n_gates() * width
            && dims(&self.bias) == [gates]
            && dims(&self.recurrent) == [width, gates]
            && bias == self.cell.has_recurrent_bias().then(|| vec![width])
            && self.feed.as_ref().is_none_or(|feed| dims(feed) == [output, gates])
            && attention_fits
            && [embedding, width, memory, key, output].iter().all(|&n| n > 0);
        if !fits {
            bail!(
                "decoder: {:?} cell with input {:?}, bias {:?}, recurrent {:?}, output {:?}, attention {:?}; \
                 expected (e, Gw), (Gw), (w, Gw), (w + m, o), and an attention of w to m",
                self.cell,
                dims(&self.input),
                dims(&self.bias),
                dims(&self.recurrent),
                dims(&self.output),
                self.attention
            );
        }
        let initial = self.cell.n_states() * width;
        Ok(Sizes { embedding, width, gates, memory, key, output, initial })
    }
}

/// The packings of the sequences that a decoder generates and of the memory that it attends to,
/// over the same examples.
#[derive(Clone, Copy, Debug)]
pub struct DecoderPackings<'a> {
    /// Of the sequences.
    pub target: &'a Packing,
    /// Of the memory.
    pub memory: &'a Packing,
}

/// What a step of a decoder passes on to the next one, a row for each hypothesis.
#[derive(Clone, Debug)]
pub struct DecoderState {
    /// h, and c if the cell passes one on: (hypotheses, w or 2·w).
    pub states: Tensor,
    /// y: (hypotheses, o).
    pub outputs: Tensor,
}
