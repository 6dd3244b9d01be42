//! The output layer, block by block: rows in chunks of several parts, classes in blocks. The rows of a part are computed in
//! groups, whose values stay in the L1 cache from the product with W to that with Wᵀ.

use std::ops::Range;

use rayon::prelude::*;

use super::{
    block::Block,
    piece::{Piece, TargetLogit, argmax_of, factors, maxima_and_sums},
};
use crate::kernel::{
    arch::fast,
    buffer::Buffer,
    gemm::{Accumulate, Matrix, Target, multiply, multiply_packed},
    target_bags::TargetBags,
    vector::exps_of_rows,
};

/// Classes in a block: a multiple of the register tile's columns for every instruction set.
pub(super) const BLOCK: usize = 480;

/// The most rows in a part: their e of one block fits into the L2 cache.
const ROWS: usize = 72;

/// Rows of a part that are computed together.
const GROUP: usize = 24;

/// Parts in a chunk.
const PARTS: usize = 2;

/// What is computed in addition to the losses.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Extra<'a> {
    /// Nothing.
    Nothing,
    /// The class with the largest logit of each row.
    Argmax,
    /// The gradients for the g of each row (rows); `None` for g = 1.
    Gradients(Option<&'a [f32]>),
}

/// The losses, and the requested [`Extra`].
pub(super) struct Computed {
    /// The loss of each row: (rows).
    pub(super) per_row: Vec<f32>,
    /// With [`Extra::Argmax`] (rows), else empty.
    pub(super) argmax: Vec<u32>,
    /// With [`Extra::Gradients`].
    pub(super) gradients: Option<Gradients>,
}

/// Gradients for some g.
pub(super) struct Gradients {
    /// (rows, inputs).
    pub(super) grad_x: Buffer,
    /// dW with db as its last row, by block: (inputs + 1, classes of the block).
    pub(super) grad_weight: Vec<Buffer>,
}

/// The layer's operands.
#[derive(Clone, Copy)]
pub(super) struct Output<'a> {
    pub(super) x: Matrix<'a>,
    pub(super) weight: Matrix<'a>,
    pub(super) bias: &'a [f32],
    pub(super) targets: &'a TargetBags,
}

/// A range of a block's inputs, where its biases count as one more input.
struct Strip<'a> {
    block: &'a Block,
    from: usize,
    /// dW with db as its last row, from input `from` on: (inputs of the strip, classes of the block).
    grad_weight: &'a mut [f32],
}

