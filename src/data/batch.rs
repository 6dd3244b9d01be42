//! Packed batches: time-major rows with lengths, no padding anywhere.
//!
//! The sequences of a batch are sorted by falling length (ties keep their order). Step t holds one
//! row for each sequence that is longer than t, so row (t, b) is `offsets[t] + b`, a recurrent layer
//! works on contiguous rows, and the backward direction starts at each sequence's own last token.

use super::{Corpus, Part, Symbol};

/// The shape of a packed batch of sequences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packing {
    lengths: Vec<usize>,
    offsets: Vec<usize>,
}

impl Packing {
    /// The packing of sequences of these lengths, which must fall and be at least 1.
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
        Self { lengths, offsets }
    }

    /// The packing of so many sequences of one row each: row b is sequence b.
    pub fn of_vectors(n: usize) -> Self {
        Self::new(vec![1; n])
    }

    /// How long each sequence is, falling.
    pub fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    /// How many sequences there are.
    pub fn n_sequences(&self) -> usize {
        self.lengths.len()
    }

    /// The longest sequence's length.
    pub fn n_steps(&self) -> usize {
        self.offsets.len() - 1
    }

    /// How many rows (tokens) there are in all.
    pub fn n_rows(&self) -> usize {
        self.offsets[self.n_steps()]
    }

    /// The rows of step t: one for each sequence that is longer than t.
    pub fn step(&self, t: usize) -> std::ops::Range<usize> {
        self.offsets[t]..self.offsets[t + 1]
    }

    /// The row of token `t` of sequence `b`.
    pub fn row(&self, b: usize, t: usize) -> usize {
        debug_assert!(t < self.lengths[b], "token {t} of a sequence of {}", self.lengths[b]);
        self.offsets[t] + b
    }

    /// The rows of sequence `b`, in the order of its tokens.
    pub fn rows(&self, b: usize) -> impl DoubleEndedIterator<Item = usize> + '_ {
        (0..self.lengths[b]).map(move |t| self.row(b, t))
    }

    /// For each row, its sequence and token.
    pub fn places(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        (0..self.n_steps()).flat_map(|t| (0..self.step(t).len()).map(move |b| (b, t)))
    }
}

/// The examples of one draw from one corpus, packed.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The corpus, by its place in the recipe.
    pub corpus: usize,
    /// The shape of the token rows.
    pub packing: Packing,
    /// The place in its split of each sequence of the packing.
    pub examples: Vec<usize>,
    /// For each field of the corpus, the symbol of each row; `None` for a token whose example lacks
    /// the field.
    fields: Vec<Vec<Option<Symbol>>>,
    /// For each field of the corpus, the symbol of each sequence; `None` where its example lacks the
    /// field, or the field has one for each token.
    labels: Vec<Vec<Option<Symbol>>>,
    /// For each field of the corpus, the set of each sequence; `None` where its example lacks the field,
    /// or the field holds no sets.
    label_sets: Vec<Vec<Option<Vec<Symbol>>>>,
}

impl Batch {
    /// Packs these examples of a split; empty examples are left out.
    pub fn new(corpus_idx: usize, corpus: &Corpus, part: &Part, examples: &[usize]) -> Self {
        let mut examples: Vec<usize> =
            examples.iter().copied().filter(|&at| !part.examples[at].is_empty()).collect();
        examples.sort_by_key(|&at| std::cmp::Reverse(part.examples[at].len()));
        let packing = Packing::new(examples.iter().map(|&at| part.examples[at].len()).collect());
        let fields = (0..corpus.fields.len())
            .map(|field| {
                packing
                    .places()
                    .map(|(b, t)| Some(part.examples[examples[b]].symbols(field)?[t]))
                    .collect()
            })
            .collect();
        let labels = (0..corpus.fields.len())
            .map(|field| examples.iter().map(|&at| part.examples[at].label(field)).collect())
            .collect();
        let label_sets = (0..corpus.fields.len())
            .map(|field| {
                let sets = examples.iter().map(|&at| part.examples[at].label_set(field));
                sets.map(|set| set.map(<[Symbol]>::to_vec)).collect()
            })
            .collect();
        Self { corpus: corpus_idx, packing, examples, fields, labels, label_sets }
    }

