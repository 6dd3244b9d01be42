//! The backward pass of a block: a sweep over its time steps.

use std::ops::Range;

use candle_core::Result;
use pulp::{Simd, WithSimd};

use super::{
    AttentionSizes, Decode, Sizes,
    attention::{AttendBack, SumOverTime},
    block::Block,
    forward::{AttentionValues, Forward, attended},
    operands::{AttentionOperands, AttentionParameters, Operands, transposed},
};
use crate::kernel::{
    arch::with,
    buffer::Buffer,
    gemm::{Accumulate, Matrix, Packed, Target, multiply_packed},
    parameter::ParamRef,
    recurrent::{BackStep, Cell, GateGradients, Propagated},
};

/// The operands of the sweep: transposed parameters.
pub(super) struct BackwardPass {
    /// For what the attention reads of them.
    operands: Operands,
    input: Packed,
    recurrent: Packed,
    feed: Option<Packed>,
    attentions: Vec<Projections>,
    output: Packed,
}

/// The transposed parameters of an attention.
struct Projections {
    key: Option<Packed>,
    value: Option<Packed>,
    query: Option<Packed>,
}

/// The gradients of a block. Rows are those of the initial states, then those of the time steps,
/// where nothing else is said.
pub(super) struct Swept {
    pub(super) gates: GateGradients,
    pub(super) prev_states: Buffer,
    /// With respect to what the output's tanh is taken of: (rows, o).
    pub(super) grad_pre: Buffer,
    pub(super) attentions: Vec<SweptAttention>,
    /// (rows, e).
    pub(super) grad_x: Buffer,
    /// (sequences, w or 2·w).
    pub(super) grad_initial: Buffer,
}

/// The gradients of the attention over one memory of a block.
pub(super) struct SweptAttention {
    /// With respect to the inner products, or to the scores of additive attention, in the order of the weights.
    scores: Buffer,
    /// With respect to projected queries: (rows, key dimension).
    pub(super) queries: Buffer,
    /// With respect to projected keys: (memory rows, key dimension).
    pub(super) keys: Buffer,
    /// With respect to projected values: (memory rows, context dimension).
    pub(super) values: Buffer,
    /// With respect to v of additive attention.
    pub(super) score: Buffer,
    /// (memory rows, m).
    pub(super) memory: Buffer,
}

impl SweptAttention {
    /// Zeros, given the numbers of time steps, of their weights and of the rows of the memory.
    fn new(of: &AttentionOperands, n_rows: usize, n_weights: usize, n_memory: usize) -> Self {
        let AttentionSizes { memory, key, context, .. } = of.sizes;
        let zeros = |is_there: bool, n: usize| Buffer::zeros(if is_there { n } else { 0 });
        Self {
            scores: Buffer::new(n_weights),
            queries: zeros(of.query.is_some(), n_rows * key),
            keys: zeros(of.key.is_some(), n_memory * key),
            values: zeros(of.value.is_some(), n_memory * context),
            score: zeros(of.score.is_some(), key),
            memory: Buffer::zeros(n_memory * memory),
        }
    }
}

