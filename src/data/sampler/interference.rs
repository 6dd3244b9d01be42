//! Sets of groups that do not interfere: groups whose gradients point the same way are drawn together, others in different
//! steps. Sets of tasks by their transfer are those of Standley et al. 2020 ("Which Tasks Should Be Learned Together in
//! Multi-task Learning?") and Fifty et al. 2021, which train a network for each; here one network draws one set a step.
//!
//! A step whose gradients are measured draws all groups. The mean cosine of two groups' objectives, cᵢⱼ, is the mean over
//! the first ten such steps, and an exponential moving average with decay 0.9 from then on. In the order of the recipe, each
//! group joins the set whose members have the highest mean cosine with it among those where that mean is at least
//! `min_cosine`, or begins a new set. The other steps draw one set after the other. Before the first measurement there is
//! one set. Objectives over several corpora are in no group and do not count.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::options::Options;
use crate::keys::{Key, ValueType};

/// The rule with its option; see the module.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interference {
    /// The mean cosine that a group has with a set at least.
    pub min_cosine: f64,
}

impl Options for Interference {
    const NAME: &'static str = "interference";
    const KEYS: &'static [Key] = &[Key::with_default(
        "min_cosine",
        ValueType::Number(-1.0, 1.0),
        "0",
        "for interference: lowest mean cosine of a group's gradients with those of the set that it is drawn with",
    )];

    fn from_values(values: &[f64]) -> Self {
        Self { min_cosine: values[0] }
    }

    fn values(&self) -> Vec<f64> {
        vec![self.min_cosine]
    }
}

/// The number of measurements from which on the average is a moving one.
const MOST_MEASURED: u32 = 10;

/// What the rule remembers: the cosines, by the names of two groups, the smaller name first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct InterferenceMemory(BTreeMap<String, BTreeMap<String, MeanCosine>>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct MeanCosine {
    /// The number of measurements, at most [`MOST_MEASURED`].
    n: u32,
    mean: f64,
}

impl InterferenceMemory {
    /// Records the cosine of two groups in a step.
    pub(super) fn measured(&mut self, a: &str, b: &str, cosine: f64) {
        let pair = self.0.entry(a.min(b).to_owned()).or_default();
        let MeanCosine { n, mean } = pair.entry(a.max(b).to_owned()).or_default();
        *n = (*n + 1).min(MOST_MEASURED);
        *mean += (cosine - *mean) / f64::from(*n);
    }

    /// The sets of these groups, by index.
    pub(super) fn sets(&self, rule: Interference, groups: &[&str]) -> Vec<Vec<usize>> {
        let mut sets: Vec<Vec<usize>> = Vec::new();
        for (at, group) in groups.iter().enumerate() {
            let mean = |set: &Vec<usize>| {
                let cosines = set.iter().map(|&other| self.cosine(group, groups[other]));
                cosines.sum::<f64>() / set.len() as f64
            };
            let means = sets.iter().map(mean).enumerate();
            let fitting = means.filter(|(_, mean)| *mean >= rule.min_cosine);
            // The first of equal ones.
            match fitting.rev().max_by(|(_, a), (_, b)| a.total_cmp(b)) {
                Some((set, _)) => sets[set].push(at),
                None => sets.push(vec![at]),
            }
        }
        sets
    }

    /// The mean cosine of two groups; 1 before the first measurement, so that they are drawn together.
    fn cosine(&self, a: &str, b: &str) -> f64 {
        let pair = self.0.get(a.min(b)).and_then(|pair| pair.get(a.max(b)));
        pair.map_or(1.0, |pair| pair.mean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUPS: [&str; 4] = ["news", "web", "talk", "tags"];

    fn memory(cosines: &[(usize, usize, f64)]) -> InterferenceMemory {
        let mut memory = InterferenceMemory::default();
        for &(a, b, cosine) in cosines {
            memory.measured(GROUPS[a], GROUPS[b], cosine);
        }
        memory
    }

    fn sets(memory: &InterferenceMemory, min_cosine: f64) -> Vec<Vec<usize>> {
        memory.sets(Interference { min_cosine }, &GROUPS)
    }

    #[test]
    fn groups_join_the_set_with_the_highest_mean_cosine() {
        let none = InterferenceMemory::default();
        assert_eq!(sets(&none, 0.0), [[0, 1, 2, 3]]);
        // news and talk agree, web is against both; tags agrees with both sets, more with web.
        let cosines =
            [(0, 1, -0.5), (0, 2, 0.5), (1, 2, -0.25), (0, 3, 0.5), (2, 3, 0.0), (1, 3, 0.3)];
        let memory = memory(&cosines);
        assert_eq!(sets(&memory, 0.0), [vec![0, 2], vec![1, 3]]);
        assert_eq!(sets(&memory, 0.4), [vec![0, 2], vec![1], vec![3]]);
        assert_eq!(sets(&memory, -1.0), [[0, 1, 2, 3]]);
        // A group that is not active is in no set.
        let rule = Interference { min_cosine: 0.0 };
        assert_eq!(memory.sets(rule, &GROUPS[1..]), [vec![0, 2], vec![1]]);
    }

    #[test]
    fn the_order_of_a_pair_does_not_matter_and_old_measurements_fade() {
        let mut memory = memory(&[(0, 1, -1.0), (1, 0, 0.0)]);
        assert_eq!(memory.cosine("web", "news"), -0.5);
        for _ in 0..8 {
            memory.measured("news", "web", -0.5);
        }
        memory.measured("news", "web", 0.5);
        assert!((memory.cosine("news", "web") + 0.4).abs() < 1e-12, "a tenth of the way");
    }
}
