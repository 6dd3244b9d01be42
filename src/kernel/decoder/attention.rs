//! The attention of one time step, sequence by sequence.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::kernel::{
    decoder_weights::AttentionSizes,
    vector::{exp, multiply_add, tanh_all},
};

/// What the states of a time step attend to.
#[derive(Clone, Copy)]
pub(super) struct Attended<'a> {
    pub(super) sizes: AttentionSizes,
    /// (memory rows, key dimension).
    pub(super) keys: &'a [f32],
    /// What is averaged: (memory rows, context dimension).
    pub(super) values: &'a [f32],
    /// The memory's rows of each sequence of the step.
    pub(super) ranges: &'a [Range<usize>],
    /// v of additive attention; without it scores are inner products.
    pub(super) score: Option<&'a [f32]>,
}

impl Attended<'_> {
    /// The columns of a head, in rows of this dimension for all heads.
    #[inline(always)]
    fn columns(&self, head: usize, width: usize) -> Range<usize> {
        let of_head = width / self.sizes.heads;
        head * of_head..(head + 1) * of_head
    }

    #[inline(always)]
    fn key(&self, row: usize, columns: &Range<usize>) -> &[f32] {
        &self.keys[row * self.sizes.key..][..self.sizes.key][columns.clone()]
    }

    #[inline(always)]
    fn value(&self, row: usize, columns: &Range<usize>) -> &[f32] {
        &self.values[row * self.sizes.context..][..self.sizes.context][columns.clone()]
    }
}

/// The attention weights and the contexts of a time step.
pub(super) struct Attend<'a> {
    pub(super) of: Attended<'a>,
    /// (sequences, key dimension).
    pub(super) queries: &'a [f32],
    /// The weights, sequence after sequence, and for each head after head.
    pub(super) attention: &'a mut [f32],
    /// The context of each sequence, in these columns of its row.
    pub(super) joined: &'a mut [f32],
    pub(super) joined_width: usize,
    pub(super) columns: Range<usize>,
}

impl WithSimd for Attend<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { of, queries, mut attention, joined, joined_width, columns } = self;
        let AttentionSizes { key, context, heads, .. } = of.sizes;
        let scale = of.sizes.scale();
        let mut activations = vec![0.0; if of.score.is_some() { key } else { 0 }];
        let queries = queries.chunks_exact(key);
        let joined = joined.chunks_exact_mut(joined_width);
        for ((range, query), joined) in of.ranges.iter().zip(queries).zip(joined) {
            let contexts = &mut joined[columns.clone()];
            contexts.fill(0.0);
            for head in 0..heads {
                let (here, rest) = attention.split_at_mut(range.len());
                attention = rest;
                let (of_key, of_value) = (of.columns(head, key), of.columns(head, context));
                let query = &query[of_key.clone()];
                for (weight, row) in here.iter_mut().zip(range.clone()) {
                    *weight = match of.score {
                        None => scale * dot(simd, query, of.key(row, &of_key)),
                        Some(score) => {
                            tanh_of_sum(simd, &mut activations, query, of.key(row, &of_key));
                            dot(simd, score, &activations)
                        }
                    };
                }
                softmax(here);
                let context = &mut contexts[of_value.clone()];
                for (weight, row) in here.iter().zip(range.clone()) {
                    add_scaled(context, *weight, of.value(row, &of_value));
                }
            }
        }
    }
}

/// The backward pass of [`Attend`].
pub(super) struct AttendBack<'a> {
    pub(super) of: Attended<'a>,
    pub(super) queries: &'a [f32],
    pub(super) attention: &'a [f32],
    /// The gradient with respect to the contexts, in these columns of each row.
    pub(super) grad_joined: &'a [f32],
    pub(super) joined_width: usize,
    pub(super) columns: Range<usize>,
    /// With respect to the inner products, or to the scores of additive attention, in the order of the weights.
    pub(super) grad_scores: &'a mut [f32],
    /// That with respect to the queries (sequences, key dimension) is added to these.
    pub(super) grad_queries: &'a mut [f32],
    /// Of additive attention: the gradient with respect to the keys (memory rows, key dimension) and to
    /// v (key dimension) is added to these.
    pub(super) additive: Option<(&'a mut [f32], &'a mut [f32])>,
}

