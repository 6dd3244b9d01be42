//! Batches: the examples of one draw, with one packing per sequence of the corpus, all over the
//! same examples in the same order.

mod shared;

use std::{ops::Range, sync::Arc};

use super::{Axis, Corpus, Example, FieldForm, FieldValues, Packing, Positions, SplitData, Symbol};
pub use shared::Candidates;
use shared::{Extent, Shared};

/// The examples of one draw from one corpus, packed.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The index of the corpus in the recipe.
    pub corpus: usize,
    /// The index of each example in its split, in the batch's order.
    pub examples: Vec<usize>,
    /// The packing with one row per example, in the batch's order.
    per_example: Arc<Packing>,
    /// The rows of each sequence of the corpus.
    sequences: Vec<Sequence>,
    /// The axis of each field.
    axes: Vec<Axis>,
    /// The values of each field.
    columns: Vec<Column>,
    /// The documents that its examples share.
    shared: Option<Shared>,
}

/// A packed sequence of the corpus.
#[derive(Clone, Debug)]
struct Sequence {
    packing: Arc<Packing>,
    /// For each sequence of the packing, its first position in its example: 0 except for the items
    /// of a list.
    starts: Vec<u32>,
    /// For each row, whether its token follows the one before without white space; empty if no example was
    /// tokenized from raw text.
    joined: Vec<bool>,
}

/// The values of a field, by the rows of its axis or by example.
#[derive(Clone, Debug)]
enum Column {
    /// A symbol or a segment per row; `None` where there is none.
    Symbols(Vec<Option<u32>>),
    /// The same, some of which stand in place of a label.
    Filled {
        symbols: Vec<Option<Symbol>>,
        /// `None` where there is no label.
        labels: Vec<Option<Symbol>>,
    },
    /// A symbol per example.
    Labels(Vec<Option<Symbol>>),
    /// A set per example.
    LabelSets(Vec<Option<Vec<Symbol>>>),
    /// Vectors of dimension `width`, row after row; zeros where the example lacks the field.
    Frames { width: usize, numbers: Vec<f32> },
    /// Other values, by example.
    Values(Vec<Option<FieldValues>>),
}

/// The origin of a row of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The index of the example in its split.
    pub example: usize,
    /// The position in the example's sequence, counted over all of its items.
    pub position: usize,
    /// The line of the file, counted from 1.
    pub line: u32,
    /// Its byte offsets in the raw text, if it was tokenized from one.
    pub bytes: Option<Range<usize>>,
}

impl Batch {
    /// Packs these examples of a split; empty examples are left out. Examples are sorted by
    /// descending length of their first sequence, with ties in the given order. Of a collection it has
    /// the documents that they refer to.
    pub fn new(corpus_idx: usize, corpus: &Corpus, split: &SplitData, examples: &[usize]) -> Self {
        Self::pack(corpus_idx, corpus, (split, Extent::Referred), examples)
    }

    /// The same with the whole collection: every document is a candidate of every example.
    pub fn for_evaluation(
        corpus_idx: usize,
        corpus: &Corpus,
        split: &SplitData,
        examples: &[usize],
    ) -> Self {
        Self::pack(corpus_idx, corpus, (split, Extent::Whole), examples)
    }