impl BackwardPass {
    pub(super) fn new<C: Cell>(op: &Decode<C>) -> Result<Self> {
        let weights = &op.weights;
        let of = |weight: Option<&ParamRef>| weight.map(transposed).transpose();
        let projections = |attention| {
            let AttentionParameters { key, value, query, .. } = AttentionParameters::of(attention);
            Ok(Projections { key: of(key)?, value: of(value)?, query: of(query)? })
        };
        Ok(Self {
            operands: Operands::new::<C>(weights, (op.sizes, &op.attentions))?,
            input: transposed(&weights.input)?,
            recurrent: transposed(&weights.recurrent)?,
            feed: of(weights.feed.as_ref())?,
            attentions: weights.attention.iter().map(projections).collect::<Result<_>>()?,
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
        let Sizes { width, gates, joined: joined_width, output, .. } = self.operands.sizes;
        let (n_initial, n_rows) = (block.n_initial(), block.n_rows());
        let n_all = n_initial + n_rows;
        let Forward { values, memories } = forward;
        let attentions = (self.operands.attentions.iter().zip(&values.attentions))
            .zip(&block.memories)
            .map(|((operands, values), memory)| {
                SweptAttention::new(operands, n_rows, values.weights.len(), memory.n_rows())
            });
        let mut swept = Swept {
            gates: GateGradients::new::<C>(n_all * gates),
            prev_states: block.previous(&values.states, width),
            grad_pre: block.gathered(gradient, output),
            attentions: attentions.collect(),
            grad_x: Buffer::new(0),
            grad_initial: Buffer::new(0),
        };
        let mut grad_joined = Buffer::new(n_rows * joined_width);
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
            grad_states_here.fill(0.0);
            for (at, swept) in swept.attentions.iter_mut().enumerate() {
                let operands = &self.operands.attentions[at];
                let AttentionValues { queries, weights, offsets, columns } = &values.attentions[at];
                let (key, query) = (operands.sizes.key, &self.attentions[at].query);
                let rows = first * key..(first + n) * key;
                let (queries, grad_queries) = match query {
                    Some(_) => (&queries[rows.clone()], &mut swept.queries[rows.clone()]),
                    None => (states, &mut *grad_states_here),
                };
                let is_additive = operands.score.is_some();
                let additive = is_additive.then_some((&mut swept.keys[..], &mut swept.score[..]));
                let here = offsets[first]..offsets[first + n];
                with(AttendBack {
                    of: attended(&block.memories[at].ranges[..n], operands, &memories[at]),
                    queries,
                    attention: &weights[here.clone()],
                    grad_joined: joined,
                    joined_width,
                    columns: columns.clone(),
                    grad_scores: &mut swept.scores[here],
                    grad_queries,
                    additive,
                });
                if let Some(query) = query {
                    let target = Target::new(grad_states_here, width);
                    let grad_queries = Matrix::new(&swept.queries[rows], n, key);
                    multiply_packed(grad_queries, query, Accumulate::Add, target);
                }
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
        for (at, swept) in swept.attentions.iter_mut().enumerate() {
            self.sweep_memory(at, (block, forward), &grad_joined, swept);
        }
        swept.grad_x = self.grad_x(block, &swept.gates);
        swept.grad_initial = self.grad_initial(n_initial, &propagated);
        swept
    }

    /// The gradients with respect to a memory, and to its keys and values where they are projected, from those with respect
    /// to the scores and to the contexts of all time steps.
    fn sweep_memory(
        &self,
        at: usize,
        (block, forward): (&Block, &Forward),
        grad_joined: &[f32],
        swept: &mut SweptAttention,
    ) {
        let (of, operands) = (&self.attentions[at], &self.operands.attentions[at]);
        let Forward { values, .. } = forward;
        let AttentionValues { queries, weights, offsets, columns } = &values.attentions[at];
        let AttentionSizes { memory, key, context, heads, .. } = operands.sizes;
        let joined_width = self.operands.sizes.joined;
        let n_memory = block.memories[at].n_rows();
        let SweptAttention {
            scores: grad_scores,
            keys: grad_keys,
            values: grad_values,
            memory: grad_memory,
            ..
        } = swept;
        let steps = StepRows { block, ranges: &block.memories[at].ranges, offsets, heads };
        // Where nothing is projected, the rows of the memory are averaged, or are the keys.
        let sums = if of.value.is_some() { &mut *grad_values } else { &mut *grad_memory };
        let contexts =
            FactorRows { values: grad_joined, stride: joined_width, from: columns.start };
        steps.sum(weights, contexts, (sums, context));
        if operands.score.is_none() {
            let queries = match &of.query {
                Some(_) => FactorRows { values: queries, stride: key, from: 0 },
                None => FactorRows { values: &values.joined, stride: joined_width, from: 0 },
            };
            let sums = if of.key.is_some() { &mut *grad_keys } else { &mut *grad_memory };
            steps.sum(grad_scores, queries, (sums, key));
        }
        let projected = [(&of.key, &*grad_keys, key), (&of.value, &*grad_values, context)];
        for (weight, gradient, columns) in projected {
            let Some(weight) = weight else { continue };
            let target = Target::new(grad_memory, memory);
            let gradient = Matrix::new(gradient, n_memory, columns);
            multiply_packed(gradient, weight, Accumulate::Add, target);
        }
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

/// The rows of the time steps of each sequence of a block, with a factor for each row of a memory and head.
struct StepRows<'a> {
    block: &'a Block,
    /// The rows of the memory of each sequence.
    ranges: &'a [Range<usize>],
    /// The place of each row's factors.
    offsets: &'a [usize],
    heads: usize,
}

/// Columns of a matrix, from one on.
#[derive(Clone, Copy)]
struct FactorRows<'a> {
    values: &'a [f32],
    stride: usize,
    from: usize,
}

impl StepRows<'_> {
    /// Adds Σ_t factor_tj · row_t to row j of the memory, head by head.
    fn sum(&self, factors: &[f32], rows: FactorRows<'_>, (sums, width): (&mut [f32], usize)) {
        let n_initial = self.block.n_initial();
        let of_head = width / self.heads;
        for (b, range) in self.ranges.iter().enumerate() {
            let sums = &mut sums[range.start * width..range.end * width];
            for head in 0..self.heads {
                let steps = self.block.steps.iter().take_while(|step| b < step.n_continuing);
                let of_step = |row: usize| {
                    let factors = &factors[self.offsets[row] + head * range.len()..][..range.len()];
                    let from = row * rows.stride + rows.from + head * of_head;
                    (factors, &rows.values[from..][..of_head])
                };
                let steps: Vec<_> =
                    steps.map(|step| of_step(step.rows.start - n_initial + b)).collect();
                let columns = head * of_head..(head + 1) * of_head;
                with(SumOverTime { steps: &steps, sums: &mut *sums, width, columns });
            }
        }
    }
}

/// The rows of the time steps.
pub(super) fn after_initial<'a>(block: &Block, values: &'a [f32], columns: usize) -> Matrix<'a> {
    let first = block.n_initial() * columns;
    Matrix::new(&values[first..], block.n_rows(), columns)
}
