//! Samples: examples of dev with gold and what an objective predicted.
//!
//! Their size is bounded whatever the corpus: at most [`MOST_ROWS`] rows and [`MOST_TEXTS`] input
//! texts for each sample, with texts of at most [`LONGEST`] characters.

use serde::{Deserialize, Serialize};

use crate::protocol::{Loss, ObjectiveId, Step};

/// The maximum number of rows of a sample.
pub const MOST_ROWS: usize = 64;

/// The maximum number of input texts of a sample.
pub const MOST_TEXTS: usize = 4;

/// The maximum length of a text in a sample, in characters.
pub const LONGEST: usize = 400;

/// See [`Event::SamplesTaken`](super::Event::SamplesTaken). Follows the `evaluated` of the objective.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SamplesTaken {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// Updates done.
    pub step: Step,
    /// The objective.
    pub objective: ObjectiveId,
    /// Whether these are the examples with the largest losses; otherwise they were drawn by the
    /// run's seed, and are the same at each evaluation.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub worst: bool,
    /// The samples: in the order of dev, or the one with the largest loss first.
    pub samples: Vec<Sample>,
}

/// An example with gold and prediction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Its corpus.
    pub corpus: String,
    /// Its number in dev, counted from 1.
    pub example: u64,
    /// The sum of its losses; `None` if nothing in it has a label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<Loss>,
    /// Its input texts, where the rows do not have them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub texts: Vec<String>,
    /// What the rows are.
    pub form: SampleForm,
    /// Gold and prediction.
    pub rows: Vec<SampleRow>,
    /// The number of further rows that are left out; absent where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<u64>,
}

/// What the rows of a sample are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SampleForm {
    /// The tokens of a text, in their order.
    Tokens,
    /// The items of gold and prediction: a class of the example, labels, spans, relations,
    /// candidates.
    Items,
    /// Numbers, which are neither right nor wrong: values, relevances with ranks, cosines.
    Numbers,
    /// Texts.
    Texts,
}

/// A part of a sample: gold and prediction side by side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SampleRow {
    /// What it is about: a token, the words of a span; empty for the example as a whole.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub of: String,
    /// Gold; `None` if it has no label, or, among items, if gold does not have the item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gold: Option<String>,
    /// The prediction; `None`, among items, if the prediction does not have the item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicted: Option<String>,
}

impl Sample {
    /// Whether a row is wrong. A token without a label is not.
    pub fn is_wrong(&self, row: &SampleRow) -> bool {
        match (self.form, &row.gold) {
            (SampleForm::Numbers, _) | (SampleForm::Tokens | SampleForm::Texts, None) => false,
            _ => row.gold != row.predicted,
        }
    }

    /// The number of rows that are wrong, among those that are not left out.
    pub fn n_wrong(&self) -> usize {
        self.rows.iter().filter(|row| self.is_wrong(row)).count()
    }
}
