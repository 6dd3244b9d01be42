//! Fused operations with their own backward, on the CPU.
//!
//! Everything above composes ordinary candle tensors; what is hot or what candle cannot say lives
//! here as custom operations over packed rows. Work is split by direction, by sequence or into a
//! fixed number of blocks, never by the number of threads, and every sum has a fixed order: any
//! thread count gives the same bits.

#[cfg(test)]
mod check;
mod crf;
mod cross_entropy;
mod dropout;
mod embedding;
mod gather;
mod gemm;
mod linear;
mod lstm;
mod pool;
mod reverse;
mod slices;
#[cfg(test)]
mod tests;
mod update;
mod vector;
mod viterbi;

pub use crf::crf;
pub use cross_entropy::cross_entropy;
pub use dropout::dropout;
pub use embedding::{RowGradient, Sink, embedding};
pub use gather::{ends, gather, sum_by_group};
pub use linear::linear;
pub use lstm::lstm;
pub use pool::{max_over_tokens, mean_over_tokens};
pub use reverse::reverse;
pub use slices::{read, to_vec};
pub use update::update;
pub use viterbi::viterbi;

/// The family of kernels that this machine runs; bits are promised within one family only.
pub fn name() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            return "avx512";
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            return "avx2";
        }
    }
    if cfg!(target_arch = "aarch64") { "neon" } else { "portable" }
}
