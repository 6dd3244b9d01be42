//! A bandit on the improvement of the main objective, with the Beta distributions and the Thompson sampling of AutoSeM
//! (Guo et al. 2019, "AutoSeM: Automatic Task Selection and Mixing in Multi-Task Learning").
//!
//! A round lasts from one scheduled evaluation on dev to the next. Its companion is the group with the largest
//! θₖ ~ Beta(1 + sₖ, 1 + fₖ); steps draw the main objective's group and the companion in turn, or only the main
//! objective's group where that is the companion. At the end of a round all sₖ and fₖ are multiplied by 1 − `decay`, and
//! then the companion's sₖ grows by 1 if the metric that selects the best checkpoint is better than at the evaluation
//! before, its fₖ by 1 otherwise. The first round has nothing to be compared with.
//!
//! A main objective over several corpora has the group of its first one. In the paper a round is one batch, and the main
//! task is drawn only where it is chosen.

use std::collections::BTreeMap;

use rand_distr::{Beta, Distribution};
use serde::{Deserialize, Serialize};

use super::options::Options;
use crate::{
    data::{Purpose, draw},
    keys::{Key, ValueType},
    protocol::event::Direction,
};

/// The rule with its option; see the module.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bandit {
    /// The part of the counts that a round forgets.
    pub decay: f64,
}

impl Options for Bandit {
    const NAME: &'static str = "bandit";
    const KEYS: &'static [Key] = &[Key::with_default(
        "decay",
        ValueType::Number(0.0, 1.0),
        "0.1",
        "for bandit: part of its successes and failures that each evaluation forgets",
    )];

    fn from_values(values: &[f64]) -> Self {
        Self { decay: values[0] }
    }

    fn values(&self) -> Vec<f64> {
        vec![self.decay]
    }
}

impl Bandit {
    /// The group of a step, by index, with this companion.
    pub(super) fn draw(main: Option<usize>, companion: usize, step: u64) -> usize {
        main.filter(|_| step.is_multiple_of(2)).unwrap_or(companion)
    }

    /// The fraction of the steps of a round that draw each of `n` groups.
    pub(super) fn rates(main: Option<usize>, companion: usize, n: usize) -> Vec<f64> {
        let mut rates = vec![0.0; n];
        rates[main.unwrap_or(companion)] += 0.5;
        rates[companion] += 0.5;
        rates
    }
}

/// What the rule remembers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct BanditMemory {
    /// The number of complete rounds.
    round: u64,
    arms: BTreeMap<String, Arm>,
    /// The value of the metric at the last evaluation.
    last: Option<f32>,
    /// The companion of this round; `None` in the first one.
    companion: Option<String>,
}

/// The decayed counts of a group's rounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Arm {
    successes: f64,
    failures: f64,
}

