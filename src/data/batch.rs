//! Batches: the examples of one draw, packed.

use std::sync::Arc;

use super::{Corpus, Packing, Part, Symbol};

/// The examples of one draw from one corpus, packed.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The corpus, by its place in the recipe.
    pub corpus: usize,
    /// The place in its split of each example, in the batch's order.
    pub examples: Vec<usize>,
    /// One row for each example, in the batch's order.
    per_example: Arc<Packing>,
    /// The token rows.
    packing: Arc<Packing>,
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
        let per_example = Arc::new(Packing::of_examples(examples.len()));
        let lengths: Vec<usize> = examples.iter().map(|&at| part.examples[at].len()).collect();
        let packing = Arc::new(Packing::sorted_below(&per_example, &lengths));
        let fields = (0..corpus.fields.len())
            .map(|field| {
                packing
                    .positions()
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
        Self { corpus: corpus_idx, examples, per_example, packing, fields, labels, label_sets }
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
    pub fn per_example(&self) -> &Arc<Packing> {
        &self.per_example
    }

    /// The packing of the rows of a field that has one for each token.
    pub fn packing(&self, _field: usize) -> &Arc<Packing> {
        &self.packing
    }

    /// The rows of an example in such a field, in the order of its tokens.
    pub fn rows_of(&self, field: usize, example: usize) -> Vec<usize> {
        self.packing(field).rows_of_example(example)
    }

    /// How many examples it has.
    pub fn n_examples(&self) -> usize {
        self.examples.len()
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
}
