//! Sampling of groups for each step; [`super::stream`] orders the examples of each corpus.

mod bandit;
mod error;
mod interference;
mod memory;
mod options;
mod rule;
mod score;
mod stop_and_go;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

pub use bandit::Bandit;
pub use error::{MIN_TEMPERATURE, RuleError};
pub use interference::Interference;
pub use memory::SamplingMemory;
pub use options::Options;
pub use rule::Rule;
pub use score::{DevScore, TrackedScore};
pub use stop_and_go::StopAndGo;

use super::{Purpose, draw, draw::unit};
use crate::{protocol::id::Step, schedule::Schedule};

/// How the steps of a run choose among the groups.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampling {
    /// By a fixed rule.
    Constant(Rule),
    /// By a temperature that changes with the step (Stickland and Murray 2019).
    Annealed(Schedule),
}

impl Sampling {
    /// The names that a recipe can give as a string.
    pub const NAMES: &[&str] = &[
        "proportional",
        "uniform",
        "round-robin",
        "all",
        "stages",
        StopAndGo::NAME,
        Bandit::NAME,
        Interference::NAME,
    ];
    /// The kinds that a recipe can give as a table.
    pub const TABLES: &[&str] = &[
        "temperature",
        "annealed",
        "fixed",
        "stages",
        StopAndGo::NAME,
        Bandit::NAME,
        Interference::NAME,
    ];

    /// The rule for the update after `step` others.
    pub fn at(&self, step: Step) -> Cow<'_, Rule> {
        match self {
            Self::Constant(rule) => Cow::Borrowed(rule),
            Self::Annealed(temperature) => Cow::Owned(Rule::Temperature(temperature.at(step.0))),
        }
    }

    /// The same rule for display: a scheduled temperature is rounded to six decimals.
    pub fn rounded(&self, step: Step) -> Cow<'_, Rule> {
        match self.annealed(step) {
            Some(temperature) => Cow::Owned(Rule::Temperature(temperature)),
            None => self.at(step),
        }
    }

    /// The displayed temperature of the update after `step` others, if a schedule changes it.
    pub fn annealed(&self, step: Step) -> Option<f64> {
        match self {
            Self::Constant(_) => None,
            Self::Annealed(temperature) => Some((temperature.at(step.0) * 1e6).round() / 1e6),
        }
    }
}

/// Objectives that are drawn together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorpusGroup {
    /// Its name in the recipe; by default its corpus's.
    pub name: String,
    /// The number of training examples of its corpora.
    pub size: u64,
    /// The number of batches in an epoch of its corpora, of the largest if they differ; at least 1.
    pub n_batches: u64,
    /// The corpora from which it draws one batch each, by index in the recipe.
    pub corpora: Vec<usize>,
    /// Whether the main objective is one of them.
    pub has_main: bool,
}

/// Chooses among the groups that have an active objective.
#[derive(Clone, Debug)]
pub struct Sampler<'a> {
    seed: u64,
    sampling: &'a Sampling,
    groups: Vec<CorpusGroup>,
    memory: Cow<'a, SamplingMemory>,
    measured_every: u64,
}

impl<'a> Sampler<'a> {
    /// A sampler over groups in the recipe's order, at the start of a run without measured gradients.
    pub fn new(seed: u64, sampling: &'a Sampling, groups: Vec<CorpusGroup>) -> Self {
        let memory = Cow::Owned(SamplingMemory::default());
        Self { seed, sampling, groups, memory, measured_every: 0 }
    }

    /// The same sampler with this memory, where gradients are measured at every N-th step, or never with 0.
    #[must_use]
    pub fn following(self, memory: &'a SamplingMemory, measured_every: u64) -> Self {
        Self { memory: Cow::Borrowed(memory), measured_every, ..self }
    }

