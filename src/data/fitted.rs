//! Values fitted to the training splits before the first step: everything that a part of a system
//! knows of its corpora besides its parameters.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Vocabulary;

/// The fitted values of one encoder or objective, by keys that its kind defines.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Fitted {
    /// Strings with their counts in training, and word lists that the recipe names.
    pub vocabularies: BTreeMap<String, Vocabulary>,
    /// Finite numbers, such as bin edges. Saving and loading preserves every bit.
    pub numbers: BTreeMap<String, Vec<f64>>,
}

impl Fitted {
    /// Adds a vocabulary.
    #[must_use]
    pub fn with_vocabulary(mut self, key: &str, vocabulary: Vocabulary) -> Self {
        self.vocabularies.insert(key.to_owned(), vocabulary);
        self
    }

    /// Adds numbers.
    #[must_use]
    pub fn with_numbers(mut self, key: &str, numbers: Vec<f64>) -> Self {
        self.numbers.insert(key.to_owned(), numbers);
        self
    }

    /// The vocabulary with that key; the error says that there is none.
    pub fn vocabulary(&self, key: &str) -> Result<Vocabulary, String> {
        let missing = || format!("expected a vocabulary {key:?}, found none");
        self.vocabularies.get(key).cloned().ok_or_else(missing)
    }

    /// The numbers with that key; the error says that there are none.
    pub fn numbers(&self, key: &str) -> Result<Vec<f64>, String> {
        let missing = || format!("expected numbers {key:?}, found none");
        self.numbers.get(key).cloned().ok_or_else(missing)
    }

    /// Whether nothing was fitted.
    pub fn is_empty(&self) -> bool {
        self.vocabularies.is_empty() && self.numbers.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn saved_numbers_load_bit_for_bit(
            numbers in prop::collection::vec(prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL, 0..9),
        ) {
            let words = Vocabulary::from_counts(BTreeMap::from([("x", 3), ("y", 1)]), 1, None);
            let fitted = Fitted::default()
                .with_vocabulary("words", words)
                .with_numbers("edges", numbers.clone());
            let saved = serde_json::to_string(&fitted).unwrap();
            let read: Fitted = serde_json::from_str(&saved).unwrap();
            let bits = |numbers: &[f64]| numbers.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(&read.numbers["edges"]), bits(&numbers));
            prop_assert_eq!(read, fitted);
        }
    }
}
