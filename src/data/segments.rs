//! Segments of a batch's examples: stretches of tokens that have one string in a field, as each sentence
//! of a document has its number.
//!
//! What runs over each segment by itself reads the batch's rows in another order, as sequences of their
//! own; what comes out of it is a row for each segment, and those are sequences again: an example's
//! segments in their order.

use std::cmp::Reverse;

use super::{Packing, Symbol};

/// The segments of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segments {
    /// For each row of `within`, the batch's row of that token.
    pub rows: Vec<u32>,
    /// For each row of the batch, the row of `within` of that token.
    pub places: Vec<u32>,
    /// The tokens of each segment: a sequence a segment.
    pub within: Packing,
    /// The segments of each example: a sequence an example, a row a segment.
    pub of_examples: Packing,
    /// For each row of `of_examples`, the sequence of `within`.
    pub order: Vec<u32>,
    /// For each example of the batch, its sequence in `of_examples`.
    pub examples: Vec<u32>,
}

impl Segments {
    /// The segments of packed rows by the symbol that each row has in a field. What lacks the field is
    /// one segment.
    pub fn new(packing: &Packing, symbols: &[Option<Symbol>]) -> Self {
        // Each segment's rows, and each example's segments.
        let (mut segments, mut of_examples): (Vec<Vec<u32>>, Vec<Vec<usize>>) = Default::default();
        for b in 0..packing.n_sequences() {
            let mut before = None;
            let mut of_example = Vec::new();
            for row in packing.rows(b) {
                if before != Some(symbols[row]) {
                    of_example.push(segments.len());
                    segments.push(Vec::new());
                }
                before = Some(symbols[row]);
                segments.last_mut().expect("the first row opens one").push(row as u32);
            }
            of_examples.push(of_example);
        }
        let longest = falling(&segments);
        let within = Packing::new(longest.iter().map(|&at| segments[at].len()).collect());
        let rows: Vec<u32> = within.places().map(|(b, t)| segments[longest[b]][t]).collect();
        let most = falling(&of_examples);
        let packed = Packing::new(most.iter().map(|&at| of_examples[at].len()).collect());
        let sequence = inverse(&longest);
        let order = packed.places().map(|(b, t)| sequence[of_examples[most[b]][t]]).collect();
        let mut places = vec![0; rows.len()];
        for (place, &row) in (0..).zip(&rows) {
            places[row as usize] = place;
        }
        Self { rows, places, within, of_examples: packed, order, examples: inverse(&most) }
    }
}

/// The places of some lists, the longest first; equal ones keep their order.
fn falling<T>(lists: &[Vec<T>]) -> Vec<usize> {
    let mut places: Vec<usize> = (0..lists.len()).collect();
    places.sort_by_key(|&at| Reverse(lists[at].len()));
    places
}

/// Where each place stands in an order of them.
fn inverse(order: &[usize]) -> Vec<u32> {
    let mut inverse = vec![0; order.len()];
    for (at, &place) in (0..).zip(order) {
        inverse[place] = at;
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two examples: `a a b` and `c d`. Rows are 0 and 1, 2 and 3, 4 by step.
    #[test]
    fn segments_by_hand() {
        let packing = Packing::new(vec![3, 2]);
        let [a, b, c, d] = [Some(0), Some(1), Some(2), Some(3)];
        let segments = Segments::new(&packing, &[a, c, a, d, b]);
        assert_eq!(segments.within, Packing::new(vec![2, 1, 1, 1]));
        // `a a` is the longest; then b, c and d, in their order.
        assert_eq!(segments.rows, [0, 4, 1, 3, 2]);
        assert_eq!(segments.places, [0, 2, 4, 3, 1]);
        assert_eq!(segments.of_examples, Packing::new(vec![2, 2]));
        assert_eq!(segments.order, [0, 2, 1, 3]);
        assert_eq!(segments.examples, [0, 1]);
    }

    #[test]
    fn the_example_with_the_most_segments_comes_first_and_is_found_again() {
        let packing = Packing::new(vec![3, 2]);
        let segments = Segments::new(&packing, &[Some(0), Some(1), Some(0), Some(2), Some(0)]);
        assert_eq!(segments.of_examples.lengths(), [2, 1]);
        assert_eq!(segments.examples, [1, 0]);
        assert_eq!(segments.order, [1, 0, 2]);
    }

    #[test]
    fn what_lacks_the_field_is_one_segment() {
        let segments = Segments::new(&Packing::new(vec![2]), &[None, None]);
        assert_eq!((segments.within.lengths(), segments.order), (&[2][..], vec![0]));
        let none = Segments::new(&Packing::new(Vec::new()), &[]);
        assert_eq!(none.within.n_rows(), 0);
    }
}
