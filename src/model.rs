//! Networks: encoders with their taps, and heads.
//!
//! Heads are nodes of the graph here, so that predicted labels can feed upward, and losses reach
//! fused kernels through them. What a loss means is left to the objectives.

pub mod encoder;
pub mod head;
pub mod mode;
pub mod parameters;
mod rows;
pub mod tap;
mod view;

pub use encoder::EncoderKind;
pub use head::HeadKind;
pub use mode::Mode;
pub use parameters::Parameters;
pub use rows::Rows;
pub use tap::{Context, EncoderSignature, LayerSpec, RowKind, TapName, TapView};
pub use view::view;