    fn pack(
        corpus_idx: usize,
        corpus: &Corpus,
        (split, extent): (&SplitData, Extent),
        examples: &[usize],
    ) -> Self {
        let of = |at: &usize| &split.examples[*at];
        let mut examples: Vec<usize> =
            examples.iter().copied().filter(|at| !of(at).is_empty()).collect();
        examples.sort_by_key(|at| std::cmp::Reverse(of(at).len_of(0)));
        let per_example = Arc::new(Packing::of_examples(examples.len()));
        let packed: Vec<&Example> = examples.iter().map(of).collect();
        let collection = split.collection.as_ref();
        let collection = collection.filter(|it| !it.documents.is_empty() && !packed.is_empty());
        let shared = collection.map(|collection| Shared::new(collection, &packed, extent));
        let holding = shared.as_ref().map_or_else(Vec::new, |it| it.instead_of(packed.len()));
        // The examples, or what has the documents in their place.
        let with = |axis: Axis| match &shared {
            Some(shared) if shared.has(axis) => holding.as_slice(),
            _ => packed.as_slice(),
        };
        let sequences: Vec<Sequence> = (0..corpus.sequences.len())
            .map(|at| {
                let examples = with(Axis::Sequence(at));
                Sequence::new(&per_example, examples, at, corpus.sequences[at].is_list)
            })
            .collect();
        let column = |(at, field): (usize, &super::Field)| match (&shared, field.axis) {
            (Some(shared), Axis::Items(sequence)) if sequence == shared.sequence => {
                Column::Values(packed.iter().map(|example| example.fields[at].clone()).collect())
            }
            _ => Column::new(at, field, &sequences, with(field.axis)),
        };
        let columns = corpus.fields.iter().enumerate().map(column).collect();
        let axes = corpus.fields.iter().map(|field| field.axis).collect();
        Self { corpus: corpus_idx, examples, per_example, sequences, axes, columns, shared }
    }

    /// The symbol or segment of each row of a field with one per position or item; empty for any
    /// other field.
    pub fn symbols(&self, field: usize) -> &[Option<Symbol>] {
        match &self.columns[field] {
            Column::Symbols(symbols) | Column::Filled { symbols, .. } => symbols,
            _ => &[],
        }
    }

    /// The same where the symbol is a label.
    pub fn row_labels(&self, field: usize) -> &[Option<Symbol>] {
        match &self.columns[field] {
            Column::Filled { labels, .. } => labels,
            _ => self.symbols(field),
        }
    }

    /// The symbol of each example in a field with one per example; empty for any other field.
    pub fn labels(&self, field: usize) -> &[Option<Symbol>] {
        if let Column::Labels(labels) = &self.columns[field] { labels } else { &[] }
    }

    /// The symbols of each example in a field with a set per example; empty for any other field.
    pub fn label_sets(&self, field: usize) -> &[Option<Vec<Symbol>>] {
        if let Column::LabelSets(sets) = &self.columns[field] { sets } else { &[] }
    }

    /// The dimension of a field's frames and their values, row after row; `None` for any other
    /// field.
    pub fn frames(&self, field: usize) -> Option<(usize, &[f32])> {
        match &self.columns[field] {
            Column::Frames { width, numbers } => Some((*width, numbers)),
            _ => None,
        }
    }

    /// The values of each example in a field of numbers, pictures, arcs, spans, relations or text;
    /// empty for any other field.
    pub fn values(&self, field: usize) -> &[Option<FieldValues>] {
        if let Column::Values(values) = &self.columns[field] { values } else { &[] }
    }

    /// The packing with one row per example, in the batch's order.
    pub fn per_example(&self) -> &Arc<Packing> {
        &self.per_example
    }

    /// The packing of a sequence of the corpus: one row per position.
    pub fn sequence(&self, sequence: usize) -> &Arc<Packing> {
        &self.sequences[sequence].packing
    }

    /// The packing of the rows of a field.
    pub fn packing(&self, field: usize) -> &Arc<Packing> {
        match self.axes[field] {
            Axis::Sequence(sequence) => self.sequence(sequence),
            Axis::Items(sequence) => {
                let items = self.sequence(sequence).parent();
                items.expect("the tokens of an item belong to it")
            }
            Axis::Example => &self.per_example,
        }
    }

    /// The rows of an example in a field, in the order of its positions.
    pub fn rows_of(&self, field: usize, example: usize) -> Vec<usize> {
        self.packing(field).rows_of_example(example)
    }

    /// The origin of a row of a sequence, in the split that the batch was drawn from; not of one of the documents of
    /// a collection.
    pub fn origin(&self, split: &SplitData, sequence: usize, row: usize) -> Origin {
        let Sequence { packing, starts, .. } = &self.sequences[sequence];
        let (b, t) = packing.positions().nth(row).expect("a row of the packing");
        let example = self.examples[packing.examples()[b] as usize];
        let positions = split.examples[example].sequences[sequence].as_ref();
        let positions = positions.expect("what has rows is there");
        let position = starts[b] as usize + t;
        let (line, bytes) = (positions.line(position), positions.bytes(position));
        Origin { example, position, line, bytes }
    }

