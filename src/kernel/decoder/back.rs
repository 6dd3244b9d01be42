//! The backward pass: a sweep over the time steps of each block, then the gradients of parameters.

use candle_core::Result;
use pulp::{Simd, WithSimd};

use super::{
    Decode, DecoderAttention, DecoderWeights, Sizes,
    attention::{AttendBack, SumOverTime},
    block::Block,
    forward::{Forward, attended},
    operands::{Operands, transposed},
};
use crate::kernel::{
    arch::with,
    buffer::Buffer,
    gemm::{Accumulate, Matrix, Packed, Target, multiply_in_blocks, multiply_packed},
    parameter::{Gradient, ParamRef},
    recurrent::{BackStep, Cell, GateGradients, Propagated},
    row_sums::sum_of_rows,
};

/// The operands of the sweep: transposed parameters.
pub(super) struct BackwardPass {
    /// For what the attention reads of them.
    operands: Operands,
    input: Packed,
    recurrent: Packed,
    feed: Option<Packed>,
    key: Option<Packed>,
    query: Option<Packed>,
    output: Packed,
}

/// The gradients of a block. Rows are those of the initial states, then those of the time steps,
/// where nothing else is said.
pub(super) struct Swept {
    gates: GateGradients,
    prev_states: Buffer,
    /// With respect to what the output's tanh is taken of: (rows, o).
    grad_pre: Buffer,
    /// Of additive attention: (rows, key dimension).
    grad_queries: Buffer,
    /// With respect to projected keys: (memory rows, key dimension).
    grad_keys: Buffer,
    /// With respect to v of additive attention.
    grad_score: Buffer,
    /// (rows, e).
    pub(super) grad_x: Buffer,
    /// (memory rows, m).
    pub(super) grad_memory: Buffer,
    /// (sequences, w or 2·w).
    pub(super) grad_initial: Buffer,
}

impl BackwardPass {
    pub(super) fn new<C: Cell>(op: &Decode<C>) -> Result<Self> {
        let weights = &op.weights;
        let (key, query) = match &weights.attention {
            DecoderAttention::Dot => (None, None),
            DecoderAttention::General { key } => (Some(key), None),
            DecoderAttention::Additive { key, query, .. } => (Some(key), Some(query)),
        };
        Ok(Self {
            operands: Operands::new::<C>(weights, op.sizes)?,
            input: transposed(&weights.input)?,
            recurrent: transposed(&weights.recurrent)?,
            feed: weights.feed.as_ref().map(transposed).transpose()?,
            key: key.map(transposed).transpose()?,
            query: query.map(transposed).transpose()?,
            output: transposed(&weights.output)?,
        })
    }

