//! The larger kernels against plain compositions, enumeration and finite differences.

mod crf;
mod cross_entropy;
mod decoder;
mod ctc;
mod gru;
mod lstm;
mod plain;
mod recurrent;
mod threads;
mod viterbi;
