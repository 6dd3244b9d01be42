//! Means over queries of the metrics that auxdesk has for rankings (`src/metric/scorer/rankings.rs`), in percent.

/// The ranks that `ndcg_at_10` and `recall_at_10` consider.
const FIRST: usize = 10;

/// Sums over queries with a relevant document.
#[derive(Default)]
pub(super) struct Means {
    n_queries: u32,
    sums: [f64; 5],
}

const NAMES: [&str; 5] = ["ndcg_at_10", "map", "mrr", "recall_at_10", "ndcg"];

impl Means {
    /// Adds a query: the relevance and the score of each document.
    pub(super) fn add(&mut self, relevance: &[f64], scores: &[f64]) {
        let ranking = sorted(relevance, scores);
        let Some(first) = ranking.iter().position(|it| *it > 0.0) else { return };
        let ideal = sorted(relevance, relevance);
        let n_relevant = |ranking: &[f64]| ranking.iter().filter(|it| **it > 0.0).count() as f64;
        let n = FIRST.min(ranking.len());
        let mut n_found = 0.0;
        let mut precision = 0.0;
        for (rank, relevance) in (1..).zip(&ranking) {
            if *relevance > 0.0 {
                n_found += 1.0;
                precision += n_found / f64::from(rank);
            }
        }
        let of_query = [
            gain(&ranking[..n]) / gain(&ideal[..n]),
            precision / n_found,
            1.0 / (first + 1) as f64,
            n_relevant(&ranking[..n]) / n_found,
            gain(&ranking) / gain(&ideal),
        ];
        self.n_queries += 1;
        for (sum, value) in self.sums.iter_mut().zip(of_query) {
            *sum += value;
        }
    }
}

impl Means {
    /// The means, in percent, by `rank.METRIC`.
    pub(super) fn json(&self) -> String {
        let n = f64::from(self.n_queries.max(1));
        let entry = |(name, sum): (&&str, f64)| format!("  \"rank.{name}\": {}", 100.0 * sum / n);
        let entries: Vec<String> = NAMES.iter().zip(self.sums).map(entry).collect();
        format!("{{\n{}\n}}", entries.join(",\n"))
    }
}

/// Relevance in the order of descending scores, ties in their order.
fn sorted(relevance: &[f64], scores: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    order.into_iter().map(|at| relevance[at]).collect()
}

/// Σ relevance / log2(1 + rank).
fn gain(ranking: &[f64]) -> f64 {
    (2..).zip(ranking).map(|(rank, relevance)| relevance / f64::from(rank).log2()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relevant ones at ranks 2 and 3 of three, the better one last.
    #[test]
    fn a_worked_example() {
        let mut means = Means::default();
        means.add(&[0.0, 2.0, 1.0], &[3.0, 1.0, 2.0]);
        means.add(&[0.0, 0.0], &[1.0, 2.0]);
        let discounts = [1.0, 3f64.log2(), 2.0];
        let ndcg = (1.0 / discounts[1] + 2.0 / discounts[2]) / (2.0 + 1.0 / discounts[1]);
        let wanted = [ndcg, (0.5 + 2.0 / 3.0) / 2.0, 0.5, 1.0, ndcg];
        assert_eq!(means.n_queries, 1);
        for (found, wanted) in means.sums.iter().zip(wanted) {
            assert!((found - wanted).abs() < 1e-12, "{:?}, expected {wanted}", means.sums);
        }
    }
}
