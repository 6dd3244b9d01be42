//! An output layer with its softmax cross-entropy, in one operation.
//!
//! With logits l = x·W + b: each_r = ln Σ_j e^(l_rj) − l_r,target. With g_r the gradient of each_r,
//! the gradient by logits is d = g_r·(softmax(l_r) − one-hot(target)), and dx = d·Wᵀ, dW = xᵀ·d,
//! db = Σ over rows of d.
//!
//! The classes are taken in fixed blocks, forward and backward, so that neither all logits nor all
//! their gradients are ever in memory: for a language model both are far larger than all else. The
//! backward pass makes each block's logits again, which costs less than to keep them.

use std::sync::OnceLock;

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::{
    arch::fast,
    gemm::{Into, Matrix, Packed, Target, multiply, multiply_packed},
    slices,
    vector::{exp_or_zero, greatest_and_log_sum},
};

/// Classes in a block: ten register tiles of 48.
const BLOCK: usize = 480;

/// Rows whose logits of one block are in memory at a time: few enough for a core's own cache.
const ROWS: usize = 64;

/// The loss of each row of x (rows, inputs) with its target, by way of W (inputs, classes) and b
/// (classes): (rows).
pub fn cross_entropy(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    targets: Vec<u32>,
) -> Result<Tensor> {
    let op = CrossEntropy { targets, sums: OnceLock::new() };
    x.contiguous()?.apply_op3(weight, bias, op)
}

struct CrossEntropy {
    targets: Vec<u32>,
    /// Each row's greatest logit, and ln Σ e^(logit − greatest).
    sums: OnceLock<Vec<(f32, f32)>>,
}

/// The layer's numbers.
#[derive(Clone, Copy)]
struct Output<'a> {
    rows: usize,
    classes: usize,
    x: Matrix<'a>,
    weight: Matrix<'a>,
    bias: &'a [f32],
}

impl<'a> Output<'a> {
    fn new(x: &'a [f32], weight: &'a [f32], bias: &'a [f32], rows: usize) -> Self {
        let classes = bias.len();
        let inputs = weight.len() / classes;
        Self {
            rows,
            classes,
            x: Matrix::new(x, rows, inputs),
            weight: Matrix::new(weight, inputs, classes),
            bias,
        }
    }

    /// The blocks of classes, each with its first class and how many it has.
    fn blocks(self) -> impl IndexedParallelIterator<Item = (usize, usize)> {
        let n_blocks = self.classes.div_ceil(BLOCK);
        (0..n_blocks).into_par_iter().map(move |block| {
            let from = block * BLOCK;
            (from, BLOCK.min(self.classes - from))
        })
    }

    /// Calls with the logits of one block, some rows at a time: the first row's number, and (some
    /// rows, n), which may be written over.
    fn logits(self, from: usize, n: usize, mut each: impl FnMut(usize, &mut [f32])) {
        let weight = Packed::new(self.weight.some_columns(from, n));
        let bias = &self.bias[from..][..n];
        let mut logits = vec![0.0; ROWS.min(self.rows) * n];
        for first in (0..self.rows).step_by(ROWS) {
            let rows = ROWS.min(self.rows - first);
            let logits = &mut logits[..rows * n];
            let x = self.x.some_rows(first, rows);
            multiply_packed(x, &weight, Into::Bias(bias), Target::new(logits, n));
            each(first, logits);
        }
    }
}

/// One block's part of the forward pass.
struct Part {
    /// Each row's greatest logit in the block, and ln Σ e^(logit − greatest).
    sums: Vec<(f32, f32)>,
    /// The logits of the targets that the block has, by row.
    targets: Vec<(usize, f32)>,
}

/// One block's part of the backward pass.
#[expect(clippy::struct_field_names, reason = "gradients are named by what they are by")]
struct Back {
    by_x: Vec<f32>,
    /// (inputs, n).
    by_weight: Vec<f32>,
    by_bias: Vec<f32>,
}

impl CrossEntropy {
    fn forward(&self, output: Output<'_>, from: usize, n: usize) -> Part {
        let mut part = Part { sums: Vec::with_capacity(output.rows), targets: Vec::new() };
        output.logits(from, n, |first, logits| {
            let rows = logits.len() / n;
            for (row, &target) in self.targets[first..][..rows].iter().enumerate() {
                if let Some(at) = (target as usize).checked_sub(from).filter(|&at| at < n) {
                    part.targets.push((first + row, logits[row * n + at]));
                }
            }
            fast(
                #[inline(always)]
                || {
                    for row in logits.chunks_exact(n) {
                        part.sums.push(greatest_and_log_sum(row));
                    }
                },
            );
        });
        part
    }

