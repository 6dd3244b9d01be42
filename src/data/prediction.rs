//! What a model says of an example, in ids and numbers; only a format makes text of it.

use std::cmp::Ordering;

use super::Lexicon;

/// What an objective predicts of one example.
#[derive(Clone, Debug, PartialEq)]
pub enum Prediction {
    /// A class for each token, or one for the whole example.
    Classes(Vec<u32>),
    /// The classes of the whole example, any number of them.
    LabelSet(Vec<u32>),
    /// A number for each token, or one for the whole example.
    Numbers(Vec<f32>),
    /// The head of each token in a dependency tree.
    Arcs(Vec<Dependency>),
    /// Spans of tokens, which may lie within each other.
    Spans(Vec<LabelledSpan>),
    /// Relations between spans of tokens.
    Relations(Vec<Relation>),
    /// Texts with their scores, the best first.
    Texts(Vec<ScoredText>),
    /// A score for each of the example's candidates: the largest is ranked first.
    Ranking(Vec<f32>),
    /// A point in a space of its own.
    Vector(Vec<f32>),
    /// Nothing.
    None,
}

/// What a token depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// The head's place in the sentence, counted from 1; 0 is the root.
    pub head: u32,
    /// The class of the dependency.
    pub relation: u32,
}

/// Some tokens in a row, with a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LabelledSpan {
    /// The first token, counted from 0.
    pub start: u32,
    /// The place after the last token.
    pub end: u32,
    /// The class.
    pub label: u32,
}

/// A directed relation between two spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Relation {
    /// Where it starts.
    pub from: LabelledSpan,
    /// Where it leads.
    pub to: LabelledSpan,
    /// The class.
    pub label: u32,
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
