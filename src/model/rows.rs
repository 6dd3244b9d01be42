//! Rows with their packing.

use std::sync::Arc;

use candle_core::{DType, Result, Tensor, Var};

use crate::{data::Packing, kernel};

/// Packed rows: the output of encoders, and the input of encoders and objectives.
#[derive(Clone, Debug)]
pub struct Rows {
    /// (rows, width).
    pub tensor: Tensor,
    /// The position of each row.
    pub packing: Arc<Packing>,
}

impl Rows {
    /// Rows (rows, width) with a packing of the same number of rows.
    pub fn new(tensor: Tensor, packing: &Arc<Packing>) -> Self {
        debug_assert_eq!(tensor.dims().first(), Some(&packing.n_rows()), "a row for each position");
        Self { tensor, packing: packing.clone() }
    }

    /// Other values with the same packing: (rows, any width).
    #[must_use]
    pub fn with(&self, tensor: Tensor) -> Self {
        Self::new(tensor, &self.packing)
    }

    /// The same values, through which no gradient passes. They are a new variable, so that what is computed from them
    /// is still differentiated.
    pub fn without_gradient(&self) -> Result<Self> {
        Ok(self.with(Var::from_tensor(&self.tensor.detach())?.into_inner()))
    }

    /// The vector that each sequence of a packing was pooled to (sequences, width), as rows of the
    /// packing above, with zeros for rows without a sequence.
    pub fn pooled(packing: &Packing, by_sequence: Tensor) -> Result<Self> {
        let above = packing.parent().expect("what is pooled belongs to the rows above");
        let sequences = packing.sequences_of_parent();
        let n_sequences = packing.n_sequences();
        let in_order = sequences.iter().zip(0..).all(|(sequence, row)| *sequence == Some(row));
        if in_order {
            return Ok(Self::new(by_sequence, above));
        }
        let rows = sequences.iter().map(|sequence| sequence.unwrap_or(n_sequences as u32));
        let rows = rows.collect();
        let by_sequence = if sequences.contains(&None) {
            let absent = Tensor::zeros((1, by_sequence.dim(1)?), DType::F32, by_sequence.device())?;
            Tensor::cat(&[by_sequence, absent], 0)?
        } else {
            by_sequence
        };
        Ok(Self::new(kernel::gather(&by_sequence, rows)?, above))
    }

    /// Several rows with equal packings, concatenated: (rows, the sum of the widths).
    pub fn concat(several: &[Self]) -> Result<Self> {
        let [first, others @ ..] = several else {
            candle_core::bail!("nothing to concatenate: expected one input at least")
        };
        if others.is_empty() {
            return Ok(first.clone());
        }
        debug_assert!(others.iter().all(|other| other.packing == first.packing));
        let tensors: Vec<&Tensor> = several.iter().map(|rows| &rows.tensor).collect();
        Ok(first.with(Tensor::cat(&tensors, 1)?))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn pooled_rows_follow_the_rows_above_with_zeros_for_missing_sequences() -> Result<()> {
        let examples = Arc::new(Packing::of_examples(3));
        let packing = Packing::sorted_below(&examples, &[1, 0, 2]);
        let by_sequence = Tensor::new(&[[1f32, 2.0], [3.0, 4.0]], &Device::Cpu)?;
        let pooled = Rows::pooled(&packing, by_sequence)?;
        assert_eq!(pooled.tensor.to_vec2::<f32>()?, [[3.0, 4.0], [0.0, 0.0], [1.0, 2.0]]);
        assert_eq!(pooled.packing, examples);
        Ok(())
    }
}
