//! The larger kernels against plain compositions, enumeration and finite differences.

mod crf;
mod cross_entropy;
mod lstm;
mod threads;
mod viterbi;
