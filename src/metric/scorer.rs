//! Scorers: accumulate pairs of gold and prediction over a split, batch by batch, and compute the
//! metrics once.
//!
//! Training, `auxdesk evaluate` and the tests against reference programs all use these.

mod agreement;
mod answers;
mod arcs;
mod classes;
mod extracts;
mod forecasts;
mod found;
mod generation;
mod graphs;
mod label_sets;
mod losses;
mod numbers;
mod rankings;
mod recalls;
mod relations;
mod spans;
mod tags;
mod texts;
mod transcripts;
mod vectors;

use super::{ByClass, Gold};
use crate::data::Prediction;

pub use agreement::AgreementScorer;
pub use answers::{AnswerScorer, answer_f1};
pub use arcs::ArcScorer;
pub use classes::{ClassFigure, ClassScorer};
pub use extracts::{ExtractScorer, extracted};
pub use forecasts::{ForecastError, ForecastScorer};
pub use generation::GenerationScorer;
pub use graphs::GraphScorer;
pub use label_sets::LabelSetScorer;
pub use losses::{DistanceScorer, PerplexityScorer};
pub use numbers::{GapScorer, NumberScorer};
pub use rankings::RankingScorer;
pub use recalls::RecallScorer;
pub use relations::RelationScorer;
pub use spans::SpanScorer;
pub use tags::TagScorer;
pub use texts::TextScorer;
pub use transcripts::TranscriptScorer;
pub use vectors::{DomainScorer, OverlapScorer, RetrievalScorer};

/// Accumulates pairs of gold and prediction over a split.
pub trait Scorer {
    /// Adds the prediction and the gold labels of an example.
    fn push(&mut self, gold: &Gold, prediction: &Prediction);
    /// Adds metrics and classes to the scores of a split, which already have the loss.
    fn finish(self: Box<Self>, scores: &mut Scores);
}

/// The scores of a split.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scores {
    /// Sum of the losses, in nats where they are log-likelihoods.
    pub sum: f64,
    /// The number of terms of that sum.
    pub count: usize,
    /// Metrics by name; proportions in percent. A metric that is undefined on the split is absent.
    pub metrics: Vec<(&'static str, f64)>,
    /// Scores per class, where predictions are classes; also `None` if the split has no class.
    pub classes: Option<ByClass>,
}

impl Scores {
    /// The mean loss; `None` without labels.
    pub fn loss(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}
