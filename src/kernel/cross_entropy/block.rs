//! A block of classes of an output layer: its weights as products read them, and what is found in its logits.

use std::ops::Range;

use super::piece::TargetLogit;
use crate::kernel::{
    arch::fast,
    argmax::argmax_of_row,
    buffer::Buffer,
    gemm::{
        Accumulate, Matrix, Packed, Target, multiply_edge_columns, multiply_packed, n_edge_columns,
    },
    target_bags::TargetBags,
};

/// A block of classes: its first class, their number, and its weights, also transposed if gradients
/// are required.
pub(super) struct Block {
    pub(super) from: usize,
    pub(super) n: usize,
    pub(super) weight: Packed,
    pub(super) transposed: Option<Transposed>,
}

/// The transposed weights of a block (classes, inputs): the inputs that fill vectors, and the edge columns, of which each has
/// the weights of all classes.
pub(super) struct Transposed {
    full: Packed,
    n_full: usize,
    edge: Buffer,
}

impl Transposed {
    /// Of a block's weights (inputs, classes).
    fn new(weight: Matrix<'_>) -> Self {
        let (inputs, classes) = (weight.n_rows(), weight.n_columns());
        let n_full = inputs - n_edge_columns(inputs);
        let mut edge = Buffer::new((inputs - n_full) * classes);
        for (input, to) in (n_full..).zip(edge.chunks_exact_mut(classes)) {
            for (class, to) in to.iter_mut().enumerate() {
                *to = weight.get(input, class);
            }
        }
        Self { full: Packed::new(weight.some_rows(0, n_full).transposed()), n_full, edge }
    }

    /// e·Wᵀ: (rows, inputs).
    pub(super) fn multiply(&self, exps: Matrix<'_>, inputs: usize, product: &mut [f32]) {
        let target = Target::new(&mut *product, inputs);
        multiply_packed(exps, &self.full, Accumulate::Overwrite, target);
        multiply_edge_columns(exps, &self.edge, self.n_full, Target::new(product, inputs));
    }
}

impl Block {
    /// The n classes from class `from` on, for a layer's weights (inputs, classes).
    pub(super) fn new(weight: Matrix<'_>, from: usize, n: usize, requires_grad: bool) -> Self {
        let weight = weight.some_columns(from, n);
        let transposed = requires_grad.then(|| Transposed::new(weight));
        Self { from, n, weight: Packed::new(weight), transposed }
    }

    /// The targets of these rows that are in the block, given the rows' logits (rows, classes of the block).
    pub(super) fn targets(
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
    pub(super) fn argmax_of_rows(&self, logits: &[f32]) -> Vec<Option<(f32, usize)>> {
        // Not by `map`, which is compiled for the baseline instruction set.
        let mut all = vec![None; logits.len() / self.n];
        fast(
            #[inline(always)]
            || {
                for (best, row) in all.iter_mut().zip(logits.chunks_exact(self.n)) {
                    if let Some((logit, class)) = argmax_of_row(row) {
                        *best = Some((logit, self.from + class));
                    }
                }
            },
        );
        all
    }
}
