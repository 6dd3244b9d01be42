//! Recall of the first k items of a ranking.
//!
//! recall@k of one set of relevant items = relevant items among the first k / relevant items, and the score is the mean
//! over sets, in percent. With k = the number of relevant items it is R-precision (Manning, Raghavan and Schütze 2008,
//! chapter 8), which is 100 for a ranking that has them all first.

/// Accumulates the recall of each set.
#[derive(Clone, Copy, Debug, Default)]
pub struct RecallAtK {
    sum: f64,
    n_sets: u64,
}

impl RecallAtK {
    /// Adds a set of relevant items and the first k of a ranking, each of them distinct; nothing for an empty set.
    pub fn add(&mut self, relevant: &[u32], first: &[u32]) {
        if relevant.is_empty() {
            return;
        }
        let found = first.iter().filter(|item| relevant.contains(item)).count();
        self.sum += found as f64 / relevant.len() as f64;
        self.n_sets += 1;
    }

    /// The mean in percent; `None` without a set.
    pub fn score(&self) -> Option<f64> {
        (self.n_sets > 0).then(|| 100.0 * self.sum / self.n_sets as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recall_is_the_mean_over_sets_of_the_share_that_is_found() {
        let mut recall = RecallAtK::default();
        assert_eq!(recall.score(), None);
        // 2 of 3, 0 of 1, and 1 of 1 among two.
        recall.add(&[4, 7, 9], &[9, 1, 4]);
        recall.add(&[2], &[3]);
        recall.add(&[5], &[8, 5]);
        recall.add(&[], &[1]);
        let wanted = 100.0 * (2.0 / 3.0 + 0.0 + 1.0) / 3.0;
        assert!((recall.score().unwrap() - wanted).abs() < 1e-12);
    }
}
