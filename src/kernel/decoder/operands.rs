//! A decoder's parameters, packed for its products.

use candle_core::Result;

use super::{DecoderAttention, DecoderWeights, Sizes};
use crate::kernel::{
    buffer::Buffer,
    gemm::{Accumulate, Matrix, Packed, Target, multiply_packed},
    parameter::ParamRef,
    recurrent::Cell,
};

/// The operands of the forward pass.
pub(super) struct Operands {
    pub(super) sizes: Sizes,
    pub(super) input: Packed,
    pub(super) bias: Vec<f32>,
    pub(super) recurrent: Vec<Packed>,
    /// Empty for a cell without one.
    pub(super) recurrent_bias: Vec<f32>,
    pub(super) feed: Option<Packed>,
    key: Option<Packed>,
    pub(super) query: Option<Packed>,
    /// v of additive attention.
    pub(super) score: Option<Vec<f32>>,
    pub(super) output: Packed,
}

impl Operands {
    pub(super) fn new<C: Cell>(weights: &DecoderWeights, sizes: Sizes) -> Result<Self> {
        let (key, query, score) = match &weights.attention {
            DecoderAttention::Dot => (None, None, None),
            DecoderAttention::General { key } => (Some(packed(key)?), None, None),
            DecoderAttention::Additive { key, query, score } => {
                (Some(packed(key)?), Some(packed(query)?), Some(values(score)?))
            }
        };
        let recurrent = |values: &[f32]| C::pack(Matrix::new(values, sizes.width, sizes.gates));
        Ok(Self {
            sizes,
            input: packed(&weights.input)?,
            bias: values(&weights.bias)?,
            recurrent: weights.recurrent.read(recurrent)?,
            recurrent_bias: weights.recurrent_bias.as_ref().map_or(Ok(Vec::new()), values)?,
            feed: weights.feed.as_ref().map(packed).transpose()?,
            key,
            query,
            score,
            output: packed(&weights.output)?,
        })
    }

    /// The keys of rows of a memory; none where the rows are their own keys.
    pub(super) fn keys(&self, memory: &[f32]) -> Option<Buffer> {
        let key = self.key.as_ref()?;
        let rows = memory.len() / self.sizes.memory;
        let mut keys = Buffer::new(rows * self.sizes.key);
        let memory = Matrix::new(memory, rows, self.sizes.memory);
        let target = Target::new(&mut keys, self.sizes.key);
        multiply_packed(memory, key, Accumulate::Overwrite, target);
        Some(keys)
    }
}

fn values(weight: &ParamRef) -> Result<Vec<f32>> {
    weight.read(<[f32]>::to_vec)
}

/// A parameter (rows, columns).
fn packed(weight: &ParamRef) -> Result<Packed> {
    let (rows, columns) = weight.var().dims2()?;
    weight.read(|values| Packed::new(Matrix::new(values, rows, columns)))
}

/// Its transpose.
pub(super) fn transposed(weight: &ParamRef) -> Result<Packed> {
    let (rows, columns) = weight.var().dims2()?;
    weight.read(|values| Packed::new(Matrix::new(values, rows, columns).transposed()))
}
