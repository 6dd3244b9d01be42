//! Scorers: pairs of gold and prediction gathered over a split, batch by batch, and turned into figures once.
//!
//! Training, `auxdesk evaluate` and the tests against reference programs all score through these.

mod arcs;
mod classes;
mod label_sets;
mod losses;
mod numbers;
mod rankings;
mod spans;
mod tags;
mod texts;
mod vectors;

use super::{ByClass, Gold};
use crate::data::Prediction;

pub use arcs::ArcScorer;
pub use classes::{ClassFigure, ClassScorer};
pub use label_sets::LabelSetScorer;
pub use losses::{DistanceScorer, PerplexityScorer};
pub use numbers::NumberScorer;
pub use rankings::RankingScorer;
pub use spans::{RelationScorer, SpanScorer};
pub use tags::TagScorer;
pub use texts::TextScorer;
pub use vectors::{DomainScorer, OverlapScorer};

/// Gathers a split's pairs of gold and prediction.
pub trait Scorer {
    /// Takes the prediction of an example with what is right of it.
    fn push(&mut self, gold: &Gold, prediction: &Prediction);
    /// Adds metrics and classes to the scores of a split, whose loss stands already.
    fn finish(self: Box<Self>, scores: &mut Scores);
}

/// The scores of a split.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scores {
    /// Sum of the losses, in nats where they are log-likelihoods.
    pub sum: f64,
    /// What it is a sum over.
    pub count: usize,
    /// Metrics by name; proportions in percent. One that nothing in the split allows is absent.
    pub metrics: Vec<(&'static str, f64)>,
    /// The classes one by one, where what is predicted is a class; `None` too if nothing in the split had one.
    pub classes: Option<ByClass>,
}

impl Scores {
    /// The mean loss; `None` if nothing had a label.
    pub fn loss(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}
