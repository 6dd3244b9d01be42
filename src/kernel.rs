//! Fused CPU operations with hand-written backward passes; candle's own operations on other
//! devices.
//!
//! The rest of the program composes ordinary candle tensors. Operations that dominate the run time,
//! or that candle does not offer, are custom operations over packed rows here. Work is split by
//! direction, by sequence or into a fixed number of blocks, never by the number of threads, and
//! every sum has a fixed order: results are equal bit for bit with any number of threads. The loops
//! are compiled for several instruction sets, and `arch` chooses one at run time. Each function
//! checks its arguments, then runs the fused operation on the CPU or the composition in `plain` on
//! another device.

mod add;
mod arch;
mod argmax;
mod attend;
mod bags;
mod binary;
mod both;
mod buffer;
#[cfg(test)]
pub(crate) mod check;
mod columns;
mod crf;
mod cross_entropy;
mod ctc;
mod decoder;
mod decoder_weights;
mod device;
mod distance;
mod dropout;
mod embedding;
mod ends;
mod gather;
pub mod gemm;
mod group_softmax;
mod gru;
mod label_scores;
mod labelled_frames;
mod leaf;
mod linear;
mod lstm;
mod memory;
mod packed_output;
mod pair_group;
mod pair_products;
mod parameter;
mod plain;
mod pool;
mod recurrent;
mod reverse;
mod row_sums;
mod seed_gradient;
mod slices;
mod sums;
mod tanh;
mod target_bags;
#[cfg(test)]
mod tests;
mod threads;
mod update;
mod vector;
mod viterbi;
mod windows;

pub use arch::{check_choice, fast, is_fused, name};
pub use argmax::argmax;
pub use attend::attend;
pub use bags::sum_bags;
pub use binary::binary_cross_entropy;
pub use both::both;
pub use buffer::Buffer;
pub use columns::columns;
pub use crf::crf;
pub use cross_entropy::{
    bag_cross_entropy, bag_cross_entropy_of_logits, cross_entropy, cross_entropy_and_argmax,
    cross_entropy_of_logits, cross_entropy_tied,
};
pub use ctc::ctc;
pub use decoder::{DecoderMemory, decode};
pub use decoder_weights::{
    AttendedRows, DecodedRows, DecoderAttention, DecoderCell, DecoderState, DecoderWeights,
};
pub use device::{Device, DeviceName};
pub use distance::{squared_distance, squared_distance_from};
pub use dropout::dropout;
pub use embedding::{embedding, embedding_with_fixed};
pub use ends::ends;
pub use gather::{gather, sum_by_group};
pub use group_softmax::{log_softmax, log_softmax_by_group, log_sum_exp_by_group};
pub use gru::gru;
pub use label_scores::biaffine_label_scores;
pub use labelled_frames::{LabelledFrames, frames_needed};
pub use leaf::Leaf;
pub use linear::{linear, linear_tied};
pub use lstm::lstm;
pub use memory::{Allocator, after_out_of_memory, before_out_of_memory, keep_memory};
pub use packed_output::PackedOutput;
pub use pair_group::PairGroup;
pub use pair_products::pair_products;
pub use parameter::{Gradient, ParamGrads, ParamRef, RowGradient};
pub use pool::{max_over_tokens, mean_over_tokens};
pub use recurrent::RecurrentWeights;
pub use reverse::reverse;
pub use seed_gradient::seed_gradient;
pub use slices::{read, to_vec};
pub use sums::sum;
pub use tanh::tanh;
pub use target_bags::TargetBags;
pub use threads::start_threads;
pub use update::update;
pub use viterbi::viterbi;
pub use windows::{windows, windows_of};