    /// The symbol of each row in one field.
    pub fn symbols(&self, field: usize) -> &[Option<Symbol>] {
        &self.fields[field]
    }

    /// The symbol of each sequence in one field that holds one for the whole example.
    pub fn labels(&self, field: usize) -> &[Option<Symbol>] {
        &self.labels[field]
    }

    /// The symbols of each sequence in one field that holds a set for the whole example.
    pub fn label_sets(&self, field: usize) -> &[Option<Vec<Symbol>>] {
        &self.label_sets[field]
    }

    /// The packing of one row for each of its examples, in their order.
    pub fn vectors(&self) -> Packing {
        Packing::of_vectors(self.packing.n_sequences())
    }

    /// Other rows of the same corpus, which stand for no token of an example: it has no fields.
    #[must_use]
    pub fn repacked(&self, packing: Packing) -> Self {
        Self {
            corpus: self.corpus,
            packing,
            examples: Vec::new(),
            fields: Vec::new(),
            labels: Vec::new(),
            label_sets: Vec::new(),
        }
    }

    /// How many tokens it has.
    pub fn n_tokens(&self) -> usize {
        self.packing.n_rows()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_time_major_and_hold_no_padding() {
        let packing = Packing::new(vec![3, 1, 1]);
        assert_eq!(packing.n_rows(), 5);
        assert_eq!(packing.step(0), 0..3);
        assert_eq!(packing.step(1), 3..4);
        assert_eq!(packing.rows(0).collect::<Vec<_>>(), [0, 3, 4]);
        assert_eq!(packing.rows(2).collect::<Vec<_>>(), [2]);
        let places: Vec<_> = packing.places().collect();
        assert_eq!(places, [(0, 0), (1, 0), (2, 0), (0, 1), (0, 2)]);
    }

    #[test]
    fn labels_stand_in_the_order_of_the_packing() {
        use super::super::{Example, Field};

        let example = |n_tokens: usize, label: Option<Symbol>| Example {
            lines: vec![1; n_tokens],
            fields: vec![Some(Field::Symbols(vec![7; n_tokens])), label.map(Field::Label)],
        };
        let examples = vec![example(1, Some(4)), example(3, None), example(2, Some(5))];
        let part = Part { examples, file: "train".into() };
        let fields = vec!["text".to_owned(), "label".to_owned()];
        let corpus = Corpus { fields, ..Corpus::default() };
        let batch = Batch::new(0, &corpus, &part, &[0, 1, 2]);
        assert_eq!(batch.labels(1), [None, Some(5), Some(4)]);
        assert_eq!(batch.symbols(1), [None; 6]);
        assert_eq!((batch.labels(0), batch.symbols(0)), (&[None; 3][..], &[Some(7); 6][..]));
        assert_eq!(batch.label_sets(1), [None, None, None]);
    }

    #[test]
    fn sets_stand_in_the_order_of_the_packing() {
        use super::super::{Example, Field};

        let example = |n_tokens: usize, set: Option<Vec<Symbol>>| Example {
            lines: vec![1; n_tokens],
            fields: vec![set.map(Field::Labels)],
        };
        let examples =
            vec![example(1, None), example(2, Some(vec![])), example(3, Some(vec![4, 5]))];
        let part = Part { examples, file: "train".into() };
        let corpus = Corpus { fields: vec!["topics".to_owned()], ..Corpus::default() };
        let batch = Batch::new(0, &corpus, &part, &[0, 1, 2]);
        assert_eq!(batch.label_sets(0), [Some(vec![4, 5]), Some(vec![]), None]);
        assert_eq!((batch.labels(0), batch.symbols(0)), (&[None; 3][..], &[None; 6][..]));
    }

    #[test]
    fn an_empty_packing_has_no_rows() {
        let packing = Packing::new(Vec::new());
        assert_eq!((packing.n_rows(), packing.n_steps()), (0, 0));
    }
}
