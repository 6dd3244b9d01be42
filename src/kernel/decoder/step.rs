//! One step of a decoder at a time, for search: each row is a hypothesis with an example of its own.

use std::ops::Range;

use candle_core::{Device, Result, Tensor, bail};
use rayon::prelude::*;

use super::{
    AttendedRows, Block, DecoderCell, DecoderState, DecoderWeights, Sizes, check_memories,
    forward::{self, BlockInputs},
    operands::{MemoryValues, Operands},
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

/// The memories of a batch's examples, and a decoder's parameters, as its steps read them.
pub struct DecoderMemory {
    weights: DecoderWeights,
    sizes: Sizes,
    form: Form,
    keeps_attention: bool,
}

enum Form {
    Fused {
        operands: Box<Operands>,
        /// The rows of each, example by example.
        memories: Vec<MemoryValues>,
        /// The rows of each example in each.
        ranges: Vec<Vec<Range<usize>>>,
    },
    Plain(Vec<plain::PaddedMemory>),
}

impl DecoderState {
    /// The rows of some hypotheses, in the given order, before their next step.
    pub fn select(&self, hypotheses: &[u32]) -> Result<Self> {
        Ok(Self {
            states: gather(&self.states, hypotheses.to_vec())?,
            outputs: gather(&self.outputs, hypotheses.to_vec())?,
            attention: Vec::new(),
        })
    }
}

impl DecoderMemory {
    /// The memory of each attention, with the rows of all examples of a batch.
    pub fn new(memories: &[AttendedRows<'_>], weights: &DecoderWeights) -> Result<Self> {
        let (sizes, attentions) = weights.sizes()?;
        check_memories(memories, &attentions)?;
        let weights = weights.clone();
        if !is_fused(memories[0].rows.device()) {
            let padded = memories.iter().zip(&weights.attention).map(|(memory, attention)| {
                let rows = rows_of_examples(memory.packing);
                plain::PaddedMemory::new(memory.rows, &rows, attention)
            });
            let form = Form::Plain(padded.collect::<Result<_>>()?);
            return Ok(Self { weights, sizes, form, keeps_attention: false });
        }
        let operands = match weights.cell {
            DecoderCell::Lstm => Operands::new::<Lstm>(&weights, (sizes, &attentions))?,
            DecoderCell::Gru => Operands::new::<Gru>(&weights, (sizes, &attentions))?,
        };
        let (mut values, mut ranges) = (Vec::new(), Vec::new());
        for (memory, operands) in memories.iter().zip(&operands.attentions) {
            let (rows, of_examples) = by_example(memory, operands.sizes.memory)?;
            values.push(operands.read(rows));
            ranges.push(of_examples);
        }
        let form = Form::Fused { operands: Box::new(operands), memories: values, ranges };
        Ok(Self { weights, sizes, form, keeps_attention: false })
    }

    /// From now on, steps keep the attention to the rows of the first memory.
    pub fn keep_attention(&mut self) {
        self.keeps_attention = true;
    }

    /// The state before the first step, from initial states (hypotheses, w or 2·w).
    pub fn start(&self, initial: &Tensor) -> Result<DecoderState> {
        let (n, columns) = initial.dims2()?;
        if columns != self.sizes.initial {
            bail!("decoder: initial states of {columns}; expected {}", self.sizes.initial);
        }
        let outputs = Tensor::zeros((n, self.sizes.output), initial.dtype(), initial.device())?;
        Ok(DecoderState { states: initial.clone(), outputs, attention: Vec::new() })
    }

    /// The next state, from the embeddings of the previous symbols (hypotheses, e) and the example
    /// of each hypothesis. Equal, bit for bit on the CPU, to the row of teacher forcing.
    pub fn step(&self, x: &Tensor, state: &DecoderState, examples: &[u32]) -> Result<DecoderState> {
        let n = examples.len();
        if x.dims2()? != (n, self.sizes.embedding) || state.states.dim(0)? != n {
            bail!("decoder: embeddings {:?} of {n} hypotheses", x.shape());
        }
        match &self.form {
            Form::Plain(memories) => {
                let (state, attention) =
                    plain::decoder_step(x, state, examples, &self.weights, memories)?;
                let attention =
                    self.keeps_attention.then(|| memories[0].unpadded(&attention, examples));
                Ok(DecoderState { attention: attention.transpose()?.unwrap_or_default(), ..state })
            }
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
        let Form::Fused { operands, memories, ranges } = &self.form else {
            bail!("decoder: a memory of another device")
        };
        let Sizes { width, output, initial, .. } = self.sizes;
        let n = examples.len();
        let [x, states, fed] = [x, &state.states, &state.outputs].map(slices::to_vec);
        let (x, states, fed) = (x?, states?, fed?);
        let run = |first: usize| {
            let hypotheses = first..n.min(first + HYPOTHESES);
            let of_examples = |ranges: &Vec<Range<usize>>| {
                let examples = examples[hypotheses.clone()].iter();
                examples.map(|&example| ranges[example as usize].clone()).collect()
            };
            let ranges = ranges.iter().map(of_examples).collect();
            let block = Block::of_step(hypotheses.clone(), ranges);
            let given = BlockInputs { x: &x, initial: &states, fed: &fed, memories };
            let values = forward::run::<C>(&block, operands, given);
            (block, values)
        };
        let firsts: Vec<usize> = (0..n).step_by(HYPOTHESES).collect();
        let made: Vec<_> = firsts.into_par_iter().map(run).collect();
        let (mut states, mut outputs) = (vec![0.0; n * initial], vec![0.0; n * output]);
        let heads = operands.attentions[0].sizes.heads;
        let made_if_kept = made.iter().filter(|_| self.keeps_attention);
        let attention = made_if_kept.flat_map(|(_, values)| values.attentions[0].means(heads));
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
            attention: attention.collect(),
            states: Tensor::from_vec(states, (n, initial), &Device::Cpu)?,
            outputs: Tensor::from_vec(outputs, (n, output), &Device::Cpu)?,
        })
    }
}

/// The rows of each example, in the order of its positions.
fn rows_of_examples(packing: &Packing) -> Vec<Vec<usize>> {
    (0..packing.n_examples()).map(|example| packing.rows_of_example(example)).collect()
}

/// The rows of a memory, example by example, and where those of each example are.
fn by_example(
    AttendedRows { rows, packing }: &AttendedRows<'_>,
    columns: usize,
) -> Result<(Buffer, Vec<Range<usize>>)> {
    let of_examples = rows_of_examples(packing);
    let (mut ranges, mut from) = (Vec::new(), 0);
    for rows in &of_examples {
        ranges.push(from..from + rows.len());
        from += rows.len();
    }
    let mut gathered = Buffer::new(from * columns);
    slices::read(&rows.contiguous()?, |memory| {
        let to = gathered.chunks_exact_mut(columns);
        for (to, row) in to.zip(of_examples.into_iter().flatten()) {
            to.copy_from_slice(&memory[row * columns..][..columns]);
        }
    })?;
    Ok((gathered, ranges))
}
