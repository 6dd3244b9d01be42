//! Stop-and-go (Lu et al. 2020, "12-in-1: Multi-Task Vision and Language Representation Learning"): the groups take turns,
//! and one that no longer improves takes part in every `gap`-th round only, until one of its objectives gets worse.
//!
//! After each scheduled evaluation on dev, with vₑ the value of an objective's first metric at evaluation e and bₑ the best
//! one up to it, an objective
//! - converges if (bₑ − bₑ₋ₙ) / |bₑ₋ₙ| < `improvement`, with n = `evaluations` that it has been in training for;
//! - diverges after that if (bₑ − vₑ) / |bₑ| > `degradation`, and is in training again.
//!
//! Differences have the opposite sign for a metric that is better if lower. A group stops once all of its active objectives
//! have converged; objectives over several corpora are in no group and do not count. The defaults are those of the paper, with an evaluation for an epoch of a task.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{DevScore, options::Options};
use crate::{
    keys::{Key, MAX_NUMBER, ValueType},
    protocol::{ObjectiveId, event::Direction},
};

/// The rule with its options; see the module.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StopAndGo {
    /// A group that has stopped takes part in one of so many rounds.
    pub gap: u64,
    /// The relative improvement below which an objective has converged.
    pub improvement: f64,
    /// The relative degradation above which it is in training again.
    pub degradation: f64,
    /// The number of evaluations that an improvement is measured over.
    pub evaluations: u64,
}

impl Options for StopAndGo {
    const NAME: &'static str = "stop-and-go";
    const KEYS: &'static [Key] = &[
        Key::with_default(
            "gap",
            ValueType::Within(1, 1_000_000),
            "4",
            "for stop-and-go: a group that has stopped takes part in one of so many rounds",
        ),
        Key::with_default(
            "improvement",
            ValueType::Number(0.0, MAX_NUMBER),
            "0.001",
            "for stop-and-go: relative improvement on dev below which an objective has converged",
        ),
        Key::with_default(
            "degradation",
            ValueType::Number(0.0, MAX_NUMBER),
            "0.005",
            "for stop-and-go: relative degradation on dev above which its group is drawn in each round again",
        ),
        Key::with_default(
            "evaluations",
            ValueType::Within(1, 1_000),
            "2",
            "for stop-and-go: number of evaluations that an improvement is measured over",
        ),
    ];

    fn from_values(values: &[f64]) -> Self {
        let &[gap, improvement, degradation, evaluations] = values else {
            unreachable!("one value for each key")
        };
        Self { gap: gap as u64, improvement, degradation, evaluations: evaluations as u64 }
    }

    fn values(&self) -> Vec<f64> {
        vec![self.gap as f64, self.improvement, self.degradation, self.evaluations as f64]
    }
}

impl StopAndGo {
    /// The group of a step, by index: in the first of `gap` rounds every group, in the others those that have not stopped.
    pub(super) fn draw(self, stopped: &[bool], step: u64) -> usize {
        let going: Vec<usize> = (0..stopped.len()).filter(|&at| !stopped[at]).collect();
        let n = stopped.len() as u64;
        let at = step % self.cycle(stopped);
        if at < n { at as usize } else { going[((at - n) % going.len() as u64) as usize] }
    }

    /// The fraction of the steps that draw each group.
    pub(super) fn rates(self, stopped: &[bool]) -> Vec<f64> {
        let cycle = self.cycle(stopped) as f64;
        let all_stopped = stopped.iter().all(|stopped| *stopped);
        let n_drawn = |stopped: &bool| if *stopped || all_stopped { 1.0 } else { self.gap as f64 };
        stopped.iter().map(|stopped| n_drawn(stopped) / cycle).collect()
    }

    /// The number of steps after which the order begins again.
    fn cycle(self, stopped: &[bool]) -> u64 {
        let n_going = stopped.iter().filter(|stopped| !**stopped).count() as u64;
        stopped.len() as u64 + (self.gap - 1) * n_going
    }
}

/// What the rule remembers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct StopAndGoMemory {
    objectives: BTreeMap<ObjectiveId, Convergence>,
    stopped: BTreeSet<String>,
}

/// The progress of an objective.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Convergence {
    /// The best value up to each of the latest evaluations, oldest first, while it is in training; the last one otherwise.
    bests: Vec<f32>,
    converged: bool,
}

impl StopAndGoMemory {
    /// Whether the group has stopped.
    pub(super) fn is_stopped(&self, group: &str) -> bool {
        self.stopped.contains(group)
    }

    /// Records the scores of an evaluation.
    pub(super) fn evaluated(&mut self, rule: StopAndGo, scores: &[DevScore]) {
        for score in scores {
            self.objectives.entry(score.objective.clone()).or_default().evaluated(rule, score);
        }
        // A group without scores, as it is muted, stays as it was.
        let groups: BTreeSet<&str> = scores.iter().map(|score| score.group.as_str()).collect();
        for group in groups {
            let mut of_group = scores.iter().filter(|score| score.group == group);
            if of_group.all(|score| self.objectives[&score.objective].converged) {
                self.stopped.insert(group.to_owned());
            } else {
                self.stopped.remove(group);
            }
        }
    }
}

