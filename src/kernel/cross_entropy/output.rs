//! The output layer, block by block: rows in chunks of several parts, classes in blocks.

use std::ops::Range;

use rayon::prelude::*;

use crate::kernel::{
    arch::fast,
    argmax::argmax_of_row,
    buffer::Buffer,
    gemm::{Accumulate, Matrix, Packed, Target, multiply, multiply_packed},
    target_bags::TargetBags,
    vector::{exp_or_zero, exps_of_rows},
};

/// Classes in a block: a multiple of the register tile's columns for every instruction set.
pub(super) const BLOCK: usize = 480;

/// The most rows in a part: their e of one block fits into a core's own cache.
const ROWS: usize = 104;

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

/// A block of classes: its first class, their number, and its weights, also transposed if gradients
/// are required.
struct Block {
    from: usize,
    n: usize,
    weight: Packed,
    transposed: Option<Packed>,
}

/// A range of a block's inputs, where its biases count as one more input.
struct Strip<'a> {
    block: &'a Block,
    from: usize,
    /// dW with db as its last row, from input `from` on: (inputs of the strip, classes of the block).
    grad_weight: &'a mut [f32],
}

/// The values of one block for some rows.
struct Piece {
    /// m of each row.
    row_max: Vec<f32>,
    /// Σ e of each row.
    sums: Vec<f32>,
    /// e: (rows, classes of the block), if gradients are required; else empty.
    exps: Buffer,
    /// e·Wᵀ: (rows, inputs), if gradients are required.
    grad_x: Option<Buffer>,
    /// Those targets that are in the block.
    targets: Vec<TargetLogit>,
    /// The largest logit of each row with its class, with [`Extra::Argmax`]; else empty.
    argmax: Vec<Option<(f32, usize)>>,
}

/// A target of a row.
#[derive(Clone, Copy)]
struct TargetLogit {
    /// The row's index in the batch.
    row: usize,
    /// The class, counted from the first one of its block.
    class: usize,
    logit: f32,
}

impl Block {
    /// The targets of these rows that are in the block, given the rows' logits (rows, classes of the block).
    fn targets(
        &self,
        targets: &TargetBags,
        rows: Range<usize>,
        logits: &[f32],
    ) -> Vec<TargetLogit> {
        let mut found = Vec::new();
        for (row, logits) in rows.zip(logits.chunks_exact(self.n)) {
            for &class in targets.of_row(row) {
                let class = (class as usize).wrapping_sub(self.from);
                if let Some(&logit) = logits.get(class) {
                    found.push(TargetLogit { row, class, logit });
                }
            }
        }
        found
    }

    /// The largest logit of each row (rows, classes of the block), and its class in the whole layer.
    fn argmax_of_rows(&self, logits: &[f32]) -> Vec<Option<(f32, usize)>> {
        fast(
            #[inline(always)]
            || {
                let rows = logits.chunks_exact(self.n).map(argmax_of_row);
                rows.map(|best| best.map(|(logit, class)| (logit, self.from + class))).collect()
            },
        )
    }
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
            let weight = self.weight.some_columns(from, n);
            let transposed = requires_grad.then(|| Packed::new(weight.transposed()));
            Block { from, n, weight: Packed::new(weight), transposed }
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
        let mut exps = Buffer::new(rows * block.n);
        let accumulate = Accumulate::AddBias(&self.bias[block.from..][..block.n]);
        let x = self.x.some_rows(first, rows);
        multiply_packed(x, &block.weight, accumulate, Target::new(&mut exps, block.n));
        let targets = block.targets(self.targets, first..first + rows, &exps);
        let argmax = if extra == Extra::Argmax { block.argmax_of_rows(&exps) } else { Vec::new() };
        let (mut row_max, mut sums) = (vec![0.0; rows], vec![0.0; rows]);
        exps_of_rows(&mut exps, block.n, &mut row_max, &mut sums);
        if block.transposed.is_none() {
            exps = Buffer::new(0);
        } else if self.is_one_block() {
            // Z is known and 1/Z is not small: e becomes Z·d, and no target is left to subtract.
            for &TargetLogit { row, class, .. } in &targets {
                let row_idx = row - first;
                exps[row_idx * block.n + class] -= self.targets.weight(row) * sums[row_idx];
            }
        }
        let grad_x = block.transposed.as_ref().map(|transposed| {
            let mut grad_x = Buffer::new(rows * self.inputs());
            let exps = Matrix::new(&exps, rows, block.n);
            let target = Target::new(&mut grad_x, self.inputs());
            multiply_packed(exps, transposed, Accumulate::Overwrite, target);
            grad_x
        });
        Piece { row_max, sums, exps, grad_x, targets, argmax }
    }

    /// The loss of each row, and the requested [`Extra`].
    pub(super) fn run(self, extra: Extra<'_>) -> Computed {
        let (requires_grad, gradient) = match extra {
            Extra::Nothing | Extra::Argmax => (false, None),
            Extra::Gradients(gradient) => (true, gradient),
        };
        let blocks = self.blocks(requires_grad);
        let zeros = |block: &Block| Buffer::zeros((self.inputs() + 1) * block.n);
        let mut grad_weight: Vec<Buffer> =
            if requires_grad { blocks.iter().map(zeros).collect() } else { Vec::new() };
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
            let sums: Vec<(f32, f32)> = (0..rows)
                .into_par_iter()
                .map(|row| max_and_sum(&pieces, row / part, row % part))
                .collect();
            for (loss, (_, sum)) in per_row[first..].iter_mut().zip(&sums) {
                *loss = sum.ln();
            }
            let targets = pieces.iter().flatten().flat_map(|piece| &piece.targets);
            for &TargetLogit { row, logit, .. } in targets {
                per_row[row] += self.targets.weight(row) * (sums[row - first].0 - logit);
            }
            if extra == Extra::Argmax {
                argmax.extend((0..rows).map(|row| argmax_of(&pieces, row / part, row % part)));
            }
            if !requires_grad {
                continue;
            }
            let factors = |pieces: &[Piece]| -> Vec<f32> {
                let of_row = |row: usize| {
                    let (max, sum) = sums[row];
                    let g = gradient.map_or(1.0, |gradient| gradient[first + row]);
                    g * exp_or_zero(pieces[row / part].row_max[row % part] - max) / sum
                };
                (0..rows).map(of_row).collect()
            };
            let factors: Vec<Vec<f32>> = pieces.par_iter().map(|pieces| factors(pieces)).collect();
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

    /// Adds the contribution of a chunk to a strip of dW and db.
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
            multiply(scaled, exps, Accumulate::Add, Target::new(grad_weight, block.n));
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

/// M and Z of a row of a part, from all blocks.
fn max_and_sum(pieces: &[Vec<Piece>], part: usize, row: usize) -> (f32, f32) {
    let of_row = || {
        let pieces = pieces.iter().map(|pieces| &pieces[part]);
        pieces.map(|piece| (piece.row_max[row], piece.sums[row]))
    };
    let max = of_row().map(|(row_max, _)| row_max).fold(f32::NEG_INFINITY, f32::max);
    (max, of_row().map(|(row_max, sum)| exp_or_zero(row_max - max) * sum).sum())
}

/// The class with the largest logit of a row of a part, the first of equal ones; 0 if all are NaN.
fn argmax_of(pieces: &[Vec<Piece>], part: usize, row: usize) -> u32 {
    let of_blocks = pieces.iter().filter_map(|pieces| pieces[part].argmax[row]);
    let best = of_blocks.reduce(|best, other| if other.0 > best.0 { other } else { best });
    best.map_or(0, |(_, class)| class as u32)
}
