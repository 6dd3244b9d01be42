//! The structure of packed rows: time-major, with lengths, without padding.
//!
//! The sequences of a packing are sorted by descending length (ties keep their order). Position t
//! has one row for each sequence that is longer than t, so row (t, b) is `offsets[t] + b`, a
//! recurrent layer processes contiguous rows, and the backward direction starts at each sequence's
//! own last row.
//!
//! Every sequence has a parent row in the packing above: tokens belong to their segment, segments
//! to their document, candidates to their example. At the top is the packing of the examples
//! themselves, with one row each, in the batch's order.

use std::{ops::Range, sync::Arc};

/// The structure of packed sequences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packing {
    lengths: Vec<usize>,
    offsets: Vec<usize>,
    parent: Option<Parent>,
}

/// The parent rows of sequences in the packing above.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    /// The packing above.
    packing: Arc<Packing>,
    /// For each sequence, its parent row.
    rows: Vec<u32>,
    /// For each parent row, its sequence; `None` for a row without one, which is absent or empty.
    sequences: Vec<Option<u32>>,
}

impl Packing {
    /// The packing of sequences with these lengths, which must be descending and at least 1.
    pub fn new(lengths: Vec<usize>) -> Self {
        assert!(lengths.is_sorted_by(|a, b| a >= b), "lengths must fall");
        assert!(lengths.last().is_none_or(|&length| length > 0), "no sequence may be empty");
        let longest = lengths.first().copied().unwrap_or(0);
        let mut offsets = Vec::with_capacity(longest + 1);
        let mut rows = 0;
        for t in 0..longest {
            offsets.push(rows);
            rows += lengths.partition_point(|&length| length > t);
        }
        offsets.push(rows);
        Self { lengths, offsets, parent: None }
    }

    /// The packing with one row per example: row b is example b.
    pub fn of_examples(n: usize) -> Self {
        Self::new(vec![1; n])
    }

    /// Sequences with these descending lengths, each of which belongs to a different row of another
    /// packing.
    pub fn below(packing: &Arc<Self>, rows: Vec<u32>, lengths: Vec<usize>) -> Self {
        assert_eq!(rows.len(), lengths.len(), "a row for each sequence");
        let mut sequences = vec![None; packing.n_rows()];
        for (sequence, &row) in (0..).zip(&rows) {
            let before = sequences[row as usize].replace(sequence);
            assert_eq!(before, None, "row {row} has one sequence");
        }
        let parent = Parent { packing: packing.clone(), rows, sequences };
        Self { parent: Some(parent), ..Self::new(lengths) }
    }

    /// Sequences with these lengths, one for each row of another packing in the order of its rows.
    /// A row with length 0 has no sequence.
    pub fn sorted_below(packing: &Arc<Self>, lengths: &[usize]) -> Self {
        let mut rows: Vec<u32> =
            (0..).zip(lengths).filter(|&(_, length)| *length > 0).map(|(row, _)| row).collect();
        rows.sort_by_key(|&row| std::cmp::Reverse(lengths[row as usize]));
        let lengths = rows.iter().map(|&row| lengths[row as usize]).collect();
        Self::below(packing, rows, lengths)
    }

    /// The packing in which each two adjacent rows of a sequence are one; an odd last row stays by itself. Its
    /// sequences belong to the same rows above, in the same order.
    #[must_use]
    pub fn halved(&self) -> Self {
        let lengths = self.lengths.iter().map(|length| length.div_ceil(2)).collect();
        Self { parent: self.parent.clone(), ..Self::new(lengths) }
    }

    /// The packing with a row in front of each sequence. Its sequences belong to the same rows above, in the same order.
    #[must_use]
    pub fn prefixed(&self) -> Self {
        let lengths = self.lengths.iter().map(|length| length + 1).collect();
        Self { parent: self.parent.clone(), ..Self::new(lengths) }
    }

    /// The packing in which each row is n adjacent ones, n at least 1, and for each of its rows the index of what it is of,
    /// with those of row r from n·r on. Its sequences belong to the same rows above, in the same order.
    #[must_use]
    pub fn split(&self, n: usize) -> (Self, Vec<u32>) {
        let lengths = self.lengths.iter().map(|length| n * length).collect();
        let split = Self { parent: self.parent.clone(), ..Self::new(lengths) };
        let of = |(b, t): (usize, usize)| (self.row(b, t / n) * n + t % n) as u32;
        let from = split.positions().map(of).collect();
        (split, from)
    }

    /// The length of each sequence, descending.
    pub fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    /// The number of sequences.
    pub fn n_sequences(&self) -> usize {
        self.lengths.len()
    }

    /// The length of the longest sequence.
    pub fn max_len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// The total number of rows.
    pub fn n_rows(&self) -> usize {
        self.offsets[self.max_len()]
    }

    /// The rows at position t: one for each sequence that is longer than t.
    pub fn rows_at(&self, t: usize) -> Range<usize> {
        self.offsets[t]..self.offsets[t + 1]
    }

    /// The row of position `t` of sequence `b`.
    pub fn row(&self, b: usize, t: usize) -> usize {
        debug_assert!(t < self.lengths[b], "position {t} of a sequence of {}", self.lengths[b]);
        self.offsets[t] + b
    }

