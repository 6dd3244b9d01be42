//! Span: scores for each row as the first one of a span, and as the last one.

use candle_core::{Result, Tensor};

use super::{HIDDEN, HeadConfig, HeadKind, KEYS, relative::RelativeScores};
use crate::{
    kernel,
    keys::{Key, Values},
    model::{
        parameters::{Linear, Scope},
        tap::RowKind,
    },
};

pub(super) struct Span;

impl HeadKind for Span {
    fn name(&self) -> &'static str {
        "span"
    }

    fn about(&self) -> &'static str {
        "scores of each row as the first and as the last one of a span"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn works_on(&self, on: RowKind) -> bool {
        on == RowKind::Token
    }

    fn supports_class_weights(&self) -> bool {
        false
    }

    fn configure(&self, values: &Values) -> HeadConfig {
        HeadConfig::Span(SpanConfig { hidden: values.count(HIDDEN.name) })
    }
}

/// The parsed options of a head for spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanConfig {
    /// The size of the tanh layer; 0 for none.
    hidden: usize,
}

impl SpanConfig {
    /// Creates a scorer of rows of this dimension.
    pub fn build(self, scope: &mut Scope<'_>, width: usize) -> Result<SpanHead> {
        let (hidden, width) = match self.hidden {
            0 => (None, width),
            hidden => (Some(scope.linear("hidden", width, hidden)?), hidden),
        };
        Ok(SpanHead { hidden, output: RelativeScores::new(scope, width, 2)? })
    }
}

/// Scores of the ends of spans, with its parameters.
pub struct SpanHead {
    hidden: Option<Linear>,
    output: RelativeScores,
}

impl SpanHead {
    /// The scores of x (rows, width): (rows, 2), of the first row of a span, then of the last one.
    pub fn scores(&self, x: &Tensor) -> Result<Tensor> {
        #[cfg(test)]
        super::count::add(self);
        match &self.hidden {
            None => self.output.forward(x),
            Some(hidden) => self.output.forward(&kernel::tanh(&hidden.forward(x)?)?),
        }
    }
}

/// The best span, as its first and its last position, of at most so many positions: the largest sum of the scores of
/// both ends, the first of several with that sum. `None` without positions.
pub fn best_span(ends: &[[f32; 2]], max_length: usize) -> Option<(usize, usize)> {
    let mut best: Option<(f32, (usize, usize))> = None;
    for (start, [first, _]) in ends.iter().enumerate() {
        for (end, [_, last]) in ends.iter().enumerate().skip(start).take(max_length) {
            let score = first + last;
            if best.is_none_or(|(found, _)| score > found) {
                best = Some((score, (start, end)));
            }
        }
    }
    best.map(|(_, span)| span)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_span_is_the_best_pair_of_ends_in_order_and_not_too_long() {
        let ends = [[0.0, 9.0], [5.0, 0.0], [0.0, 1.0], [0.0, 3.0]];
        // The best end is before the best start.
        assert_eq!(best_span(&ends, 4), Some((0, 0)));
        let ends = [[0.0, -9.0], [5.0, 0.0], [0.0, 1.0], [0.0, 3.0]];
        assert_eq!(best_span(&ends, 4), Some((1, 3)));
        assert_eq!(best_span(&ends, 2), Some((1, 2)));
        assert_eq!(best_span(&ends, 1), Some((1, 1)));
        assert_eq!(best_span(&[[1.0, 1.0]; 3], 3), Some((0, 0)), "the first of equal ones");
        assert_eq!(best_span(&[], 3), None);
    }

    /// All spans of up to six positions, by enumeration.
    #[test]
    fn the_best_span_is_that_of_a_search_over_all() {
        let value = |at: usize| ((at * 37) % 23) as f32 / 5.0 - 2.0;
        for n in 1..=6 {
            for max_length in 1..=6 {
                for case in 0..40 {
                    let ends: Vec<[f32; 2]> =
                        (0..n).map(|at| [value(case + 5 * at), value(3 * case + 7 * at)]).collect();
                    let (start, end) = best_span(&ends, max_length).unwrap();
                    assert!(start <= end && end - start < max_length);
                    let score = |start: usize, end: usize| ends[start][0] + ends[end][1];
                    for other in 0..n {
                        for last in other..n.min(other + max_length) {
                            assert!(score(other, last) <= score(start, end), "{ends:?}");
                        }
                    }
                }
            }
        }
    }
}
