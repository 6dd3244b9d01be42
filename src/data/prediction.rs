//! Predictions of a model for an example, as ids and numbers; only a format converts them to text.

use super::{
    Lexicon,
    schema::Labels,
    structure::{GraphArc, SpanRelation, TokenSpan},
};

/// An objective's prediction for one example.
#[derive(Clone, Debug, PartialEq)]
pub enum Prediction {
    /// A class per token, or one for the whole example.
    Classes(Vec<u32>),
    /// The set of classes of the whole example.
    LabelSet(Vec<u32>),
    /// A value per token, or one for the whole example.
    Numbers(Vec<f32>),
    /// Arcs between tokens; for a dependency tree one per token, in their order.
    Arcs(Vec<GraphArc>),
    /// Spans of tokens, which may be nested.
    Spans(Vec<TokenSpan>),
    /// Relations between spans of tokens.
    Relations(Vec<SpanRelation>),
    /// Texts with their scores, the best first.
    Texts(Vec<ScoredText>),
    /// A score for each of the example's candidates: the largest is ranked first.
    Ranking(Vec<f32>),
    /// A vector.
    Vector(Vec<f32>),
    /// Nothing.
    None,
}

/// A generated or transcribed text.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoredText {
    /// The text.
    pub text: String,
    /// Its log-probability, or another score.
    pub score: f32,
}

/// The candidates of a ranking from first to last: by descending score, ties in their order, and NaN last.
pub fn ranked(scores: &[f32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    let is_nan = |at: usize| scores[at].is_nan();
    // A total order: all NaN are equal to each other, and after everything else.
    order.sort_by(|&a, &b| {
        scores[b].partial_cmp(&scores[a]).unwrap_or_else(|| is_nan(a).cmp(&is_nan(b)))
    });
    order
}

/// The predictions of one field for the examples of a file.
#[derive(Clone, Copy)]
pub struct FieldPredictions<'a> {
    /// The field; a new one if the format does not have it.
    pub field: &'a str,
    /// The name of each class, by id.
    pub names: &'a Lexicon,
    /// One for each example that was read, in the order of the file.
    pub predictions: &'a [Prediction],
    /// What the input was read as.
    pub labels: Labels,
}

#[cfg(test)]
mod tests {
    use super::ranked;

    #[test]
    fn the_largest_score_is_first_and_ties_keep_their_order() {
        assert_eq!(ranked(&[0.5, 2.0, 0.5, 1.0]), [1, 3, 0, 2]);
        assert_eq!(ranked(&[]), [0; 0]);
        assert_eq!(ranked(&[-0.0, 0.0, 1.0]), [2, 0, 1]);
    }

    #[test]
    fn scores_that_are_no_numbers_are_last_in_their_order() {
        let scores: Vec<f32> = (0..40_u16)
            .map(|at| if at % 3 == 1 { f32::NAN } else { f32::from(at * 7 % 40) })
            .collect();
        let order = ranked(&scores);
        let (numbers, others) = order.split_at(27);
        assert!(numbers.windows(2).all(|pair| scores[pair[0]] > scores[pair[1]]), "{order:?}");
        assert_eq!(others, (0..40).filter(|at| at % 3 == 1).collect::<Vec<_>>());
    }
}