    fn back(&self, output: Output<'_>, gradient: &[f32], from: usize, n: usize) -> Back {
        let sums = self.sums.get().expect("backward comes after forward");
        let inputs = output.weight.n_rows();
        let turned = Packed::new(output.weight.some_columns(from, n).transposed());
        let mut by_x = vec![0.0; output.rows * inputs];
        let mut by_weight = vec![0.0; inputs * n];
        let mut by_bias = vec![0.0; n];
        output.logits(from, n, |first, d| {
            let rows = d.len() / n;
            fast(
                #[inline(always)]
                || {
                    for (row, d) in (first..).zip(d.chunks_exact_mut(n)) {
                        let ((greatest, log_sum), g) = (sums[row], gradient[row]);
                        for logit in d.iter_mut() {
                            *logit = g * exp_or_zero(*logit - greatest - log_sum);
                        }
                        let at = (self.targets[row] as usize).checked_sub(from);
                        if let Some(at) = at.filter(|&at| at < n) {
                            d[at] -= g;
                        }
                        for (sum, by) in by_bias.iter_mut().zip(d) {
                            *sum += *by;
                        }
                    }
                },
            );
            let d = Matrix::new(d, rows, n);
            let by_x = &mut by_x[first * inputs..][..rows * inputs];
            multiply_packed(d, &turned, Into::Replace, Target::new(by_x, inputs));
            let x = output.x.some_rows(first, rows).transposed();
            multiply(x, d, Into::Add, Target::new(&mut by_weight, n));
        });
        Back { by_x, by_weight, by_bias }
    }
}

/// A row's greatest logit and logarithm over two sets of classes.
fn together(a: (f32, f32), b: (f32, f32)) -> (f32, f32) {
    let (greater, lesser) = if a.0 >= b.0 { (a, b) } else { (b, a) };
    let lesser = exp_or_zero(lesser.0 - greater.0) * lesser.1.exp();
    (greater.0, (greater.1.exp() + lesser).ln())
}

impl CustomOp3 for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross-entropy"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (rows, inputs) = x_layout.shape().dims2()?;
        let (classes, n_targets) = (bias_layout.shape().dims1()?, self.targets.len());
        if rows != n_targets {
            bail!("cross-entropy: {rows} rows, {n_targets} targets");
        }
        if weight_layout.shape().dims2()? != (inputs, classes) || inputs == 0 {
            let weight = weight_layout.shape();
            bail!("cross-entropy: rows of {inputs}, weights {weight:?}, {classes} biases");
        }
        if classes == 0 {
            bail!("cross-entropy: no classes in the head; wanted at least 1");
        }
        if let Some(target) = self.targets.iter().find(|&&target| target as usize >= classes) {
            bail!("cross-entropy: {classes} classes in the head, but target {target}");
        }
        let (x, weight) = (slices::of(x, x_layout)?, slices::of(weight, weight_layout)?);
        let output = Output::new(x, weight, slices::of(bias, bias_layout)?, rows);
        let parts: Vec<Part> =
            output.blocks().map(|(from, n)| self.forward(output, from, n)).collect();
        let mut sums = parts[0].sums.clone();
        for part in &parts[1..] {
            for (sum, &other) in sums.iter_mut().zip(&part.sums) {
                *sum = together(*sum, other);
            }
        }
        let mut each = vec![0.0; rows];
        for &(row, logit) in parts.iter().flat_map(|part| &part.targets) {
            let (greatest, log_sum) = sums[row];
            each[row] = log_sum + (greatest - logit);
        }
        // A second forward of the same op would give the same numbers.
        let _ = self.sums.set(sums);
        Ok((CpuStorage::F32(each), rows.into()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _each: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let ((rows, inputs), classes) = (x.dims2()?, bias.dim(0)?);
        let gradient = slices::to_vec(gradient)?;
        let back = |x: &[f32], weight: &[f32], bias: &[f32]| -> Vec<Back> {
            let output = Output::new(x, weight, bias, rows);
            output.blocks().map(|(from, n)| self.back(output, &gradient, from, n)).collect()
        };
        let blocks = slices::read(x, |x| {
            slices::read(weight, |weight| slices::read(bias, |bias| back(x, weight, bias)))
        })???;
        let mut by_x = vec![0.0; rows * inputs];
        let mut by_weight = vec![0.0; inputs * classes];
        let mut by_bias = Vec::with_capacity(classes);
        for block in &blocks {
            let (from, n) = (by_bias.len(), block.by_bias.len());
            for (sum, by) in by_x.iter_mut().zip(&block.by_x) {
                *sum += by;
            }
            let rows = by_weight.chunks_exact_mut(classes).zip(block.by_weight.chunks_exact(n));
            for (row, by) in rows {
                row[from..from + n].copy_from_slice(by);
            }
            by_bias.extend_from_slice(&block.by_bias);
        }
        Ok((
            Some(Tensor::from_vec(by_x, (rows, inputs), x.device())?),
            Some(Tensor::from_vec(by_weight, (inputs, classes), x.device())?),
            Some(Tensor::from_vec(by_bias, classes, x.device())?),
        ))
    }
}