impl Convergence {
    fn evaluated(&mut self, rule: StopAndGo, score: &DevScore) {
        let DevScore { value, direction, .. } = *score;
        let before = self.bests.last().copied();
        let best = before.filter(|best| !direction.is_better(value, *best)).unwrap_or(value);
        if self.converged {
            self.bests = vec![best];
            self.converged = -improvement(best, value, direction) <= rule.degradation;
            return;
        }
        self.bests.push(best);
        let n_before = rule.evaluations as usize;
        if self.bests.len() > n_before {
            self.bests.drain(..self.bests.len() - 1 - n_before);
            self.converged = improvement(self.bests[0], best, direction) < rule.improvement;
        }
    }
}

/// How much better `new` is than `old`, relative to the latter.
fn improvement(old: f32, new: f32, direction: Direction) -> f64 {
    let (old, new) = (f64::from(old), f64::from(new));
    let difference = match direction {
        Direction::Higher => new - old,
        Direction::Lower => old - new,
    };
    // Any difference from 0 is large.
    if difference == 0.0 { 0.0 } else { difference / old.abs().max(f64::MIN_POSITIVE) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: StopAndGo =
        StopAndGo { gap: 4, improvement: 0.001, degradation: 0.005, evaluations: 2 };

    fn score(objective: &str, group: &str, value: f32, direction: Direction) -> DevScore {
        DevScore { objective: objective.into(), group: group.into(), value, direction }
    }

    /// Whether the group has stopped after each of these values of one objective.
    fn stopped(values: &[f32], direction: Direction) -> Vec<bool> {
        let mut memory = StopAndGoMemory::default();
        let after = values.iter().map(|&value| {
            memory.evaluated(RULE, &[score("chunk", "news", value, direction)]);
            memory.is_stopped("news")
        });
        after.collect()
    }

    #[test]
    fn an_objective_converges_and_diverges_at_the_limits() {
        // From 90 to 90.08 over two evaluations is 0.089 %; 89.63 is 0.5 % below 90.08, 89.62 more.
        let values = [80.0, 90.0, 90.05, 90.08, 90.08, 89.64, 89.62, 89.62, 89.62];
        let wanted = [false, false, false, true, true, true, false, false, true];
        assert_eq!(stopped(&values, Direction::Higher), wanted);
        let perplexities = [50.0, 40.0, 39.99, 39.98, 40.1, 40.2];
        let wanted = [false, false, false, true, true, false];
        assert_eq!(stopped(&perplexities, Direction::Lower), wanted);
        assert_eq!(stopped(&[0.0; 3], Direction::Higher), [false, false, true]);
        assert_eq!(stopped(&[0.0, 0.0, 1e-9], Direction::Higher), [false; 3]);
    }

    #[test]
    fn a_group_stops_with_the_last_of_its_objectives() {
        let mut memory = StopAndGoMemory::default();
        let mut evaluated = |chunk: f32, pos: f32| {
            let higher = Direction::Higher;
            let scores = [score("chunk", "news", chunk, higher), score("pos", "news", pos, higher)];
            memory.evaluated(RULE, &scores);
            memory.is_stopped("news")
        };
        let values = [(50.0, 50.0), (50.0, 60.0), (50.0, 70.0), (50.0, 70.0), (50.0, 70.0)];
        assert_eq!(values.map(|(a, b)| evaluated(a, b)), [false, false, false, false, true]);
        memory.evaluated(RULE, &[score("web", "web", 50.0, Direction::Higher)]);
        assert!(memory.is_stopped("news"), "it had no score, as if it was muted");
    }

    /// The first of four rounds has all three groups, the others the two that go.
    #[test]
    fn a_group_that_has_stopped_is_drawn_in_one_of_gap_rounds() {
        let draws = |stopped: &[bool], n: u64| -> Vec<usize> {
            (0..n).map(|step| RULE.draw(stopped, step)).collect()
        };
        let one = [false, true, false];
        assert_eq!(draws(&one, 11), [0, 1, 2, 0, 2, 0, 2, 0, 2, 0, 1]);
        assert_eq!(draws(&[true; 2], 4), [0, 1, 0, 1]);
        assert_eq!(draws(&[false; 2], 4), [0, 1, 0, 1]);
        for stopped in [&one[..], &[true; 3], &[false; 3], &[true, false]] {
            let n_steps = 9 * 8 * 7 * 5 * 4;
            let draws = draws(stopped, n_steps);
            for (at, rate) in RULE.rates(stopped).into_iter().enumerate() {
                let n = draws.iter().filter(|drawn| **drawn == at).count() as f64;
                assert!((n / n_steps as f64 - rate).abs() < 1e-12, "{stopped:?} {at}");
            }
        }
    }
}
