//! A decoder's parameters, packed for its products.

use candle_core::Result;

use super::{AttentionSizes, DecoderAttention, DecoderWeights, Sizes};
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
    pub(super) attentions: Vec<AttentionOperands>,
    pub(super) output: Packed,
}

impl Operands {
    pub(super) fn new<C: Cell>(
        weights: &DecoderWeights,
        (sizes, of_attentions): (Sizes, &[AttentionSizes]),
    ) -> Result<Self> {
        let attentions = weights.attention.iter().zip(of_attentions);
        let attentions = attentions.map(|(of, sizes)| AttentionOperands::new(of, *sizes));
        let recurrent = |values: &[f32]| C::pack(Matrix::new(values, sizes.width, sizes.gates));
        Ok(Self {
            sizes,
            input: packed(&weights.input)?,
            bias: values(&weights.bias)?,
            recurrent: weights.recurrent.read(recurrent)?,
            recurrent_bias: weights.recurrent_bias.as_ref().map_or(Ok(Vec::new()), values)?,
            feed: weights.feed.as_ref().map(packed).transpose()?,
            attentions: attentions.collect::<Result<_>>()?,
            output: packed(&weights.output)?,
        })
    }
}

/// The parameters of the attention over one memory.
pub(super) struct AttentionOperands {
    pub(super) sizes: AttentionSizes,
    pub(super) key: Option<Packed>,
    pub(super) value: Option<Packed>,
    pub(super) query: Option<Packed>,
    /// v of additive attention.
    pub(super) score: Option<Vec<f32>>,
}

impl AttentionOperands {
    fn new(attention: &DecoderAttention, sizes: AttentionSizes) -> Result<Self> {
        let AttentionParameters { key, value, query, score } = AttentionParameters::of(attention);
        let of = |weight: Option<&ParamRef>| weight.map(packed).transpose();
        let score = score.map(values).transpose()?;
        Ok(Self { sizes, key: of(key)?, value: of(value)?, query: of(query)?, score })
    }

    /// Rows of a memory with what attention reads of them.
    pub(super) fn read(&self, rows: Buffer) -> MemoryValues {
        let project = |weight: &Packed, columns: usize| {
            let n_rows = rows.len() / self.sizes.memory;
            let mut projected = Buffer::new(n_rows * columns);
            let target = Target::new(&mut projected, columns);
            let rows = Matrix::new(&rows, n_rows, self.sizes.memory);
            multiply_packed(rows, weight, Accumulate::Overwrite, target);
            projected
        };
        let keys = self.key.as_ref().map(|weight| project(weight, self.sizes.key));
        let values = self.value.as_ref().map(|weight| project(weight, self.sizes.context));
        MemoryValues { rows, keys, values }
    }
}

/// A memory as attention reads it.
pub(super) struct MemoryValues {
    /// (memory rows, m).
    pub(super) rows: Buffer,
    keys: Option<Buffer>,
    values: Option<Buffer>,
}

impl MemoryValues {
    /// The keys, which may be the rows themselves: (memory rows, key dimension).
    pub(super) fn keys(&self) -> &[f32] {
        self.keys.as_ref().unwrap_or(&self.rows)
    }

    /// What is averaged, which may be the rows themselves: (memory rows, context dimension).
    pub(super) fn values(&self) -> &[f32] {
        self.values.as_ref().unwrap_or(&self.rows)
    }
}

/// The parameters that a kind of attention has.
#[derive(Clone, Copy, Default)]
pub(super) struct AttentionParameters<'a> {
    pub(super) key: Option<&'a ParamRef>,
    pub(super) value: Option<&'a ParamRef>,
    pub(super) query: Option<&'a ParamRef>,
    pub(super) score: Option<&'a ParamRef>,
}

impl<'a> AttentionParameters<'a> {
    pub(super) fn of(attention: &'a DecoderAttention) -> Self {
        match attention {
            DecoderAttention::Dot => Self::default(),
            DecoderAttention::General { key } => Self { key: Some(key), ..Self::default() },
            DecoderAttention::Additive { key, query, score } => {
                Self { key: Some(key), query: Some(query), score: Some(score), value: None }
            }
            DecoderAttention::MultiHead { query, key, value, .. } => {
                Self { key: Some(key), query: Some(query), value: Some(value), score: None }
            }
        }
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
