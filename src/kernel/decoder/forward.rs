//! The forward pass of a block, step by step.

use std::ops::Range;

use super::{
    attention::{Attend, Attended},
    block::Block,
    operands::{AttentionOperands, MemoryValues, Operands},
};
use crate::kernel::{
    arch::with,
    buffer::Buffer,
    gemm::{Accumulate, Matrix, Target, multiply_packed},
    recurrent::{Cell, ForwardStep, Saved},
    tanh::All,
};

/// What a block computes from.
#[derive(Clone, Copy)]
pub(super) struct BlockInputs<'a> {
    /// The embeddings of the batch: (rows, e).
    pub(super) x: &'a [f32],
    /// The initial states of the batch: (sequences, w or 2·w).
    pub(super) initial: &'a [f32],
    /// The outputs that are fed to the first time step (sequences, o); empty for zeros.
    pub(super) fed: &'a [f32],
    /// The memories of the block.
    pub(super) memories: &'a [MemoryValues],
}

/// The values of a block. Rows are those of the initial states, then those of the time steps.
pub(super) struct Values {
    pub(super) saved: Saved,
    /// (initial rows + rows, w).
    pub(super) states: Buffer,
    /// Of each attention.
    pub(super) attentions: Vec<AttentionValues>,
    /// h and the contexts: (rows, joined).
    pub(super) joined: Buffer,
    /// (initial rows + rows, o).
    outputs: Buffer,
}

/// The values of the attention over one memory.
pub(super) struct AttentionValues {
    /// Where queries are projected: (rows, key dimension).
    pub(super) queries: Buffer,
    /// The attention weights, row by row.
    pub(super) weights: Buffer,
    /// The place of the weights of each row, and at the end their number.
    pub(super) offsets: Vec<usize>,
    /// Where its context is in a row of h and the contexts.
    pub(super) columns: Range<usize>,
}

impl AttentionValues {
    /// Those of each attention of a block, without values.
    fn all(block: &Block, operands: &Operands) -> Vec<Self> {
        let n_rows = block.n_rows();
        let mut end = operands.sizes.width;
        let of = |(memory, attention): (usize, &AttentionOperands)| {
            let sizes = attention.sizes;
            let offsets = block.attention_offsets(memory, sizes.heads);
            let columns = end..end + sizes.context;
            end = columns.end;
            let n_queries = if attention.query.is_some() { n_rows * sizes.key } else { 0 };
            let (queries, weights) = (Buffer::new(n_queries), Buffer::new(offsets[n_rows]));
            Self { queries, weights, offsets, columns }
        };
        operands.attentions.iter().enumerate().map(of).collect()
    }

    /// The weights of each row, as the mean of its heads.
    pub(super) fn means(&self, heads: usize) -> impl Iterator<Item = Vec<f32>> + '_ {
        self.offsets.windows(2).map(move |ends| {
            let weights = &self.weights[ends[0]..ends[1]];
            let n = weights.len() / heads;
            let mean = |at: usize| weights.iter().skip(at).step_by(n).sum::<f32>() / heads as f32;
            (0..n).map(mean).collect()
        })
    }
}

impl Values {
    /// y: (rows, o).
    pub(super) fn outputs(&self, block: &Block, width: usize) -> &[f32] {
        &self.outputs[block.n_initial() * width..]
    }

    /// The outputs with those that are fed to the first time step: (initial rows + rows, o).
    pub(super) fn all_outputs(&self) -> &[f32] {
        &self.outputs
    }
}

/// What the backward pass of a block needs.
pub(super) struct Forward {
    pub(super) values: Values,
    pub(super) memories: Vec<MemoryValues>,
}