impl BanditMemory {
    /// The companion of this round among these groups, by index; another one if it is not active any more.
    pub(super) fn companion<'a>(
        &self,
        seed: u64,
        groups: impl Iterator<Item = &'a str> + Clone,
    ) -> usize {
        let is_it = |group: &str| self.companion.as_deref() == Some(group);
        groups.clone().position(is_it).unwrap_or_else(|| self.drawn(seed, groups))
    }

    /// The group with the largest utility in this round, by index.
    fn drawn<'a>(&self, seed: u64, groups: impl Iterator<Item = &'a str>) -> usize {
        let utilities = groups.map(|group| {
            let Arm { successes, failures } = self.arms.get(group).copied().unwrap_or_default();
            let mut rng = draw(seed, Purpose::Companion, group, self.round);
            // Both parameters are at least 1.
            Beta::new(1.0 + successes, 1.0 + failures).map_or(0.5, |beta| beta.sample(&mut rng))
        });
        let best = utilities.enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b));
        best.map_or(0, |(at, _)| at)
    }

    /// Ends a round, and draws the companion of the next one among these active groups. A companion that is not one of them
    /// any more gets no count.
    pub(super) fn evaluated(
        &mut self,
        rule: Bandit,
        (seed, groups): (u64, &[&str]),
        value: f32,
        direction: Direction,
    ) {
        if let (Some(last), Some(companion)) = (self.last.replace(value), self.companion.take())
            && groups.contains(&companion.as_str())
        {
            self.count(rule, &companion, direction.is_better(value, last));
        }
        self.round += 1;
        let drawn = self.drawn(seed, groups.iter().copied());
        self.companion = groups.get(drawn).map(|&group| group.to_owned());
    }

    fn count(&mut self, rule: Bandit, companion: &str, is_success: bool) {
        for arm in self.arms.values_mut() {
            arm.successes *= 1.0 - rule.decay;
            arm.failures *= 1.0 - rule.decay;
        }
        let arm = self.arms.entry(companion.to_owned()).or_default();
        *if is_success { &mut arm.successes } else { &mut arm.failures } += 1.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Bandit = Bandit { decay: 0.1 };
    const GROUPS: [&str; 3] = ["news", "web", "talk"];

    #[test]
    fn counts_follow_the_rounds_of_their_group_and_decay() {
        let mut memory = BanditMemory::default();
        let mut evaluated = |groups: &[&str], value: f32| {
            memory.evaluated(RULE, (1, groups), value, Direction::Higher);
            memory.clone()
        };
        assert!(evaluated(&["news"], 80.0).arms.is_empty(), "nothing to compare with");
        let memory = evaluated(&["news"], 81.0);
        assert_eq!(memory.arms["news"], Arm { successes: 1.0, failures: 0.0 });
        // The companion is muted, and nothing is counted; then an equal value, which is no improvement.
        assert_eq!(evaluated(&["web"], 82.0).arms, memory.arms);
        let memory = evaluated(&["web"], 82.0);
        assert_eq!(memory.arms["news"], Arm { successes: 0.9, failures: 0.0 });
        assert_eq!(memory.arms["web"], Arm { successes: 0.0, failures: 1.0 });
        assert_eq!(memory.round, 4);
    }

    #[test]
    fn the_companion_stays_for_its_round() {
        let mut memory = BanditMemory::default();
        memory.evaluated(RULE, (1, &["web"]), 1.0, Direction::Higher);
        assert_eq!(memory.companion(1, GROUPS.into_iter()), 1, "whichever groups are unmuted");
    }

    #[test]
    fn the_main_group_and_the_companion_take_turns() {
        let draws = |main, companion| [0, 1, 2, 3].map(|step| Bandit::draw(main, companion, step));
        assert_eq!(draws(Some(0), 2), [0, 2, 0, 2]);
        assert_eq!(draws(Some(0), 0), [0; 4]);
        assert_eq!(draws(None, 1), [1; 4]);
        assert_eq!(Bandit::rates(Some(0), 2, 3), [0.5, 0.0, 0.5]);
        assert_eq!(Bandit::rates(Some(1), 1, 3), [0.0, 1.0, 0.0]);
        assert_eq!(Bandit::rates(None, 1, 2), [0.0, 1.0]);
    }

    /// How often each group is the companion in 2,000 rounds, of which those with `web` improve.
    fn companions(seed: u64) -> [u32; 3] {
        let mut memory = BanditMemory::default();
        let (mut value, mut counts) = (0.0, [0; 3]);
        for _ in 0..2_000 {
            let companion = memory.companion(seed, GROUPS.into_iter());
            counts[companion] += 1;
            value += if companion == 1 { 1.0 } else { -1.0 };
            memory.evaluated(RULE, (seed, &GROUPS), value, Direction::Higher);
        }
        counts
    }

    #[test]
    fn the_group_that_helps_is_drawn_most_and_the_same_way_twice() {
        let counts = companions(1);
        assert!(counts[1] > 1_200 && counts[0] > 20 && counts[2] > 20, "{counts:?}");
        assert_eq!(counts, companions(1));
        assert_ne!(counts, companions(2));
    }

    #[test]
    fn without_counts_all_groups_are_equally_likely() {
        let mut counts = [0.0; 3];
        for round in 0..3_000 {
            let memory = BanditMemory { round, ..BanditMemory::default() };
            counts[memory.companion(1, GROUPS.into_iter())] += 1.0;
        }
        assert!(
            counts.iter().all(|count| (count / 3_000.0_f64 - 1.0 / 3.0).abs() < 0.03),
            "{counts:?}"
        );
    }
}
