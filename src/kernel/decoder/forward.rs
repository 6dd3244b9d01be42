//! The forward pass of a block, step by step.

use super::{
    attention::{Attend, Attended},
    block::Block,
    operands::Operands,
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
    /// The memory of the block: (memory rows, m).
    pub(super) memory: &'a [f32],
    /// Its keys, unless they are its rows: (memory rows, key dimension).
    pub(super) keys: Option<&'a [f32]>,
}

/// The values of a block. Rows are those of the initial states, then those of the time steps.
pub(super) struct Values {
    pub(super) saved: Saved,
    /// (initial rows + rows, w).
    pub(super) states: Buffer,
    /// Of additive attention: (rows, key dimension).
    pub(super) queries: Buffer,
    /// The attention weights, row by row.
    pub(super) attention: Buffer,
    /// h and c: (rows, w + m).
    pub(super) joined: Buffer,
    /// (initial rows + rows, o).
    outputs: Buffer,
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
    pub(super) memory: Buffer,
    pub(super) keys: Option<Buffer>,
}

/// Runs all time steps of a block.
pub(super) fn run<C: Cell>(block: &Block, operands: &Operands, given: BlockInputs<'_>) -> Values {
    let sizes = operands.sizes;
    let (n_initial, n_rows) = (block.n_initial(), block.n_rows());
    let n_all = n_initial + n_rows;
    let (width, joined_width) = (sizes.width, sizes.width + sizes.memory);
    let offsets = block.attention_offsets();
    let n_queries = if operands.query.is_some() { n_rows * sizes.key } else { 0 };
    let mut values = Values {
        saved: Saved {
            gates: gates(block, operands, given.x),
            products: Buffer::new(n_all * width),
        },
        states: Buffer::new(n_all * width),
        queries: Buffer::new(n_queries),
        attention: Buffer::new(offsets[n_rows]),
        joined: Buffer::new(n_rows * joined_width),
        outputs: Buffer::new(n_all * sizes.output),
    };
    let Values { saved, states, queries, attention, joined, outputs } = &mut values;
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
        let queries = match &operands.query {
            None => states,
            Some(query) => {
                let queries = &mut queries[first * sizes.key..][..n * sizes.key];
                let target = Target::new(queries, sizes.key);
                let states = Matrix::new(states, n, width);
                multiply_packed(states, query, Accumulate::Overwrite, target);
                queries
            }
        };
        with(Attend {
            of: attended(block, operands, given.memory, given.keys, n),
            queries,
            attention: &mut attention[offsets[first]..offsets[first + n]],
            joined,
            joined_width,
        });
        let outputs = &mut outputs[start * sizes.output..][..n * sizes.output];
        let joined = Matrix::new(joined, n, joined_width);
        let target = Target::new(outputs, sizes.output);
        multiply_packed(joined, &operands.output, Accumulate::Overwrite, target);
        with(All(outputs));
    }
    values
}

/// What the first n sequences of a block attend to.
pub(super) fn attended<'a>(
    block: &'a Block,
    operands: &'a Operands,
    memory: &'a [f32],
    keys: Option<&'a [f32]>,
    n: usize,
) -> Attended<'a> {
    Attended {
        key_width: operands.sizes.key,
        memory_width: operands.sizes.memory,
        keys: keys.unwrap_or(memory),
        memory,
        ranges: &block.memory[..n],
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
