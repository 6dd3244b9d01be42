//! Presence: whether the example contains a word of a list (Yu and Jiang 2016).
//!
//! The words are best masked in the tap's input (an encoder of kind "mask"), so that they have to
//! be inferred from the context. No annotated labels are needed, so unlabelled texts of a target
//! domain can be used.

use candle_core::Result;

use super::{
    ConfigFault, Declared, EXAMPLE_TAP, HeadSource, Metric, Objective, ObjectiveConfig,
    ObjectiveKind, ObjectiveSetup, Output, TapKey,
    presence_target::{BinaryPresence, Marks, metrics},
};
use crate::{
    data::{Vocabulary, normalize::Normalize},
    keys::{Key, Refers, ValueType},
};

pub(super) struct Presence;

const FIELD: &str = "field";
const WORDS: &str = "words";
const LOWERCASE: &str = "lowercase";

const KEYS: &[Key] = &[
    Key::with_default(
        FIELD,
        ValueType::Name(Refers::Field),
        "\"text\"",
        "field whose words are looked up",
    ),
    Key::required(WORDS, ValueType::Words, "list of words to look for"),
    Key::with_default(LOWERCASE, ValueType::Switch, "true", "case-insensitive comparison"),
];

impl ObjectiveKind for Presence {
    fn name(&self) -> &'static str {
        "presence"
    }

    fn about(&self) -> &'static str {
        "presence of a word of a list in the example; needs no labels"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn taps(&self) -> &'static [TapKey] {
        EXAMPLE_TAP
    }

    fn head(&self) -> HeadSource {
        HeadSource::OneOf(&["sigmoid"])
    }

    fn configure(
        &self,
        declared: &Declared<'_>,
    ) -> std::result::Result<Box<dyn ObjectiveConfig>, ConfigFault> {
        let values = declared.values;
        let lowercase = values.switch(LOWERCASE);
        let normalize = Normalize { lowercase, ..Normalize::default() };
        Ok(Box::new(Config { field: values.text(FIELD).to_owned(), normalize }))
    }
}

/// The options of the objective; the word list is passed as a vocabulary.
struct Config {
    field: String,
    normalize: Normalize,
}

impl ObjectiveConfig for Config {
    fn metrics(&self) -> Vec<Metric> {
        metrics()
    }

    fn output(&self) -> Output<'_> {
        Output::Field { name: &self.field, as_read: false, names_read: false }
    }

    fn build(&self, setup: ObjectiveSetup<'_>) -> Result<Box<dyn Objective>> {
        let normalize = self.normalize;
        let listed = Listed { words: setup.vocabulary(WORDS)?.normalized(normalize), normalize };
        Ok(Box::new(BinaryPresence::classifier(setup, self.field.clone(), Box::new(listed))?))
    }
}

/// The words of a list, and how strings are compared with them.
struct Listed {
    words: Vocabulary,
    normalize: Normalize,
}

impl Marks for Listed {
    fn is_marked(&self, string: &str) -> bool {
        self.words.id(&self.normalize.apply(string)).is_some()
    }

    fn from(&self) -> usize {
        0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn words_are_compared_without_case_if_lowercase_is_set() {
        let words = Vocabulary::from_counts(BTreeMap::from([("Good", 1)]), 1, None);
        let found = |lowercase, word| {
            let normalize = Normalize { lowercase, ..Normalize::default() };
            Listed { words: words.normalized(normalize), normalize }.is_marked(word)
        };
        assert!(found(true, "good") && found(true, "GOOD") && found(false, "Good"));
        assert!(!found(false, "good") && !found(true, "goods"));
    }
}
