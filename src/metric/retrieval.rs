//! Retrieval: how predicted vectors rank the gold vectors of a split by cosine.
//!
//! The rank of an example's own gold vector is 1 + the number of other gold vectors whose cosine with the prediction is at
//! least as large; equal vectors, as of two sentences about one picture, are not counted. If there are many examples, an
//! evenly spaced subset of at most 1,000 is ranked.

use super::subsample::Subsample;

/// Accumulates gold and predicted vectors.
#[derive(Clone, Debug, Default)]
pub struct Retrieval {
    /// Gold and prediction.
    pairs: Subsample<(Vec<f32>, Vec<f32>)>,
    sum_of_cosines: f64,
    n_pairs: u64,
}

impl Retrieval {
    /// Adds the two vectors of an example.
    pub fn add(&mut self, gold: &[f32], predicted: &[f32]) {
        self.sum_of_cosines += cosine(gold, predicted);
        self.n_pairs += 1;
        self.pairs.push(|| (gold.to_vec(), predicted.to_vec()));
    }

    /// The mean cosine of gold and prediction; `None` without examples.
    pub fn mean_cosine(&self) -> Option<f64> {
        (self.n_pairs > 0).then(|| self.sum_of_cosines / self.n_pairs as f64)
    }

    /// The rank of each example's own vector among those of the subset.
    pub fn ranks(&self) -> Vec<usize> {
        let pairs = self.pairs.items();
        let (gold, predicted): (Vec<_>, Vec<_>) =
            pairs.iter().map(|(gold, predicted)| (unit(gold), unit(predicted))).unzip();
        let rank = |at: usize| {
            let own = dot(&gold[at], &predicted[at]);
            let is_before = |other: &usize| {
                pairs[*other].0 != pairs[at].0 && dot(&gold[*other], &predicted[at]) >= own
            };
            1 + (0..pairs.len()).filter(is_before).count()
        };
        (0..pairs.len()).map(rank).collect()
    }
}

/// The cosine of two vectors; 0 if one of them is 0.
pub(super) fn cosine(x: &[f32], y: &[f32]) -> f64 {
    dot(&unit(x), &unit(y))
}

/// A vector scaled to unit length; 0 stays 0.
fn unit(x: &[f32]) -> Vec<f64> {
    let length = x.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
    let scale = if length > 0.0 { 1.0 / length } else { 0.0 };
    x.iter().map(|&x| f64::from(x) * scale).collect()
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_by_hand() {
        let mut retrieval = Retrieval::default();
        // The second prediction is nearer to the first gold vector; the third gold vector equals the first.
        for (gold, predicted) in
            [([1.0, 0.0], [2.0, 0.1]), ([0.0, 3.0], [3.0, 1.0]), ([1.0, 0.0], [4.0, 0.0])]
        {
            retrieval.add(&gold, &predicted);
        }
        assert_eq!(retrieval.ranks(), [1, 3, 1]);
        let cosines = 2.0 / 4.01f64.sqrt() + 1.0 / 10f64.sqrt() + 1.0;
        assert!((retrieval.mean_cosine().unwrap() - cosines / 3.0).abs() < 1e-6);
    }

    #[test]
    fn one_prediction_for_all_is_last_where_cosines_are_equal() {
        let mut retrieval = Retrieval::default();
        for gold in [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]] {
            retrieval.add(&gold, &[0.0, 0.0]);
        }
        assert_eq!(retrieval.ranks(), [3, 3, 3]);
        assert_eq!(retrieval.mean_cosine(), Some(0.0));
        assert_eq!(Retrieval::default().mean_cosine(), None);
    }

    #[test]
    fn a_large_split_is_ranked_within_a_subset() {
        let mut retrieval = Retrieval::default();
        for at in 0..2500_u16 {
            let angle = f32::from(at) * 1e-3;
            retrieval.add(&[angle.cos(), angle.sin()], &[angle.cos(), angle.sin()]);
        }
        let ranks = retrieval.ranks();
        assert!((500..=1000).contains(&ranks.len()));
        assert!(ranks.iter().all(|rank| *rank == 1));
    }
}
