//! Reference scorers: metrics as published, equal to the field's reference programs in every digit.
//!
//! A scorer accumulates counts over a whole split and computes metrics once, so that a score does
//! not depend on how the split is divided into batches. Proportions are in percent. Nothing here
//! uses tensors; `tests/fixtures/metric` has the results of the reference programs. A [`Scorer`]
//! takes pairs of [`Gold`] and [`Prediction`](crate::data::Prediction) and returns the metrics that
//! one objective reports.

pub mod accuracy;
pub mod bleu;
pub mod by_class;
pub mod chrf;
mod confusions;
pub mod directed_f1;
pub mod edits;
pub mod f_score;
pub mod gold;
pub mod macro_mae;
pub mod overlap;
pub mod perplexity;
pub mod probe;
pub mod recall_at_k;
pub mod retrieval;
pub mod rouge;
pub mod scorer;
pub mod set_score;
mod short_name;
pub mod span_f1;
pub mod spans;
mod subsample;
pub mod tokenization;

pub use accuracy::{Accuracy, Word};
pub use bleu::Bleu;
pub use by_class::ByClass;
pub use chrf::Chrf;
pub use directed_f1::DirectedF1;
pub use edits::EditRate;
pub use f_score::FScore;
pub use gold::Gold;
pub use macro_mae::MacroMae;
pub use overlap::Overlap;
pub use perplexity::Perplexity;
pub use probe::Probe;
pub use recall_at_k::RecallAtK;
pub use retrieval::Retrieval;
pub use scorer::{Scorer, Scores};
pub use set_score::SetScore;
pub use short_name::short_name;
pub use span_f1::{SpanF1, SpanScores};
pub use spans::{Scheme, Span, TagFault, TagForm, TagScheme};
pub use tokenization::Tokenization;

pub use crate::protocol::Counts;
use crate::protocol::counts::percent;

/// Results of the reference programs, read from `tests/fixtures/metric`.
#[cfg(test)]
pub(crate) mod fixture {
    use serde_json::Value;

    pub(crate) fn read(name: &str) -> Value {
        serde_json::from_slice(&bytes(name)).expect("the fixture is JSON")
    }

    pub(crate) fn bytes(name: &str) -> Vec<u8> {
        let path = format!("{}/tests/fixtures/metric/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read(path).expect("the fixture is kept with the sources")
    }

    /// A list of words.
    pub(crate) fn words(value: &Value) -> Vec<String> {
        let list = value.as_array().expect("a list");
        list.iter().map(|word| word.as_str().expect("a word").to_owned()).collect()
    }

    /// A list of numbers.
    pub(crate) fn numbers(value: &Value) -> Vec<f32> {
        let list = value.as_array().expect("a list");
        list.iter().map(|number| number.as_f64().expect("a number") as f32).collect()
    }

    /// Equal up to rounding of an f64: the programs divide in another order.
    #[track_caller]
    pub(crate) fn same(ours: f64, theirs: &Value, what: &str) {
        let theirs = 100.0 * theirs.as_f64().expect("a number");
        assert!((ours - theirs).abs() < 1e-10, "{what}: ours {ours}, theirs {theirs}");
    }
}
