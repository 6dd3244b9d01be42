//! Addition of elements, in parts.

use rayon::prelude::*;

/// Elements per task.
pub(super) const PART: usize = 16_384;

/// Adds elements to others, on all threads.
pub(super) fn add(sum: &mut [f32], other: &[f32]) {
    sum.par_chunks_mut(PART).zip(other.par_chunks(PART)).for_each(|(sum, other)| {
        for (sum, x) in sum.iter_mut().zip(other) {
            *sum += x;
        }
    });
}
