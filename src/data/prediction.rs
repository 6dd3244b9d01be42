//! What a model says of an example, in ids and numbers; only a format makes text of it.

use std::cmp::Ordering;

use super::{
    Lexicon,
    structure::{GraphArc, SpanRelation, TokenSpan},
};

/// What an objective predicts of one example.
#[derive(Clone, Debug, PartialEq)]
pub enum Prediction {
    /// A class for each token, or one for the whole example.
    Classes(Vec<u32>),
    /// The classes of the whole example, any number of them.
    LabelSet(Vec<u32>),
    /// A number for each token, or one for the whole example.
    Numbers(Vec<f32>),
    /// Arcs between tokens; of a dependency tree one to each token, in their order.
    Arcs(Vec<GraphArc>),
    /// Spans of tokens, which may lie within each other.
    Spans(Vec<TokenSpan>),
    /// Relations between spans of tokens.
    Relations(Vec<SpanRelation>),
    /// Texts with their scores, the best first.
    Texts(Vec<ScoredText>),
    /// A score for each of the example's candidates: the largest is ranked first.
    Ranking(Vec<f32>),
    /// A point in a space of its own.
    Vector(Vec<f32>),
    /// Nothing.
    None,
}

/// A text that was generated or transcribed.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoredText {
    /// The text.
    pub text: String,
    /// Its log-probability, or what stands for it.
    pub score: f32,
}

/// The candidates of a ranking from first to last: by falling score, of equal ones the earlier first.
pub fn ranked(scores: &[f32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].partial_cmp(&scores[a]).unwrap_or(Ordering::Equal));
    order
}

/// What a model says of one field of a file's examples.
#[derive(Clone, Copy)]
pub struct FieldPredictions<'a> {
    /// The field; one that the format does not have is a new one.
    pub field: &'a str,
    /// The name of each class, by id.
    pub names: &'a Lexicon,
    /// Of each example that was read, in the file's order.
    pub predictions: &'a [Prediction],
}

#[cfg(test)]
mod tests {
    use super::ranked;

    #[test]
    fn the_greatest_score_is_first_and_of_equal_ones_the_earlier() {
        assert_eq!(ranked(&[0.5, 2.0, 0.5, 1.0]), [1, 3, 0, 2]);
        assert_eq!(ranked(&[]), [0; 0]);
    }
}
