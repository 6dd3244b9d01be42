//! Biaffine scores of the labels of pairs of rows (Dozat and Manning 2017), from the linear layer of the left rows on.
//!
//! For a pair with the vectors d and h, the layer has computed w_r = dᵀ·U_r + u_r and c_r = v_r·d + b_r of each label r. Its
//! score is s_r = w_r·h + c_r. With g_r = dL/ds_r: dw_r = g_r·h, dc_r = g_r, dh = Σ over labels of g_r·w_r.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::{
    arch::{is_fused, with},
    leaf, plain, slices,
    vector::{load, multiply_add, store},
};

/// Rows per task.
const ROWS: usize = 16;

/// The score of each label for each pair of rows: (rows, labels), for left (rows, labels·(width + 1)), which has the elements
/// of w and then c for each label, and right (rows, width), with at least one label and a width of at least 1.
pub fn biaffine_label_scores(left: &Tensor, right: &Tensor) -> Result<Tensor> {
    let ((rows, columns), (others, width)) = (left.dims2()?, right.dims2()?);
    if rows != others || width == 0 || columns == 0 || columns % (width + 1) != 0 {
        bail!(
            "label-scores: left {:?}, right {:?}; expected (rows, labels·(w + 1)) and (rows, w), labels and w at least 1",
            left.shape(),
            right.shape()
        );
    }
    if !is_fused(left.device()) {
        return plain::biaffine_label_scores(left, right);
    }
    left.contiguous()?.apply_op2(&right.contiguous()?, LabelScores)
}

struct LabelScores;

/// The scores of some rows.
struct Forward<'a> {
    left: &'a [f32],
    right: &'a [f32],
    width: usize,
    n_labels: usize,
    scores: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { left, right, width, n_labels, scores } = self;
        let rows = left.chunks_exact(n_labels * (width + 1)).zip(right.chunks_exact(width));
        for ((left, right), scores) in rows.zip(scores.chunks_exact_mut(n_labels)) {
            for (vector, score) in left.chunks_exact(width + 1).zip(scores) {
                let mut sum = simd.splat_f32s(0.0);
                for at in (0..width).step_by(S::F32_LANES) {
                    let x = load(simd, &right[at..]);
                    sum = multiply_add(simd, x, load(simd, &vector[at..width]), sum);
                }
                *score = simd.reduce_sum_f32s(sum) + vector[width];
            }
        }
    }
}

/// The gradients with respect to some rows; those of right are added to what is there.
struct Backward<'a> {
    left: &'a [f32],
    right: &'a [f32],
    width: usize,
    n_labels: usize,
    gradient: &'a [f32],
    grad_left: &'a mut [f32],
    grad_right: &'a mut [f32],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { left, right, width, n_labels, gradient, grad_left, grad_right } = self;
        let columns = n_labels * (width + 1);
        let values = left.chunks_exact(columns).zip(right.chunks_exact(width));
        let grads = grad_left.chunks_exact_mut(columns).zip(grad_right.chunks_exact_mut(width));
        let gradients = gradient.chunks_exact(n_labels);
        for (((left, right), (grad_left, grad_right)), gradient) in values.zip(grads).zip(gradients)
        {
            let vectors = left.chunks_exact(width + 1).zip(grad_left.chunks_exact_mut(width + 1));
            for ((vector, grad_vector), &g) in vectors.zip(gradient) {
                let factor = simd.splat_f32s(g);
                for at in (0..width).step_by(S::F32_LANES) {
                    let h = load(simd, &right[at..]);
                    store(simd, &mut grad_vector[at..width], simd.mul_f32s(factor, h));
                    let sum = load(simd, &grad_right[at..]);
                    let sum = multiply_add(simd, factor, load(simd, &vector[at..width]), sum);
                    store(simd, &mut grad_right[at..], sum);
                }
                grad_vector[width] = g;
            }
        }
    }
}