    /// The groups of a step, by index. A function of (seed, step, groups, memory).
    pub fn draw(&self, step: Step) -> Vec<usize> {
        let n_groups = self.groups.len();
        let turn = self.memory.turn(step, 0);
        match &*self.sampling.at(step) {
            _ if n_groups == 0 => Vec::new(),
            Rule::StopAndGo(rule) => vec![rule.draw(&self.stopped(), turn)],
            Rule::Bandit(_) => vec![Bandit::draw(self.main(), self.companion_idx(), turn)],
            Rule::Interference(rule) => {
                let is_measured =
                    self.measured_every > 0 && (step.0 + 1).is_multiple_of(self.measured_every);
                let mut sets = self.sets(*rule);
                let turn = self.memory.turn(step, self.measured_every);
                let set = (turn % sets.len() as u64) as usize;
                if is_measured { (0..n_groups).collect() } else { sets.swap_remove(set) }
            }
            Rule::All => (0..n_groups).collect(),
            Rule::RoundRobin => vec![(step.0 % n_groups as u64) as usize],
            Rule::Stages(order) => vec![self.in_stages(order, step).1],
            rule => {
                let draw = unit(&mut draw(self.seed, Purpose::Sampling, "", step.0));
                vec![pick(&self.weights(rule), draw)]
            }
        }
    }

    /// The stage of a step in stages: how many rounds of all groups are complete, and the group, by index; `None` for
    /// another rule.
    pub fn stage(&self, step: Step) -> Option<(u64, usize)> {
        match &*self.sampling.at(step) {
            Rule::Stages(order) if !self.groups.is_empty() => Some(self.in_stages(order, step)),
            _ => None,
        }
    }

    fn companion_idx(&self) -> usize {
        self.memory.bandit.companion(self.seed, self.names())
    }

    fn main(&self) -> Option<usize> {
        self.groups.iter().position(|group| group.has_main)
    }

    fn stopped(&self) -> Vec<bool> {
        self.names().map(|group| self.memory.stop_and_go.is_stopped(group)).collect()
    }

    fn sets(&self, rule: Interference) -> Vec<Vec<usize>> {
        self.memory.interference.sets(rule, &self.names().collect::<Vec<_>>())
    }

    fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.groups.iter().map(|group| group.name.as_str())
    }

    fn in_stages(&self, order: &[String], step: Step) -> (u64, usize) {
        let place = |group: &CorpusGroup| order.iter().position(|name| *name == group.name);
        let mut groups: Vec<usize> = (0..self.groups.len()).collect();
        groups.sort_by_key(|&at| place(&self.groups[at]).unwrap_or(order.len()));
        let n_steps: u64 = self.groups.iter().map(|group| group.n_batches).sum();
        let round = step.0.checked_div(n_steps).unwrap_or_default();
        let mut left = step.0.checked_rem(n_steps).unwrap_or_default();
        let is_drawn = |&at: &usize| match left.checked_sub(self.groups[at].n_batches) {
            Some(beyond) => {
                left = beyond;
                false
            }
            None => true,
        };
        let group = groups.into_iter().find(is_drawn);
        (round, group.expect("a step is within the sum of all stages"))
    }

    /// The probability of each group in that step, or its fraction of the steps where groups take turns; they sum to
    /// 1, or to more if steps draw several groups.
    pub fn rates(&self, step: Step) -> Vec<f64> {
        let n_groups = self.groups.len();
        match &*self.sampling.at(step) {
            _ if n_groups == 0 => Vec::new(),
            Rule::All => vec![1.0; n_groups],
            Rule::StopAndGo(rule) => rule.rates(&self.stopped()),
            Rule::Bandit(_) => Bandit::rates(self.main(), self.companion_idx(), n_groups),
            Rule::Interference(rule) => {
                let by_turn = 1.0 / self.sets(*rule).len() as f64;
                let measured =
                    if self.measured_every > 0 { 1.0 / self.measured_every as f64 } else { 0.0 };
                vec![by_turn + (1.0 - by_turn) * measured; n_groups]
            }
            rule => {
                let weights = self.weights(rule);
                let total: f64 = weights.iter().sum();
                weights.iter().map(|weight| weight / total).collect()
            }
        }
    }

    /// Unnormalized probabilities of the groups, with a positive sum.
    fn weights(&self, rule: &Rule) -> Vec<f64> {
        let largest = self.groups.iter().map(|group| group.size).max().unwrap_or(0);
        let weight = |group: &CorpusGroup| match rule {
            Rule::Proportional => group.size as f64,
            // Relative to the largest, so that a low temperature does not overflow.
            Rule::Temperature(temperature) => {
                (group.size as f64 / largest as f64).powf(temperature.recip())
            }
            Rule::Fixed(draws) => draws.get(&group.name).copied().unwrap_or(0.0),
            Rule::Stages(_) => group.n_batches as f64,
            Rule::Uniform
            | Rule::RoundRobin
            | Rule::All
            | Rule::StopAndGo(_)
            | Rule::Bandit(_)
            | Rule::Interference(_) => 1.0,
        };
        let weights: Vec<f64> = self.groups.iter().map(weight).collect();
        if weights.iter().sum::<f64>() > 0.0 {
            return weights;
        }
        // All groups that the rule draws are muted, and only groups that it never draws are active:
        // a step must draw something.
        vec![1.0; self.groups.len()]
    }
}