    /// The gradients of a block, from that with respect to the outputs of the batch.
    pub(super) fn sweep<C: Cell>(
        &self,
        block: &Block,
        forward: &Forward,
        gradient: &[f32],
    ) -> Swept {
        let Sizes { width, gates, memory, key, output, .. } = self.operands.sizes;
        let (n_initial, n_rows) = (block.n_initial(), block.n_rows());
        let (n_all, joined_width) = (n_initial + n_rows, width + memory);
        let Forward { values, memory: rows, keys } = forward;
        let offsets = block.attention_offsets();
        let is_additive = self.query.is_some();
        let mut swept = Swept {
            gates: GateGradients::new::<C>(n_all * gates),
            prev_states: block.previous(&values.states, width),
            grad_pre: block.gathered(gradient, output),
            grad_queries: Buffer::new(if is_additive { n_rows * key } else { 0 }),
            grad_keys: Buffer::zeros(block.n_memory() * key),
            grad_score: Buffer::zeros(if is_additive { key } else { 0 }),
            grad_x: Buffer::new(0),
            grad_memory: Buffer::zeros(block.n_memory() * memory),
            grad_initial: Buffer::new(0),
        };
        let mut grad_joined = Buffer::new(n_rows * joined_width);
        let mut grad_scores = Buffer::new(offsets[n_rows]);
        // With respect to the states, rows of the initial states included as cells count them.
        let mut grad_states = Buffer::new(n_all * width);
        let mut propagated = Propagated::new::<C>(n_initial, width);
        let mut n_next = 0;
        for step in block.steps.iter().rev() {
            let (start, n) = (step.rows.start, step.rows.len());
            let first = start - n_initial;
            let grad_pre = &mut swept.grad_pre[first * output..][..n * output];
            if let (Some(feed), true) = (&self.feed, n_next > 0) {
                let next = (start + n) * gates;
                let grad_gates =
                    Matrix::new(&swept.gates.input[next..][..n_next * gates], n_next, gates);
                let target = Target::new(&mut grad_pre[..n_next * output], output);
                multiply_packed(grad_gates, feed, Accumulate::Add, target);
            }
            through_tanh(grad_pre, &values.outputs(block, output)[first * output..]);
            let joined = &mut grad_joined[first * joined_width..][..n * joined_width];
            let target = Target::new(joined, joined_width);
            multiply_packed(
                Matrix::new(grad_pre, n, output),
                &self.output,
                Accumulate::Overwrite,
                target,
            );
            let grad_states_here = &mut grad_states[start * width..][..n * width];
            let states = &values.states[start * width..][..n * width];
            let (queries, grad_queries) = if is_additive {
                let rows = first * key..(first + n) * key;
                (&values.queries[rows.clone()], &mut swept.grad_queries[rows])
            } else {
                (states, &mut *grad_states_here)
            };
            let additive =
                is_additive.then_some((&mut swept.grad_keys[..], &mut swept.grad_score[..]));
            with(AttendBack {
                of: attended(block, &self.operands, rows, keys.as_deref(), n),
                queries,
                attention: &values.attention[offsets[first]..offsets[first + n]],
                grad_joined: joined,
                joined_width,
                grad_scores: &mut grad_scores[offsets[first]..offsets[first + n]],
                grad_queries,
                additive,
            });
            if let Some(query) = &self.query {
                let grad_queries = &swept.grad_queries[first * key..][..n * key];
                let target = Target::new(grad_states_here, width);
                let grad_queries = Matrix::new(grad_queries, n, key);
                multiply_packed(grad_queries, query, Accumulate::Overwrite, target);
            }
            let states = grad_states_here.chunks_exact_mut(width);
            for (sums, joined) in states.zip(joined.chunks_exact(joined_width)) {
                for (sum, g) in sums.iter_mut().zip(&joined[..width]) {
                    *sum += g;
                }
            }
            C::back(
                step,
                BackStep {
                    width,
                    n_continuing_next: n_next,
                    recurrent: &self.recurrent,
                    saved: &values.saved,
                    prev_states: &swept.prev_states,
                    gradient: &grad_states,
                    stride: width,
                    propagated: &mut propagated,
                    grads: &mut swept.gates,
                },
            );
            n_next = n;
        }
        let steps = StepRows { block, offsets: &offsets, columns: joined_width };
        steps.sum(&values.attention, &grad_joined, width, (&mut swept.grad_memory, memory));
        if !is_additive {
            let grad_keys = if keys.is_some() {
                &mut swept.grad_keys
            } else {
                // The rows of the memory are the keys.
                &mut swept.grad_memory
            };
            steps.sum(&grad_scores, &values.joined, 0, (grad_keys, key));
        }
        if let Some(weight) = &self.key {
            let grad_keys = Matrix::new(&swept.grad_keys, block.n_memory(), key);
            let target = Target::new(&mut swept.grad_memory, memory);
            multiply_packed(grad_keys, weight, Accumulate::Add, target);
        }
        swept.grad_x = self.grad_x(block, &swept.gates);
        swept.grad_initial = self.grad_initial(n_initial, &propagated);
        swept
    }

    fn grad_x(&self, block: &Block, grads: &GateGradients) -> Buffer {
        let Sizes { embedding, gates, .. } = self.operands.sizes;
        let mut grad_x = Buffer::new(block.n_rows() * embedding);
        let grad_gates = after_initial(block, &grads.input, gates);
        let target = Target::new(&mut grad_x, embedding);
        multiply_packed(grad_gates, &self.input, Accumulate::Overwrite, target);
        grad_x
    }

