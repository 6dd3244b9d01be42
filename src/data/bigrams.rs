//! A bigram language model with interpolated Kneser-Ney smoothing (Kneser and Ney 1995; Chen and Goodman 1999).
//!
//! With c(v, w) the training count of class w after class v, N₊(v, ·) the number of classes after v and N₊(·, w) that of
//! classes before w:
//!
//! P(w | v) = max(c(v, w) − D₂, 0) / c(v, ·) + D₂·N₊(v, ·) / c(v, ·) · P(w), and P(w) where v does not occur;
//! P(w) = max(N₊(·, w) − D₁, 0) / N₊(·, ·) + D₁·|{w: N₊(·, w) > 0}| / N₊(·, ·) · 1/C, for C classes.
//!
//! The discount is D = n₁ / (n₁ + 2·n₂), of those that occur once and twice (Ney, Essen and Kneser 1994), and ½ if there are
//! none of either.

use std::collections::BTreeMap;

/// The counts of pairs of classes, of which the second follows the first.
pub type PairCounts = BTreeMap<(u32, u32), u64>;

/// A bigram model over classes.
#[derive(Clone, Debug)]
pub struct Bigrams {
    n_classes: usize,
    counts: PairCounts,
    /// c(v, ·) and N₊(v, ·) of each class v that occurs before another.
    contexts: BTreeMap<u32, (u64, u64)>,
    /// N₊(·, w) of each class.
    continuations: Vec<u64>,
    /// |{w: N₊(·, w) > 0}|.
    n_seen: usize,
    /// D₁ and D₂.
    discounts: [f64; 2],
}

impl Bigrams {
    /// The model of these counts, whose classes are below `n_classes`.
    pub fn new(counts: PairCounts, n_classes: usize) -> Self {
        let mut contexts = BTreeMap::<u32, (u64, u64)>::new();
        let mut continuations = vec![0; n_classes];
        for (&(before, class), count) in &counts {
            let (n, n_distinct) = contexts.entry(before).or_default();
            *n += count;
            *n_distinct += 1;
            continuations[class as usize] += 1;
        }
        let discounts = [discount(&continuations), discount(counts.values())];
        let n_seen = continuations.iter().filter(|n| **n > 0).count();
        Self { n_classes, counts, contexts, continuations, n_seen, discounts }
    }

    /// ln P of a class after another.
    pub fn log_probability(&self, before: u32, class: u32) -> f64 {
        let [_, discount] = self.discounts;
        let backoff = self.continuation(class);
        let Some(&(n, n_distinct)) = self.contexts.get(&before) else { return backoff.ln() };
        let count = self.counts.get(&(before, class)).map_or(0.0, |&count| count as f64);
        let kept = (count - discount).max(0.0);
        ((kept + discount * n_distinct as f64 * backoff) / n as f64).ln()
    }

    /// P of a class, whatever precedes it.
    fn continuation(&self, class: u32) -> f64 {
        let uniform = 1.0 / self.n_classes as f64;
        let n_pairs = self.counts.len() as f64;
        if self.counts.is_empty() {
            return uniform;
        }
        let [discount, _] = self.discounts;
        let kept = (self.continuations[class as usize] as f64 - discount).max(0.0);
        (kept + discount * self.n_seen as f64 * uniform) / n_pairs
    }
}

/// D for these counts.
fn discount<'a>(counts: impl IntoIterator<Item = &'a u64>) -> f64 {
    let (mut once, mut twice) = (0.0, 0.0);
    for count in counts {
        match count {
            1 => once += 1.0,
            2 => twice += 1.0,
            _ => {}
        }
    }
    if once == 0.0 || twice == 0.0 { 0.5 } else { once / (once + 2.0 * twice) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// a b, a b, a c, b c, with 4 classes, of which the last does not occur.
    fn bigrams() -> Bigrams {
        Bigrams::new(BTreeMap::from([((0, 1), 2), ((0, 2), 1), ((1, 2), 1)]), 4)
    }

    #[test]
    fn probabilities_by_hand() {
        // Two pairs occur once and one twice: D₂ = 2/4. Of the classes one follows one other and one two: D₁ = 1/3.
        let continuation = |n: f64| ((n - 1.0 / 3.0).max(0.0) + 1.0 / 3.0 * 2.0 / 4.0) / 3.0;
        let wanted = [
            (0, 1, (1.5 + 0.5 * 2.0 * continuation(1.0)) / 3.0),
            (0, 2, (0.5 + 0.5 * 2.0 * continuation(2.0)) / 3.0),
            (0, 3, 0.5 * 2.0 * continuation(0.0) / 3.0),
            (1, 2, 0.5 + 0.5 * continuation(2.0)),
            // 2 precedes none.
            (2, 1, continuation(1.0)),
        ];
        for (before, class, wanted) in wanted {
            let found = bigrams().log_probability(before, class).exp();
            assert!((found - wanted).abs() < 1e-12, "{before} {class}: {found}, {wanted}");
        }
    }

    #[test]
    fn the_probabilities_after_each_class_add_up_to_1() {
        let many = (0..40u32).map(|at| ((at % 5, at * at % 7), u64::from(at % 3 + 1)));
        for model in
            [bigrams(), Bigrams::new(many.collect(), 9), Bigrams::new(PairCounts::new(), 3)]
        {
            for before in 0..6 {
                let classes = 0..model.n_classes as u32;
                let all = classes.map(|class| model.log_probability(before, class).exp());
                assert!((all.sum::<f64>() - 1.0).abs() < 1e-12, "after {before}");
            }
        }
    }
}
