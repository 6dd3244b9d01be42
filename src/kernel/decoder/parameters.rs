//! The gradients of a decoder's parameters, from the sweeps of all blocks.

use candle_core::Result;

use super::{
    AttentionSizes, Decode, DecoderWeights, Sizes,
    back::{Swept, after_initial},
    block::Block,
    forward::Forward,
    operands::{AttentionParameters, MemoryValues},
};
use crate::kernel::{
    buffer::Buffer,
    gemm::{Accumulate, Matrix, Packed, Target, multiply_in_blocks},
    parameter::{Gradient, ParamRef},
    recurrent::Cell,
    row_sums::sum_of_rows,
};

/// The gradient of a parameter, summed over blocks in their order.
struct Sum {
    gradient: Buffer,
    columns: usize,
    is_empty: bool,
}

impl Sum {
    fn of(weight: &ParamRef) -> Result<Self> {
        let columns = weight.var().dims2()?.1;
        Ok(Self { gradient: Buffer::new(weight.var().elem_count()), columns, is_empty: true })
    }

    /// Adds xᵀ·g.
    fn add(&mut self, x: Matrix<'_>, g: &Packed) {
        let accumulate = if self.is_empty { Accumulate::Overwrite } else { Accumulate::Add };
        self.is_empty = false;
        multiply_in_blocks(
            x.transposed(),
            g,
            accumulate,
            Target::new(&mut self.gradient, self.columns),
        );
    }

    fn accumulate(mut self, weight: &ParamRef) -> Result<()> {
        if self.is_empty {
            self.gradient.fill(0.0);
        }
        weight.accumulate(Gradient::Dense(self.gradient))
    }
}

/// The sum over blocks of the sums of rows.
fn accumulate_sums<'a>(
    weight: &ParamRef,
    of_blocks: impl Iterator<Item = Matrix<'a>>,
) -> Result<()> {
    let mut sums = Buffer::zeros(weight.var().elem_count());
    for rows in of_blocks {
        for (sum, x) in sums.iter_mut().zip(&*sum_of_rows(rows)) {
            *sum += x;
        }
    }
    weight.accumulate(Gradient::Dense(sums))
}

/// Accumulates the gradients with respect to the parameters, given the embeddings of the batch.
pub(super) fn accumulate<C: Cell>(
    op: &Decode<C>,
    x: &[f32],
    saved: &[Forward],
    swept: &[Swept],
) -> Result<()> {
    let DecoderWeights { input, bias, recurrent, recurrent_bias, feed, output, .. } = &op.weights;
    let Sizes { embedding, width, gates, joined, output: out, .. } = op.sizes;
    let parts = || op.blocks.iter().zip(saved).zip(swept);
    let (mut of_input, mut of_recurrent) = (Sum::of(input)?, Sum::of(recurrent)?);
    let mut of_output = Sum::of(output)?;
    let mut of_feed = feed.as_ref().map(Sum::of).transpose()?;
    for ((block, forward), swept) in parts() {
        let n = block.n_rows();
        let grad_gates = Packed::by_all_threads(after_initial(block, &swept.gates.input, gates));
        let x = block.gathered(x, embedding);
        of_input.add(Matrix::new(&x, n, embedding), &grad_gates);
        let product = swept.gates.product.as_ref();
        let product = product.map(|g| Packed::by_all_threads(after_initial(block, g, gates)));
        let prev_states = after_initial(block, &swept.prev_states, width);
        of_recurrent.add(prev_states, product.as_ref().unwrap_or(&grad_gates));
        if let Some(of_feed) = &mut of_feed {
            let fed = block.previous(forward.values.all_outputs(), out);
            of_feed.add(after_initial(block, &fed, out), &grad_gates);
        }
        let grad_pre = Packed::by_all_threads(Matrix::new(&swept.grad_pre, n, out));
        of_output.add(Matrix::new(&forward.values.joined, n, joined), &grad_pre);
    }
    of_input.accumulate(input)?;
    of_recurrent.accumulate(recurrent)?;
    of_output.accumulate(output)?;
    if let Some((sum, feed)) = of_feed.zip(feed.as_ref()) {
        sum.accumulate(feed)?;
    }
    let of_gates =
        parts().map(|((block, _), swept)| after_initial(block, &swept.gates.input, gates));
    accumulate_sums(bias, of_gates)?;
    if let Some(bias) = recurrent_bias {
        let of_products = parts().map(|((block, _), swept)| {
            let product = swept.gates.product.as_ref().unwrap_or(&swept.gates.input);
            after_initial(block, product, gates).some_columns(gates - width, width)
        });
        accumulate_sums(bias, of_products)?;
    }
    for (at, attention) in op.weights.attention.iter().enumerate() {
        let parameters = AttentionParameters::of(attention);
        let sizes = (width, op.attentions[at]);
        accumulate_attention(at, sizes, parameters, (&op.blocks, saved, swept))?;
    }
    Ok(())
}

/// Those with respect to the parameters of the attention over one memory.
fn accumulate_attention(
    at: usize,
    (width, AttentionSizes { memory, key, context, .. }): (usize, AttentionSizes),
    parameters: AttentionParameters<'_>,
    (blocks, saved, swept): (&[Block], &[Forward], &[Swept]),
) -> Result<()> {
    let sum = |weight: Option<&ParamRef>| weight.map(Sum::of).transpose();
    let mut of_key = sum(parameters.key)?;
    let mut of_value = sum(parameters.value)?;
    let mut of_query = sum(parameters.query)?;
    for ((block, forward), swept) in blocks.iter().zip(saved).zip(swept) {
        let (swept, n_memory) = (&swept.attentions[at], block.memories[at].n_rows());
        let MemoryValues { rows, .. } = &forward.memories[at];
        let rows = Matrix::new(rows, n_memory, memory);
        if let Some(of_key) = &mut of_key {
            let gradient = Matrix::new(&swept.keys, n_memory, key);
            of_key.add(rows, &Packed::by_all_threads(gradient));
        }
        if let Some(of_value) = &mut of_value {
            let gradient = Matrix::new(&swept.values, n_memory, context);
            of_value.add(rows, &Packed::by_all_threads(gradient));
        }
        if let Some(of_query) = &mut of_query {
            let states = after_initial(block, &forward.values.states, width);
            let gradient = Matrix::new(&swept.queries, block.n_rows(), key);
            of_query.add(states, &Packed::by_all_threads(gradient));
        }
    }
    let sums =
        [(of_key, parameters.key), (of_value, parameters.value), (of_query, parameters.query)];
    for (sum, weight) in sums {
        if let Some((sum, weight)) = sum.zip(weight) {
            sum.accumulate(weight)?;
        }
    }
    match parameters.score {
        None => Ok(()),
        Some(score) => {
            let of_blocks = swept.iter().map(|swept| &swept.attentions[at].score);
            let of_blocks = of_blocks.map(|gradient| Matrix::new(gradient, 1, key));
            accumulate_sums(score, of_blocks)
        }
    }
}