    /// The rows of sequence `b`, in the order of its positions.
    pub fn rows(&self, b: usize) -> impl DoubleEndedIterator<Item = usize> + '_ {
        (0..self.lengths[b]).map(move |t| self.row(b, t))
    }

    /// The sequence and the position of each row.
    pub fn positions(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        (0..self.max_len()).flat_map(|t| (0..self.rows_at(t).len()).map(move |b| (b, t)))
    }

    /// The packing above; `None` for that of the examples themselves.
    pub fn parent(&self) -> Option<&Arc<Self>> {
        Some(&self.parent.as_ref()?.packing)
    }

    /// For each sequence, its row in the packing above; empty at the top.
    pub fn parent_rows(&self) -> &[u32] {
        self.parent.as_ref().map_or(&[], |parent| &parent.rows)
    }

    /// For each row of the packing above, its sequence, if there is one; empty at the top.
    pub fn sequences_of_parent(&self) -> &[Option<u32>] {
        self.parent.as_ref().map_or(&[], |parent| &parent.sequences)
    }

    /// The number of examples of the batch, including those without a row here.
    pub fn n_examples(&self) -> usize {
        self.parent.as_ref().map_or(self.n_rows(), |parent| parent.packing.n_examples())
    }

    /// For each sequence, the index of its example in the batch.
    pub fn examples(&self) -> Vec<u32> {
        match &self.parent {
            None => (0..self.n_sequences() as u32).collect(),
            Some(parent) if parent.packing.parent.is_none() => parent.rows.clone(),
            Some(parent) => {
                let examples: Vec<u32> = parent.packing.examples_of_rows();
                parent.rows.iter().map(|&row| examples[row as usize]).collect()
            }
        }
    }

    /// For each row, the index of its example in the batch.
    pub fn examples_of_rows(&self) -> Vec<u32> {
        let examples = self.examples();
        self.positions().map(|(b, _)| examples[b]).collect()
    }

    /// The rows of an example, in the order of its positions, item by item if it has a list of
    /// them.
    pub fn rows_of_example(&self, example: usize) -> Vec<usize> {
        let Some(parent) = &self.parent else { return vec![example] };
        let above = parent.packing.rows_of_example(example);
        let sequences = above.into_iter().filter_map(|row| parent.sequences[row]);
        sequences.flat_map(|sequence| self.rows(sequence as usize)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_time_major_without_padding() {
        let packing = Packing::new(vec![3, 1, 1]);
        assert_eq!(packing.n_rows(), 5);
        assert_eq!(packing.rows_at(0), 0..3);
        assert_eq!(packing.rows_at(1), 3..4);
        assert_eq!(packing.rows(0).collect::<Vec<_>>(), [0, 3, 4]);
        assert_eq!(packing.rows(2).collect::<Vec<_>>(), [2]);
        let positions: Vec<_> = packing.positions().collect();
        assert_eq!(positions, [(0, 0), (1, 0), (2, 0), (0, 1), (0, 2)]);
    }

    #[test]
    fn an_empty_packing_has_no_rows() {
        let packing = Packing::new(Vec::new());
        assert_eq!((packing.n_rows(), packing.max_len()), (0, 0));
    }

    #[test]
    fn halved_and_prefixed_sequences_belong_to_the_same_rows_in_the_same_order() {
        let examples = Arc::new(Packing::of_examples(3));
        let packing = Packing::sorted_below(&examples, &[1, 5, 4]);
        let halved = packing.halved();
        assert_eq!(halved.lengths(), [3, 2, 1]);
        assert_eq!(halved.parent_rows(), packing.parent_rows());
        assert_eq!(halved.rows_of_example(1), [0, 3, 5]);
        assert_eq!(halved.halved().lengths(), [2, 1, 1]);
        assert_eq!(Packing::new(Vec::new()).halved().n_rows(), 0);
        let prefixed = packing.prefixed();
        assert_eq!(prefixed.lengths(), [6, 5, 2]);
        assert_eq!(prefixed.parent_rows(), packing.parent_rows());
        assert_eq!(Packing::new(Vec::new()).prefixed().n_rows(), 0);
        let (split, from) = Packing::sorted_below(&examples, &[0, 1, 2]).split(2);
        assert_eq!((split.lengths(), split.parent_rows()), (&[4, 2][..], &[2, 1][..]));
        // Two sequences of rows 0, 2 and 1; the rows of the split ones by position.
        assert_eq!(from, [0, 2, 1, 3, 4, 5]);
    }

    /// Three examples: two candidates of 1 and 3 tokens, none, and one of 2.
    #[test]
    fn each_row_is_traced_through_the_packings_above_it() {
        let examples = Arc::new(Packing::of_examples(3));
        let items = Arc::new(Packing::sorted_below(&examples, &[2, 0, 1]));
        assert_eq!((items.lengths(), items.parent_rows()), (&[2, 1][..], &[0, 2][..]));
        assert_eq!(items.sequences_of_parent(), [Some(0), None, Some(1)]);
        // Items by position: the first of each example, then the second of the first.
        let tokens = Packing::sorted_below(&items, &[1, 2, 3]);
        assert_eq!((tokens.lengths(), tokens.parent_rows()), (&[3, 2, 1][..], &[2, 1, 0][..]));
        assert_eq!((tokens.n_examples(), tokens.examples()), (3, vec![0, 2, 0]));
        assert_eq!(tokens.examples_of_rows(), [0, 2, 0, 0, 2, 0]);
        assert_eq!(tokens.rows_of_example(0), [2, 0, 3, 5]);
        assert_eq!(tokens.rows_of_example(1), [0; 0]);
        assert_eq!(tokens.rows_of_example(2), [1, 4]);
        assert_eq!(examples.rows_of_example(1), [1]);
    }
}
