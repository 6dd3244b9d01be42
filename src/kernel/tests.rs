//! The larger kernels against plain compositions, enumeration and finite differences.

mod crf;
mod lstm;
mod threads;
mod viterbi;
