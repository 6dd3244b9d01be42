//! What is right of an example: what a prediction is held against.

use crate::data::structure::{GraphArc, SpanRelation, TokenSpan};

/// The right answer for one example.
#[derive(Clone, Debug, PartialEq)]
pub enum Gold {
    /// The right class of each token, or the one of the whole example.
    Classes {
        /// By id; `None` where nobody has said, which is not scored.
        classes: Vec<Option<u32>>,
        /// Whether each token's word is out of vocabulary; empty where that is not asked.
        oov: Vec<bool>,
    },
    /// The right classes of the whole example.
    LabelSet(Vec<u32>),
    /// The right number of each token, or the one of the whole example.
    Numbers(Vec<f32>),
    /// The right arcs.
    Arcs(Vec<GraphArc>),
    /// The right spans; of several alternatives any is right, as a question has several answers.
    Spans(Vec<Vec<TokenSpan>>),
    /// The right relations.
    Relations(Vec<SpanRelation>),
    /// Right texts, of which any will do.
    Texts(Vec<String>),
    /// How relevant each candidate is; 0 is not at all.
    Relevance(Vec<f32>),
    /// The vector that another one is compared with.
    Vector(Vec<f32>),
    /// Nobody has said: the example is not scored.
    None,
}

impl Gold {
    /// One class for the whole example, if somebody has said.
    pub fn class(class: Option<u32>) -> Self {
        class.map_or(Self::None, |class| Self::Classes {
            classes: vec![Some(class)],
            oov: Vec::new(),
        })
    }
}
