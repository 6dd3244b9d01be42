//! What is fitted to the training splits before the first step: all that a part of a system knows of its
//! corpora beside its parameters.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Vocabulary;

/// What one encoder or objective was fitted to, by the keys that its kind chose.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Fitted {
    /// Strings with their counts in training, and lists of words that the recipe names.
    pub vocabularies: BTreeMap<String, Vocabulary>,
    /// Finite numbers, such as bin edges. A saved number is the same to the bit.
    pub numbers: BTreeMap<String, Vec<f64>>,
}

impl Fitted {
    /// What is fitted, with this vocabulary.
    #[must_use]
    pub fn with_vocabulary(mut self, key: &str, vocabulary: Vocabulary) -> Self {
        self.vocabularies.insert(key.to_owned(), vocabulary);
        self
    }

    /// What is fitted, with these numbers.
    #[must_use]
    pub fn with_numbers(mut self, key: &str, numbers: Vec<f64>) -> Self {
        self.numbers.insert(key.to_owned(), numbers);
        self
    }

    /// Whether there is nothing to be fitted.
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
        fn what_is_saved_is_read_to_the_bit(
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
