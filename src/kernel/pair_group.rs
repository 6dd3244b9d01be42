//! Pairs of rows: each row of a group with each other one.

/// The rows of a group: each of the left is paired with each of the right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PairGroup {
    /// Rows of the left tensor.
    pub left: Vec<u32>,
    /// Rows of the right tensor.
    pub right: Vec<u32>,
}

impl PairGroup {
    /// The number of pairs.
    pub fn n_pairs(&self) -> usize {
        self.left.len() * self.right.len()
    }

    /// The left and the right row of each pair: all pairs of the first left row, then those of the second.
    pub fn pairs(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.left.iter().flat_map(|&left| self.right.iter().map(move |&right| (left, right)))
    }
}
