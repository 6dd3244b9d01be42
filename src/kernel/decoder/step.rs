//! One step of a decoder at a time, for search: each row is a hypothesis with an example of its own.

use std::ops::Range;

use candle_core::{Device, Result, Tensor, bail};
use rayon::prelude::*;

use super::{
    Block, DecoderCell, DecoderState, DecoderWeights, Sizes,
    forward::{self, BlockInputs},
    operands::Operands,
};
use crate::{
    data::Packing,
    kernel::{
        arch::is_fused, buffer::Buffer, gather, gru::Gru, lstm::Lstm, plain, recurrent::Cell,
        slices,
    },
};

/// Hypotheses per task.
const HYPOTHESES: usize = 32;

/// The memory of a batch's examples, and a decoder's parameters, as its steps read them.
pub struct DecoderMemory {
    weights: DecoderWeights,
    sizes: Sizes,
    form: Form,
}

enum Form {
    Fused {
        operands: Box<Operands>,
        /// The rows, example by example.
        rows: Buffer,
        keys: Option<Buffer>,
        /// The rows of each example.
        ranges: Vec<Range<usize>>,
    },
    Plain(plain::PaddedMemory),
}

impl DecoderState {
    /// The rows of some hypotheses, in the given order.
    pub fn select(&self, hypotheses: &[u32]) -> Result<Self> {
        Ok(Self {
            states: gather(&self.states, hypotheses.to_vec())?,
            outputs: gather(&self.outputs, hypotheses.to_vec())?,
        })
    }
}

impl DecoderMemory {
    /// The memory (memory rows, m) of the examples of a packing.
    pub fn new(memory: &Tensor, packing: &Packing, weights: &DecoderWeights) -> Result<Self> {
        let sizes = weights.sizes()?;
        if memory.dims2()? != (packing.n_rows(), sizes.memory) {
            bail!("decoder: memory {:?}; expected rows of {}", memory.shape(), sizes.memory);
        }
        let rows: Vec<Vec<usize>> =
            (0..packing.n_examples()).map(|example| packing.rows_of_example(example)).collect();
        let weights = weights.clone();
        if !is_fused(memory.device()) {
            let form = Form::Plain(plain::PaddedMemory::new(memory, &rows, &weights)?);
            return Ok(Self { weights, sizes, form });
        }
        let operands = match weights.cell {
            DecoderCell::Lstm => Operands::new::<Lstm>(&weights, sizes)?,
            DecoderCell::Gru => Operands::new::<Gru>(&weights, sizes)?,
        };
        let (mut ranges, mut from) = (Vec::new(), 0);
        for rows in &rows {
            ranges.push(from..from + rows.len());
            from += rows.len();
        }
        let mut gathered = Buffer::new(from * sizes.memory);
        slices::read(&memory.contiguous()?, |memory| {
            let to = gathered.chunks_exact_mut(sizes.memory);
            for (to, row) in to.zip(rows.into_iter().flatten()) {
                to.copy_from_slice(&memory[row * sizes.memory..][..sizes.memory]);
            }
        })?;
        let keys = operands.keys(&gathered);
        let operands = Box::new(operands);
        let form = Form::Fused { operands, rows: gathered, keys, ranges };
        Ok(Self { weights, sizes, form })
    }

    /// The state before the first step, from initial states (hypotheses, w or 2·w).
    pub fn start(&self, initial: &Tensor) -> Result<DecoderState> {
        let (n, columns) = initial.dims2()?;
        if columns != self.sizes.initial {
            bail!("decoder: initial states of {columns}; expected {}", self.sizes.initial);
        }
        let outputs = Tensor::zeros((n, self.sizes.output), initial.dtype(), initial.device())?;
        Ok(DecoderState { states: initial.clone(), outputs })
    }

    /// The next state, from the embeddings of the previous symbols (hypotheses, e) and the example
    /// of each hypothesis. Equal, bit for bit on the CPU, to the row of teacher forcing.
    pub fn step(&self, x: &Tensor, state: &DecoderState, examples: &[u32]) -> Result<DecoderState> {
        let n = examples.len();
        if x.dims2()? != (n, self.sizes.embedding) || state.states.dim(0)? != n {
            bail!("decoder: embeddings {:?} of {n} hypotheses", x.shape());
        }
        match &self.form {
            Form::Plain(memory) => plain::decoder_step(x, state, examples, &self.weights, memory),
            Form::Fused { .. } => match self.weights.cell {
                DecoderCell::Lstm => self.fused::<Lstm>(x, state, examples),
                DecoderCell::Gru => self.fused::<Gru>(x, state, examples),
            },
        }
    }

    fn fused<C: Cell>(
        &self,
        x: &Tensor,
        state: &DecoderState,
        examples: &[u32],
    ) -> Result<DecoderState> {
        let Form::Fused { operands, rows, keys, ranges } = &self.form else {
            bail!("decoder: a memory of another device")
        };
        let Sizes { width, output, initial, .. } = self.sizes;
        let n = examples.len();
        let [x, states, fed] = [x, &state.states, &state.outputs].map(slices::to_vec);
        let (x, states, fed) = (x?, states?, fed?);
        let run = |first: usize| {
            let hypotheses = first..n.min(first + HYPOTHESES);
            let memory = examples[hypotheses.clone()].iter();
            let memory = memory.map(|&example| ranges[example as usize].clone()).collect();
            let block = Block::of_step(hypotheses, memory);
            let given = BlockInputs {
                x: &x,
                initial: &states,
                fed: &fed,
                memory: rows,
                keys: keys.as_deref(),
            };
            let values = forward::run::<C>(&block, operands, given);
            (block, values)
        };
        let firsts: Vec<usize> = (0..n).step_by(HYPOTHESES).collect();
        let made: Vec<_> = firsts.into_par_iter().map(run).collect();
        let (mut states, mut outputs) = (vec![0.0; n * initial], vec![0.0; n * output]);
        for (block, values) in &made {
            block.scatter(values.outputs(block, output), output, &mut outputs);
            let from = block.n_initial() * width;
            let cells = values.saved.products[from..].chunks_exact(width);
            let of_block = values.states[from..].chunks_exact(width).zip(cells);
            let to = states[block.sequences[0] * initial..].chunks_exact_mut(initial);
            for (to, (state, cell)) in to.zip(of_block) {
                to[..width].copy_from_slice(state);
                if C::HAS_CELL {
                    to[width..].copy_from_slice(cell);
                }
            }
        }
        Ok(DecoderState {
            states: Tensor::from_vec(states, (n, initial), &Device::Cpu)?,
            outputs: Tensor::from_vec(outputs, (n, output), &Device::Cpu)?,
        })
    }
}