impl WithSimd for AttendBack<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { of, mut attention, mut grad_scores, mut additive, joined_width, .. } = self;
        let AttentionSizes { key: width, context, heads, .. } = of.sizes;
        let scale = of.sizes.scale();
        let mut activations = vec![0.0; if of.score.is_some() { width } else { 0 }];
        let queries = self.queries.chunks_exact(width);
        let grad_queries = self.grad_queries.chunks_exact_mut(width);
        let grad_joined = self.grad_joined.chunks_exact(joined_width);
        let rows = of.ranges.iter().zip(queries).zip(grad_joined).zip(grad_queries);
        for (((range, query), grad_joined), grad_query) in rows {
            let grad_contexts = &grad_joined[self.columns.clone()];
            for head in 0..heads {
                let (here, rest) = attention.split_at(range.len());
                attention = rest;
                let (grad_here, rest) = grad_scores.split_at_mut(range.len());
                grad_scores = rest;
                let (of_key, of_value) = (of.columns(head, width), of.columns(head, context));
                let grad_context = &grad_contexts[of_value.clone()];
                let (query, grad_query) = (&query[of_key.clone()], &mut grad_query[of_key.clone()]);
                let mut total = 0.0;
                for ((grad, weight), row) in grad_here.iter_mut().zip(here).zip(range.clone()) {
                    *grad = dot(simd, grad_context, of.value(row, &of_value));
                    total += weight * *grad;
                }
                for ((grad, weight), row) in grad_here.iter_mut().zip(here).zip(range.clone()) {
                    *grad = scale * weight * (*grad - total);
                    let (Some(score), Some((grad_keys, grad_score))) = (of.score, &mut additive)
                    else {
                        add_scaled(grad_query, *grad, of.key(row, &of_key));
                        continue;
                    };
                    tanh_of_sum(simd, &mut activations, query, of.key(row, &of_key));
                    add_scaled(grad_score, *grad, &activations);
                    let grad_key = &mut grad_keys[row * width..][..width];
                    for at in 0..width {
                        let through = *grad * score[at] * (1.0 - activations[at] * activations[at]);
                        grad_query[at] += through;
                        grad_key[at] += through;
                    }
                }
            }
        }
    }
}

/// For each memory row of a sequence, adds the sum over its time steps of factor · row, where
/// factors are given per time step and memory row: the gradient with respect to what was averaged
/// with these factors, or to keys that were multiplied by these queries.
pub(super) struct SumOverTime<'a> {
    /// For each time step of the sequence, its factors and its row.
    pub(super) steps: &'a [(&'a [f32], &'a [f32])],
    /// Rows of this dimension for the memory rows of the sequence, with the sums in some columns.
    pub(super) sums: &'a mut [f32],
    pub(super) width: usize,
    pub(super) columns: Range<usize>,
}

impl WithSimd for SumOverTime<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        for (at, sums) in self.sums.chunks_exact_mut(self.width).enumerate() {
            for (factors, row) in self.steps {
                add_scaled(&mut sums[self.columns.clone()], factors[at], row);
            }
        }
    }
}

/// tanh(x + y), element by element.
#[inline(always)]
fn tanh_of_sum<S: Simd>(simd: S, to: &mut [f32], x: &[f32], y: &[f32]) {
    for ((to, x), y) in to.iter_mut().zip(x).zip(y) {
        *to = x + y;
    }
    tanh_all(simd, to);
}

/// The softmax, in place. The largest is subtracted first, so that no exponential overflows.
#[inline(always)]
fn softmax(scores: &mut [f32]) {
    let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = exp(*score - largest);
        sum += *score;
    }
    for score in scores {
        *score /= sum;
    }
}

#[inline(always)]
fn dot<S: Simd>(simd: S, x: &[f32], y: &[f32]) -> f32 {
    let ((x, x_rest), (y, y_rest)) = (S::as_simd_f32s(x), S::as_simd_f32s(y));
    let zero = simd.splat_f32s(0.0);
    // Two running sums, as each addition to a single one would wait for the previous addition.
    let mut sums = [zero; 2];
    for (x, y) in x.chunks(2).zip(y.chunks(2)) {
        for ((x, y), sum) in x.iter().zip(y).zip(&mut sums) {
            *sum = multiply_add(simd, *x, *y, *sum);
        }
    }
    let rest: f32 = x_rest.iter().zip(y_rest).map(|(x, y)| x * y).sum();
    simd.reduce_sum_f32s(simd.add_f32s(sums[0], sums[1])) + rest
}

/// Adds factor·x to the sums, element by element.
#[inline(always)]
fn add_scaled(sums: &mut [f32], factor: f32, x: &[f32]) {
    for (sum, x) in sums.iter_mut().zip(x) {
        *sum += factor * x;
    }
}
