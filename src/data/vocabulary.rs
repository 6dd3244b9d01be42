//! Vocabularies: the strings that a model knows, with their counts in training.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
};

use serde::{Deserialize, Serialize};

/// Strings with ids 0, 1, 2, … in order of falling count, ties in alphabetical order, so that the
/// order is a function of the training data alone.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    items: Vec<(String, u64)>,
    index: HashMap<String, u32>,
}

impl Vocabulary {
    /// The vocabulary of these counts: at most `most` strings, each seen at least `least` times.
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

    fn from_items(items: Vec<(String, u64)>) -> Self {
        let index =
            items.iter().enumerate().map(|(id, (item, _))| (item.clone(), id as u32)).collect();
        Self { items, index }
    }

    /// The id of a string, if it is known.
    pub fn id(&self, item: &str) -> Option<u32> {
        self.index.get(item).copied()
    }

    /// The string of an id.
    pub fn item(&self, id: u32) -> &str {
        &self.items[id as usize].0
    }

    /// How often a string occurred in training; 0 for unknown ones.
    pub fn count(&self, item: &str) -> u64 {
        self.id(item).map_or(0, |id| self.items[id as usize].1)
    }

    /// Every string and its count, in the order of the ids.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.items.iter().map(|(item, count)| (item.as_str(), *count))
    }

    /// How many strings it knows.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether it knows none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
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

    #[test]
    fn ids_fall_by_count_then_rise_by_alphabet() {
        let counts = BTreeMap::from([("b", 2), ("a", 2), ("rare", 1), ("c", 5)]);
        let vocabulary = Vocabulary::from_counts(counts.clone(), 2, None);
        let items: Vec<_> = vocabulary.iter().map(|(item, _)| item).collect();
        assert_eq!(items, ["c", "a", "b"]);
        assert_eq!(vocabulary.id("rare"), None);
        assert_eq!(vocabulary.count("c"), 5);
        assert_eq!(Vocabulary::from_counts(counts, 1, Some(1)).len(), 1);
    }

    #[test]
    fn a_saved_vocabulary_is_the_same() {
        let vocabulary = Vocabulary::from_counts(BTreeMap::from([("x", 3), ("y", 1)]), 1, None);
        let saved = serde_json::to_string(&vocabulary).unwrap();
        let read: Vocabulary = serde_json::from_str(&saved).unwrap();
        assert_eq!(read.id("y"), Some(1));
        assert_eq!(read.count("x"), 3);
    }
}