/// Runs all time steps of a block.
pub(super) fn run<C: Cell>(block: &Block, operands: &Operands, given: BlockInputs<'_>) -> Values {
    let sizes = operands.sizes;
    let (n_initial, n_rows) = (block.n_initial(), block.n_rows());
    let n_all = n_initial + n_rows;
    let (width, joined_width) = (sizes.width, sizes.joined);
    let mut values = Values {
        saved: Saved {
            gates: gates(block, operands, given.x),
            products: Buffer::new(n_all * width),
        },
        states: Buffer::new(n_all * width),
        attentions: AttentionValues::all(block, operands),
        joined: Buffer::new(n_rows * joined_width),
        outputs: Buffer::new(n_all * sizes.output),
    };
    let Values { saved, states, attentions, joined, outputs } = &mut values;
    let initial = block.gathered_initial(given.initial, sizes.initial);
    for (at, initial) in initial.chunks_exact(sizes.initial).enumerate() {
        states[at * width..][..width].copy_from_slice(&initial[..width]);
        // Those of a cell that passes none on are never read.
        let cell = &mut saved.products[at * width..][..width];
        cell.copy_from_slice(&initial[sizes.initial - width..]);
    }
    let fed = &mut outputs[..n_initial * sizes.output];
    if given.fed.is_empty() {
        fed.fill(0.0);
    } else {
        fed.copy_from_slice(&block.gathered_initial(given.fed, sizes.output));
    }
    for step in &block.steps {
        let (start, n) = (step.rows.start, step.rows.len());
        let first = start - n_initial;
        if let Some(feed) = &operands.feed {
            let fed = &outputs[step.prev_start * sizes.output..][..n * sizes.output];
            let gates = &mut saved.gates[start * sizes.gates..][..n * sizes.gates];
            let (fed, target) =
                (Matrix::new(fed, n, sizes.output), Target::new(gates, sizes.gates));
            multiply_packed(fed, feed, Accumulate::Add, target);
        }
        C::forward(
            step,
            ForwardStep {
                width,
                recurrent: &operands.recurrent,
                bias: &operands.recurrent_bias,
                gates: &mut saved.gates,
                products: &mut saved.products,
                states,
            },
        );
        let states = &states[start * width..][..n * width];
        let joined = &mut joined[first * joined_width..][..n * joined_width];
        for (joined, state) in joined.chunks_exact_mut(joined_width).zip(states.chunks_exact(width))
        {
            joined[..width].copy_from_slice(state);
        }
        for (at, (operands, values)) in operands.attentions.iter().zip(&mut *attentions).enumerate()
        {
            let AttentionValues { queries, weights, offsets, columns } = values;
            let queries = match &operands.query {
                None => states,
                Some(query) => {
                    let key = operands.sizes.key;
                    let queries = &mut queries[first * key..][..n * key];
                    let target = Target::new(queries, key);
                    let states = Matrix::new(states, n, width);
                    multiply_packed(states, query, Accumulate::Overwrite, target);
                    queries
                }
            };
            with(Attend {
                of: attended(&block.memories[at].ranges[..n], operands, &given.memories[at]),
                queries,
                attention: &mut weights[offsets[first]..offsets[first + n]],
                joined,
                joined_width,
                columns: columns.clone(),
            });
        }
        let outputs = &mut outputs[start * sizes.output..][..n * sizes.output];
        let joined = Matrix::new(joined, n, joined_width);
        let target = Target::new(outputs, sizes.output);
        multiply_packed(joined, &operands.output, Accumulate::Overwrite, target);
        with(All(outputs));
    }
    values
}

/// What some sequences of a block attend to.
pub(super) fn attended<'a>(
    ranges: &'a [Range<usize>],
    operands: &'a AttentionOperands,
    memory: &'a MemoryValues,
) -> Attended<'a> {
    Attended {
        sizes: operands.sizes,
        keys: memory.keys(),
        values: memory.values(),
        ranges,
        score: operands.score.as_deref(),
    }
}

/// The contribution of the embeddings to the gates, after rows for the initial states.
fn gates(block: &Block, operands: &Operands, x: &[f32]) -> Buffer {
    let sizes = operands.sizes;
    let (n_initial, n_rows) = (block.n_initial(), block.n_rows());
    let mut gates = Buffer::new((n_initial + n_rows) * sizes.gates);
    let (initial, of_rows) = gates.split_at_mut(n_initial * sizes.gates);
    initial.fill(0.0);
    let x = block.gathered(x, sizes.embedding);
    let x = Matrix::new(&x, n_rows, sizes.embedding);
    let target = Target::new(of_rows, sizes.gates);
    multiply_packed(x, &operands.input, Accumulate::AddBias(&operands.bias), target);
    gates
}
