//! Vocabularies: the strings that a model knows, with their training counts.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
};

use serde::{Deserialize, Serialize};

use super::{Corpus, FieldValues, Lexicon, SplitData, Symbol, normalize::Normalize};

/// Strings with ids 0, 1, 2, … in order of descending count, ties in alphabetical order, so that
/// the order is a function of the training data only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vocabulary {
    items: Vec<(String, u64)>,
    index: HashMap<String, u32>,
}

impl Vocabulary {
    /// The vocabulary of these counts: at most `most` strings, each with a count of at least
    /// `least`.
    pub fn from_counts(counts: BTreeMap<&str, u64>, least: u64, most: Option<usize>) -> Self {
        let mut items: Vec<(String, u64)> = counts
            .into_iter()
            .filter(|&(_, count)| count >= least)
            .map(|(item, count)| (item.to_owned(), count))
            .collect();
        // The sort is stable and the map was sorted, so ties stay in alphabetical order.
        items.sort_by_key(|&(_, count)| Reverse(count));
        items.truncate(most.unwrap_or(usize::MAX));
        Self::from_items(items)
    }

    /// The vocabulary with these strings in their order, which differ from each other; their counts descend to 1.
    pub fn in_order(items: impl IntoIterator<Item = String>) -> Self {
        let items: Vec<String> = items.into_iter().collect();
        let counts = (1..=items.len() as u64).rev();
        Self::from_items(items.into_iter().zip(counts).collect())
    }

    /// The vocabulary of one field in the training splits of these corpora, each with the field's
    /// index in it: at most `most` forms of its strings.
    pub fn of_train<'a>(
        corpora: impl IntoIterator<Item = (&'a Corpus, usize)>,
        form: impl Fn(&str) -> String,
        most: Option<usize>,
    ) -> Self {
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for (corpus, field) in corpora {
            let lexicon = &corpus.lexicons[field];
            for (item, count) in lexicon.iter().zip(count(lexicon, &corpus.train, field)) {
                if count > 0 {
                    *counts.entry(form(item)).or_default() += count;
                }
            }
        }
        let counts = counts.iter().map(|(item, &count)| (item.as_str(), count)).collect();
        Self::from_counts(counts, 1, most)
    }

    /// The vocabulary with normalized strings; the counts of strings that become equal are added.
    #[must_use]
    pub fn normalized(&self, normalize: Normalize) -> Self {
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for (item, count) in &self.items {
            *counts.entry(normalize.apply(item).into_owned()).or_default() += count;
        }
        Self::from_counts(counts.iter().map(|(item, &n)| (item.as_str(), n)).collect(), 0, None)
    }

    /// The strings for which this is true, given each with its count, in the same order.
    #[must_use]
    pub fn retained(&self, keep: impl Fn(&str, u64) -> bool) -> Self {
        let kept = self.items.iter().filter(|(item, count)| keep(item, *count));
        Self::from_items(kept.cloned().collect())
    }

    fn from_items(items: Vec<(String, u64)>) -> Self {
        let index =
            items.iter().enumerate().map(|(id, (item, _))| (item.clone(), id as u32)).collect();
        Self { items, index }
    }

    /// The id of a string, if the vocabulary has it.
    pub fn id(&self, item: &str) -> Option<u32> {
        self.index.get(item).copied()
    }

    /// The string of an id.
    pub fn item(&self, id: u32) -> &str {
        &self.items[id as usize].0
    }

    /// The training count of a string; 0 if it is unknown.
    pub fn count(&self, item: &str) -> u64 {
        self.id(item).map_or(0, |id| self.items[id as usize].1)
    }

    /// Every string and its count, in the order of the ids.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.items.iter().map(|(item, count)| (item.as_str(), *count))
    }

    /// The number of strings.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

/// The count of each symbol of a lexicon in one field of a split, by symbol.
pub fn count(lexicon: &Lexicon, split: &SplitData, field: usize) -> Vec<u64> {
    let mut counts = vec![0; lexicon.len()];
    let strings = split.examples.iter().filter_map(|example| example.strings(field)).flatten();
    for symbol in strings.copied().chain(split.collected(field)) {
        counts[symbol as usize] += 1;
    }
    counts
}

