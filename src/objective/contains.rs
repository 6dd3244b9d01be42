//! Contains: whether the sentence contains a name, predicted from the running state at every token
//! (Cheng et al. 2015).

use candle_core::Result;

use super::{
    ConfigFault, Declared, HeadSource, LabelCheck, Metric, Objective, ObjectiveConfig,
    ObjectiveKind, ObjectiveSetup, Output, TOKEN_TAP, TapKey,
    presence_target::{BinaryPresence, Marks, metrics},
};
use crate::{
    data::{Corpus, read::ReadError},
    keys::{Key, Refers, ValueType},
};

pub(super) struct Contains;

const FIELD: &str = "field";
const PATTERN: &str = "pattern";

const KEYS: &[Key] = &[
    Key::with_default(FIELD, ValueType::Name(Refers::Field), "\"text\"", "field of words or tags"),
    Key::with_default(
        PATTERN,
        ValueType::Choice(&["capitalised", "tagged"]),
        "\"capitalised\"",
        "what counts as a name: a capitalised token after the first, or a token whose tag is not O",
    ),
];

impl ObjectiveKind for Contains {
    fn name(&self) -> &'static str {
        "contains"
    }

    fn about(&self) -> &'static str {
        "presence of a name in the sentence, predicted at every token"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn taps(&self) -> &'static [TapKey] {
        TOKEN_TAP
    }

    fn head(&self) -> HeadSource {
        HeadSource::OneOf(&["sigmoid"])
    }

    fn configure(
        &self,
        declared: &Declared<'_>,
    ) -> std::result::Result<Box<dyn ObjectiveConfig>, ConfigFault> {
        let values = declared.values;
        let is_tagged = values.text(PATTERN) == "tagged";
        Ok(Box::new(Config { field: values.text(FIELD).to_owned(), is_tagged }))
    }
}

/// The options of the objective.
struct Config {
    field: String,
    /// Whether a name is a token whose tag is not O, rather than a capitalised token.
    is_tagged: bool,
}

impl ObjectiveConfig for Config {
    fn metrics(&self) -> Vec<Metric> {
        metrics()
    }

    fn output(&self) -> Output<'_> {
        Output::Field { name: &self.field, as_read: false, names_read: false }
    }

    /// In a field of words no string is "O", so every example would be positive.
    fn check_corpus(&self, corpus: &Corpus) -> LabelCheck {
        let field = corpus.field(&self.field);
        let Some(field) = field.filter(|_| self.is_tagged) else { return LabelCheck::default() };
        if corpus.lexicons[field].iter().any(|tag| !Tagged.is_marked(tag)) {
            return LabelCheck::default();
        }
        let what = format!(
            "no token from here on has the tag O in {:?}; expected a field of tags, or pattern = \
             \"capitalised\"",
            self.field
        );
        let line = corpus.train.examples.first().map_or(1, |example| example.line);
        let fault = ReadError { file: corpus.train.file.clone(), line, what };
        LabelCheck { of_corpus: vec![fault], ..LabelCheck::default() }
    }

    fn build(&self, setup: ObjectiveSetup<'_>) -> Result<Box<dyn Objective>> {
        let marks: Box<dyn Marks> =
            if self.is_tagged { Box::new(Tagged) } else { Box::new(Capitalised) };
        Ok(Box::new(BinaryPresence::classifier(setup, self.field.clone(), marks)?))
    }
}

/// Capitalised tokens, except the first of a sentence, which is often capitalised anyway.
struct Capitalised;

impl Marks for Capitalised {
    fn is_marked(&self, string: &str) -> bool {
        string.chars().next().is_some_and(char::is_uppercase)
    }

    fn from(&self) -> usize {
        1
    }
}

/// Tags other than O.
struct Tagged;

impl Marks for Tagged {
    fn is_marked(&self, string: &str) -> bool {
        string != "O"
    }

    fn from(&self) -> usize {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_capitalised_tokens_or_tags_other_than_o() {
        assert!(Capitalised.is_marked("Ørsted") && !Capitalised.is_marked("the"));
        assert!(!Capitalised.is_marked("3M") && !Capitalised.is_marked(""));
        assert!(Tagged.is_marked("B-person") && !Tagged.is_marked("O"));
    }
}
