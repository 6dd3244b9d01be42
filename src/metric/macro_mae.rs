//! The macro-averaged mean absolute error of ordered classes (Baccianella et al. 2009).
//!
//! (1 / K)·Σ_k (1 / n_k)·Σ over the n_k items of gold class k of |predicted rank − k|, over the K
//! classes that occur in gold, as in SemEval's five-point sentiment task (Nakov et al. 2016). Lower
//! is better; 0 is perfect. Its unit is ranks.

/// Accumulates labels.
#[derive(Clone, Debug)]
pub struct MacroMae {
    order: Vec<String>,
    /// Total error in ranks, and number of items, by gold class.
    classes: Vec<(u64, u64)>,
}

impl MacroMae {
    /// For these classes, in ascending order.
    pub fn new(order: Vec<String>) -> Self {
        let classes = vec![(0, 0); order.len()];
        Self { order, classes }
    }

    /// Adds an item's gold and predicted class. A gold class outside the order is not counted; a
    /// predicted one has the largest possible error.
    pub fn add(&mut self, gold: &str, predicted: &str) {
        self.add_times(gold, predicted, 1);
    }

    /// Adds a number of items with the same classes.
    pub fn add_times(&mut self, gold: &str, predicted: &str, times: u64) {
        let place = |label: &str| self.order.iter().position(|other| other == label);
        let Some(gold) = place(gold) else { return };
        let farthest = gold.max(self.order.len() - 1 - gold);
        let error = place(predicted).map_or(farthest, |predicted| gold.abs_diff(predicted));
        let (errors, items) = &mut self.classes[gold];
        *errors += times * error as u64;
        *items += times;
    }

    /// In ranks; `None` without items.
    pub fn macro_mae(&self) -> Option<f64> {
        let met = self.classes.iter().filter(|&&(_, items)| items > 0);
        let means: Vec<f64> = met.map(|&(errors, items)| errors as f64 / items as f64).collect();
        (!means.is_empty()).then(|| means.iter().sum::<f64>() / means.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{read, words};
    use super::*;

    fn scorer() -> MacroMae {
        MacroMae::new(["bad", "so-so", "good"].map(str::to_owned).to_vec())
    }

    #[test]
    fn a_worked_example() {
        let mut scorer = scorer();
        assert_eq!(scorer.macro_mae(), None);
        // bad: errors 0, 2 and 1, with mean 1; good: 1. No gold item is so-so.
        for (gold, predicted) in
            [("bad", "bad"), ("bad", "good"), ("bad", "so-so"), ("good", "so-so")]
        {
            scorer.add(gold, predicted);
        }
        assert_eq!(scorer.macro_mae(), Some(1.0));
        scorer.add("good", "good");
        assert_eq!(scorer.macro_mae(), Some(0.75));
        scorer.add("strange", "good");
        assert_eq!(scorer.macro_mae(), Some(0.75));
        // good: errors 1, 0 and 2.
        scorer.add("good", "strange");
        assert_eq!(scorer.macro_mae(), Some(1.0));
    }

    #[test]
    fn metrics_per_class_equal_scikit_learns() {
        let fixture = read("ordered.json");
        let cases = fixture["cases"].as_array().unwrap();
        assert!(cases.len() > 3);
        for case in cases {
            let mut scorer = MacroMae::new(words(&case["order"]));
            for (gold, predicted) in words(&case["gold"]).iter().zip(words(&case["predicted"])) {
                scorer.add(gold, &predicted);
            }
            let theirs = case["macro_mae"].as_f64().unwrap();
            let ours = scorer.macro_mae().unwrap();
            assert!((ours - theirs).abs() < 1e-12, "{ours}, theirs {theirs}");
        }
    }
}
