//! Networks: encoders with their taps, and heads.
//!
//! Heads are nodes of the graph here, so that predicted labels can feed upward, and losses reach
//! fused kernels through them. What a loss means is left to the objectives.

pub mod encoder;
pub mod head;
pub mod parameters;
pub mod pass;
pub mod tap;
mod view;

pub use encoder::EncoderKind;
pub use head::HeadKind;
pub use parameters::Parameters;
pub use pass::Pass;
pub use tap::{Layer, On, Reads, Shape, TapName, View};
pub use view::view;
