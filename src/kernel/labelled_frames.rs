//! Sequences of frames with labels that are not aligned with them.

/// A sequence of frames and its labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelledFrames {
    /// The row of each frame.
    pub rows: Vec<u32>,
    /// The labels in their order, none of which is the blank.
    pub labels: Vec<u32>,
}

/// The number of frames that these labels need: one each, and one for a blank between equal neighbors.
pub fn frames_needed<T: PartialEq>(labels: &[T]) -> usize {
    labels.len() + labels.windows(2).filter(|pair| pair[0] == pair[1]).count()
}
