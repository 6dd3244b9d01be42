//! What an evaluation says to a rule that follows progress.

use crate::protocol::{ObjectiveId, event::Direction};

/// The first metric of an active objective on dev.
#[derive(Clone, Debug, PartialEq)]
pub struct DevScore {
    /// The objective.
    pub objective: ObjectiveId,
    /// Its group.
    pub group: String,
    /// The value.
    pub value: f32,
    /// Whether higher or lower is better.
    pub direction: Direction,
}

/// The metric that selects the best checkpoint, on dev.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrackedScore {
    /// The value.
    pub value: f32,
    /// Whether higher or lower is better.
    pub direction: Direction,
}