/// The same for the strings that are labels.
pub fn count_labels(lexicon: &Lexicon, split: &SplitData, field: usize) -> Vec<u64> {
    let mut counts = vec![0; lexicon.len()];
    let values = split.examples.iter().filter_map(|example| example.fields.get(field)?.as_ref());
    for symbol in values.flat_map(FieldValues::label_symbols) {
        counts[symbol as usize] += 1;
    }
    counts
}

/// The ids of a corpus's symbols in a vocabulary, so that no string is hashed during training.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lookup {
    ids: Vec<Option<u32>>,
}

impl Lookup {
    /// The ids of all current symbols of the lexicon.
    pub fn new(vocabulary: &Vocabulary, lexicon: &Lexicon, normalize: Normalize) -> Self {
        let ids = lexicon.iter().map(|item| vocabulary.id(&normalize.apply(item))).collect();
        Self { ids }
    }

    /// The id of a symbol; `None` for strings outside the vocabulary.
    pub fn id(&self, symbol: Symbol) -> Option<u32> {
        self.ids[symbol as usize]
    }
}

impl Serialize for Vocabulary {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.items.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Vocabulary {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::from_items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Example;

    #[test]
    fn ids_are_ordered_by_count_then_alphabetically() {
        let counts = BTreeMap::from([("b", 2), ("a", 2), ("rare", 1), ("c", 5)]);
        let vocabulary = Vocabulary::from_counts(counts.clone(), 2, None);
        let items: Vec<_> = vocabulary.iter().map(|(item, _)| item).collect();
        assert_eq!(items, ["c", "a", "b"]);
        assert_eq!(vocabulary.id("rare"), None);
        assert_eq!(vocabulary.count("c"), 5);
        let all = Vocabulary::from_counts(counts.clone(), 1, None);
        assert_eq!(all.retained(|_, count| count >= 2), vocabulary);
        assert_eq!(Vocabulary::from_counts(counts, 1, Some(1)).len(), 1);
    }

    #[test]
    fn normalized_fields_of_several_corpora_are_counted_together() {
        let corpus = |tokens: &[&str], unseen: &str| {
            let mut lexicon = Lexicon::default();
            let symbols: Vec<_> = tokens.iter().map(|token| lexicon.intern(token)).collect();
            lexicon.intern(unseen);
            let lines = vec![1; symbols.len()];
            let fields = vec![None, Some(FieldValues::Symbols(symbols))];
            let train = SplitData {
                examples: vec![Example::of_tokens(lines, fields)],
                file: "train".into(),
                ..SplitData::default()
            };
            Corpus { lexicons: vec![Lexicon::default(), lexicon], train, ..Corpus::default() }
        };
        let news = corpus(&["The", "the", "b1"], "dev-only");
        let web = corpus(&["B2", "the"], "other");
        let normalize = Normalize { lowercase: true, zero_digits: true };
        let vocabulary = Vocabulary::of_train(
            [(&news, 1), (&web, 1)],
            |word| normalize.apply(word).into_owned(),
            None,
        );
        assert_eq!(vocabulary.iter().collect::<Vec<_>>(), [("the", 3), ("b0", 2)]);
        let lookup = Lookup::new(&vocabulary, &web.lexicons[1], normalize);
        assert_eq!([0, 1, 2].map(|symbol| lookup.id(symbol)), [Some(1), Some(0), None]);
    }

    #[test]
    fn strings_that_become_equal_are_counted_together() {
        let counts = BTreeMap::from([("Good", 2), ("good", 3), ("bad", 4)]);
        let lower = Normalize { lowercase: true, ..Normalize::default() };
        let vocabulary = Vocabulary::from_counts(counts, 1, None).normalized(lower);
        assert_eq!(vocabulary.iter().collect::<Vec<_>>(), [("good", 5), ("bad", 4)]);
    }

    #[test]
    fn vocabularies_round_trip() {
        let vocabulary = Vocabulary::from_counts(BTreeMap::from([("x", 3), ("y", 1)]), 1, None);
        let saved = serde_json::to_string(&vocabulary).unwrap();
        let read: Vocabulary = serde_json::from_str(&saved).unwrap();
        assert_eq!(read.id("y"), Some(1));
        assert_eq!(read.count("x"), 3);
    }
}