    /// Whether the token of a row of a sequence follows the one before without white space; false where the file
    /// has tokens.
    pub fn is_joined(&self, sequence: usize, row: usize) -> bool {
        self.sequences[sequence].joined.get(row).copied().unwrap_or(false)
    }

    /// The number of examples.
    pub fn n_examples(&self) -> usize {
        self.examples.len()
    }

    /// The number of tokens over all sequences.
    pub fn n_tokens(&self) -> usize {
        self.sequences.iter().map(|sequence| sequence.packing.n_rows()).sum()
    }
}

impl Sequence {
    fn new(per_example: &Arc<Packing>, examples: &[&Example], at: usize, is_list: bool) -> Self {
        if !is_list {
            let lengths: Vec<usize> = examples.iter().map(|example| example.len_of(at)).collect();
            let packing = Arc::new(Packing::sorted_below(per_example, &lengths));
            let starts = vec![0; packing.n_sequences()];
            return Self { joined: joined(&packing, &starts, examples, at), packing, starts };
        }
        let of = |example: &&Example| {
            example.sequences[at].as_ref().map_or_else(Vec::new, Positions::items)
        };
        let items: Vec<Vec<usize>> = examples.iter().map(of).collect();
        let n_items: Vec<usize> = items.iter().map(Vec::len).collect();
        let above = Arc::new(Packing::sorted_below(per_example, &n_items));
        let owners = above.examples();
        let place = |(b, t): (usize, usize)| {
            let items = &items[owners[b] as usize];
            (items[t], items[..t].iter().sum::<usize>() as u32)
        };
        let (lengths, starts): (Vec<usize>, Vec<u32>) = above.positions().map(place).unzip();
        let packing = Arc::new(Packing::sorted_below(&above, &lengths));
        let starts: Vec<u32> =
            packing.parent_rows().iter().map(|&row| starts[row as usize]).collect();
        Self { joined: joined(&packing, &starts, examples, at), packing, starts }
    }
}

/// Whether each row's token follows the one before in its sequence without white space; empty if none has bytes.
fn joined(packing: &Packing, starts: &[u32], examples: &[&Example], at: usize) -> Vec<bool> {
    let has_bytes =
        |example: &&Example| example.sequences[at].as_ref().is_some_and(Positions::has_bytes);
    if !examples.iter().any(has_bytes) {
        return Vec::new();
    }
    let owners = packing.examples();
    let is_joined = |(b, t): (usize, usize)| {
        let positions = examples[owners[b] as usize].sequences[at].as_ref()?;
        let position = starts[b] as usize + t.checked_sub(1)?;
        let [before, this] = [position, position + 1].map(|at| positions.bytes(at));
        Some(before?.end == this?.start)
    };
    packing.positions().map(|position| is_joined(position).unwrap_or(false)).collect()
}

impl Column {
    fn new(at: usize, field: &super::Field, sequences: &[Sequence], examples: &[&Example]) -> Self {
        match (field.form, field.axis) {
            (FieldForm::Label, _) => {
                Self::Labels(examples.iter().map(|example| example.label(at)).collect())
            }
            (FieldForm::Labels, _) => {
                let sets = examples.iter().map(|example| example.label_set(at));
                Self::LabelSets(sets.map(|set| set.map(<[Symbol]>::to_vec)).collect())
            }
            (FieldForm::Symbols | FieldForm::Segments, Axis::Sequence(sequence)) => {
                let Sequence { packing, starts, .. } = &sequences[sequence];
                let owners = packing.examples();
                let of = |b: usize| examples[owners[b] as usize].fields[at].as_ref();
                let value = |(b, t): (usize, usize)| match of(b)? {
                    FieldValues::Symbols(all)
                    | FieldValues::Segments(all)
                    | FieldValues::Filled { symbols: all, .. } => Some(all[starts[b] as usize + t]),
                    FieldValues::Partial { .. } => {
                        examples[owners[b] as usize].symbol_at(at, starts[b] as usize + t)
                    }
                    _ => None,
                };
                let symbols = packing.positions().map(value).collect();
                let is_filled = |example: &&Example| {
                    matches!(example.fields[at], Some(FieldValues::Filled { .. }))
                };
                if !examples.iter().any(is_filled) {
                    return Self::Symbols(symbols);
                }
                let label = |(b, t): (usize, usize)| {
                    examples[owners[b] as usize].label_at(at, starts[b] as usize + t)
                };
                Self::Filled { symbols, labels: packing.positions().map(label).collect() }
            }
            (FieldForm::Symbols, Axis::Items(sequence)) => {
                let items = sequences[sequence].packing.parent();
                let items = items.expect("the tokens of an item belong to it");
                let owners = items.examples();
                let value =
                    |(b, t): (usize, usize)| Some(examples[owners[b] as usize].symbols(at)?[t]);
                Self::Symbols(items.positions().map(value).collect())
            }
            (FieldForm::Frames, Axis::Sequence(sequence)) => {
                frames(at, &sequences[sequence], examples)
            }
            _ => Self::Values(examples.iter().map(|example| example.fields[at].clone()).collect()),
        }
    }
}