/// The index that a uniform value in [0, 1) selects.
fn pick(weights: &[f64], draw: f64) -> usize {
    let mut left = draw * weights.iter().sum::<f64>();
    for (place, &weight) in weights.iter().enumerate() {
        if left < weight {
            return place;
        }
        left -= weight;
    }
    // Rounding may exceed the sum; a weight of 0 is still never drawn.
    weights.iter().rposition(|&weight| weight > 0.0).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Shape;

    const GROUPS: [(&str, u64); 3] = [("news", 900), ("web", 100), ("talk", 0)];

    fn rule(text: &str) -> Sampling {
        Sampling::Constant(text.parse().unwrap())
    }

    /// A sampler over the active ones of the three groups.
    fn sampler(sampling: &Sampling, active: [bool; 3]) -> Sampler<'_> {
        let groups = GROUPS.iter().zip(active).filter(|(_, is_active)| *is_active);
        let group = |(&(name, size), _): (&(&str, u64), bool)| {
            let n_batches = size.div_ceil(300).max(1);
            let has_main = name == "web";
            CorpusGroup { name: String::from(name), size, n_batches, corpora: vec![0], has_main }
        };
        Sampler::new(1, sampling, groups.map(group).collect())
    }

    /// How often each of the three groups is drawn.
    fn counts(sampling: &Sampling, active: [bool; 3]) -> [usize; 3] {
        let sampler = sampler(sampling, active);
        let mut counts = [0; 3];
        for group in (0..10_000).flat_map(|step| sampler.draw(Step(step))) {
            let name = &sampler.groups[group].name;
            counts[GROUPS.iter().position(|(other, _)| other == name).unwrap()] += 1;
        }
        counts
    }

    #[track_caller]
    fn assert_near(counts: [usize; 3], wanted: [f64; 3]) {
        for (&count, wanted) in counts.iter().zip(wanted) {
            assert!((count as f64 / 10_000.0 - wanted).abs() < 0.02, "{counts:?}");
        }
    }

    #[test]
    fn rates_follow_the_rule_among_active_groups() {
        let all = [true; 3];
        assert_near(counts(&rule("proportional"), all), [0.9, 0.1, 0.0]);
        assert_near(counts(&rule("uniform"), [true, false, true]), [0.5, 0.0, 0.5]);
        // 900^(1/2) = 30 and 100^(1/2) = 10.
        assert_near(counts(&rule("temperature 2"), all), [0.75, 0.25, 0.0]);
        assert_near(counts(&rule("temperature 0.01"), all), [1.0, 0.0, 0.0]);
        // From proportional to uniform: 30² to 1 over the steps.
        let annealed = Sampling::Annealed(Schedule::Ramp {
            shape: Shape::Linear,
            from: 1.0,
            to: 1e9,
            steps: 100,
            since: 0,
        });
        let rates = |step| sampler(&annealed, all).rates(Step(step));
        for (step, wanted) in [(0, [0.9, 0.1, 0.0]), (100, [0.5, 0.5, 0.0])] {
            for (rate, wanted) in rates(step).iter().zip(wanted) {
                assert!((rate - wanted).abs() < 1e-6, "step {step}: {rate}, expected {wanted}");
            }
        }
        let fixed = rule("fixed news=0.8 web=0.1 talk=0.1");
        assert_near(counts(&fixed, all), [0.8, 0.1, 0.1]);
        assert_near(counts(&fixed, [false, true, true]), [0.0, 0.5, 0.5]);
        assert_eq!(sampler(&fixed, [false, true, true]).rates(Step(0)), [0.5, 0.5]);
    }

    /// Over 10,000 steps, whatever the interval of measurements and the number of sets.
    #[test]
    fn rules_that_follow_progress_draw_at_their_rates() {
        let mut memory = SamplingMemory::new(Step(7));
        memory.measured("news", "web", -0.5);
        memory.measured("news", "talk", -0.5);
        memory.measured("web", "talk", -0.5);
        for (text, every) in [
            ("interference", 0),
            ("interference", 2),
            ("interference", 3),
            ("interference", 20),
            ("interference min_cosine=-0.5", 4),
            ("bandit", 0),
            ("stop-and-go", 0),
        ] {
            let rule = rule(text);
            let sampler = sampler(&rule, [true; 3]).following(&memory, every);
            let mut counts = [0.0; 3];
            for group in (7..10_007).flat_map(|step| sampler.draw(Step(step))) {
                counts[group] += 1.0;
            }
            for (count, rate) in counts.into_iter().zip(sampler.rates(Step(7))) {
                let rate = rate * 10_000.0;
                assert!((count - rate).abs() < 3.0, "{text} {every}: {count}, expected {rate}");
            }
        }
    }

    #[test]
    fn round_robin_alternates_and_all_draws_all() {
        let robin = rule("round-robin");
        let robin = sampler(&robin, [true, false, true]);
        let turns: Vec<_> = (0..4).flat_map(|step| robin.draw(Step(step))).collect();
        assert_eq!(turns, [0, 1, 0, 1]);
        assert_eq!(sampler(&rule("all"), [true, true, false]).draw(Step(7)), [0, 1]);
    }

    /// Three batches of news, one each of the others.
    #[test]
    fn stages_draw_an_epoch_of_each_group_in_turn() {
        let drawn = |text: &str, active: [bool; 3]| -> Vec<usize> {
            let stages = rule(text);
            let sampler = sampler(&stages, active);
            (0..7).flat_map(|step| sampler.draw(Step(step))).collect()
        };
        assert_eq!(drawn("stages", [true; 3]), [0, 0, 0, 1, 2, 0, 0]);
        assert_eq!(drawn("stages talk web news", [true; 3]), [2, 1, 0, 0, 0, 2, 1]);
        // Groups without a place come last, and inactive ones have no stage.
        assert_eq!(drawn("stages talk", [true; 3]), [2, 0, 0, 0, 1, 2, 0]);
        assert_eq!(drawn("stages talk", [true, true, false]), [0, 0, 0, 1, 0, 0, 0]);
        let stages = rule("stages web");
        assert_eq!(sampler(&stages, [true; 3]).rates(Step(0)), [0.6, 0.2, 0.2]);
        // web, news three times, talk, and again.
        let found = [0, 1, 3, 4, 5].map(|step| sampler(&stages, [true; 3]).stage(Step(step)));
        assert_eq!(found, [(0, 1), (0, 0), (0, 0), (0, 2), (1, 1)].map(Some));
        assert_eq!(sampler(&rule("uniform"), [true; 3]).stage(Step(0)), None);
    }

    #[test]
    fn a_step_draws_an_active_group_if_there_is_one() {
        let fixed = rule("fixed news=1");
        assert_near(counts(&fixed, [false, true, true]), [0.0, 0.5, 0.5]);
        assert_eq!(sampler(&fixed, [false; 3]).draw(Step(0)), [0; 0]);
    }

    #[test]
    fn an_annealed_temperature_is_reported_with_its_current_value() {
        let (shape, from, to, steps, since) = (Shape::Linear, 1.0, 2.0, 3, 0);
        let annealed = Sampling::Annealed(Schedule::Ramp { shape, from, to, steps, since });
        let rounded = [0, 1, 3].map(|step| annealed.rounded(Step(step)).to_string());
        assert_eq!(rounded, ["temperature 1", "temperature 1.333333", "temperature 2"]);
        assert_eq!(rule("uniform").rounded(Step(1)).to_string(), "uniform");
        assert_eq!(rule("temperature 2").annealed(Step(1)), None);
    }
}
