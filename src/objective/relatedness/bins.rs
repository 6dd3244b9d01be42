//! Scores as distributions over equally spaced bins, and back.

use candle_core::{Error, Result};

/// Bins over a range of scores, two at least.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bins {
    /// The score of each bin, in ascending order.
    scores: Vec<f64>,
}

impl Bins {
    /// `n` bins from the lowest score to the highest.
    pub(super) fn new(range: &[f64], n: usize) -> Result<Self> {
        let &[least, most] = range else {
            return Err(Error::msg(format!("expected two ends of a range, found {}", range.len())));
        };
        let step = (most - least) / (n - 1) as f64;
        let scores = (0..n).map(|bin| least + step * bin as f64);
        Ok(Self { scores: scores.collect() })
    }

    /// Their number.
    pub(super) fn len(&self) -> usize {
        self.scores.len()
    }

    /// The distribution whose expectation is a score; that of the nearest end for a score outside the range.
    pub(super) fn distribution(&self, score: f64) -> Vec<f32> {
        let mut distribution = vec![0.0; self.len()];
        let (least, last) = (self.scores[0], self.len() - 1);
        let step = (self.scores[last] - least) / last as f64;
        let place = if step > 0.0 { (score - least) / step } else { 0.0 };
        let place = place.clamp(0.0, last as f64);
        let below = (place.floor() as usize).min(last - 1);
        let above = place - below as f64;
        distribution[below] = (1.0 - above) as f32;
        distribution[below + 1] = above as f32;
        distribution
    }

    /// The expectation of a distribution given by its logarithms.
    pub(super) fn expectation(&self, log_p: &[f32]) -> f32 {
        let terms = log_p.iter().zip(&self.scores);
        terms.map(|(log_p, score)| f64::from(*log_p).exp() * score).sum::<f64>() as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn five() -> Bins {
        Bins::new(&[1.0, 5.0], 5).unwrap()
    }

    #[test]
    fn a_score_is_shared_by_the_two_bins_around_it() {
        assert_eq!(five().distribution(3.6), [0.0, 0.0, 0.4, 0.6, 0.0]);
        assert_eq!(five().distribution(1.0), [1.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(five().distribution(5.0), [0.0, 0.0, 0.0, 0.0, 1.0]);
        assert_eq!(five().distribution(4.0), [0.0, 0.0, 0.0, 1.0, 0.0]);
        assert_eq!(Bins::new(&[0.0, 1.0], 2).unwrap().distribution(0.25), [0.75, 0.25]);
    }

    #[test]
    fn a_score_outside_the_range_is_that_of_its_end() {
        assert_eq!(five().distribution(9.0), five().distribution(5.0));
        assert_eq!(five().distribution(-9.0), five().distribution(1.0));
    }

    #[test]
    fn the_expectation_of_a_score_is_the_score() {
        for score in [1.0, 1.3, 2.0, 3.75, 4.999, 5.0] {
            let log_p: Vec<f32> = five().distribution(score).iter().map(|q| q.ln()).collect();
            assert!((f64::from(five().expectation(&log_p)) - score).abs() < 1e-6, "{score}");
        }
    }
}
