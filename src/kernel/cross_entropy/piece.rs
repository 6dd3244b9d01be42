//! The values of one block of classes for some rows, and what is computed from those of all blocks.

use crate::kernel::{arch::fast, buffer::Buffer, vector::exp_or_zero};

/// The values of one block for some rows.
pub(super) struct Piece {
    /// m of each row.
    pub(super) row_max: Vec<f32>,
    /// Σ e of each row.
    pub(super) sums: Vec<f32>,
    /// e: (rows, classes of the block), if gradients are required; else empty.
    pub(super) exps: Buffer,
    /// e·Wᵀ: (rows, inputs), if gradients are required.
    pub(super) grad_x: Option<Buffer>,
    /// Those targets that are in the block.
    pub(super) targets: Vec<TargetLogit>,
    /// The largest logit of each row with its class, if it is required; else empty.
    pub(super) argmax: Vec<Option<(f32, usize)>>,
}

/// A target of a row.
#[derive(Clone, Copy)]
pub(super) struct TargetLogit {
    /// The row's index in the batch.
    pub(super) row: usize,
    /// The class, counted from the first one of its block.
    pub(super) class: usize,
    pub(super) logit: f32,
}

/// M and Z of each row, from all blocks.
pub(super) fn maxima_and_sums(pieces: &[Vec<Piece>], rows: usize) -> (Vec<f32>, Vec<f32>) {
    let (mut maxima, mut sums) = (vec![f32::NEG_INFINITY; rows], vec![0.0; rows]);
    fast(
        #[inline(always)]
        || {
            for pieces in pieces {
                let of_block = pieces.iter().flat_map(|piece| &piece.row_max);
                for (max, row_max) in maxima.iter_mut().zip(of_block) {
                    *max = max.max(*row_max);
                }
            }
            for pieces in pieces {
                let mut first = 0;
                for Piece { row_max, sums: of_piece, .. } in pieces {
                    let rows = first..first + row_max.len();
                    let (maxima, sums) = (&maxima[rows.clone()], &mut sums[rows]);
                    let of_rows = row_max.iter().zip(of_piece).zip(maxima);
                    for (sum, ((row_max, of_piece), max)) in sums.iter_mut().zip(of_rows) {
                        *sum += exp_or_zero(row_max - max) * of_piece;
                    }
                    first += row_max.len();
                }
            }
        },
    );
    (maxima, sums)
}

/// What the e of each row are multiplied by: e^(m − M) times the row's scale.
pub(super) fn factors(pieces: &[Piece], maxima: &[f32], scales: &[f32]) -> Vec<f32> {
    let mut factors: Vec<f32> = pieces.iter().flat_map(|piece| &piece.row_max).copied().collect();
    fast(
        #[inline(always)]
        || {
            for (factor, (max, scale)) in factors.iter_mut().zip(maxima.iter().zip(scales)) {
                *factor = exp_or_zero(*factor - max) * scale;
            }
        },
    );
    factors
}

/// The class with the largest logit of a row of a part, the first of equal ones; 0 if all are NaN.
pub(super) fn argmax_of(pieces: &[Vec<Piece>], part: usize, row: usize) -> u32 {
    let of_blocks = pieces.iter().filter_map(|pieces| pieces[part].argmax[row]);
    let best = of_blocks.reduce(|best, other| if other.0 > best.0 { other } else { best });
    best.map_or(0, |(_, class)| class as u32)
}
