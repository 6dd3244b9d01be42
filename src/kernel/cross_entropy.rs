//! An output layer and its softmax cross-entropy, fused into one operation.
//!
//! With logits l = x·W + b: each_r = ln Σ_j e^(l_rj) − Σ_j q_rj·l_rj, where q_r is 1 on the target, or gives
//! each class of a bag of targets its share of the bag. With g_r the gradient of each_r and p = softmax(l_r),
//! d = p − q: dx_r = g_r·d·Wᵀ, dW = Σ_r g_r·x_rᵀ·d, db = Σ_r g_r·d. A bag costs one row of logits, and one row of W for
//! each of its classes.
//!
//! The forward pass also computes the gradients for g = 1, from the values that it has for the
//! loss. Logits, and the values computed from them in place, are in memory for one chunk of rows at
//! a time. Classes are processed in blocks, rows in chunks (`output`). For each pair,
//! e = e^(l − m), with m the row's largest logit in the block, and e·Wᵀ are computed. When a chunk
//! has seen all blocks, with M the largest m and Z = Σ e^(l − M), p = e · e^(m − M)/Z. For dW and
//! db this factor multiplies x instead of e (and q is subtracted, from e itself where
//! one block has all classes). The backward pass multiplies by g where g is one value for all rows,
//! as for a mean over rows; otherwise it recomputes the gradients with g.

mod block;
mod evaluate;
mod logits;
mod output;
mod piece;

use std::sync::OnceLock;

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

pub use evaluate::cross_entropy_and_argmax;
pub use logits::{bag_cross_entropy_of_logits, cross_entropy_of_logits};
use output::{BLOCK, Extra, Gradients, Output};

use super::{
    add::PART,
    arch::{fast, is_fused},
    buffer::Buffer,
    gemm::Matrix,
    leaf,
    parameter::{Gradient, ParamRef},
    plain, slices,
    target_bags::TargetBags,
};

/// The loss of each row of x (rows, inputs) with its target, for W (inputs, classes) and b
/// (classes): (rows).
pub fn cross_entropy(
    x: &Tensor,
    weight: &ParamRef,
    bias: &ParamRef,
    targets: Vec<u32>,
) -> Result<Tensor> {
    let targets = TargetBags::single(targets);
    check(x.shape(), weight, bias, &targets)?;
    if !is_fused(x.device()) {
        return plain::cross_entropy(x, weight, bias, &targets);
    }
    of_layer(x, OutputLayer::new(weight, bias, targets, false))
}

/// The same for a layer whose weights are an embedding table (classes, inputs), as where the
/// embeddings of words are also their output vectors (Press and Wolf 2017).
pub fn cross_entropy_tied(
    x: &Tensor,
    table: &ParamRef,
    bias: &ParamRef,
    targets: Vec<u32>,
) -> Result<Tensor> {
    bag_cross_entropy(x, table, bias, TargetBags::single(targets))
}

/// The mean loss of each row of x (rows, inputs) with the classes of its bag, for a table of weights (classes, inputs) and
/// b (classes): (rows).
pub fn bag_cross_entropy(
    x: &Tensor,
    table: &ParamRef,
    bias: &ParamRef,
    targets: TargetBags,
) -> Result<Tensor> {
    check_shapes(x.shape(), transposed_dims(table)?, bias, &targets)?;
    if !is_fused(x.device()) {
        return plain::cross_entropy_tied(x, table, bias, &targets);
    }
    of_layer(x, OutputLayer::new(table, bias, targets, true))
}

fn of_layer(x: &Tensor, layer: OutputLayer) -> Result<Tensor> {
    let op = CrossEntropy { layer, requires_grad: x.track_op(), gradients: OnceLock::new() };
    x.contiguous()?.apply_op1(op)
}

fn transposed_dims(table: &ParamRef) -> Result<(usize, usize)> {
    let (classes, inputs) = table.var().dims2()?;
    Ok((inputs, classes))
}

fn check(x: &Shape, weight: &ParamRef, bias: &ParamRef, targets: &TargetBags) -> Result<()> {
    check_shapes(x, weight.var().dims2()?, bias, targets)
}

/// Checks a layer whose weights are of this shape: inputs and classes.
fn check_shapes(
    x: &Shape,
    weight: (usize, usize),
    bias: &ParamRef,
    targets: &TargetBags,
) -> Result<()> {
    let ((rows, inputs), classes) = (x.dims2()?, bias.var().dims1()?);
    if weight != (inputs, classes) || inputs == 0 {
        let weight = [weight.0, weight.1];
        bail!("cross-entropy: rows of {inputs}, weights {weight:?}, {classes} biases");
    }
    if classes == 0 {
        bail!("cross-entropy: no classes in the head; expected at least 1");
    }
    targets.check(rows, classes)
}

