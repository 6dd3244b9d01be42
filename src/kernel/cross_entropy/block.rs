//! A block of classes of an output layer: its weights as products read them, and what is found in its logits.

use std::ops::Range;

use super::piece::TargetLogit;
use crate::kernel::{
    arch::fast,
    argmax::argmax_of_row,
    buffer::Buffer,
    gemm::{Accumulate, Matrix, Packed, Target, multiply_few, multiply_packed, n_few},
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

/// The transposed weights of a block (classes, inputs): the inputs that fill whole vectors, and the few that are left, each
/// with all its classes.
pub(super) struct Transposed {
    whole: Packed,
    few: Buffer,
}

impl Transposed {
    /// Of a block's weights (inputs, classes).
    fn new(weight: Matrix<'_>) -> Self {
        let (inputs, classes) = (weight.n_rows(), weight.n_columns());
        let n_whole = inputs - n_few(inputs);
        let mut few = Buffer::new((inputs - n_whole) * classes);
        for (input, to) in (n_whole..).zip(few.chunks_exact_mut(classes)) {
            for (class, to) in to.iter_mut().enumerate() {
                *to = weight.get(input, class);
            }
        }
        Self { whole: Packed::new(weight.some_rows(0, n_whole).transposed()), few }
    }

    /// e·Wᵀ (rows, inputs).
    pub(super) fn multiply(&self, exps: Matrix<'_>, inputs: usize, product: &mut [f32]) {
        let whole = Target::new(&mut *product, inputs);
        multiply_packed(exps, &self.whole, Accumulate::Overwrite, whole);
        let n_whole = inputs - self.few.len() / exps.n_columns();
        multiply_few(exps, &self.few, n_whole, Target::new(product, inputs));
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