fn frames(at: usize, sequence: &Sequence, examples: &[&Example]) -> Column {
    let owners = sequence.packing.examples();
    let of = |b: usize| match examples[owners[b] as usize].fields[at].as_ref() {
        Some(FieldValues::Frames { width, numbers, .. }) => Some((*width, numbers.as_ref())),
        _ => None,
    };
    let width = (0..owners.len()).find_map(of).map_or(0, |(width, _)| width);
    let mut numbers = Vec::with_capacity(sequence.packing.n_rows() * width);
    for (b, t) in sequence.packing.positions() {
        match of(b) {
            Some((width, all)) => numbers.extend(&all[t * width..][..width]),
            None => numbers.extend(std::iter::repeat_n(0.0, width)),
        }
    }
    Column::Frames { width, numbers }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Field, Schema, SequenceSpec};

    #[test]
    fn labels_are_in_the_order_of_the_batch() {
        let example = |n_tokens: usize, label: Option<Symbol>| {
            let words = Some(FieldValues::Symbols(vec![7; n_tokens]));
            Example::of_tokens(vec![1; n_tokens], vec![words, label.map(FieldValues::Label)])
        };
        let examples = vec![example(1, Some(4)), example(3, None), example(2, Some(5))];
        let split = SplitData { examples, file: "train".into(), ..SplitData::default() };
        let fields = vec![Field::of_tokens("text"), Field::of_examples("label")];
        let corpus = Corpus::of_schema(Schema::of_tokens(fields));
        let batch = Batch::new(0, &corpus, &split, &[0, 1, 2]);
        assert_eq!(batch.labels(1), [None, Some(5), Some(4)]);
        assert_eq!(batch.symbols(0), [Some(7); 6]);
        assert!(batch.symbols(1).is_empty() && batch.labels(0).is_empty());
        assert!(batch.label_sets(1).is_empty());
    }

    #[test]
    fn sets_are_in_the_order_of_the_batch() {
        let example = |n_tokens: usize, set: Option<Vec<Symbol>>| {
            Example::of_tokens(vec![1; n_tokens], vec![set.map(FieldValues::Labels)])
        };
        let examples =
            vec![example(1, None), example(2, Some(vec![])), example(3, Some(vec![4, 5]))];
        let split = SplitData { examples, file: "train".into(), ..SplitData::default() };
        let fields = vec![Field::new("topics", Axis::Example, FieldForm::Labels)];
        let corpus = Corpus::of_schema(Schema::of_tokens(fields));
        let batch = Batch::new(0, &corpus, &split, &[0, 1, 2]);
        assert_eq!(batch.label_sets(0), [Some(vec![4, 5]), Some(vec![]), None]);
    }

    #[test]
    fn what_stands_in_place_of_a_label_is_a_symbol_and_no_label() {
        let example = |values: FieldValues| Example::of_tokens(vec![1; 2], vec![Some(values)]);
        let filled = FieldValues::Filled { symbols: vec![8, 9], labelled: vec![1] };
        let examples = vec![example(filled), example(FieldValues::Symbols(vec![5, 6]))];
        let split = SplitData { examples, file: "train".into(), ..SplitData::default() };
        let corpus = Corpus::of_schema(Schema::of_tokens(vec![Field::of_tokens("pos")]));
        let batch = Batch::new(0, &corpus, &split, &[0, 1]);
        assert_eq!(batch.symbols(0), [Some(8), Some(5), Some(9), Some(6)]);
        assert_eq!(batch.row_labels(0), [None, Some(5), Some(9), Some(6)]);
        assert_eq!(Batch::new(0, &corpus, &split, &[1]).row_labels(0), [Some(5), Some(6)]);
    }

    /// A query of two words with candidates of 1 and 2 words, a query of three without candidates,
    /// and no query with one candidate of 1.
    #[test]
    fn sequences_of_a_batch_share_its_order_and_may_be_absent() {
        let example = |line: u32, query: Option<usize>, items: Option<Vec<u32>>| {
            let words =
                |n: usize| FieldValues::Symbols((0..n as u32).map(|at| 10 * line + at).collect());
            let n = items.as_ref().map(|items| items.iter().sum::<u32>() as usize);
            let candidates =
                items.map(|items| Positions::on_line(line, n.unwrap_or_default()).in_items(items));
            Example {
                file: None,
                line,
                sequences: vec![query.map(|n| Positions::on_line(line, n)), candidates],
                fields: vec![query.map(words), n.map(words)],
            }
        };
        let examples = vec![
            example(1, Some(2), Some(vec![1, 2])),
            example(2, Some(3), None),
            example(3, None, Some(vec![1])),
        ];
        let split = SplitData { examples, file: "train".into(), ..SplitData::default() };
        let sequences = [("query", false), ("candidates", true)];
        let sequences =
            sequences.map(|(name, is_list)| SequenceSpec { name: name.into(), is_list });
        let field = |at, name| Field::new(name, Axis::Sequence(at), FieldForm::Symbols);
        let fields = vec![field(0, "query"), field(1, "candidates")];
        let corpus = Corpus::of_schema(Schema { sequences: sequences.into(), fields });
        let batch = Batch::new(0, &corpus, &split, &[0, 1, 2]);
        assert_eq!(batch.examples, [1, 0, 2]);
        assert_eq!(batch.sequence(0).lengths(), [3, 2]);
        assert_eq!(batch.sequence(1).lengths(), [2, 1, 1]);
        assert_eq!(batch.sequence(1).examples(), [1, 1, 2]);
        assert_eq!(batch.rows_of(1, 1).len(), 3);
        assert_eq!(batch.rows_of(1, 0), [0; 0]);
        // The second candidate of the first query is the longest sequence.
        assert_eq!(batch.symbols(1)[0], Some(11));
        let origin = batch.origin(&split, 1, 0);
        assert_eq!((origin.example, origin.position, origin.line), (0, 1, 1));
        assert_eq!(batch.n_tokens(), 9);
        assert!(!batch.is_joined(1, 0));
    }

    /// `so it's` as three tokens, and a text of tokens.
    #[test]
    fn a_token_without_white_space_before_it_is_joined() {
        let example = |bytes: Option<Vec<(u32, u32)>>, n: usize| Example {
            file: None,
            line: 1,
            sequences: vec![Some(Positions::on_line(1, n).at_bytes(bytes))],
            fields: vec![Some(FieldValues::Symbols(vec![0; n]))],
        };
        let bytes = vec![(0, 2), (3, 5), (5, 7)];
        let examples = vec![example(Some(bytes), 3), example(None, 2)];
        let split = SplitData { examples, file: "train".into(), ..SplitData::default() };
        let corpus = Corpus::of_schema(Schema::of_tokens(vec![Field::of_tokens("text")]));
        let batch = Batch::new(0, &corpus, &split, &[0, 1]);
        let joined = |example| {
            let rows = batch.rows_of(0, example).into_iter();
            rows.map(|row| batch.is_joined(0, row)).collect::<Vec<_>>()
        };
        assert_eq!(joined(0), [false, false, true]);
        assert_eq!(joined(1), [false; 2]);
    }
}