/// The layer with the targets of each row.
struct OutputLayer {
    weight: ParamRef,
    bias: ParamRef,
    targets: TargetBags,
    /// Whether the weights are a table (classes, inputs).
    is_table: bool,
}

impl OutputLayer {
    fn new(weight: &ParamRef, bias: &ParamRef, targets: TargetBags, is_table: bool) -> Self {
        Self { weight: weight.clone(), bias: bias.clone(), targets, is_table }
    }

    /// Calls `f` with the layer's operands.
    fn with_output<T>(
        &self,
        shape: &Shape,
        x: &[f32],
        f: impl FnOnce(Output<'_>) -> T,
    ) -> Result<T> {
        let (rows, inputs) = shape.dims2()?;
        let classes = self.bias.var().dims1()?;
        let x = Matrix::new(x, rows, inputs);
        self.weight.read(|weight| {
            let weight = if self.is_table {
                Matrix::new(weight, classes, inputs).transposed()
            } else {
                Matrix::new(weight, inputs, classes)
            };
            self.bias.read(|bias| f(Output { x, weight, bias, targets: &self.targets }))
        })?
    }
}

struct CrossEntropy {
    layer: OutputLayer,
    requires_grad: bool,
    gradients: OnceLock<Gradients>,
}

impl CrossEntropy {
    /// Accumulates the gradients with respect to the parameters, times g, and returns the one with
    /// respect to x.
    fn accumulate(&self, gradients: &Gradients, g: f32) -> Result<Vec<f32>> {
        let OutputLayer { weight, bias, is_table, .. } = &self.layer;
        let classes = bias.var().dims1()?;
        let inputs = weight.var().elem_count() / classes;
        let row = |input: usize, to: &mut [f32]| {
            for (to, block) in to.chunks_mut(BLOCK).zip(&gradients.grad_weight) {
                let from = &block[input * to.len()..][..to.len()];
                scale(to, from, g);
            }
        };
        let mut grad_weight = Buffer::new(inputs * classes);
        if *is_table {
            let of_block = BLOCK * inputs;
            let blocks = grad_weight.par_chunks_mut(of_block).zip(&gradients.grad_weight);
            blocks.for_each(|(to, block)| {
                let n = to.len() / inputs;
                for (at, to) in to.chunks_exact_mut(inputs).enumerate() {
                    for (input, to) in to.iter_mut().enumerate() {
                        *to = g * block[input * n + at];
                    }
                }
            });
        } else {
            grad_weight.par_chunks_mut(classes).enumerate().for_each(|(input, to)| row(input, to));
        }
        let mut grad_bias = Buffer::new(classes);
        row(inputs, &mut grad_bias);
        weight.accumulate(Gradient::Dense(grad_weight))?;
        bias.accumulate(Gradient::Dense(grad_bias))?;
        let mut grad_x = vec![0.0; gradients.grad_x.len()];
        let parts = grad_x.par_chunks_mut(PART).zip(gradients.grad_x.par_chunks(PART));
        parts.for_each(|(to, from)| scale(to, from, g));
        Ok(grad_x)
    }
}

/// Multiplies each element by g.
fn scale(to: &mut [f32], from: &[f32], g: f32) {
    fast(
        #[inline(always)]
        || {
            for (to, from) in to.iter_mut().zip(from) {
                *to = g * from;
            }
        },
    );
}

impl CustomOp1 for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross-entropy"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = slices::of(x, layout)?;
        let extra = if self.requires_grad { Extra::Gradients(None) } else { Extra::Nothing };
        let computed = self.layer.with_output(layout.shape(), x, |output| output.run(extra))?;
        if let Some(gradients) = computed.gradients {
            // A second forward pass of the same op would compute the same values.
            let _ = self.gradients.set(gradients);
        }
        let rows = computed.per_row.len();
        Ok((CpuStorage::F32(computed.per_row), rows.into()))
    }

    fn bwd(&self, x: &Tensor, _each: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let gradient = slices::to_vec(gradient)?;
        let first = gradient.first().copied().unwrap_or(0.0);
        let grad_x = if gradient.iter().all(|g| *g == first) {
            let gradients = self
                .gradients
                .get()
                .expect("backward comes after a forward that requires gradients");
            self.accumulate(gradients, first)?
        } else {
            let run = |output: Output<'_>| output.run(Extra::Gradients(Some(&gradient))).gradients;
            let again = slices::read(x, |rows| self.layer.with_output(x.shape(), rows, run))??;
            self.accumulate(&again.expect("gradients are required"), 1.0)?
        };
        leaf::gradient(x, grad_x)
    }
}
