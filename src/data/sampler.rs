//! Which groups a step draws; which examples is the affair of each corpus's [`super::stream`].

use std::collections::BTreeMap;

use super::{Purpose, draw, draw::unit};
use crate::protocol::id::Step;

/// How a step chooses among the groups that have something sounding.
#[derive(Clone, Debug, PartialEq)]
pub enum Sampling {
    /// One group, with the probability of its corpus's share of the examples.
    Proportional,
    /// One group, each as probable as any other.
    Uniform,
    /// One group after the other, in the recipe's order.
    RoundRobin,
    /// Every group at every step.
    All,
    /// One group, with probability proportional to size^(1/temperature) (Devlin 2018).
    Temperature(f64),
    /// One group, with probabilities in these proportions, by group.
    Fixed(BTreeMap<String, f64>),
}

impl Sampling {
    /// The names that a recipe may say as a string.
    pub const NAMES: &[&str] = &["proportional", "uniform", "round-robin", "all"];
    /// The kinds that a recipe may say as a table.
    pub const TABLES: &[&str] = &["temperature", "fixed"];
    /// Kinds that recipes may already name and that are still to come.
    pub const PLANNED: &[&str] = &["annealed", "stages"];
}

/// Objectives that are drawn together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its name in the recipe; by default its corpus's.
    pub name: String,
    /// The training examples of its corpora.
    pub size: u64,
    /// The corpora it reads a batch of each, by their places in the recipe.
    pub corpora: Vec<usize>,
}

/// What chooses the groups of each step.
#[derive(Clone, Debug)]
pub struct Sampler {
    seed: u64,
    sampling: Sampling,
    groups: Vec<Group>,
}

impl Sampler {
    /// A sampler over groups in the recipe's order.
    pub fn new(seed: u64, sampling: Sampling, groups: Vec<Group>) -> Self {
        Self { seed, sampling, groups }
    }

    /// The groups.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The groups of a step, by their places; `sounding` says of each whether any objective of it is
    /// in the sum. A function of (seed, step, what sounds), so a group that is silent from the start
    /// changes no draw.
    pub fn draw(&self, step: Step, sounding: &[bool]) -> Vec<usize> {
        assert_eq!(sounding.len(), self.groups.len(), "one sounding or silent for each group");
        let sounding: Vec<usize> = (0..sounding.len()).filter(|&at| sounding[at]).collect();
        if sounding.is_empty() {
            return sounding;
        }
        match self.sampling {
            Sampling::All => sounding,
            Sampling::RoundRobin => vec![sounding[(step.0 % sounding.len() as u64) as usize]],
            _ => {
                let weights = self.weights(&sounding);
                let draw = unit(&mut draw(self.seed, Purpose::Sampling, "", step.0));
                vec![sounding[pick(&weights, draw)]]
            }
        }
    }

    /// How probable each of these groups is in a step; they add up to 1, but to their number where
    /// every step draws all.
    pub fn rates(&self, sounding: &[bool]) -> Vec<f64> {
        let places: Vec<usize> = (0..sounding.len()).filter(|&at| sounding[at]).collect();
        let mut rates = vec![0.0; sounding.len()];
        let weights = self.weights(&places);
        let total: f64 = weights.iter().sum();
        for (&place, weight) in places.iter().zip(&weights) {
            rates[place] = if self.sampling == Sampling::All { 1.0 } else { weight / total };
        }
        rates
    }

    /// Proportions of these groups, with a sum above 0.
    fn weights(&self, places: &[usize]) -> Vec<f64> {
        let largest = places.iter().map(|&at| self.groups[at].size).max().unwrap_or(0);
        let weight = |group: &Group| match &self.sampling {
            Sampling::Proportional => group.size as f64,
            // As shares of the largest, so that a low temperature doesn't overflow.
            Sampling::Temperature(temperature) => {
                (group.size as f64 / largest as f64).powf(temperature.recip())
            }
            Sampling::Fixed(draws) => draws.get(&group.name).copied().unwrap_or(0.0),
            Sampling::Uniform | Sampling::RoundRobin | Sampling::All => 1.0,
        };
        let weights: Vec<f64> = places.iter().map(|&at| weight(&self.groups[at])).collect();
        let total: f64 = weights.iter().sum();
        if total > 0.0 {
            return weights;
        }
        // Whatever is drawn has been muted by hand and only groups that are never drawn sound: a step
        // must draw something.
        vec![1.0; places.len()]
    }
}

