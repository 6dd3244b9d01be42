//! Segments of sequences: consecutive tokens with the same string in a field, for example the
//! sentences of a document, which have the same number.
//!
//! An encoder that runs per segment reads the rows in another order, as sequences of their own,
//! each of which belongs to the row of its segment; these rows are sequences again: the segments of
//! an example, in their order.

use std::{cmp::Reverse, ops::Range, sync::Arc};

use super::{Packing, Symbol};

/// The segments of packed rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segments {
    /// For each row of `within`, the row of the whole sequence's packing.
    pub rows: Vec<u32>,
    /// For each row of the whole sequence's packing, the row of `within`.
    pub places: Vec<u32>,
    /// The tokens of each segment: one sequence per segment, which belongs to a row of the packing
    /// of segments.
    pub within: Arc<Packing>,
}

impl Segments {
    /// The segments of packed rows by the symbol of each row in a field. A sequence without the
    /// field is one segment.
    pub fn new(packing: &Packing, symbols: &[Option<Symbol>]) -> Self {
        // The rows of each segment, and the segments of each sequence.
        let (mut segments, mut of_sequences): (Vec<Vec<u32>>, Vec<Vec<usize>>) = Default::default();
        for b in 0..packing.n_sequences() {
            let mut before = None;
            let mut of_sequence = Vec::new();
            for row in packing.rows(b) {
                if before != Some(symbols[row]) {
                    of_sequence.push(segments.len());
                    segments.push(Vec::new());
                }
                before = Some(symbols[row]);
                segments.last_mut().expect("the first row opens one").push(row as u32);
            }
            of_sequences.push(of_sequence);
        }
        let longest = falling(&segments);
        let most = falling(&of_sequences);
        let above = packing.parent().expect("what has segments belongs to examples");
        let above_rows = most.iter().map(|&b| packing.parent_rows()[b]).collect();
        let lengths = most.iter().map(|&at| of_sequences[at].len()).collect();
        let of_sequences_packed = Arc::new(Packing::below(above, above_rows, lengths));
        let mut row_of_segment = vec![0; segments.len()];
        for (row, (b, t)) in (0..).zip(of_sequences_packed.positions()) {
            row_of_segment[of_sequences[most[b]][t]] = row;
        }
        let of_segments = longest.iter().map(|&at| row_of_segment[at]).collect();
        let lengths = longest.iter().map(|&at| segments[at].len()).collect();
        let within = Packing::below(&of_sequences_packed, of_segments, lengths);
        let rows: Vec<u32> = within.positions().map(|(b, t)| segments[longest[b]][t]).collect();
        let mut places = vec![0; rows.len()];
        for (place, &row) in (0..).zip(&rows) {
            places[row as usize] = place;
        }
        Self { rows, places, within: Arc::new(within) }
    }

    /// The total number of segments.
    pub fn n_segments(&self) -> usize {
        self.within.n_sequences()
    }
}

/// The positions of each segment of a sequence, given the symbol of each of its tokens.
pub fn segment_ranges(symbols: &[Option<Symbol>]) -> Vec<Range<usize>> {
    let mut start = 0;
    let range = |segment: &[Option<Symbol>]| {
        let range = start..start + segment.len();
        start = range.end;
        range
    };
    symbols.chunk_by(|before, this| before == this).map(range).collect()
}

/// The indices of lists, the longest first; ties keep their order.
fn falling<T>(lists: &[Vec<T>]) -> Vec<usize> {
    let mut places: Vec<usize> = (0..lists.len()).collect();
    places.sort_by_key(|&at| Reverse(lists[at].len()));
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packing(lengths: &[usize]) -> Packing {
        Packing::sorted_below(&Arc::new(Packing::of_examples(lengths.len())), lengths)
    }

    /// Two examples: `a a b` and `c d`. Rows are 0 and 1, 2 and 3, 4 by position.
    #[test]
    fn segments_by_hand() {
        let [a, b, c, d] = [Some(0), Some(1), Some(2), Some(3)];
        let segments = Segments::new(&packing(&[3, 2]), &[a, c, a, d, b]);
        assert_eq!(segments.within.lengths(), [2, 1, 1, 1]);
        // `a a` is the longest; then b, c and d, in their order.
        assert_eq!(segments.rows, [0, 4, 1, 3, 2]);
        assert_eq!(segments.places, [0, 2, 4, 3, 1]);
        let of_examples = segments.within.parent().unwrap();
        assert_eq!(of_examples.lengths(), [2, 2]);
        assert_eq!(segments.within.sequences_of_parent(), [0, 2, 1, 3].map(Some));
        assert_eq!(of_examples.parent_rows(), [0, 1]);
        assert_eq!(segment_ranges(&[a, a, b]), [0..2, 2..3]);
        assert_eq!(segment_ranges(&[None, None, a, None]), [0..2, 2..3, 3..4]);
        assert!(segment_ranges(&[]).is_empty());
    }

    #[test]
    fn the_example_with_the_most_segments_comes_first_and_is_found_again() {
        let segments =
            Segments::new(&packing(&[3, 2]), &[Some(0), Some(1), Some(0), Some(2), Some(0)]);
        let of_examples = segments.within.parent().unwrap();
        assert_eq!(of_examples.lengths(), [2, 1]);
        assert_eq!(of_examples.sequences_of_parent(), [Some(1), Some(0)]);
        assert_eq!(segments.within.sequences_of_parent(), [Some(1), Some(0), Some(2)]);
    }

    #[test]
    fn a_sequence_without_the_field_is_one_segment() {
        let segments = Segments::new(&packing(&[2]), &[None, None]);
        assert_eq!(segments.within.lengths(), [2]);
        assert_eq!(segments.within.sequences_of_parent(), [Some(0)]);
        assert_eq!(Segments::new(&packing(&[]), &[]).within.n_rows(), 0);
    }
}