impl CustomOp2 for LabelScores {
    fn name(&self) -> &'static str {
        "label-scores"
    }

    fn cpu_fwd(
        &self,
        left: &CpuStorage,
        left_layout: &Layout,
        right: &CpuStorage,
        right_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (_, columns) = left_layout.shape().dims2()?;
        let (rows, width) = right_layout.shape().dims2()?;
        let n_labels = columns / (width + 1);
        let (left, right) = (slices::of(left, left_layout)?, slices::of(right, right_layout)?);
        let mut scores = vec![0.0; rows * n_labels];
        let operands = left.par_chunks(ROWS * columns).zip(right.par_chunks(ROWS * width));
        let parts = operands.zip(scores.par_chunks_mut(ROWS * n_labels));
        parts.for_each(|((left, right), scores)| {
            with(Forward { left, right, width, n_labels, scores });
        });
        Ok((CpuStorage::F32(scores), (rows, n_labels).into()))
    }

    fn bwd(
        &self,
        left: &Tensor,
        right: &Tensor,
        _scores: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (columns, width, n_labels) = (left.dim(1)?, right.dim(1)?, gradient.dim(1)?);
        let mut grad_left = vec![0.0; left.elem_count()];
        let mut grad_right = vec![0.0; right.elem_count()];
        let gradient = slices::to_vec(gradient)?;
        slices::read(left, |left| {
            slices::read(right, |right| {
                let operands = left.par_chunks(ROWS * columns).zip(right.par_chunks(ROWS * width));
                let grads = grad_left
                    .par_chunks_mut(ROWS * columns)
                    .zip(grad_right.par_chunks_mut(ROWS * width));
                let parts = operands.zip(grads).zip(gradient.par_chunks(ROWS * n_labels));
                parts.for_each(|(((left, right), (grad_left, grad_right)), gradient)| {
                    with(Backward {
                        left,
                        right,
                        width,
                        n_labels,
                        gradient,
                        grad_left,
                        grad_right,
                    });
                });
            })
        })??;
        Ok((leaf::gradient(left, grad_left)?, leaf::gradient(right, grad_right)?))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;
    use crate::kernel::check;

    /// Two labels: w = (1, 2), c = 3 and w = (4, 5), c = 6 for the first row.
    #[test]
    fn a_worked_example() -> Result<()> {
        let device = &Device::Cpu;
        let left =
            Var::new(&[[1f32, 2.0, 3.0, 4.0, 5.0, 6.0], [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]], device)?;
        let right = Var::new(&[[10f32, 100.0], [7.0, 8.0]], device)?;
        let scores = biaffine_label_scores(&left, &right)?;
        assert_eq!(scores.to_vec2::<f32>()?, [[213.0, 546.0], [1.0, 7.0]]);
        let weights = Tensor::new(&[[1f32, 2.0], [3.0, 4.0]], device)?;
        let store = (scores * weights)?.sum_all()?.backward()?;
        assert_eq!(
            store.get(&left).unwrap().to_vec2::<f32>()?,
            [[10.0, 100.0, 1.0, 20.0, 200.0, 2.0], [21.0, 24.0, 3.0, 28.0, 32.0, 4.0]]
        );
        assert_eq!(store.get(&right).unwrap().to_vec2::<f32>()?, [[9.0, 12.0], [4.0, 0.0]]);
        Ok(())
    }

    #[test]
    fn values_and_gradients_equal_the_plain_composition() -> Result<()> {
        for (rows, width, n_labels) in [(1, 1, 1), (3, 7, 2), (40, 16, 3), (17, 35, 5)] {
            let left = check::var("left", (rows, n_labels * (width + 1)), 1.0)?;
            let right = check::var("right", (rows, width), 1.0)?;
            let (found, expected) = (
                biaffine_label_scores(&left, &right)?,
                plain::biaffine_label_scores(&left, &right)?,
            );
            check::assert_tensors_close(&found, &expected, 1e-5, 1e-6);
            let vars: [&dyn check::Variable; 2] = [&left, &right];
            let gradients = check::gradients(&vars, &found)?;
            for (found, expected) in gradients.iter().zip(check::gradients(&vars, &expected)?) {
                check::assert_tensors_close(found, &expected, 1e-5, 1e-6);
            }
        }
        let (left, right) = (check::var("left", (0, 8), 1.0)?, check::var("right", (0, 3), 1.0)?);
        for scores in [biaffine_label_scores, plain::biaffine_label_scores] {
            assert_eq!(scores(&left, &right)?.dims(), [0, 2]);
        }
        Ok(())
    }

    #[test]
    fn gradients_match_finite_differences() -> Result<()> {
        let (left, right) = (check::var("left", (3, 8), 1.0)?, check::var("right", (3, 3), 1.0)?);
        for scores in [biaffine_label_scores, plain::biaffine_label_scores] {
            check::assert_differences(&[&left, &right], || scores(&left, &right));
        }
        Ok(())
    }

    #[test]
    fn rows_of_other_sizes_are_an_error() -> Result<()> {
        for (columns, other) in [(8, (2, 4)), (8, (3, 3)), (8, (2, 0)), (0, (2, 3))] {
            let left = check::var("left", (2, columns), 1.0)?;
            let error =
                biaffine_label_scores(&left, &check::var("right", other, 1.0)?.as_tensor().clone());
            assert!(error.unwrap_err().to_string().starts_with("label-scores: left"), "{other:?}");
        }
        Ok(())
    }
}