/// The place that a draw from 0 to below 1 falls on.
fn pick(weights: &[f64], draw: f64) -> usize {
    let mut left = draw * weights.iter().sum::<f64>();
    for (place, &weight) in weights.iter().enumerate() {
        if left < weight {
            return place;
        }
        left -= weight;
    }
    // Rounding can leave a little over; a weight of 0 is still never drawn.
    weights.iter().rposition(|&weight| weight > 0.0).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampler(sampling: Sampling) -> Sampler {
        let group = |(name, size): (&str, u64)| Group { name: name.into(), size, corpora: vec![0] };
        let groups = [("news", 900), ("web", 100), ("talk", 0)].map(group).into();
        Sampler::new(1, sampling, groups)
    }

    fn counts(sampler: &Sampler, sounding: &[bool]) -> Vec<usize> {
        let mut counts = vec![0; 3];
        for step in 0..10_000 {
            for group in sampler.draw(Step(step), sounding) {
                counts[group] += 1;
            }
        }
        counts
    }

    #[track_caller]
    fn assert_near(counts: &[usize], wanted: [f64; 3]) {
        for (&count, wanted) in counts.iter().zip(wanted) {
            assert!((count as f64 / 10_000.0 - wanted).abs() < 0.02, "{counts:?}");
        }
    }

    #[test]
    fn rates_are_those_asked_for_among_what_sounds() {
        let all = [true; 3];
        assert_near(&counts(&sampler(Sampling::Proportional), &all), [0.9, 0.1, 0.0]);
        assert_near(&counts(&sampler(Sampling::Uniform), &[true, false, true]), [0.5, 0.0, 0.5]);
        // 900^(1/2) = 30 and 100^(1/2) = 10.
        assert_near(&counts(&sampler(Sampling::Temperature(2.0)), &all), [0.75, 0.25, 0.0]);
        assert_near(&counts(&sampler(Sampling::Temperature(0.001)), &all), [1.0, 0.0, 0.0]);
        let draws = [("news", 0.8), ("web", 0.1), ("talk", 0.1)];
        let draws = draws.map(|(name, draw)| (name.into(), draw)).into();
        let fixed = sampler(Sampling::Fixed(draws));
        assert_near(&counts(&fixed, &all), [0.8, 0.1, 0.1]);
        assert_near(&counts(&fixed, &[false, true, true]), [0.0, 0.5, 0.5]);
        assert_eq!(fixed.rates(&[false, true, true]), [0.0, 0.5, 0.5]);
    }

    #[test]
    fn round_robin_takes_turns_and_all_takes_all() {
        let robin = sampler(Sampling::RoundRobin);
        let turns: Vec<_> =
            (0..4).flat_map(|step| robin.draw(Step(step), &[true, false, true])).collect();
        assert_eq!(turns, [0, 2, 0, 2]);
        assert_eq!(sampler(Sampling::All).draw(Step(7), &[true, true, false]), [0, 1]);
    }

    #[test]
    fn a_silent_group_changes_no_draw() {
        let mut fewer = sampler(Sampling::Proportional);
        let most = fewer.clone();
        fewer.groups.remove(1);
        for step in (0..100).map(Step) {
            let with: Vec<_> = most.draw(step, &[true, false, true]);
            let without: Vec<_> = fewer.draw(step, &[true, true]);
            assert_eq!(with.iter().map(|at| at / 2).collect::<Vec<_>>(), without);
        }
    }

    #[test]
    fn a_step_draws_something_while_anything_sounds() {
        let fixed = sampler(Sampling::Fixed(BTreeMap::from([("news".into(), 1.0)])));
        assert_near(&counts(&fixed, &[false, true, true]), [0.0, 0.5, 0.5]);
        assert_eq!(fixed.draw(Step(0), &[false; 3]), [0; 0]);
    }
}