impl Output<'_> {
    fn inputs(self) -> usize {
        self.x.n_columns()
    }

    fn rows(self) -> usize {
        self.targets.n_rows()
    }

    fn blocks(self, requires_grad: bool) -> Vec<Block> {
        let classes = self.bias.len();
        let block = |block: usize| {
            let (from, n) = (block * BLOCK, BLOCK.min(classes - block * BLOCK));
            Block::new(self.weight, from, n, requires_grad)
        };
        (0..classes.div_ceil(BLOCK)).into_par_iter().map(block).collect()
    }

    /// Rows in each part but the last: as equal as register tiles of few rows allow.
    fn part(self) -> usize {
        let n_parts = self.rows().div_ceil(ROWS).max(1);
        self.rows().div_ceil(n_parts).next_multiple_of(4).max(4)
    }

    /// Divides rows into parts: the first row of each and its number of rows.
    fn parts(
        self,
        first: usize,
        rows: usize,
    ) -> impl IndexedParallelIterator<Item = (usize, usize)> {
        let size = self.part();
        let part = move |part| (first + part * size, size.min(rows - part * size));
        (0..rows.div_ceil(size)).into_par_iter().map(part)
    }

    /// Whether one block has all classes.
    fn is_one_block(self) -> bool {
        self.bias.len() <= BLOCK
    }

    fn piece(self, block: &Block, (first, rows): (usize, usize), extra: Extra<'_>) -> Piece {
        let mut piece = Piece {
            row_max: vec![0.0; rows],
            sums: vec![0.0; rows],
            exps: Buffer::new(rows * block.n),
            grad_x: block.transposed.as_ref().map(|_| Buffer::new(rows * self.inputs())),
            targets: Vec::new(),
            argmax: Vec::new(),
        };
        for from in (0..rows).step_by(GROUP) {
            self.group(block, &mut piece, (first, from..rows.min(from + GROUP)), extra);
        }
        if block.transposed.is_none() {
            piece.exps = Buffer::new(0);
        }
        piece
    }

    /// Computes a piece's values for some of its rows, whose e stay in the L1 cache meanwhile.
    fn group(
        self,
        block: &Block,
        piece: &mut Piece,
        (first, rows): (usize, Range<usize>),
        extra: Extra<'_>,
    ) {
        let n = rows.len();
        let exps = &mut piece.exps[rows.start * block.n..][..n * block.n];
        let accumulate = Accumulate::AddBias(&self.bias[block.from..][..block.n]);
        let x = self.x.some_rows(first + rows.start, n);
        multiply_packed(x, &block.weight, accumulate, Target::new(exps, block.n));
        let targets = block.targets(self.targets, first + rows.start..first + rows.end, exps);
        if extra == Extra::Argmax {
            piece.argmax.extend(block.argmax_of_rows(exps));
        }
        let (row_max, sums) = (&mut piece.row_max[rows.clone()], &mut piece.sums[rows.clone()]);
        exps_of_rows(exps, block.n, row_max, sums);
        if let (Some(transposed), Some(grad_x)) = (&block.transposed, &mut piece.grad_x) {
            if self.is_one_block() {
                // Z is known and 1/Z is not small: e becomes Z·d, and no target is left to subtract.
                for &TargetLogit { row, class, .. } in &targets {
                    let row_idx = row - first - rows.start;
                    exps[row_idx * block.n + class] -= self.targets.weight(row) * sums[row_idx];
                }
            }
            let grad_x = &mut grad_x[rows.start * self.inputs()..][..n * self.inputs()];
            let exps = Matrix::new(exps, n, block.n);
            transposed.multiply(exps, self.inputs(), grad_x);
        }
        piece.targets.extend(targets);
    }

    /// The loss of each row, and the requested [`Extra`].
    pub(super) fn run(self, extra: Extra<'_>) -> Computed {
        let (requires_grad, gradient) = match extra {
            Extra::Nothing | Extra::Argmax => (false, None),
            Extra::Gradients(gradient) => (true, gradient),
        };
        let blocks = self.blocks(requires_grad);
        let of_block = |block: &Block| {
            let n = (self.inputs() + 1) * block.n;
            // The part that begins at row 0 overwrites it.
            if self.rows() == 0 { Buffer::zeros(n) } else { Buffer::new(n) }
        };
        let mut grad_weight: Vec<Buffer> =
            if requires_grad { blocks.iter().map(of_block).collect() } else { Vec::new() };
        let mut grad_x = Buffer::new(if requires_grad { self.rows() * self.inputs() } else { 0 });
        let (mut per_row, mut argmax) = (vec![0.0; self.rows()], Vec::new());
        let part = self.part();
        for first in (0..self.rows()).step_by(PARTS * part) {
            let rows = (PARTS * part).min(self.rows() - first);
            // By block, then by part.
            let pieces: Vec<Vec<Piece>> = blocks
                .par_iter()
                .map(|block| {
                    self.parts(first, rows).map(|part| self.piece(block, part, extra)).collect()
                })
                .collect();
            let (maxima, sums) = maxima_and_sums(&pieces, rows);
            for (loss, sum) in per_row[first..].iter_mut().zip(&sums) {
                *loss = sum.ln();
            }
            let targets = pieces.iter().flatten().flat_map(|piece| &piece.targets);
            for &TargetLogit { row, logit, .. } in targets {
                per_row[row] += self.targets.weight(row) * (maxima[row - first] - logit);
            }
            if extra == Extra::Argmax {
                argmax.extend((0..rows).map(|row| argmax_of(&pieces, row / part, row % part)));
            }
            if !requires_grad {
                continue;
            }
            let scales: Vec<f32> = (first..)
                .zip(&sums)
                .map(|(row, sum)| gradient.map_or(1.0, |gradient| gradient[row]) / sum)
                .collect();
            let factors: Vec<Vec<f32>> =
                pieces.par_iter().map(|pieces| factors(pieces, &maxima, &scales)).collect();
            // With few classes there is one block, and all threads take a range of its inputs each.
            let strip = (self.inputs() + 1).div_ceil(if self.is_one_block() { 4 } else { 1 });
            blocks.par_iter().zip(&mut grad_weight).zip(pieces.par_iter().zip(&factors)).for_each(
                |((block, grad_weight), (pieces, factors))| {
                    let strips = grad_weight.par_chunks_mut(strip * block.n).enumerate();
                    strips.for_each(|(at, strip_of)| {
                        let strip = Strip { block, from: at * strip, grad_weight: strip_of };
                        self.add_grad_weight(strip, pieces, (first, factors), gradient);
                    });
                },
            );
            grad_x[first * self.inputs()..][..rows * self.inputs()]
                .par_chunks_mut(part * self.inputs())
                .enumerate()
                .for_each(|(at, grad_x)| {
                    let pieces = pieces.iter().map(|pieces| &pieces[at]);
                    let factors = factors.iter().map(|factors| &factors[at * part..]);
                    self.grad_x(first + at * part, pieces.zip(factors), gradient, grad_x);
                });
        }
        let gradients = requires_grad.then_some(Gradients { grad_x, grad_weight });
        Computed { per_row, argmax, gradients }
    }

    /// Σ over blocks of e·Wᵀ times each row's factor, minus g times the mean of the weights of the targets.
    fn grad_x<'p>(
        self,
        first: usize,
        pieces: impl Iterator<Item = (&'p Piece, &'p [f32])>,
        gradient: Option<&[f32]>,
        grad_x: &mut [f32],
    ) {
        grad_x.fill(0.0);
        for (piece, factors) in pieces {
            let grad_logits =
                piece.grad_x.as_ref().expect("the product was computed, as gradients are required");
            let inputs = self.inputs();
            fast(
                #[inline(always)]
                || {
                    let rows =
                        grad_x.chunks_exact_mut(inputs).zip(grad_logits.chunks_exact(inputs));
                    for ((grad_x, e), factor) in rows.zip(factors) {
                        for (grad_x, e) in grad_x.iter_mut().zip(e) {
                            *grad_x += factor * e;
                        }
                    }
                },
            );
        }
        if self.is_one_block() {
            return;
        }
        for (row, grad_x) in (first..).zip(grad_x.chunks_exact_mut(self.inputs())) {
            let g = gradient.map_or(1.0, |gradient| gradient[row]) * self.targets.weight(row);
            for &class in self.targets.of_row(row) {
                for (input, grad_x) in grad_x.iter_mut().enumerate() {
                    *grad_x -= g * self.weight.get(input, class as usize);
                }
            }
        }
    }

    /// Adds the contribution of a chunk to a strip of dW and db; the part that begins at row 0 overwrites them.
    fn add_grad_weight(
        self,
        strip: Strip<'_>,
        pieces: &[Piece],
        (mut first, mut factors): (usize, &[f32]),
        gradient: Option<&[f32]>,
    ) {
        let Strip { block, from, grad_weight } = strip;
        let width = grad_weight.len() / block.n;
        let inputs = from..self.inputs().min(from + width);
        for piece in pieces {
            let rows = piece.sums.len();
            // x, followed by a column of ones after its last column, each row multiplied by its
            // factor.
            let mut scaled = Buffer::new(rows * width);
            fast(
                #[inline(always)]
                || {
                    let rows = scaled.chunks_exact_mut(width).zip(first..);
                    for ((to, row), factor) in rows.zip(factors) {
                        to[width - 1] = *factor;
                        for (to, x) in to.iter_mut().zip(&self.x.row(row)[inputs.clone()]) {
                            *to = factor * x;
                        }
                    }
                },
            );
            let scaled = Matrix::new(&scaled, rows, width).transposed();
            let exps = Matrix::new(&piece.exps, rows, block.n);
            let is_first = first == 0;
            let accumulate = if is_first { Accumulate::Overwrite } else { Accumulate::Add };
            multiply(scaled, exps, accumulate, Target::new(grad_weight, block.n));
            let left = if self.is_one_block() { &[] } else { &piece.targets[..] };
            for &TargetLogit { row, class: at, .. } in left {
                let g = gradient.map_or(1.0, |gradient| gradient[row]) * self.targets.weight(row);
                let x = self.x.row(row).iter().chain([&1.0]).skip(from);
                for (grad_weight, x) in grad_weight.chunks_exact_mut(block.n).zip(x) {
                    grad_weight[at] -= g * x;
                }
            }
            (first, factors) = (first + rows, &factors[rows..]);
        }
    }
}
