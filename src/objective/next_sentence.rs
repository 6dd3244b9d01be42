//! Next sentence: which of several texts follows a context (Jernite, Bowman and Sontag 2017).
//!
//! A head scores each text b_j of a list with the context c: s(c, b_j). With P the softmax of s over the texts of one
//! example, loss = −Σ_i ln P(y_i), divided by the number of examples with a right text; if several are right, the mean
//! over them, less its minimum, as in `rank.rs`.

use super::{
    ConfigFault, Declared, HeadSource, ObjectiveConfig, ObjectiveKind, TapKey,
    rank::{self, Relevance},
};
use crate::keys::{Key, Refers, ValueType};

pub(super) struct NextSentence;

const LABEL: &str = "label";
const POSITIVE: &str = "positive";

const KEYS: &[Key] = &[
    Key::required(
        LABEL,
        ValueType::Name(Refers::Items),
        "field of the label of each text of the list",
    ),
    Key::with_default(POSITIVE, ValueType::Text, "\"yes\"", "label of the text that follows"),
];

impl ObjectiveKind for NextSentence {
    fn name(&self) -> &'static str {
        "next-sentence"
    }

    fn about(&self) -> &'static str {
        "which of several texts follows a context"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn taps(&self) -> &'static [TapKey] {
        rank::TAPS
    }

    fn head(&self) -> HeadSource {
        HeadSource::OneOf(&["pair", "cosine"])
    }

    fn reads_collections(&self) -> bool {
        true
    }

    fn configure(
        &self,
        declared: &Declared<'_>,
    ) -> std::result::Result<Box<dyn ObjectiveConfig>, ConfigFault> {
        rank::check_widths(declared)?;
        let relevance = Relevance::Right(declared.values.text(POSITIVE).to_owned());
        let label = declared.values.text(LABEL).to_owned();
        Ok(Box::new(rank::Config { label, negatives: 0, relevance }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_text_has_one_label_and_every_other_is_wrong() {
        let relevance = Relevance::Right("yes".to_owned());
        assert_eq!(
            ["yes", "no", "1"].map(|label| relevance.of(label)),
            [Some(1.0), Some(0.0), Some(0.0)]
        );
        assert_eq!(
            ["2", "yes", "-1"].map(|label| Relevance::Graded.of(label)),
            [Some(2.0), None, None]
        );
    }
}
