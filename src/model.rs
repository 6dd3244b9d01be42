//! Networks: encoders with their taps, and heads.
//!
//! Heads are nodes of the graph, so that predicted labels can feed other encoders, and losses reach
//! fused kernels through them. Objectives interpret the losses.

pub mod decoder;
pub mod encoder;
pub mod head;
pub mod mode;
pub mod parameters;
mod rows;
pub mod tap;
pub mod tree;
mod view;

pub use decoder::Decoder;
pub use encoder::EncoderKind;
pub use head::{HeadConfig, HeadKind};
pub use mode::Mode;
pub use parameters::Parameters;
pub use rows::Rows;
pub use tap::{Context, EncoderSignature, LayerSpec, RowKind, TapName, TapView};
pub use view::view;
