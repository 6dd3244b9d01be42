//! Gold labels: what a prediction is compared with.

use crate::data::structure::{GraphArc, SpanRelation, TokenSpan};

/// The gold labels of one example.
#[derive(Clone, Debug, PartialEq)]
pub enum Gold {
    /// The class of each token, or the one of the whole example.
    Classes {
        /// By id; `None` where there is no label, which is not scored.
        classes: Vec<Option<u32>>,
        /// Whether each token's word is out of vocabulary; empty where that is not needed.
        oov: Vec<bool>,
    },
    /// The set of classes of the whole example.
    LabelSet(Vec<u32>),
    /// The value of each token, or the one of the whole example; `None` where there is none, which is not scored.
    Numbers(Vec<Option<f32>>),
    /// The arcs.
    Arcs(Vec<GraphArc>),
    /// The spans; of several alternatives any one is correct, as a question may have several
    /// answers.
    Spans(Vec<Vec<TokenSpan>>),
    /// The relations.
    Relations(Vec<SpanRelation>),
    /// Texts, any of which is correct.
    Texts(Vec<String>),
    /// The relevance of each candidate; 0 for an irrelevant one.
    Relevance(Vec<f32>),
    /// The vector to compare with.
    Vector(Vec<f32>),
    /// No label: the example is not scored.
    None,
}

impl Gold {
    /// One class for the whole example, if it has a label.
    pub fn class(class: Option<u32>) -> Self {
        class.map_or(Self::None, |class| Self::Classes {
            classes: vec![Some(class)],
            oov: Vec::new(),
        })
    }
}
