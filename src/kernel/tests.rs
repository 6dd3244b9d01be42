//! The larger kernels against plain compositions, enumeration and finite differences.

mod bag_cross_entropy;
mod crf;
mod cross_entropy;
mod ctc;
mod decoder;
mod gru;
mod lstm;
mod plain;
mod recurrent;
mod threads;
mod viterbi;
