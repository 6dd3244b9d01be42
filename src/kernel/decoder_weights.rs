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
    /// Several scaled inner products, each of a part of the query with that of the key.
    MultiHead {
        /// Their number n, which divides a.
        heads: usize,
        /// Q: (w, a).
        query: ParamRef,
        /// K: (memory, a).
        key: ParamRef,
        /// V: (memory, a).
        value: ParamRef,
    },
}

/// Dimensions of the attention over one memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AttentionSizes {
    /// m.
    pub(super) memory: usize,
    /// The dimension of keys and queries, of all heads together.
    pub(super) key: usize,
    /// The dimension of the context, of all heads together.
    pub(super) context: usize,
    /// The number of heads.
    pub(super) heads: usize,
    /// Whether inner products are divided by √d.
    is_scaled: bool,
}

impl AttentionSizes {
    /// The factor of inner products: 1 / √d for heads of dimension d, otherwise 1.
    pub(super) fn scale(self) -> f32 {
        if self.is_scaled { 1.0 / ((self.key / self.heads) as f32).sqrt() } else { 1.0 }
    }
}

impl DecoderAttention {
    /// The sizes, if the parameters fit together and to states of dimension w.
    fn sizes(&self, width: usize) -> Result<Option<AttentionSizes>> {
        let rows = |weight: &ParamRef| weight.var().dims2();
        let one = |memory, key| AttentionSizes {
            memory,
            key,
            context: memory,
            heads: 1,
            is_scaled: false,
        };
        Ok(match self {
            Self::Dot => Some(one(width, width)),
            Self::General { key } => {
                let (memory, inner) = rows(key)?;
                (inner == width).then_some(one(memory, width))
            }
            Self::Additive { key, query, score } => {
                let ((memory, inner), score) = (rows(key)?, score.var().dims1()?);
                (rows(query)? == (width, inner) && score == inner).then_some(one(memory, inner))
            }
            Self::MultiHead { heads, query, key, value } => {
                let (memory, inner) = rows(key)?;
                let fits = rows(query)? == (width, inner) && rows(value)? == (memory, inner);
                let divides = *heads > 0 && inner.is_multiple_of(*heads);
                let (key, context) = (inner, inner);
                let sizes = AttentionSizes { memory, key, context, heads: *heads, is_scaled: true };
                (fits && divides).then_some(sizes)
            }
        })
    }
}

/// The parameters of a decoder with G gates, hidden size w, embedding dimension e, and outputs of
/// dimension o.
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
    /// The attention over each memory, at least one.
    pub attention: Vec<DecoderAttention>,
    /// O: (w + the dimensions of all contexts, o).
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
    /// The dimension of a state and all contexts.
    pub(super) joined: usize,
    /// o.
    pub(super) output: usize,
    /// The dimension of an initial state: h, and c if the cell passes one on.
    pub(super) initial: usize,
}

impl DecoderWeights {
    /// The sizes, and those of each attention, if the parameters fit together.
    pub(super) fn sizes(&self) -> Result<(Sizes, Vec<AttentionSizes>)> {
        let (embedding, gates) = self.input.var().dims2()?;
        let (width, _) = self.recurrent.var().dims2()?;
        let (joined, output) = self.output.var().dims2()?;
        let dims = |weight: &ParamRef| weight.var().dims().to_vec();
        let attentions = self.attention.iter().map(|attention| attention.sizes(width));
        let attentions = attentions.collect::<Result<Option<Vec<_>>>>()?.unwrap_or_default();
        let contexts: usize = attentions.iter().map(|sizes| sizes.context).sum();
        let bias = self.recurrent_bias.as_ref().map(dims);
        let fits = gates == self.cell.n_gates() * width
            && dims(&self.bias) == [gates]
            && dims(&self.recurrent) == [width, gates]
            && bias == self.cell.has_recurrent_bias().then(|| vec![width])
            && self.feed.as_ref().is_none_or(|feed| dims(feed) == [output, gates])
            && attentions.iter().all(|sizes| sizes.memory > 0 && sizes.key > 0)
            && contexts > 0
            && joined == width + contexts
            && [embedding, width, output].iter().all(|&n| n > 0);
        if !fits {
            bail!(
                "decoder: {:?} cell with input {:?}, bias {:?}, recurrent {:?}, output {:?}, attention {:?}; \
                 expected (e, Gw), (Gw), (w, Gw), (w + contexts, o), and attentions of w",
                self.cell,
                dims(&self.input),
                dims(&self.bias),
                dims(&self.recurrent),
                dims(&self.output),
                self.attention
            );
        }
        let initial = self.cell.n_states() * width;
        Ok((Sizes { embedding, width, gates, joined, output, initial }, attentions))
    }
}

/// The sequences that a decoder generates: the embeddings of the previous symbols (rows, e), the packing of the rows, and
/// the initial states (sequences, w; for an LSTM 2·w).
#[derive(Clone, Copy, Debug)]
pub struct DecodedRows<'a> {
    /// (rows, e).
    pub x: &'a Tensor,
    /// (sequences, w or 2·w).
    pub initial: &'a Tensor,
    /// Of the rows.
    pub packing: &'a Packing,
}

/// A memory that a decoder attends to, with its packing over the same examples as the sequences
/// that it generates.
#[derive(Clone, Copy, Debug)]
pub struct AttendedRows<'a> {
    /// (memory rows, m).
    pub rows: &'a Tensor,
    /// Of the rows.
    pub packing: &'a Packing,
}

/// What a step of a decoder passes on to the next one, a row for each hypothesis.
#[derive(Clone, Debug)]
pub struct DecoderState {
    /// h, and c if the cell passes one on: (hypotheses, w or 2·w).
    pub states: Tensor,
    /// y: (hypotheses, o).
    pub outputs: Tensor,
    /// The attention of the step to each row of the first memory, the mean of its heads; empty before the first step, and
    /// where it is not kept.
    pub attention: Vec<Vec<f32>>,
}
