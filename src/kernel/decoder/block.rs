//! Blocks of sequences: those of a block are decoded together, with rows of their own.
//!
//! Block i of n has the sequences i, i + n, i + 2n, .., so that all blocks are about as long. Its
//! rows are time-major, as those of the batch, after one row for each sequence's initial state. Of
//! each memory, the rows of each of its sequences are contiguous.

use std::ops::Range;

use super::AttendedRows;
use crate::{
    data::Packing,
    kernel::{buffer::Buffer, recurrent::Step},
};

/// Sequences in a block, about: their states are multiplied by all weights at each time step.
const SEQUENCES: usize = 32;

/// Some sequences of a batch.
pub(super) struct Block {
    /// The index of each of its sequences in the batch.
    pub(super) sequences: Vec<usize>,
    /// The time steps, whose rows follow those of the initial states.
    pub(super) steps: Vec<Step>,
    /// For each row after those of the initial states, the row of the batch.
    rows: Vec<usize>,
    /// Its part of each memory.
    pub(super) memories: Vec<BlockMemory>,
}

/// The rows of a memory that the sequences of a block attend to.
pub(super) struct BlockMemory {
    /// In the memory of the batch.
    rows: Vec<usize>,
    /// For each sequence, in the memory of the block.
    pub(super) ranges: Vec<Range<usize>>,
}

impl BlockMemory {
    fn new(examples: &[u32], packing: &Packing) -> Self {
        let (mut rows, mut ranges) = (Vec::new(), Vec::new());
        for &example in examples {
            let from = rows.len();
            rows.extend(packing.rows_of_example(example as usize));
            ranges.push(from..rows.len());
        }
        Self { rows, ranges }
    }

    /// The number of its rows.
    pub(super) fn n_rows(&self) -> usize {
        self.ranges.last().map_or(0, |range| range.end)
    }

    /// Its rows with that many columns.
    pub(super) fn gathered(&self, memory: &[f32], columns: usize) -> Buffer {
        gathered(memory, columns, &self.rows)
    }

    /// Writes its rows, each of which is of one target sequence.
    pub(super) fn scatter(&self, from: &[f32], columns: usize, to: &mut [f32]) {
        scatter(from, columns, &self.rows, to);
    }
}

/// The blocks of a batch: their number depends on that of the sequences alone.
pub(super) fn blocks(target: &Packing, memories: &[AttendedRows<'_>]) -> Vec<Block> {
    let n = target.n_sequences();
    let n_blocks = n.div_ceil(SEQUENCES).max(2).min(n);
    let examples = target.examples();
    let block = |first: usize| {
        let sequences: Vec<usize> = (first..n).step_by(n_blocks).collect();
        let lengths: Vec<usize> = sequences.iter().map(|&b| target.lengths()[b]).collect();
        let (mut rows, mut steps) = (Vec::new(), Vec::new());
        let (mut prev_start, mut start) = (0, sequences.len());
        for t in 0..lengths.first().copied().unwrap_or(0) {
            let n = lengths.partition_point(|&length| length > t);
            rows.extend(sequences[..n].iter().map(|&b| target.row(b, t)));
            steps.push(Step { rows: start..start + n, prev_start, n_continuing: n });
            (prev_start, start) = (start, start + n);
        }
        let examples: Vec<u32> = sequences.iter().map(|&b| examples[b]).collect();
        let memories = memories.iter().map(|memory| BlockMemory::new(&examples, memory.packing));
        Block { steps, rows, memories: memories.collect(), sequences }
    };
    (0..n_blocks).map(block).collect()
}

impl Block {
    /// One step of sequences that attend to these rows of each memory.
    pub(super) fn of_step(sequences: Range<usize>, ranges: Vec<Vec<Range<usize>>>) -> Self {
        let n = sequences.len();
        let rows = sequences.clone().collect();
        let step = Step { rows: n..2 * n, prev_start: 0, n_continuing: n };
        let memories = ranges.into_iter().map(|ranges| BlockMemory { rows: Vec::new(), ranges });
        let (sequences, memories) = (sequences.collect(), memories.collect());
        Self { sequences, steps: vec![step], rows, memories }
    }

    /// The number of rows of initial states.
    pub(super) fn n_initial(&self) -> usize {
        self.sequences.len()
    }

    /// The number of rows after those of the initial states.
    pub(super) fn n_rows(&self) -> usize {
        self.rows.len()
    }

    /// The rows of the batch with that many columns, in the order of the block.
    pub(super) fn gathered(&self, x: &[f32], columns: usize) -> Buffer {
        gathered(x, columns, &self.rows)
    }

    /// The initial states of its sequences.
    pub(super) fn gathered_initial(&self, initial: &[f32], columns: usize) -> Buffer {
        gathered(initial, columns, &self.sequences)
    }

    /// Writes its rows to those of the batch.
    pub(super) fn scatter(&self, from: &[f32], columns: usize, to: &mut [f32]) {
        scatter(from, columns, &self.rows, to);
    }

    /// Writes the rows of its sequences.
    pub(super) fn scatter_initial(&self, from: &[f32], columns: usize, to: &mut [f32]) {
        scatter(from, columns, &self.sequences, to);
    }

    /// For each row, the row before it of the same sequence, with zeros for those of the initial
    /// states: (initial rows + rows, columns).
    pub(super) fn previous(&self, x: &[f32], columns: usize) -> Buffer {
        let mut previous = Buffer::zeros(x.len());
        for Step { rows, prev_start, n_continuing } in &self.steps {
            let n = n_continuing * columns;
            previous[rows.start * columns..][..n].copy_from_slice(&x[prev_start * columns..][..n]);
        }
        previous
    }

    /// The place of each row's attention weights for a memory, and at the end the number of all.
    pub(super) fn attention_offsets(&self, memory: usize, heads: usize) -> Vec<usize> {
        let mut offsets = vec![0];
        let mut n = 0;
        for step in &self.steps {
            for range in &self.memories[memory].ranges[..step.n_continuing] {
                n += heads * range.len();
                offsets.push(n);
            }
        }
        offsets
    }
}

fn gathered(x: &[f32], columns: usize, rows: &[usize]) -> Buffer {
    let mut gathered = Buffer::new(rows.len() * columns);
    for (to, row) in gathered.chunks_exact_mut(columns).zip(rows) {
        to.copy_from_slice(&x[row * columns..][..columns]);
    }
    gathered
}

/// Every row is one of one block only.
fn scatter(from: &[f32], columns: usize, rows: &[usize], to: &mut [f32]) {
    for (from, row) in from.chunks_exact(columns).zip(rows) {
        to[row * columns..][..columns].copy_from_slice(from);
    }
}
