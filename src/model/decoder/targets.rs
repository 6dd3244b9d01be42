//! The rows of teacher forcing: what precedes each symbol of a target, and what is to be predicted.

use std::sync::Arc;

use super::{EDGE, FIRST, UNKNOWN};
use crate::data::{
    Batch, Lexicon, Packing, Subwords, Symbol, Vocabulary, normalize::Normalize, vocabulary::Lookup,
};

/// The classes of the strings of a field.
pub enum TargetIds {
    /// One for each word.
    Words(Lookup),
    /// Those of the subwords of each word, by its symbol.
    Subwords(Vec<Box<[u32]>>),
}

impl TargetIds {
    /// Those of all strings of a lexicon, of a decoder with this vocabulary, which may be of subwords.
    pub fn new(vocabulary: &Vocabulary, subwords: Option<&Subwords>, lexicon: &Lexicon) -> Self {
        match subwords {
            None => Self::Words(Lookup::new(vocabulary, lexicon, Normalize::default())),
            Some(subwords) => Self::Subwords(subwords.ids(vocabulary, lexicon, FIRST)),
        }
    }

    /// The number of classes of a word.
    fn n_classes(&self, symbol: Symbol) -> usize {
        match self {
            Self::Words(_) => 1,
            Self::Subwords(all) => all[symbol as usize].len(),
        }
    }

    fn extend(&self, symbol: Symbol, classes: &mut Vec<u32>) {
        match self {
            Self::Words(ids) => classes.push(ids.id(symbol).map_or(UNKNOWN, |id| id + FIRST)),
            Self::Subwords(all) => classes.extend(&all[symbol as usize]),
        }
    }
}

/// The rows of a batch's targets: for each example that has one, its symbols and its end.
pub struct TargetRows<'a> {
    packing: &'a Packing,
    /// The words of each sequence of the packing.
    words: Vec<Vec<Symbol>>,
    /// Their classes.
    classes: Vec<Vec<u32>>,
}

impl<'a> TargetRows<'a> {
    /// The packing of the rows of a field of a batch: one for each symbol of an example's target and one for its end. An
    /// example in which a word is missing has no target.
    pub fn packing(batch: &Batch, field: usize, ids: &TargetIds) -> Arc<Packing> {
        let source = batch.packing(field);
        let length = |sequence: &Option<u32>| {
            let words = sequence.and_then(|sequence| words_of(batch, field, sequence as usize));
            words.map_or(0, |words| {
                words.into_iter().map(|word| ids.n_classes(word)).sum::<usize>() + 1
            })
        };
        let lengths: Vec<usize> = source.sequences_of_parent().iter().map(length).collect();
        let above = source.parent().expect("a sequence belongs to an example");
        Arc::new(Packing::sorted_below(above, &lengths))
    }

    /// The rows of a field whose strings have these classes, with the packing that [`TargetRows::packing`] returns.
    pub fn new(packing: &'a Packing, batch: &Batch, field: usize, ids: &TargetIds) -> Self {
        let source = batch.packing(field);
        let sequences = packing.parent_rows().iter();
        let sequences = sequences.filter_map(|&row| source.sequences_of_parent()[row as usize]);
        let words = sequences.filter_map(|sequence| words_of(batch, field, sequence as usize));
        let words: Vec<Vec<Symbol>> = words.collect();
        let classes = words.iter().map(|words| {
            let mut classes = Vec::with_capacity(words.len());
            for &word in words {
                ids.extend(word, &mut classes);
            }
            classes
        });
        Self { packing, classes: classes.collect(), words }
    }

    /// The class before each row: [`EDGE`] at the beginning.
    pub fn previous(&self) -> Vec<u32> {
        let previous =
            |(b, t): (usize, usize)| t.checked_sub(1).map_or(EDGE, |t| self.classes[b][t]);
        self.packing.positions().map(previous).collect()
    }

    /// The class to predict in each row: [`EDGE`] at the end.
    pub fn targets(&self) -> Vec<u32> {
        let target = |(b, t): (usize, usize)| self.classes[b].get(t).copied().unwrap_or(EDGE);
        self.packing.positions().map(target).collect()
    }

    /// The same with other classes of words, where each word has one.
    pub fn targets_by(&self, class: impl Fn(Symbol) -> u32) -> Vec<u32> {
        let target =
            |(b, t): (usize, usize)| self.words[b].get(t).map_or(EDGE, |&word| class(word));
        self.packing.positions().map(target).collect()
    }
}

/// The words of a sequence of a field; `None` if one is missing.
fn words_of(batch: &Batch, field: usize, sequence: usize) -> Option<Vec<Symbol>> {
    let symbols = batch.symbols(field);
    let rows = batch.packing(field).rows(sequence);
    rows.map(|row| symbols.get(row).copied().flatten()).collect()
}