    fn grad_initial(&self, n_initial: usize, propagated: &Propagated) -> Buffer {
        let Sizes { width, initial, .. } = self.operands.sizes;
        let mut grad_initial = Buffer::new(n_initial * initial);
        for (at, to) in grad_initial.chunks_exact_mut(initial).enumerate() {
            to[..width].copy_from_slice(&propagated.state[at * width..][..width]);
            if initial > width {
                to[width..].copy_from_slice(&propagated.cell[at * width..][..width]);
            }
        }
        grad_initial
    }
}

/// Multiplies each gradient with respect to tanh x by 1 − tanh².
fn through_tanh(gradient: &mut [f32], y: &[f32]) {
    struct Through<'a>(&'a mut [f32], &'a [f32]);
    impl WithSimd for Through<'_> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, _simd: S) {
            for (g, y) in self.0.iter_mut().zip(self.1) {
                *g *= 1.0 - y * y;
            }
        }
    }
    with(Through(gradient, y));
}

/// The rows of the time steps of each sequence of a block.
struct StepRows<'a> {
    block: &'a Block,
    /// The place of each row's factors.
    offsets: &'a [usize],
    /// Columns of a row.
    columns: usize,
}

impl StepRows<'_> {
    /// Adds Σ_t factor_tj · row_t to row j of the memory, where row_t are some columns, from column
    /// `from` on, of the rows of a matrix.
    fn sum(&self, factors: &[f32], rows: &[f32], from: usize, (sums, width): (&mut [f32], usize)) {
        let n_initial = self.block.n_initial();
        for (b, range) in self.block.memory.iter().enumerate() {
            let steps = self.block.steps.iter().take_while(|step| b < step.n_continuing);
            let of_step = |row: usize| {
                let factors = &factors[self.offsets[row]..self.offsets[row + 1]];
                (factors, &rows[row * self.columns + from..][..width])
            };
            let steps: Vec<_> =
                steps.map(|step| of_step(step.rows.start - n_initial + b)).collect();
            let sums = &mut sums[range.start * width..range.end * width];
            with(SumOverTime { steps: &steps, sums, columns: width });
        }
    }
}

/// The rows of the time steps.
fn after_initial<'a>(block: &Block, values: &'a [f32], columns: usize) -> Matrix<'a> {
    let first = block.n_initial() * columns;
    Matrix::new(&values[first..], block.n_rows(), columns)
}

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
    let DecoderWeights { input, bias, recurrent, recurrent_bias, feed, attention, output, .. } =
        &op.weights;
    let Sizes { embedding, width, gates, memory, key, output: out, .. } = op.sizes;
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
        of_output.add(Matrix::new(&forward.values.joined, n, width + memory), &grad_pre);
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
    let (key_weight, query, score) = match attention {
        DecoderAttention::Dot => return Ok(()),
        DecoderAttention::General { key } => (key, None, None),
        DecoderAttention::Additive { key, query, score } => (key, Some(query), Some(score)),
    };
    let mut of_key = Sum::of(key_weight)?;
    let mut of_query = query.map(Sum::of).transpose()?;
    for ((block, forward), swept) in parts() {
        let grad_keys = Matrix::new(&swept.grad_keys, block.n_memory(), key);
        let rows = Matrix::new(&forward.memory, block.n_memory(), memory);
        of_key.add(rows, &Packed::by_all_threads(grad_keys));
        if let Some(of_query) = &mut of_query {
            let states = after_initial(block, &forward.values.states, width);
            let grad_queries = Matrix::new(&swept.grad_queries, block.n_rows(), key);
            of_query.add(states, &Packed::by_all_threads(grad_queries));
        }
    }
    of_key.accumulate(key_weight)?;
    if let Some((sum, query)) = of_query.zip(query) {
        sum.accumulate(query)?;
    }
    match score {
        None => Ok(()),
        Some(score) => {
            let of_blocks = swept.iter().map(|swept| Matrix::new(&swept.grad_score, 1, key));
            accumulate_sums(score, of_blocks)
        }
    }
}
